"""Tables of every layout give the same pairs, and mistakes are told with file and line."""

import gzip
import importlib.util
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from steelyard.core.errors import StoreError
from tests.weigh.results.given import csv, jsonl, mistakes, pairs_of, scores

ROWS = [("i1", "a", 1), ("i1", "b", 0), ("i2", "a", 0), ("i2", "b", 1), ("i3", "a", 1), ("i3", "b", None)]
BOUNDS = "scores lie between -1e+100 and 1e+100"
PAIRS = [("i1", 1.0, 0.0), ("i2", 0.0, 1.0)]


def _long(path: Path, rows: object = ROWS) -> str:
    return csv(path, "item,model,score", rows)  # type: ignore[arg-type]


def test_a_long_table_is_read(tmp_path: Path) -> None:
    pairs = pairs_of(_long(tmp_path / "long.csv"))
    assert scores(pairs) == PAIRS


def test_a_wide_table_is_read_and_empty_is_missing(tmp_path: Path) -> None:
    file = csv(tmp_path / "wide.csv", "id,a,b,c", [("i1", 1, 0, 1), ("i2", 0, 1, 1), ("i3", 1, None, 1)])
    assert scores(pairs_of(file)) == PAIRS


@pytest.mark.parametrize(
    ("name", "pack"), [("t.csv.gz", gzip.compress), ("t.csv.xz", lzma.compress), ("t", gzip.compress)]
)
def test_a_packed_table_is_read_and_a_broken_one_refused(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    plain = Path(_long(tmp_path / "long.csv")).read_bytes()
    (tmp_path / name).write_bytes(pack(plain))
    assert scores(pairs_of(str(tmp_path / name))) == PAIRS
    (tmp_path / name).write_bytes(pack(plain)[:-9])
    assert "it cannot be unpacked" in mistakes(str(tmp_path / name))[0]
    (tmp_path / "other.csv.gz").write_bytes(plain)
    assert "begins like neither gzip nor xz" in mistakes(str(tmp_path / "other.csv.gz"))[0]


@pytest.mark.parametrize("layout", ["lines", "list", "pretty"])
def test_json_of_every_layout_is_read(tmp_path: Path, layout: str) -> None:
    rows = [{"item": item, "model": model, "score": score} for item, model, score in ROWS]
    texts = {
        "lines": "".join(json.dumps(row) + "\n" for row in rows),
        "list": json.dumps(rows),
        "pretty": json.dumps(rows, indent=2),
    }
    (tmp_path / "given.json").write_text(texts[layout], encoding="utf-8")
    assert scores(pairs_of(str(tmp_path / "given.json"))) == PAIRS


def test_json_of_a_wide_table_is_read(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "wide.jsonl", [{"id": 1, "a": True, "b": False}, {"id": 2, "a": 0.5, "b": None}])
    assert scores(pairs_of(file)) == [("1", 1.0, 0.0)]


def test_objects_in_objects_are_columns_by_their_path(tmp_path: Path) -> None:
    rows = [{"id": n, "a": 1, "b": n % 2, "metadata": {"language": "de" if n < 5 else "en"}} for n in range(9)]
    pairs = pairs_of(jsonl(tmp_path / "given.jsonl", rows), slices=("metadata.language",))
    assert [(one.value, len(one.rows)) for one in pairs.slices] == [("de", 5), ("en", 4)]


def test_several_files_are_one_table(tmp_path: Path) -> None:
    one = _long(tmp_path / "one.csv", [row for row in ROWS if row[1] == "a"])
    other = jsonl(tmp_path / "other.jsonl", [{"item": i, "model": m, "score": s} for i, m, s in ROWS if m == "b"])
    assert scores(pairs_of(one, other)) == PAIRS


def test_a_file_that_names_no_model_gets_its_name_from_the_command_line(tmp_path: Path) -> None:
    one = csv(tmp_path / "one.csv", "item,score", [("i1", 1), ("i2", 0)])
    other = csv(tmp_path / "other.csv", "item,score", [("i1", 0), ("i2", 1)])
    assert scores(pairs_of(f"a={one}", f"b={other}")) == PAIRS


def test_a_file_whose_name_has_an_equals_sign_is_a_file(tmp_path: Path) -> None:
    assert scores(pairs_of(_long(tmp_path / "a=b.csv"))) == PAIRS


def test_tabs_semicolons_quotes_and_windows_lines_are_read(tmp_path: Path) -> None:
    texts = {
        "tabs.tsv": "item\tmodel\tscore\ni1\ta\t1\ni1\tb\t0\ni2\ta\t0\ni2\tb\t1\n",
        "semicolons.csv": "item;model;score\ni1;a;1\ni1;b;0\ni2;a;0\ni2;b;1",
        "quoted.csv": '"item","model","score"\n"i1","a","1"\n"i1","b",0\n\n"i2",a,0\ni2,b,1\n',
        "windows.csv": "\ufeffitem,model,score\r\ni1,a,1\r\ni1,b,0\r\ni2,a,0\r\ni2,b,1\r\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.encode())
        assert scores(pairs_of(str(tmp_path / name))) == PAIRS, name


def test_texts_with_commas_and_line_ends_name_items(tmp_path: Path) -> None:
    file = tmp_path / "given.csv"
    file.write_text('prompt,a,b\n"Say ""hi"",\nplease",1,0\n"Then, go",0,1\n', encoding="utf-8")
    assert scores(pairs_of(str(file))) == [('Say "hi",\nplease', 1.0, 0.0), ("Then, go", 0.0, 1.0)]


def test_words_are_scores(tmp_path: Path) -> None:
    rows = [
        ("i1", "True", "false"),
        ("i2", "CORRECT", "incorrect"),
        ("i3", "pass", "fail"),
        ("i4", "NaN", "1"),
        ("i5", "n/a", 1),
    ]
    assert scores(pairs_of(csv(tmp_path / "w.csv", "item,a,b", rows))) == [(f"i{n}", 1.0, 0.0) for n in (1, 2, 3)]


def test_a_number_names_the_same_item_however_it_is_written(tmp_path: Path) -> None:
    one = jsonl(tmp_path / "one.jsonl", [{"id": 7.0, "model": "a", "score": 1}])
    other = csv(tmp_path / "other.csv", "id,model,score", [(7, "b", 0)])
    assert scores(pairs_of(one, other)) == [("7", 1.0, 0.0)]


def test_parquet_is_read_or_its_extra_is_named(tmp_path: Path) -> None:
    file = tmp_path / "given.parquet"
    if importlib.util.find_spec("pyarrow") is None:
        file.write_bytes(b"PAR1 and so on")
        assert mistakes(str(file)) == (f"{file}: reading Parquet needs pyarrow: pip install 'steelyard[parquet]'",)
        return
    pyarrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))
    items, models, given = ([row[place] for row in ROWS] for place in range(3))
    parquet.write_table(pyarrow.table({"item": items, "model": models, "score": given}), file)
    assert scores(pairs_of(str(file))) == PAIRS
    broken = bytearray(file.read_bytes())
    broken[20:60] = bytes(40)
    file.write_bytes(broken)
    assert mistakes(str(file))[0].startswith(f"{file}: ")
    file.write_bytes(b"PAR1 and so on")
    assert "it cannot be read as Parquet" in mistakes(str(file))[0]
    twice = pyarrow.table([pyarrow.array(one) for one in (items, given, given)], names=["item", "a", "a"])
    parquet.write_table(twice, file)
    assert mistakes(str(file)) == (f'{file}: the column "a" stands there twice',)


def test_scores_that_are_none_are_told_by_line(tmp_path: Path) -> None:
    file = csv(tmp_path / "w.csv", "item,a,b", [("i1", 1, "good"), ("i2", "inf", 1), ("i3", 1, 1)])
    assert mistakes(file) == (f'{file}:3: a: "inf" is no score: {BOUNDS}',)
    assert mistakes(file, baseline="b", candidate="a") == (f'{file}:2: b: "good" is no score',)


def test_scores_whose_squares_nobody_can_add_up_are_none(tmp_path: Path) -> None:
    file = csv(tmp_path / "w.csv", "item,a,b", [("i1", 1, "1e308"), ("i2", "-1e308", 1), ("i3", 1, "1e99")])
    assert mistakes(file) == (f'{file}:3: a: "-1e308" is no score: {BOUNDS}',)


def test_lines_are_counted_through_quoted_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "given.csv"
    file.write_text('item,a,b\n"one\ntwo\nthree",1,1\ni2,1,what\n', encoding="utf-8")
    assert mistakes(str(file), baseline="b", candidate="a") == (f'{file}:5: b: "what" is no score',)


def test_the_first_of_json_lines_may_hold_what_python_alone_writes(tmp_path: Path) -> None:
    file = tmp_path / "w.jsonl"
    lines = [f'{{"item": "i{n}", "a": {n % 2}, "b": {"NaN" if n == 1 else 1 - n % 2}}}' for n in (1, 2, 3)]
    file.write_text("\n".join(lines))
    assert scores(pairs_of(str(file))) == [("i2", 0.0, 1.0), ("i3", 1.0, 0.0)]


def test_half_a_surrogate_pair_is_told_by_line(tmp_path: Path) -> None:
    file = tmp_path / "w.jsonl"
    file.write_text('{"item": "\\ud800", "a": 1, "b": 0}\n{"item": "i2", "a": 1, "b": 0}\n')
    told = "half of a surrogate pair stands in a text, which is no character"
    assert mistakes(str(file)) == (f"{file}:1: no JSON: {told}",)


def test_of_many_mistakes_the_first_twenty_are_told(tmp_path: Path) -> None:
    file = csv(tmp_path / "w.csv", "item,a,b", [(f"i{n}", "bad", 1) for n in range(50)])
    told = mistakes(file)
    assert len(told) == 21
    assert told[-1] == "… and 30 more like these."


def test_two_scores_of_one_item_contradict_each_other(tmp_path: Path) -> None:
    file = _long(tmp_path / "long.csv", [*ROWS, ("i1", "a", 0)])
    (told,) = mistakes(file)
    assert told.startswith(f'{file}:8: item "i1" of a has the score 0, and 1 at {file}:2.')
    assert "`epoch` or `repeat`" in told


def test_runs_of_an_item_are_averaged(tmp_path: Path) -> None:
    rows = [
        ("i1", "a", 1, 1),
        ("i1", "a", 2, 0),
        ("i1", "b", 1, 1),
        ("i1", "b", 2, None),
        ("i2", "a", 1, 1),
        ("i2", "b", 1, 0),
    ]
    file = csv(tmp_path / "long.csv", "item,model,epoch,score", rows)
    pairs = pairs_of(file)
    assert scores(pairs) == [("i1", 0.5, 1.0), ("i2", 1.0, 0.0)]
    assert [side.repeats for side in pairs.sides] == [1, 1]
    assert scores(pairs_of(file, missing="fail")) == [("i1", 0.5, 0.5), ("i2", 1.0, 0.0)]


def test_the_same_row_twice_counts_once(tmp_path: Path) -> None:
    pairs = pairs_of(_long(tmp_path / "long.csv", [*ROWS, ("i1", "a", 1), ("i3", "b", None)]))
    assert scores(pairs) == PAIRS
    assert [side.duplicates for side in pairs.sides] == [1, 1]


def test_an_unknown_model_is_told_with_the_nearest(tmp_path: Path) -> None:
    file = csv(tmp_path / "w.csv", "item,topic,gpt-4o,llama-3", [("i1", "x", 1, 0), ("i2", "y", 1, 0)])
    (told,) = mistakes(file, baseline="gpt4o", candidate="llama-3")
    assert told == 'No results of "gpt4o"; did you mean "gpt-4o"? The files hold: gpt-4o, llama-3'


def test_one_model_is_not_two(tmp_path: Path) -> None:
    assert "is both baseline and candidate" in mistakes(_long(tmp_path / "long.csv"), candidate="a")[0]


def test_items_that_do_not_meet_are_told_by_example(tmp_path: Path) -> None:
    rows = [("x1", "a", 1), ("x2", "a", 1), ("y1", "b", 1)]
    (told,) = mistakes(_long(tmp_path / "long.csv", rows))
    assert told == 'No item has results of both models. a has 2 items like "x1", b has 1 like "y1".'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "{file}: it is empty"),
        ("item,a,b\n", "{file}: it holds no rows below its head"),
        ("item,a,b\ni1,1\ni2,1,0\n", "{file}:2: 2 cells, and the head has 3"),
        ('item,a,b\ni1,1,"0\n', "{file}:2: unexpected end of data"),
        ("item,a,a\ni1,1,0\n", '{file}:1: the column "a" stands there twice'),
        ("name,a,b\ni1,1,0\n", "{file}: no column names the items (item, item_id, id,"),
        ("item,a,b\n,1,0\n", "{file}:2: item: no item"),
        ("item,model,grade\ni1,a,1\n", "{file}: no column names the scores (score, correct,"),
        ("item,model,score\ni1,,1\n", "{file}:2: no model is named"),
        ('{"item": "i1"}\n{"item": \n', "{file}:2: no JSON: "),
        ('{"item": "i1"}\n[1]\n', "{file}:2: no object"),
        ("[1, 2]", "{file}: entry 1: no object"),
        ('{"some": "object",\n"of": "no tool"}', "{file}: a JSON object that is no log of Inspect"),
        ("PK\x03\x04broken", "{file}: the archive is broken"),
    ],
)
def test_a_file_that_is_wrong_is_told_so(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "given"
    file.write_text(text, encoding="utf-8")
    assert mistakes(str(file))[0].startswith(told.format(file=file))


def test_a_file_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        pairs_of(str(tmp_path / "gone.csv"))


def test_no_utf_8_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "given.csv").write_bytes(b"item,a,b\n\xff,1,0\n")
    assert "no UTF-8 at byte 9" in mistakes(str(tmp_path / "given.csv"))[0]


def test_columns_are_named_where_their_names_do_not_tell(tmp_path: Path) -> None:
    file = csv(tmp_path / "l.csv", "key,model,grade", [("i1", "a", 1), ("i1", "b", 0), ("i2", "a", 0), ("i2", "b", 1)])
    assert scores(pairs_of(file, item="key", score="grade")) == PAIRS
    assert 'no column is called "kay"; did you mean "key"?' in mistakes(file, item="kay")[0]


def test_the_hash_is_that_of_what_was_read(tmp_path: Path) -> None:
    from hashlib import sha256

    from steelyard.weigh.results.read import read_results

    one, other = _long(tmp_path / "one.csv"), _long(tmp_path / "other.csv", ROWS[:2])
    digests = [sha256(Path(file).read_bytes()).hexdigest() for file in (one, other)]
    assert read_results([one]).sha256 == digests[0]
    assert read_results([one, other]).sha256 == sha256("\n".join(digests).encode()).hexdigest()

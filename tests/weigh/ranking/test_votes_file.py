"""Reading votes: what is taken, what is refused, and where."""

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.ranking.votes_file import Wanted, holds_votes, read_votes

HEAD = "model_a,model_b,winner,prompt,rater,length_a,length_b\n"
ROWS = ("A,B,a,p1,r1,10,30", "B,C,model_b,p1,r2,20,20", "C,A,TIE,p2,r1,0,0", "A,C,both_bad,p2,r2,5,15")


def written(folder: Path, text: str, name: str = "votes.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path, wanted: Wanted | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        read_votes([path], wanted or Wanted())
    return str(caught.value)


def test_votes_are_read_with_their_prompts_and_raters(tmp_path: Path) -> None:
    read = read_votes([written(tmp_path, HEAD + "\n".join(ROWS))], Wanted())
    votes = read.votes
    assert votes.models == ("A", "B", "C")
    assert votes.first.tolist() == [0, 1, 2, 0]
    assert votes.second.tolist() == [1, 2, 0, 2]
    assert votes.outcome.tolist() == [1, -1, 0, 0]
    assert [(way.name, way.codes.tolist(), way.count) for way in votes.ways] == [
        ("prompt", [0, 0, 1, 1], 2),
        ("rater", [0, 1, 0, 1], 2),
    ]
    assert (read.unsourced, read.without_control, read.repeated) == ({}, 0, 0)


def test_the_same_votes_as_json_lines_are_the_same_votes(tmp_path: Path) -> None:
    lines = (
        '{"model_a":"A","model_b":"B","winner":"a","prompt":1,"rater":"r1","length_a":10,"length_b":30}\n\n'
        '{"model_a":"B","model_b":"C","winner":"b","prompt":1,"rater":"r2","length_a":20,"length_b":20}\n'
        '{"model_a":"C","model_b":"A","winner":"tie","prompt":2,"rater":"r1","length_a":0,"length_b":0}\n'
        '{"model_a":"A","model_b":"C","winner":"tie","prompt":2,"rater":"r2","length_a":5,"length_b":15}\n'
    )
    wanted = Wanted(controls=("length",))
    first = read_votes([written(tmp_path, HEAD + "\n".join(ROWS))], wanted).votes
    second = read_votes([written(tmp_path, lines, "votes.jsonl")], wanted).votes
    assert second.models == first.models
    assert second.outcome.tolist() == first.outcome.tolist()
    assert [way.codes.tolist() for way in second.ways] == [way.codes.tolist() for way in first.ways]
    assert second.controls[0].values == pytest.approx(first.controls[0].values)


def test_the_same_votes_as_parquet_are_the_same_votes(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    table = pytest.importorskip("pyarrow.csv").read_csv(written(tmp_path, HEAD + "\n".join(ROWS)))
    parquet.write_table(table, tmp_path / "votes.parquet")
    votes = read_votes([tmp_path / "votes.parquet"], Wanted(controls=("length",))).votes
    assert votes.outcome.tolist() == [1, -1, 0, 0]
    assert votes.ways[1].codes.tolist() == [0, 1, 0, 1]


def test_two_files_are_one_set_of_votes(tmp_path: Path) -> None:
    one = written(tmp_path, HEAD + "\n".join(ROWS[:2]), "one.csv")
    other = written(tmp_path, HEAD + "\n".join(ROWS[2:]), "other.csv")
    votes = read_votes([one, other], Wanted()).votes
    assert votes.first.tolist() == [0, 1, 2, 0]
    assert votes.ways[1].codes.tolist() == [0, 1, 0, 1]


def test_controls_are_differences_of_both_answers(tmp_path: Path) -> None:
    votes = read_votes([written(tmp_path, HEAD + "\n".join(ROWS))], Wanted(controls=("length", "position"))).votes
    length, position = votes.controls
    assert length.values / length.values[0] == pytest.approx([1, 0, 0, 1])
    assert length.values[0] < 0
    assert position.values.tolist() == [1, 1, 1, 1]


def test_a_control_may_be_a_column_of_its_own(tmp_path: Path) -> None:
    text = "model_a,model_b,winner,tone\nA,B,a,2\nB,A,b,-2\nA,B,a,0\n"
    votes = read_votes([written(tmp_path, text)], Wanted(controls=("tone",))).votes
    assert votes.controls[0].values / votes.controls[0].values[0] == pytest.approx([1, -1, 0])


def test_votes_without_a_controls_value_do_not_count_and_are_counted(tmp_path: Path) -> None:
    text = HEAD + "\n".join((*ROWS, "A,B,b,p3,r1,,7"))
    read = read_votes([written(tmp_path, text)], Wanted(controls=("length",)))
    assert (len(read.votes), read.without_control) == (4, 1)
    assert [way.count for way in read.votes.ways] == [2, 2]
    assert len(read_votes([written(tmp_path, text)], Wanted()).votes) == 5


def test_votes_without_a_prompt_stand_alone_and_are_counted(tmp_path: Path) -> None:
    read = read_votes([written(tmp_path, HEAD + "\n".join((*ROWS, "A,B,b,,r1,1,1", "A,B,a,,r1,1,1")))], Wanted())
    assert read.unsourced == {"prompt": 2}
    prompts = read.votes.ways[0]
    assert (prompts.codes.tolist(), prompts.count) == ([0, 0, 1, 1, 2, 3], 4)


def test_votes_that_repeat_are_counted(tmp_path: Path) -> None:
    read = read_votes([written(tmp_path, HEAD + "\n".join((*ROWS, "B,A,a,p1,r1,1,1")))], Wanted())
    assert read.repeated == 1


def test_clusters_can_be_chosen(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "\n".join(ROWS))
    assert [way.name for way in read_votes([path], Wanted(("rater",))).votes.ways] == ["rater"]
    assert "one column or two different ones" in refusal(path, Wanted(("rater", "rater")))
    assert 'no column "team"; there are model_a, model_b' in refusal(path, Wanted(("team",)))


def test_a_row_that_cannot_be_read_is_named_by_its_line(tmp_path: Path) -> None:
    bad = {
        "A,B,neither,p,r,1,1": 'votes.csv:6: winner is "neither"; it must be a, b or tie',
        "A,A,a,p,r,1,1": 'votes.csv:6: "A" is compared with itself',
        "A,,a,p,r,1,1": "votes.csv:6: a model's name is empty",
        "A,B,a,p,r,long,1": 'votes.csv:6: length_a is "long", which is no number',
        "A,B,a,p,r,1,inf": 'votes.csv:6: length_b is "inf", which is no number',
        "A,B,a,p": "votes.csv:6: 4 cells, and the head has 7",
    }
    for row, text in bad.items():
        path = written(tmp_path, HEAD + "\n".join((*ROWS, row)))
        assert text in refusal(path, Wanted(controls=("length",)))


def test_quotes_line_ends_and_empty_lines_change_nothing(tmp_path: Path) -> None:
    plain = read_votes([written(tmp_path, HEAD + "\n".join(ROWS))], Wanted()).votes
    quoted = "\n".join(row.replace("A", '"A"') for row in ROWS)
    for text in (
        HEAD + quoted,
        HEAD.replace("winner", '"winner"') + "\n".join(ROWS),
        HEAD + "\n\n".join(ROWS) + "\n\n",
    ):
        for lines in (text, text.replace("\n", "\r\n"), "\ufeff" + text):
            votes = read_votes([written(tmp_path, lines)], Wanted()).votes
            assert votes.models == plain.models
            assert votes.outcome.tolist() == plain.outcome.tolist()
            assert [way.codes.tolist() for way in votes.ways] == [way.codes.tolist() for way in plain.ways]


def test_many_votes_are_read_alike_by_both_ways_of_reading(tmp_path: Path) -> None:
    rows = [
        f"m{n % 7},m{(n % 7 + 1 + n % 5) % 7},{'ab'[n % 2]},p{n % 900},r{n % 31},{n % 50},{n % 60}"
        for n in range(30_000)
    ]
    plain = read_votes([written(tmp_path, HEAD + "\n".join(rows))], Wanted(controls=("length",))).votes
    rows[20_000] = rows[20_000].replace("m1", '"m1"').replace("m2", '"m2"')
    mixed = read_votes([written(tmp_path, HEAD + "\n".join(rows))], Wanted(controls=("length",))).votes
    assert len(plain) == len(mixed) == 30_000
    assert (plain.first == mixed.first).all()
    assert (plain.ways[0].codes == mixed.ways[0].codes).all()
    assert (plain.controls[0].values == mixed.controls[0].values).all()
    rows[25_000] = "m1,m2,a,p,r,1"
    with pytest.raises(ConfigError, match=r"votes.csv:25002: 6 cells, and the head has 7"):
        read_votes([written(tmp_path, HEAD + "\n".join(rows))], Wanted())


def test_lines_are_counted_right_where_a_cell_spans_two(tmp_path: Path) -> None:
    text = 'model_a,model_b,winner,note\nA,B,a,"two\nlines"\nA,B,x,\n'
    assert 'votes.csv:4: winner is "x"' in refusal(written(tmp_path, text))


def test_a_line_that_is_no_object_is_named(tmp_path: Path) -> None:
    text = '{"model_a":"A","model_b":"B","winner":"a"}\n[1]\n'
    assert "votes.jsonl:2: no JSON object" in refusal(written(tmp_path, text, "votes.jsonl"))
    text = '{"model_a":"A","model_b":"B","winner":"a"}\n\n{"model_a":["A"],"model_b":"B","winner":{}}\n'
    assert "votes.jsonl:3: winner is" in refusal(written(tmp_path, text, "votes.jsonl"))


def test_a_control_without_columns_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "\n".join(ROWS))
    assert 'control "style" needs the columns style_a and style_b, or style' in refusal(
        path, Wanted(controls=("style",))
    )


def test_a_file_without_votes_is_refused(tmp_path: Path) -> None:
    assert "no vote in it" in refusal(written(tmp_path, HEAD))
    assert 'no column "model_a"; there are none' in refusal(written(tmp_path, ""))
    assert "votes are read from .csv, .jsonl and .parquet" in refusal(written(tmp_path, HEAD, "votes.txt"))


def test_a_file_of_votes_is_told_from_others_by_its_columns(tmp_path: Path) -> None:
    assert holds_votes(written(tmp_path, HEAD))
    assert not holds_votes(written(tmp_path, "item,model,score\n", "scores.csv"))
    assert not holds_votes(tmp_path / "absent.csv")


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_bytes(HEAD.encode() + "Å,B,a,p,r,1,1\n".encode("latin-1"))
    assert "no UTF-8 at byte" in refusal(path)
    path.write_bytes("modèle,model_b,winner\n".encode("latin-1"))
    assert "no UTF-8 at byte" in refusal(path)


def test_a_cell_may_hold_a_whole_prompt(tmp_path: Path) -> None:
    long = "word, " * 50_000
    votes = read_votes([written(tmp_path, HEAD + f'A,B,a,"{long}",r1,1,2\nB,A,b,"{long}",r2,2,1\n')], Wanted()).votes
    assert votes.ways[0].count == 1


@pytest.mark.parametrize(("name", "pack"), [("votes.csv.gz", gzip.compress), ("votes.csv.xz", lzma.compress)])
def test_packed_votes_are_read_and_broken_ones_refused(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    plain = written(tmp_path, HEAD + "\n".join(ROWS))
    path = tmp_path / name
    path.write_bytes(pack(plain.read_bytes()))
    assert holds_votes(path)
    assert read_votes([path], Wanted()).votes.first.tolist() == read_votes([plain], Wanted()).votes.first.tolist()
    path.write_bytes(pack(plain.read_bytes())[:-9])
    assert "it cannot be unpacked" in refusal(path)


@pytest.mark.parametrize("line", ['{"item": 1, "a": NaN, "b": 1}', "[1]", "no"])
def test_what_has_no_head_of_votes_is_left_to_who_reads_scores(tmp_path: Path, line: str) -> None:
    assert not holds_votes(written(tmp_path, line + "\n", "scores.jsonl"))

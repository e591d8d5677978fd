"""Pairs have the items of both models, their clusters and slices; what contradicts itself is told."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.results.contamination import read_contamination
from tests.weigh.results.given import csv, jsonl, mistakes, pairs_of, scores


def _wide(path: Path, n: int = 60) -> str:
    rows = [(f"i{k}", k % 2, (k + 1) % 3 > 0, f"s{k // 4}", "de" if k % 5 else "en", k * 1.5, k % 3) for k in range(n)]
    return csv(path, "item,a,b,source,language,length,level", rows)


def test_items_of_a_source_are_clustered_without_being_asked(tmp_path: Path) -> None:
    pairs = pairs_of(_wide(tmp_path / "w.csv"))
    assert pairs.cluster == "source"
    assert pairs.codes is not None
    assert np.bincount(pairs.codes).tolist() == [4] * 15
    assert pairs.flags[0].text.startswith('60 items share 15 values of "source"')


def test_a_column_that_is_given_takes_its_place_and_none_takes_it_away(tmp_path: Path) -> None:
    file = _wide(tmp_path / "w.csv")
    assert pairs_of(file, cluster="language").cluster == "language"
    assert pairs_of(file, cluster="none").codes is None


def test_a_source_that_all_items_share_or_none_is_no_cluster(tmp_path: Path) -> None:
    one = csv(tmp_path / "one.csv", "item,a,b,source", [(f"i{k}", 1, 0, "gsm8k") for k in range(9)])
    own = csv(tmp_path / "own.csv", "item,a,b,source", [(f"i{k}", 1, 0, k) for k in range(9)])
    assert pairs_of(one).codes is None
    assert pairs_of(own).codes is None
    assert pairs_of(one, cluster="source").codes is not None


def test_values_of_a_column_are_slices_in_order(tmp_path: Path) -> None:
    pairs = pairs_of(_wide(tmp_path / "w.csv"), slices=("language", "level"))
    assert [(one.name, one.value, len(one.rows)) for one in pairs.slices] == [
        ("language", "de", 48),
        ("language", "en", 12),
        ("level", "0", 20),
        ("level", "1", 20),
        ("level", "2", 20),
    ]


def test_a_number_with_many_values_is_cut_into_quarters(tmp_path: Path) -> None:
    pairs = pairs_of(_wide(tmp_path / "w.csv"), slices=("length",))
    assert [(one.value, len(one.rows)) for one in pairs.slices] == [
        ("0–21", 15),
        ("22.5–43.5", 15),
        ("45–66", 15),
        ("67.5–88.5", 15),
    ]


def test_an_item_without_a_value_is_of_the_slice_unknown(tmp_path: Path) -> None:
    rows = [("i1", 1, 0, "x"), ("i2", 1, 0, None), ("i3", 1, 0, " x ")]
    pairs = pairs_of(csv(tmp_path / "w.csv", "item,a,b,topic", rows), slices=("topic",))
    assert [(one.value, len(one.rows)) for one in pairs.slices] == [("unknown", 1), ("x", 2)]


def test_a_slice_of_which_one_model_has_no_item_is_told_as_absent(tmp_path: Path) -> None:
    rows = [(f"i{n}", model, n % 2, "fi" if n > 3 else "en") for n in range(6) for model in "ab"[: 1 if n > 3 else 2]]
    long = csv(tmp_path / "l.csv", "item,model,score,language", rows)
    pairs = pairs_of(long, slices=("language",))
    assert [one.value for one in pairs.slices] == ["en"]
    assert pairs.absent == (("language", "fi", 2),)
    assert pairs_of(long, slices=("language",), missing="fail").absent == ()
    # Quarters are no values that anybody wrote: none is absent.
    numbers = csv(tmp_path / "n.csv", "item,a,b,length", [(f"i{n}", 1, 0 if n else None, n) for n in range(40)])
    assert pairs_of(numbers, slices=("length",)).absent == ()


def test_a_column_with_too_many_values_is_no_slice(tmp_path: Path) -> None:
    assert mistakes(_wide(tmp_path / "w.csv", 70), slices=("item",)) == (
        '"item" has 70 values, and 60 slices are the most: it is no slice',
    )


def test_an_unknown_column_is_told_with_the_nearest(tmp_path: Path) -> None:
    file = _wide(tmp_path / "w.csv")
    for asked in ({"slices": ("langauge",)}, {"cluster": "langauge"}):
        (told,) = mistakes(file, **asked)
        assert told.startswith('No column is called "langauge"; did you mean "language"? There are: item, a, b, source')


def test_an_item_without_a_cluster_is_told_with_its_line(tmp_path: Path) -> None:
    file = csv(tmp_path / "w.csv", "item,a,b,book", [("i1", 1, 0, "x"), ("i2", 1, 0, None), ("i3", 1, 0, "y")])
    assert mistakes(file, cluster="book") == (f"{file}:3: no book, and items are clustered by it",)


def test_sides_that_say_different_things_of_an_item_are_told(tmp_path: Path) -> None:
    rows = [("i1", "a", 1, "de"), ("i1", "b", 0, "en"), ("i2", "a", 1, "de"), ("i2", "b", 0, None)]
    file = csv(tmp_path / "long.csv", "item,model,score,language", rows)
    told = f'{file}:3: language of item "i1" is "en", and the baseline says "de"'
    assert mistakes(file, slices=("language",)) == (told,)


def test_what_one_side_does_not_say_the_other_does(tmp_path: Path) -> None:
    one = csv(tmp_path / "one.csv", "item,model,score", [(f"i{k}", "a", 1) for k in range(4)])
    rows = [(f"i{k}", "b", 0, "de" if k else "en") for k in range(4)]
    other = csv(tmp_path / "two.csv", "item,model,score,language", rows)
    pairs = pairs_of(one, other, slices=("language",))
    assert [(one.value, one.rows.tolist()) for one in pairs.slices] == [("de", [1, 2, 3]), ("en", [0])]


def test_items_of_one_side_alone_are_counted_and_left_out_or_fail(tmp_path: Path) -> None:
    rows = [("i1", "a", 1), ("i1", "b", 1), ("i2", "a", 1), ("i3", "b", 1), ("i4", "b", 1)]
    file = csv(tmp_path / "long.csv", "item,model,score", rows)
    pairs = pairs_of(file)
    assert (scores(pairs), pairs.one_sided) == ([("i1", 1.0, 1.0)], (1, 2))
    failing = pairs_of(file, missing="fail")
    assert scores(failing) == [("i1", 1.0, 1.0), ("i2", 1.0, 0.0), ("i3", 0.0, 1.0), ("i4", 0.0, 1.0)]


def test_what_a_failure_is_worth_on_another_scale_is_asked_back(tmp_path: Path) -> None:
    file = csv(tmp_path / "w.csv", "item,a,b", [("i1", 7, 9), ("i2", 3, None)])
    assert "what a failure is worth there, nobody said" in mistakes(file, missing="fail")[0]
    assert pairs_of(file).scale == 2.0


def test_scores_between_0_and_1_have_the_scale_1(tmp_path: Path) -> None:
    assert pairs_of(csv(tmp_path / "w.csv", "item,a,b", [("i1", 0.2, 0.4), ("i2", 0.3, 0.3)])).scale == 1.0
    assert pairs_of(csv(tmp_path / "v.csv", "item,a,b", [("i1", -1, 4), ("i2", 3, 3)])).scale == 5.0


def test_a_list_of_contaminated_items_may_be_packed_and_its_texts_hold_any_letter(tmp_path: Path) -> None:
    listed = 'one\u2028two\r\n{"prompt": "three\u2028four\u0085"}\rfive\n'
    (tmp_path / "list").write_bytes(gzip.compress(listed.encode()))
    assert read_contamination(tmp_path / "list") == {"one\u2028two", "three\u2028four\u0085", "five"}


def test_contaminated_items_are_left_out_by_name_or_text(tmp_path: Path) -> None:
    rows = [("i1", "What is 1?", 1, 0), ("i2", "What is 2?", 1, 0), ("i3", "What is 3?", 1, 0)]
    file = csv(tmp_path / "w.csv", "item,question,a,b", rows)
    plain = tmp_path / "list.txt"
    plain.write_text("i1\n\nWhat is 3?\nnever asked\n", encoding="utf-8")
    pairs = pairs_of(file, contaminated=read_contamination(plain))
    assert (scores(pairs), pairs.contaminated) == ([("i2", 1.0, 0.0)], 2)


def test_a_list_may_be_json_lines(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "list.jsonl", [{"eval_prompt": "What is 1?", "train_prompt": "Other"}, {"item": 7}])
    assert read_contamination(Path(file)) == {"What is 1?", "7"}


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "it lists nothing"), ('{"train": "x"}', ":1: no item and no text"), ('x\n{"item": ', ":2: no JSON")],
)
def test_a_list_that_is_wrong_is_told_so(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "list").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        read_contamination(tmp_path / "list")

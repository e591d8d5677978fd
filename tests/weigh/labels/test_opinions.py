"""What people think, from what they said; and labels as tables."""

from pathlib import Path

import msgspec
import pytest

from steelyard.core.errors import ConfigError, StoreError
from steelyard.weigh.judging.orders import Verdict
from steelyard.weigh.labels.label import Label
from steelyard.weigh.labels.opinions import majority, pair_opinions, score_opinions
from steelyard.weigh.labels.standing import standing
from steelyard.weigh.labels.table import label_rows, read_labels
from tests.weigh.judges.given import PAIR, answers_of, label

THREE = answers_of((1, 2), (3, 3), (5, 4))


def test_a_preference_is_the_models_wherever_it_was_shown() -> None:
    labels = [
        label(THREE, "i0", "first"),
        label(THREE, "i1", "first", models=PAIR[::-1]),
        label(THREE, "i2", "tie"),
    ]
    found = pair_opinions(labels, PAIR, THREE)
    assert {item: one["ann"] for item, one in found.pairs.items()} == {
        "i0": Verdict.FIRST,
        "i1": Verdict.SECOND,
        "i2": Verdict.TIE,
    }


def test_the_last_word_counts_and_what_was_taken_back_does_not() -> None:
    labels = [label(THREE, "i0", "first"), label(THREE, "i0", "second"), label(THREE, "i1", "tie")]
    assert [one.said for one in standing(labels)] == ["second", "tie"]
    assert [one.item for one in standing([*labels, label(THREE, "i0", "undone")])] == ["i1"]
    again = [*labels, label(THREE, "i0", "undone"), label(THREE, "i0", "tie", models=PAIR[::-1])]
    assert pair_opinions(again, PAIR, THREE).pairs["i0"] == {"ann": Verdict.TIE}


def test_labels_of_changed_answers_unknown_items_and_other_pairs_are_left_out_and_counted() -> None:
    stale, skipped = label(THREE, "i0", "first"), label(THREE, "i1", "skip")
    gone = msgspec.structs.replace(stale, item="i9")
    changed = answers_of((9, 2), (3, 3), (5, 4))
    found = pair_opinions([stale, skipped, gone], PAIR, changed)
    assert (found.pairs, found.stale, found.skipped, found.unknown) == ({}, 1, 1, 1)


def test_the_majority_decides_and_where_there_is_none_it_is_a_tie() -> None:
    first, second, tie = Verdict.FIRST, Verdict.SECOND, Verdict.TIE
    assert majority({"a": first}) is first
    assert majority({"a": first, "b": second, "c": second}) is second
    assert majority({"a": first, "b": second}) is tie
    assert majority({"a": first, "b": tie, "c": second}) is tie


def test_scores_are_by_model_and_item() -> None:
    labels = [
        label(THREE, "i0", "score", kind="score", models=("large",), score=4),
        label(THREE, "i0", "score", "bob", kind="score", models=("large",), score=2),
        label(THREE, "i0", "score", kind="score", models=("small",), score=1),
    ]
    found = score_opinions(labels, PAIR, THREE)
    assert found.scores == {"large": {"i0": {"ann": 4, "bob": 2}}, "small": {"i0": {"ann": 1}}}
    assert found.raters() == ("ann", "bob")


def test_our_own_lines_are_read_as_they_are_and_a_torn_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    made = [label(THREE, "i0", "first"), label(THREE, "i1", "skip")]
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in made) + b'{"rater":"an')
    assert read_labels(path, THREE) == made
    path.write_bytes(msgspec.json.encode(made[0]) + b"\nnonsense\n")
    with pytest.raises(StoreError, match=r"labels\.jsonl:2"):
        read_labels(path, THREE)


def test_a_table_of_labels_says_what_its_export_says(tmp_path: Path) -> None:
    made = [label(THREE, "i0", "second"), label(THREE, "i1", "tie", "bob"), label(THREE, "i2", "skip")]
    rows = label_rows(made)
    path = tmp_path / "labels.csv"
    heads = list(rows[0])
    path.write_text(
        "\n".join(",".join(str(cell) for cell in line) for line in (heads, *(row.values() for row in rows)))
    )
    found = pair_opinions(read_labels(path, THREE), PAIR, THREE)
    assert found.pairs == {"i0": {"ann": Verdict.SECOND}, "i1": {"bob": Verdict.TIE}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("item,model_a,model_b,winner\ni9,large,small,a\n", 'csv:2: no item is called "i9"'),
        ("item,model_a,model_b,winner\ni0,large,tiny,a\n", 'csv:2: no model is called "tiny"; there are large, small'),
        ("item,model_a,model_b,winner\ni0,large,small,c\n", "csv:2: a label needs two models"),
        ("item,model_a,model_b,winner\ni0,large,large,a\n", "csv:2: a label needs two models"),
        ("item,model,score\ni0,large,good\n", "csv:2: a label needs model_a, model_b, winner, or model and a whole"),
        ("item,model,score\ni0,large,2.5\n", "csv:2: a label needs"),
        ("model,score\nlarge,2\n", "csv:2: no item"),
    ],
)
def test_labels_that_cannot_be_read_are_told_with_their_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_labels(path, THREE)
    assert said in str(error.value)


def test_a_table_without_a_rater_is_of_one_unnamed_person(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("item,model_a,model_b,winner\ni0,small,large,a\n")
    (found,) = read_labels(path, THREE)
    assert isinstance(found, Label)
    assert (found.rater, found.said, found.models) == ("unnamed", "first", ("small", "large"))

"""Recorded outputs, scored row by row."""

import pytest

from steelyard.core.errors import ConfigError
from steelyard.weigh.scorers.registry import scorer
from steelyard.weigh.tasks.outputs import Columns, found_columns, joined, score_rows, tallies
from steelyard.weigh.tasks.rows import Row

ROWS = (
    Row("a.csv:2", {"id": "1", "model": "x", "response": "It is 18.", "answer": "18", "topic": "eggs"}),
    Row("a.csv:3", {"id": "2", "model": "x", "response": "No idea.", "answer": "3", "topic": "eggs"}),
    Row("a.csv:4", {"id": "3", "model": "x", "response": None, "answer": "4", "topic": "hens"}),
    Row("a.csv:5", {"id": "1", "model": "y", "response": "17", "answer": "18", "topic": "eggs"}),
)
COLUMNS = Columns(item="id", model="model", output="response", target="answer", kept=("topic",))


def test_columns_are_found_by_their_usual_names() -> None:
    assert found_columns(ROWS, {}, ("topic",)) == COLUMNS
    assert found_columns(ROWS, {"item": "topic", "target": None}).item == "topic"
    assert found_columns(ROWS[:1], {}, model="x").model == ""


@pytest.mark.parametrize(
    ("wanted", "kept", "reason"),
    [
        ({"output": "respons"}, (), 'no column is called "respons"; did you mean "response"?'),
        ({"target": "gold"}, (), 'no column is called "gold"; there are id, model'),
        ({}, ("topics",), 'did you mean "topic"?'),
    ],
)
def test_a_column_that_is_not_there_is_told_with_the_nearest(
    wanted: dict[str, str | None], kept: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(ConfigError) as error:
        found_columns(ROWS, wanted, kept)
    assert reason in str(error.value)


def test_a_column_without_a_usual_name_must_be_named() -> None:
    with pytest.raises(ConfigError, match="no column is called model; name it with --model"):
        found_columns((Row("a.csv:2", {"id": "1", "text": "x"}),), {"output": "text"})


def test_every_row_gets_its_score_and_the_rules_that_gave_it() -> None:
    scored = score_rows(ROWS, COLUMNS, scorer("numeric"))
    assert [(one.item, one.model, one.score, one.parsed) for one in scored] == [
        ("1", "x", 1.0, True), ("2", "x", None, False), ("3", "x", None, False), ("1", "y", 0.0, True),
    ]  # fmt: skip
    assert scored[0].cells() == {
        "topic": "eggs", "item": "1", "model": "x", "score": 1.0, "parsed": True, "scorer": "numeric", "version": "1",
    }  # fmt: skip
    assert scored[1].detail == {"reason": "no number was found"}


def test_unparsed_and_missing_outputs_are_counted_apart() -> None:
    x, y = tallies(score_rows(ROWS, COLUMNS, scorer("numeric")))
    assert (x.model, x.n, x.scored, x.unparsed, x.missing, x.mean) == ("x", 3, 1, 1, 1, 1.0)
    assert x.mean_of_all == pytest.approx(1 / 3)
    assert (y.n, y.unparsed, y.missing, y.mean) == (1, 0, 0, 0.0)


def test_they_are_worth_nothing_only_when_asked_and_are_counted_still() -> None:
    x, _ = tallies(score_rows(ROWS, COLUMNS, scorer("numeric"), strict=True))
    assert (x.scored, x.unparsed, x.missing) == (3, 1, 1)
    assert x.mean == x.mean_of_all == pytest.approx(1 / 3)


def test_a_model_with_no_score_at_all_has_no_mean() -> None:
    (tally,) = tallies(score_rows(ROWS[1:3], COLUMNS, scorer("numeric")))
    assert (tally.mean, tally.mean_of_all) == (None, 0.0)


def test_items_bring_their_columns_and_an_unknown_item_is_refused() -> None:
    rows = (Row("a.csv:2", {"item": "1", "output": "18"}),)
    (row,) = joined(rows, {"1": {"item": "1", "answer": "18", "output": "what it said before"}}, "item", "items.csv")
    assert row == Row("a.csv:2", {"item": "1", "answer": "18", "output": "18"})
    with pytest.raises(ConfigError, match=r'a\.csv:2: the item "1" is not in items\.csv'):
        joined(rows, {"2": {}}, "item", "items.csv")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"id": None, "model": "x", "response": "1", "answer": 1}, 'a.csv:9: "id" must name'),
        ({"id": "1", "model": "", "response": "1", "answer": 1}, 'a.csv:9: "model" must name'),
        ({"id": "1", "model": "x", "response": 1, "answer": 1}, 'a.csv:9: the output in "response" is no text'),
        ({"id": "1", "model": "x", "response": "1", "answer": "many"}, "a.csv:9: the target"),
    ],
)
def test_a_row_that_cannot_be_scored_is_told_with_its_line(values: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        score_rows((Row("a.csv:9", values),), COLUMNS, scorer("numeric"))
    assert reason in str(error.value)


def test_an_output_that_contradicts_an_earlier_one_of_its_item_is_told_with_both_places() -> None:
    again = Row("a.csv:9", {**ROWS[0].values, "response": "It is 19."})
    with pytest.raises(ConfigError) as error:
        score_rows((*ROWS, again), COLUMNS, scorer("numeric"))
    assert str(error.value) == (
        'a.csv:9: the item "1" of x has another output at a.csv:2. Runs of one item are told apart by a column epoch, '
        "repeat or trial."
    )
    assert len(score_rows((*ROWS, ROWS[0]), COLUMNS, scorer("numeric"))) == 5


def test_runs_of_one_item_may_differ() -> None:
    runs = [Row(f"a.csv:{n}", {**ROWS[0].values, "response": f"It is {n}.", "epoch": n}) for n in (17, 18)]
    assert [one.score for one in score_rows(runs, COLUMNS, scorer("numeric"))] == [0.0, 1.0]

"""Verdicts: by the margin, slice by slice, and never a confident number where there is none."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import ConfigError
from steelyard.weigh.evidence.words import sentence
from steelyard.weigh.forest import forest
from steelyard.weigh.results.pairs import Asked
from steelyard.weigh.results.read import read_content
from steelyard.weigh.results.sheet import Results
from steelyard.weigh.results.source import Source
from steelyard.weigh.verdict import Weighing, decided, weighing_row
from steelyard.weigh.verdict_recorded import Declared, weighed


def given_results(head: str, rows: Any) -> Results:
    """Return a table's results."""
    lines = [head, *(",".join("" if cell is None else str(cell) for cell in row) for row in rows)]
    return Results(tuple(read_content(Source("given.csv", "\n".join(lines).encode()))), "0" * 64)


def given_counts(won: int, lost: int, n: int, margin: float = 0.03, **asked: Any) -> Weighing:
    """Weigh a against b, where b wins `won` items alone and a `lost`."""
    scores = [(0, 1)] * won + [(1, 0)] * lost + [(1, 1)] * (n - won - lost)
    return weighed(
        given_results("item,a,b", [(k, *both) for k, both in enumerate(scores)]),
        Asked("a", "b"),
        Declared(margin, **asked),
    )


def kinds(weighing: Weighing) -> list[str]:
    return [flag.kind for flag in weighing.flags]


ends = st.floats(-1, 1)


@given(st.tuples(ends, ends).map(sorted), st.floats(0, 1))
def test_the_verdict_is_where_the_interval_lies(ci: list[float], margin: float) -> None:
    verdict = decided((ci[0], ci[1]), margin)
    assert (verdict == "SWAP") == (ci[0] > -margin)
    assert (verdict == "DONT") == (ci[1] < -margin)
    assert decided(None, margin) == "NEED_MORE"


@pytest.mark.parametrize(
    ("won", "lost", "n", "verdict"),
    [(60, 60, 2000, "SWAP"), (20, 150, 1000, "DONT"), (60, 75, 1000, "NEED_MORE"), (6, 6, 20, "NEED_MORE")],
)
def test_counts_decide(won: int, lost: int, n: int, verdict: str) -> None:
    found = given_counts(won, lost, n)
    assert found.verdict == verdict
    assert found.n == n
    assert found.difference == pytest.approx((won - lost) / n)
    assert (found.n_needed is not None) == (verdict == "NEED_MORE")


@given(st.integers(0, 80), st.integers(0, 80), st.floats(0.005, 0.2))
def test_the_p_value_says_what_the_interval_says(won: int, lost: int, margin: float) -> None:
    if won + lost:
        found = given_counts(won, lost, 400, margin)
        assert found.ci is not None
        assert found.p_noninferior is not None
        if abs(found.ci[0] + margin) > 1e-6:
            assert (found.verdict == "SWAP") == (found.p_noninferior < 0.025)


def test_so_many_items_as_are_said_to_be_needed_decide() -> None:
    found = given_counts(60, 75, 1000)
    assert found.n_needed is not None
    factor = found.n_needed / 1000
    more = given_counts(round(60 * factor), round(75 * factor), found.n_needed)
    assert more.verdict == "SWAP"
    assert more.p_noninferior == pytest.approx(0.0025, abs=0.0015)  # 2.8 standard errors, for a power of 0.8


def test_a_candidate_that_lies_at_the_margin_needs_no_number() -> None:
    found = given_counts(60, 90, 1000)
    assert (found.verdict, found.n_needed) == ("NEED_MORE", None)


@pytest.mark.parametrize(
    ("won", "lost", "side"),
    [
        (60, 75, "for SWAP."),
        (60, 105, "for DON'T, since what was measured is worse than the margin."),
    ],
)
def test_the_number_that_would_do_says_for_what(won: int, lost: int, side: str) -> None:
    found = given_counts(won, lost, 1000)
    assert (found.verdict, found.n_needed is None) == ("NEED_MORE", False)
    assert sentence(found, "a", "b").endswith(f"if the difference stays as it is: {side}")


def test_a_candidate_that_is_worse_within_the_margin_is_flagged() -> None:
    found = given_counts(60, 120, 4000)
    assert found.verdict == "SWAP"
    assert kinds(found) == ["worse_within_margin"]


@pytest.mark.parametrize(
    ("rows", "cluster", "kind"),
    [
        ([(k, 1, k % 2, "s") for k in range(3)], None, "few_items"),
        ([(k, k % 2, k % 2, "s") for k in range(5000)], None, "no_differences"),
        ([(k, 0.5, 0.25, "s") for k in range(5000)], None, "one_difference"),
        ([(k, k % 2, k % 3 > 0, "s") for k in range(5000)], "source", "few_clusters"),
        ([(k, k % 2, k % 3 > 0, k % 9) for k in range(5000)], None, "few_clusters"),
        ([(k, k % 50 > 0, 1, k % 400) for k in range(5000)], None, "few_differences"),
        ([(k, None, 1, k % 400) for k in range(50)] + [("x", 1, 1, 1)], None, "few_items"),
    ],
)
def test_what_cannot_be_told_is_said_to_be_so(rows: Any, cluster: str | None, kind: str) -> None:
    found = weighed(given_results("item,a,b,source", rows), Asked("a", "b", cluster), Declared(0.03))
    assert found.verdict == "NEED_MORE"
    assert (found.ci, found.se, found.p_noninferior, found.p_difference, found.n_needed) == (None,) * 5
    assert found.method.startswith("none: ")
    assert kinds(found)[0] == kind
    assert found.flags[0].text.startswith("No interval: ")


def test_a_candidate_that_wins_or_loses_everything_has_an_interval_and_a_warning() -> None:
    for won, verdict, text in ((0, "DONT", "The candidate has lost on"), (1, "SWAP", "The candidate has won on")):
        rows = [(k, 1 - won, won, f"s{k % 12}") for k in range(60)]
        alone, clustered = (
            weighed(given_results("item,a,b,source", rows), Asked("a", "b", cluster), Declared(0.03))
            for cluster in ("none", "source")
        )
        assert (alone.verdict, clustered.verdict) == (verdict, verdict)
        assert (alone.se, alone.n_needed, clustered.clusters) == (None, None, 12)
        assert kinds(alone)[0] == "one_difference"
        assert alone.flags[0].text.startswith(text)
        # Twelve sources say as much as twelve items: Clopper and Pearson's end is the twelfth root of 0.025.
        assert clustered.ci is not None
        inner = min(clustered.ci, key=abs)
        assert abs(inner) == pytest.approx(2 * 0.025 ** (1 / 12) - 1, abs=1e-6)


def test_enormous_scores_are_told_by_their_power_of_ten() -> None:
    rng = np.random.default_rng(1)
    rows = [(k, *pair) for k, pair in enumerate((rng.random((60, 2)) * 1e99).tolist())]
    found = weighed(given_results("item,a,b", rows), Asked("a", "b"), Declared(0.1))
    told = forest(found, 40)[0].told
    assert len(told) < 50
    assert told.count("e+9") == 3


def sliced(per_slice: dict[str, tuple[int, int, int]], margin: float = 0.03) -> Weighing:
    """Weigh with slices, each of (won, lost, n)."""
    rows = []
    for value, (won, lost, n) in per_slice.items():
        scores = [(0, 1)] * won + [(1, 0)] * lost + [(1, 1)] * (n - won - lost)
        rows += [(f"{value}{k}", *both, value) for k, both in enumerate(scores)]
    return weighed(given_results("item,a,b,language", rows), Asked("a", "b", None, ("language",)), Declared(margin))


def test_a_slice_without_results_of_one_model_is_named_on_top() -> None:
    english = [(f"i{k}", model, (k + (model == "b")) % 2, "en") for k in range(80) for model in "ab"]
    rows = [*english, *((f"f{k}", "a", 1, "fi") for k in range(10))]
    found = weighed(
        given_results("item,model,score,language", rows), Asked("a", "b", None, ("language",)), Declared(0.03)
    )
    assert kinds(found)[0] == "slice_absent"
    assert found.flags[0].text.startswith("Nothing can be said of language = fi (10 items): none has a score of both")


def test_a_slice_that_loses_every_item_makes_it_dont_though_it_has_no_spread() -> None:
    found = sliced({"en": (120, 80, 3000), "fi": (0, 20, 20)})
    assert found.verdict == "DONT"
    assert [(one.value, one.verdict) for one in found.slices] == [("en", "SWAP"), ("fi", "DONT")]
    assert found.flags[0].text.startswith("DON'T for language = fi: worse by 0.663 to 1.000")


def test_a_slice_that_loses_makes_it_dont_and_is_named_on_top() -> None:
    found = sliced({"en": (120, 80, 3000), "de": (2, 60, 300), "fr": (9, 12, 200)})
    assert found.ci is not None
    assert decided(found.ci, 0.03) == "SWAP"
    assert found.verdict == "DONT"
    assert [(one.value, one.verdict) for one in found.slices] == [("de", "DONT"), ("en", "SWAP"), ("fr", "NEED_MORE")]
    assert found.flags[0].kind == "slice"
    assert found.flags[0].text.startswith("DON'T for language = de: worse by 0.1")
    assert found.flags[0].text.endswith("Over all items it would be SWAP.")


def test_a_slice_that_may_be_worse_does_not_stop_a_swap() -> None:
    found = sliced({"en": (120, 80, 3000), "de": (2, 9, 60)})
    assert found.verdict == "SWAP"
    assert [one.verdict for one in found.slices] == ["NEED_MORE", "SWAP"]


def test_a_slice_without_an_interval_is_flagged_and_is_no_part_of_the_family() -> None:
    found = sliced({"en": (120, 80, 3000), "de": (3, 1, 9), "fr": (0, 0, 300)})
    assert [one.ci is None for one in found.slices] == [True, False, True]
    (flag,) = [flag for flag in found.flags if flag.kind == "slice_unknown"]
    assert "language = de (n = 9): only 9 items" in flag.text
    assert "language = fr (n = 300): both models have the same score" in flag.text
    alone = given_counts(120, 80, 3000)
    assert found.slices[1].ci == pytest.approx(alone.ci)


def test_a_slice_is_decided_at_its_level_of_holms_procedure() -> None:
    found = sliced({value: (20, 20 + 6 * k, 400) for k, value in enumerate("abcdef")})
    alone = [given_counts(20, 20 + 6 * k, 400) for k in range(6)]
    for one, other in zip(found.slices, alone, strict=True):
        assert one.ci is not None
        assert other.ci is not None
        assert one.ci[1] - one.ci[0] > other.ci[1] - other.ci[0]
        assert one.p_noninferior is not None
        assert (one.verdict == "SWAP") == (one.p_noninferior < 0.025)
        assert (one.verdict == "DONT") == (one.p_noninferior > 0.975)
        assert one.se == other.se


def test_of_slices_at_the_margin_hardly_any_is_decided_wrongly() -> None:
    rng = np.random.default_rng(0)
    wrong = dont = 0
    for _ in range(100):
        drawn = rng.multinomial(300, (0.05, 0.10, 0.85), size=8)  # each slice is worse by exactly the margin
        found = sliced({str(k): (int(b), int(c), 300) for k, (b, c, _) in enumerate(drawn)}, margin=0.05)
        wrong += any(one.verdict != "NEED_MORE" for one in found.slices)
        dont += any(one.verdict == "DONT" for one in found.slices)
    assert wrong / 100 <= 0.05 + 3 * (0.05 * 0.95 / 100) ** 0.5
    assert dont / 100 <= 0.05


def test_missing_scores_that_decide_are_flagged() -> None:
    rows: list[tuple[object, ...]] = [(k, 1, 1 if k % 30 else 0) for k in range(900)]
    rows += [(f"x{k}", 1, None) for k in range(100)]
    rows += [(f"y{k}", 0, 1) for k in range(30)]
    found = weighed(given_results("item,a,b", rows), Asked("a", "b"), Declared(0.05))
    assert found.verdict == "SWAP"
    (flag,) = [flag for flag in found.flags if flag.kind == "missing_decides"]
    assert "counted as failures it would be DONT" in flag.text
    failing = weighed(given_results("item,a,b", rows), Asked("a", "b", missing="fail"), Declared(0.05))
    assert failing.verdict == "DONT"


def test_methods_that_disagree_are_flagged() -> None:
    # Tango's interval ends just above the margin; the bootstrap's does not.
    found = [given_counts(won, lost, 50, 0.05) for won in range(1, 12) for lost in range(1, 6)]
    flagged = [one for one in found if "methods_disagree" in kinds(one)]
    assert flagged
    assert len(flagged) < len(found) / 4
    text = next(flag.text for flag in flagged[0].flags if flag.kind == "methods_disagree")
    assert "seed 0" in text or "Newcombe" in text


def test_the_same_seed_gives_the_same_weighing() -> None:
    rows = [(k, k % 7 / 7, (k * 5) % 11 / 11, k // 4) for k in range(400)]
    results = given_results("item,a,b,source", rows)
    one, other = (weighed(results, Asked("a", "b"), Declared(0.05, seed=3)) for _ in range(2))
    assert weighing_row(one) == weighing_row(other)
    assert (one.seed, one.clusters) == (3, 100)


def test_a_margin_that_lets_everything_pass_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"A margin of 3 points in 100 is 0\.03"):
        given_counts(10, 10, 100, margin=1.0)


def test_another_scale_has_a_margin_in_its_units() -> None:
    rng = np.random.default_rng(0)
    marks = rng.integers(1, 11, size=(800, 2))
    found = weighed(
        given_results("item,a,b", [(k, *both) for k, both in enumerate(marks)]), Asked("a", "b"), Declared(1.0)
    )
    assert found.verdict == "SWAP"
    assert found.ci is not None
    assert found.ci[1] - found.ci[0] == pytest.approx(2 * 1.96 * (2 * 8.25 / 800) ** 0.5, rel=0.05)
    assert "scale" in kinds(found)


def test_the_row_for_programs_has_plain_values() -> None:
    row = weighing_row(sliced({"en": (20, 30, 300), "de": (3, 1, 9)}))
    for value in [*row.values(), *row["slices"][0].values()]:  # type: ignore[index]
        assert type(value).__module__ == "builtins"
    assert list(row)[:2] == ["verdict", "n"]


class TestForest:
    def test_the_plot_puts_all_on_one_scale(self) -> None:
        rows = forest(sliced({"en": (120, 80, 3000), "de": (2, 60, 300), "fr": (10, 9, 300)}), 60)
        assert [row.label for row in rows] == ["all items", "language = de", "language = en", "language = fr"]
        assert {len(row.drawing) for row in rows} == {60}
        assert len({row.drawing.index("┊") for row in rows if "┊" in row.drawing}) == 1
        assert rows[1].drawing.index("●") < rows[1].drawing.index("┊") < rows[2].drawing.index("●")
        assert rows[1].told.startswith("-0.1933 [")

    def test_an_unknown_interval_is_no_line(self) -> None:
        (whole, *_) = forest(given_counts(0, 0, 500), 40)
        assert "●" not in whole.drawing
        assert "├" not in whole.drawing
        assert whole.told == "+0.0000 [unknown]"

    def test_what_reaches_beyond_is_cut(self) -> None:
        rows = forest(sliced({"en": (60, 60, 5000), "de": (1, 12, 20)}), 40)
        assert rows[1].drawing[0] == "◄"
        assert 0 < rows[1].drawing.index("●") < rows[1].drawing.index("┊")
        assert {len(row.drawing) for row in rows} == {40}

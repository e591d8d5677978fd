"""The number of items that is said to do, does."""

import math

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower, TTestPower

from steelyard.weigh.stats.power import POWER, items_needed
from steelyard.weigh.stats.tango import Score


def test_millers_example_comes_out() -> None:
    # E. Miller, arXiv 2411.00640, his example of a power analysis: ω² = 1/9, a difference of 0.03, power 0.8 at 5 %,
    # no variance within questions: 969 questions.
    assert items_needed(1, 1 / 3, 0.03, 0.05) == 969


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
@pytest.mark.parametrize(("spread", "gap"), [(0.3, 0.03), (0.5, 0.02), (0.2, 0.05), (1.0, 0.4)])
def test_the_number_is_that_of_statsmodels(spread: float, gap: float, alpha: float) -> None:
    # ratio=0: one sample, here of differences.
    theirs = NormalIndPower().solve_power(gap / spread, alpha=alpha, power=POWER, ratio=0, alternative="two-sided")
    # Theirs counts the other tail too, which is next to nothing.
    ours = items_needed(1, spread, gap, alpha)
    assert ours is not None
    assert ours - 1 <= math.ceil(theirs) <= ours


@pytest.mark.parametrize(("apart", "difference", "margin"), [(0.12, 0.0, 0.03), (0.2, -0.01, 0.05), (0.3, 0.02, 0.03)])
def test_so_many_items_reach_the_power(apart: float, difference: float, margin: float) -> None:
    spread = (apart - difference**2) ** 0.5
    n = items_needed(1, spread, difference + margin, 0.05)
    assert n is not None
    rng = np.random.default_rng(0)
    chances = [(apart + difference) / 2, (apart - difference) / 2, 1 - apart]
    swaps = [Score(n, int(b), int(c)).p_above(-margin) < 0.025 for b, c, _ in rng.multinomial(n, chances, size=1500)]
    assert np.mean(swaps) == pytest.approx(POWER, abs=0.04)


@pytest.mark.parametrize(
    ("won", "lost", "margin", "least"),
    [(0.0, 0.02, 0.05, 0.75), (0.005, 0.005, 0.03, 0.65), (0.03, 0.12, 0.05, 0.75), (0.0, 0.2, 0.05, 0.75)],
)
def test_models_that_hardly_ever_differ_need_as_many_as_the_test_does(
    won: float, lost: float, margin: float, least: float
) -> None:
    # By the measured spread alone, SWAP came in 30 and 24 of 100 trials of the first two; the last two are DON'T.
    found = Score(1000, 1000 * won, 1000 * lost)
    difference = won - lost
    n = items_needed(
        1000, ((won + lost - difference**2) / 1000) ** 0.5, difference + margin, 0.05, found.error_at(-margin)
    )
    assert n is not None
    drawn = np.random.default_rng(0).multinomial(n, [won, lost, 1 - won - lost], size=1500)
    tests = [Score(n, int(b), int(c)) for b, c, _ in drawn]
    decided = [(one.p_above if difference > -margin else one.p_below)(-margin) < 0.025 for one in tests]
    assert least <= np.mean(decided) <= 0.96


def test_few_clusters_need_more_since_their_spread_is_estimated() -> None:
    with_z, with_t = items_needed(100, 0.03, 0.1, 0.05), items_needed(100, 0.03, 0.1, 0.05, df=9.0)
    theirs = TTestPower().solve_power(0.1 / (0.03 * 10**0.5), alpha=0.05, power=POWER)
    assert with_z == 71
    assert with_t == pytest.approx(10 * theirs, rel=0.05)


def test_half_the_gap_needs_four_times_as_many() -> None:
    one, other = items_needed(100, 0.02, 0.04, 0.05), items_needed(100, 0.02, 0.02, 0.05)
    assert one is not None
    assert other == pytest.approx(4 * one, rel=0.02)


def test_no_number_tells_a_difference_from_itself() -> None:
    assert items_needed(100, 0.02, 0.0, 0.05) is None
    assert items_needed(100, 0.02, 1e-9, 0.05) is None


def test_an_unknown_spread_needs_an_unknown_number() -> None:
    assert items_needed(100, 0.0, 0.02, 0.05) is None

"""Tango's interval agrees with R and with the published examples, keeps the laws of a test, and covers as it says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaln, ndtr, xlogy
from scipy.stats import binomtest, norm
from statsmodels.stats.contingency_tables import mcnemar

from steelyard.weigh.stats.newcombe import newcombe
from steelyard.weigh.stats.tango import Score, statistic

# R 4.6.1, PropCIs 0.3.0: scoreci.mp(lost, gained, n, level). It stops halving at 1e-7.
PROPCIS = [
    (7, 0, 14, 0.95, 0.17703378200531006, 0.73200792074203491),
    (0, 7, 14, 0.95, -0.73200798034667969, -0.17703387141227722),
    (3, 2, 14, 0.95, -0.26107772759028841, 0.38899629882403786),
    (1, 0, 14, 0.95, -0.15926158428192136, 0.31468707748821806),
    (5, 5, 16, 0.95, -0.36750698089599609, 0.36750680208206177),
    (13, 1, 14, 0.95, 0.37062617710658474, 0.97455562864031109),
    (14, 0, 14, 0.95, 0.56937837600708008, 1.0),
    (0, 14, 14, 0.95, -1.0, -0.56937843561172485),
    (2, 9, 20, 0.95, -0.60163156986236577, -0.027414342761039694),
    (10, 3, 50, 0.95, -0.0014977478981018086, 0.28547489047050478),
    (25, 12, 200, 0.95, 0.005635504722595221, 0.12694109946489335),
    (4, 1, 28, 0.90, -0.030010823692594266, 0.25619741635663168),
    (25, 12, 200, 0.90, 0.01547645539045334, 0.11644651859998703),
]

# M. W. Fagerland, S. Lydersen, P. Laake, "Statistical Analysis of Contingency Tables" (2017), chapter 8, and its R
# package contingencytables: both, gained, lost, neither, then Tango's and Newcombe's 95 % intervals.
PUBLISHED = [
    ((1, 1, 7, 12), (-0.5172, -0.0260), (-0.5069, -0.0256)),
    ((59, 6, 16, 80), (-0.1240, -0.0054), (-0.1186, -0.0046)),
]


@pytest.mark.parametrize(("gained", "lost", "n", "level", "low", "high"), PROPCIS)
def test_the_interval_is_that_of_r(gained: int, lost: int, n: int, level: float, low: float, high: float) -> None:
    assert Score(n, gained, lost).interval(1 - level) == pytest.approx((low, high), abs=5e-7)


@pytest.mark.parametrize(("table", "tango", "method_10"), PUBLISHED)
def test_published_examples_come_out(
    table: tuple[int, int, int, int], tango: tuple[float, float], method_10: tuple[float, float]
) -> None:
    _, gained, lost, _ = table
    assert Score(sum(table), gained, lost).interval(0.05) == pytest.approx(tango, abs=6e-5)
    assert newcombe(*table, 0.05) == pytest.approx(method_10, abs=6e-5)


def test_newcombes_example_in_statistics_with_confidence_comes_out() -> None:
    # D. G. Altman and others, "Statistics with Confidence" (2000), table 6.2: 0.12, from 0.011 to 0.226.
    assert newcombe(14, 5, 0, 22, 0.05) == pytest.approx((0.011, 0.226), abs=6e-4)


counts = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 900)).filter(lambda of: sum(of[:2]) > 0)


@given(counts, st.sampled_from((0.01, 0.05, 0.1, 0.5)))
def test_the_sides_are_mirror_images(of: tuple[int, int, int], alpha: float) -> None:
    gained, lost, _ = of
    low, high = Score(sum(of), gained, lost).interval(alpha)
    assert Score(sum(of), lost, gained).interval(alpha) == pytest.approx((-high, -low), abs=1e-9)
    assert -1 <= low <= (gained - lost) / sum(of) <= high <= 1


@given(counts, st.floats(-0.9, 0.9), st.sampled_from((0.01, 0.05, 0.2)))
def test_a_difference_lies_outside_of_the_interval_exactly_where_a_test_rejects_it(
    of: tuple[int, int, int], limit: float, alpha: float
) -> None:
    test = Score(sum(of), *of[:2])
    low, high = test.interval(alpha)
    if abs(limit - low) > 1e-6 and abs(limit - high) > 1e-6:
        assert (limit < low) == (test.p_above(limit) < alpha / 2)
        assert (limit > high) == (test.p_below(limit) < alpha / 2)


@given(counts)
def test_against_no_difference_it_is_mcnemars_test(of: tuple[int, int, int]) -> None:
    gained, lost, _ = of
    ours = statistic(0.0, sum(of), gained, lost)
    assert ours == pytest.approx((gained - lost) / math.sqrt(gained + lost))
    theirs = mcnemar([[0, gained], [lost, sum(of) - gained - lost]], exact=False, correction=False)
    assert ours**2 == pytest.approx(theirs.statistic)
    assert 2 * min(float(ndtr(ours)), float(ndtr(-ours))) == pytest.approx(theirs.pvalue)


def test_with_many_pairs_that_differ_it_nears_the_exact_sign_test() -> None:
    test = Score(4000, 220, 180)
    exact = binomtest(220, 400, 0.5, alternative="greater").pvalue
    assert test.p_above(0.0) == pytest.approx(exact, rel=0.12)


def test_student_widens_it() -> None:
    assert Score(500, 40, 30, df=6.0).interval(0.05)[0] < Score(500, 40, 30).interval(0.05)[0]
    many = Score(500, 40, 30, df=1e9).interval(0.05)
    assert many == pytest.approx(Score(500, 40, 30).interval(0.05), abs=1e-6)


def test_a_scale_stretches_it() -> None:
    low, high = Score(500, 40, 30).interval(0.05)
    stretched = Score(500, 40, 30, scale=4.0)
    assert stretched.interval(0.05) == pytest.approx((4 * low, 4 * high))
    assert stretched.p_above(-0.2) == Score(500, 40, 30).p_above(-0.05)


def test_what_cannot_be_has_no_chance() -> None:
    assert Score(20, 20, 0).p_above(-1.0) == 0.0
    assert Score(20, 0, 20).p_above(-1.0) == 0.5  # T is 0 there: nothing speaks for more
    assert Score(20, 3, 2).p_above(1.5) == pytest.approx(1.0)


def _chances(n: int, apart: float, difference: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the outcomes of n pairs that matter, and their chances."""
    won, lost = (apart + difference) / 2, (apart - difference) / 2
    ranges = [
        np.arange(max(0, int(n * p - 7 * (n * p) ** 0.5 - 6)), min(n, int(n * p + 7 * (n * p) ** 0.5 + 12)) + 1)
        for p in (won, lost)
    ]
    b, c = (grid.ravel().astype(float) for grid in np.meshgrid(*ranges, indexing="ij"))
    b, c = b[b + c <= n], c[b + c <= n]
    ways = gammaln(n + 1) - gammaln(b + 1) - gammaln(c + 1) - gammaln(n - b - c + 1)
    return b, c, np.exp(ways + xlogy(b, won) + xlogy(c, lost) + xlogy(n - b - c, 1 - apart))


def _statistics(delta: float, n: int, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return T of many outcomes, by the paper's formulas as they stand there."""
    middle = -b - c + (2 * n - b + c) * delta
    q = (np.sqrt(np.maximum(middle**2 + 8 * n * c * delta * (1 - delta), 0)) - middle) / (4 * n)
    spread = n * (2 * q + delta * (1 - delta))
    above = b - c - n * delta
    edge = np.where(np.abs(above) < 1e-9, 0.0, np.copysign(np.inf, above))
    at: np.ndarray = np.where(spread > 1e-9, above / np.sqrt(np.maximum(spread, 1e-9)), edge)
    return at


# A difference is never larger than the share of items that differ.
CELLS = [
    (n, apart, difference)
    for n in (30, 50, 100, 300, 1000)
    for apart in (0.02, 0.05, 0.1, 0.3, 0.6)
    for difference in (0.0, -0.01, -0.03, -0.1)
    if apart >= abs(difference)
]


@pytest.mark.parametrize(("n", "apart", "difference"), CELLS)
def test_it_covers_as_it_says_and_no_more_than_one_swap_in_twenty_is_false(
    n: int, apart: float, difference: float
) -> None:
    b, c, chances = _chances(n, apart, difference)
    at = _statistics(difference, n, b, c)
    bound = norm.ppf(0.975)
    covered = chances[np.abs(at) <= bound].sum()
    assert chances.sum() == pytest.approx(1.0, abs=1e-6)
    assert covered >= 0.93
    # With fewer than five pairs that differ it covers too often, which is no harm but for its width.
    assert covered <= 0.97 or n * apart <= 6
    assert chances[at > bound].sum() <= 0.05


def test_the_statistic_is_the_papers_formula() -> None:
    b, c = (grid.ravel().astype(float) for grid in np.meshgrid(np.arange(30), np.arange(30)))
    for delta in (-0.4, -0.03, 0.0, 0.2):
        ours = [statistic(delta, 60, one, other) for one, other in zip(b, c, strict=True)]
        assert ours == pytest.approx(_statistics(delta, 60, b, c), abs=1e-8)


def test_p_values_are_normal_tails() -> None:
    at = statistic(-0.05, 200, 12, 15)
    assert Score(200, 12, 15).p_above(-0.05) == pytest.approx(float(ndtr(-at)))
    assert Score(200, 12, 15).p_below(-0.05) == pytest.approx(float(ndtr(at)))

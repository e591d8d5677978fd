"""Holm's correction, and intervals that say what it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from steelyard.weigh.stats.holm import holm_adjusted, holm_levels

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_an_example_comes_out() -> None:
    # statsmodels 0.15: multipletests([0.01, 0.04, 0.03, 0.005], method="holm")
    assert holm_adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("n", [1, 2, 5, 12, 40])
def test_adjusted_p_values_are_those_of_statsmodels(n: int) -> None:
    p = np.random.default_rng(n).beta(0.3, 1, n).round(3).tolist()  # with ties, and many small ones
    assert holm_adjusted(p) == pytest.approx(multipletests(p, method="holm")[1].tolist(), abs=1e-12)


def test_levels_grow_until_one_is_not_rejected() -> None:
    assert holm_levels([0.001, 0.2, 0.01, 0.04], 0.05) == pytest.approx([0.05 / 4, 0.05 / 2, 0.05 / 3, 0.05 / 2])


@given(p_values, st.sampled_from((0.01, 0.05, 0.2)))
def test_a_test_is_rejected_at_its_level_exactly_where_its_adjusted_p_value_is(p: list[float], alpha: float) -> None:
    for one, level, adjusted in zip(p, holm_levels(p, alpha), holm_adjusted(p), strict=True):
        assert alpha / len(p) <= level <= alpha
        if abs(adjusted - alpha) > 1e-9:
            assert (one <= level) == (adjusted <= alpha)


@given(p_values)
def test_adjusting_keeps_the_order_and_lowers_nothing(p: list[float]) -> None:
    adjusted = holm_adjusted(p)
    assert all(one <= other <= 1 for one, other in zip(p, adjusted, strict=True))
    by_size = np.argsort(p, kind="stable")
    assert list(np.array(adjusted)[by_size]) == sorted(adjusted)


def test_of_true_hypotheses_hardly_any_is_rejected_in_more_than_alpha_of_all_families() -> None:
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(4000):
        p = [*rng.uniform(size=6), *rng.uniform(0, 1e-4, size=4)]  # six true, four false
        wrong += any(one <= 0.05 for one in holm_adjusted(p)[:6])
    assert wrong / 4000 <= 0.05 + 3 * (0.05 * 0.95 / 4000) ** 0.5


def test_nothing_is_adjusted_to_nothing() -> None:
    assert (holm_adjusted([]), holm_levels([], 0.05)) == ([], [])

"""Ranking by means: paired, clustered, and never surer than the data."""

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_rel

from steelyard.core.errors import ConfigError
from steelyard.weigh.ranking.clusters import Clusters, Floats
from steelyard.weigh.ranking.means import Means, Scores, rank_means
from steelyard.weigh.ranking.simultaneous import Chances
from tests.weigh.ranking.given import by

QUICK = Chances(draws=2000)
COARSE = Chances(draws=499)
TRIES = 400


def scores(values: Floats, clusters: Clusters | None = None) -> Scores:
    return Scores(tuple("ABCDEFGH"[: values.shape[1]]), values, clusters)


def row(found: Means, model: str) -> tuple[float, float | None, tuple[int, int]]:
    return next((one.mean, one.se, one.rank) for one in found.rows if one.model == model)


def test_two_models_are_the_paired_t_test() -> None:
    values = np.random.default_rng(1).normal(size=(40, 2)) + np.array([0.3, 0.0])
    found = rank_means(scores(values), QUICK)
    expected = ttest_rel(values[:, 0], values[:, 1])
    difference = found.estimates[0] - found.estimates[1]
    assert difference / found.order.errors[0, 1] == pytest.approx(expected.statistic, rel=1e-12)
    assert found.order.critical == pytest.approx(student.ppf(0.975, 39), abs=0.1)


def test_errors_of_clustered_means_are_those_of_the_cluster_totals() -> None:
    generator = np.random.default_rng(2)
    codes = generator.integers(0, 25, 300)
    values = generator.normal(size=(300, 3)) + generator.normal(size=(25, 1))[codes]
    found = rank_means(scores(values, by(codes)), QUICK)
    for place, model in enumerate("ABC"):
        centred = values[:, place] - values[:, place].mean()
        totals = np.bincount(codes, centred)
        assert row(found, model)[1] == pytest.approx(np.sqrt((totals**2).sum() * 25 / 24) / 300, rel=1e-12)


def test_clusters_of_one_item_are_no_clusters() -> None:
    values = np.random.default_rng(3).normal(size=(50, 3))
    alone, numbered = rank_means(scores(values), QUICK), rank_means(scores(values, by(np.arange(50))), QUICK)
    assert [one.se for one in alone.rows] == pytest.approx([one.se for one in numbered.rows])
    assert [one.rank for one in alone.rows] == [one.rank for one in numbered.rows]


def test_models_far_apart_have_single_ranks_and_alike_ones_share_theirs() -> None:
    generator = np.random.default_rng(4)
    chance = np.array([0.9, 0.88, 0.6, 0.2])
    values = (generator.random((400, 4)) < chance).astype(float)
    found = rank_means(scores(values), QUICK)
    assert {one.model: one.rank for one in found.rows} == {"A": (1, 2), "B": (1, 2), "C": (3, 3), "D": (4, 4)}
    assert [one.place for one in found.rows] == [1, 2, 3, 4]


def test_a_model_that_is_always_right_has_an_interval_below_one() -> None:
    values = np.ones((60, 2))
    values[:20, 1] = 0
    found = rank_means(scores(values), QUICK)
    best = found.rows[0]
    assert (best.mean, best.se) == (1.0, None)
    assert best.ci is not None
    assert 0.85 < best.ci[0] < 0.96
    assert best.ci[1] == 1.0
    assert best.rank == (1, 1)


def test_where_nothing_varies_the_interval_is_as_wide_as_the_number_of_items_allows() -> None:
    found = rank_means(scores(np.ones((40, 3))), QUICK)
    for one in found.rows:
        assert one.se is None
        assert one.ci is not None
        assert 0.8 < one.ci[0] < 0.9
        assert one.rank == (1, 3)
    # On a scale without ends nothing is known of what did not vary.
    assert [one.ci for one in rank_means(scores(np.full((40, 3), 7.0)), QUICK).rows] == [None] * 3


def test_a_handful_of_differing_items_never_calls_two_models_apart() -> None:
    values = np.ones((1000, 2))
    values[:5, 1] = 0
    found = rank_means(scores(values), QUICK)
    # t is 2.24, above the critical value; the exact test's chance is 2 / 2⁵ = 0.0625.
    assert (found.estimates[0] - found.estimates[1]) / found.order.errors[0, 1] > student.ppf(0.975, 999)
    assert [one.rank for one in found.rows] == [(1, 2), (1, 2)]
    values[:6, 1] = 0
    assert [one.rank for one in rank_means(scores(values), QUICK).rows] == [(1, 1), (2, 2)]


def test_items_that_some_model_lacks_do_not_count_and_are_counted() -> None:
    values = np.random.default_rng(5).random((50, 3))
    values[:4, 1] = np.nan
    values[2:7, 2] = np.nan
    found = rank_means(scores(values), QUICK)
    assert (found.items, found.left_out) == (43, 7)
    assert {one.model: one.missing for one in found.rows} == {"A": 0, "B": 4, "C": 5}
    assert row(found, "A")[0] == pytest.approx(values[7:, 0].mean())


def test_models_without_a_common_item_are_refused() -> None:
    values = np.full((20, 2), np.nan)
    values[:10, 0] = values[10:, 1] = 1.0
    with pytest.raises(ConfigError, match="No item has a score of every model"):
        rank_means(scores(values), QUICK)


def test_one_model_and_nine_items_are_refused() -> None:
    with pytest.raises(ConfigError, match="Only one model has scores"):
        rank_means(scores(np.ones((20, 1))), QUICK)
    with pytest.raises(ConfigError, match="There are 9 observations, and an interval needs at least 10"):
        rank_means(scores(np.random.default_rng(6).random((9, 2))), QUICK)


def test_scores_on_any_scale_rank_alike() -> None:
    values = np.random.default_rng(7).random((80, 4)) + np.array([0.4, 0.2, 0.1, 0.0])
    small, large = rank_means(scores(values / 2), QUICK), rank_means(scores(values * 50 - 100), QUICK)
    assert [one.rank for one in small.rows] == [one.rank for one in large.rows]
    assert small.bounded
    assert not large.bounded


def ranks_of(values: Floats, clusters: Clusters | None = None) -> dict[str, tuple[int, int]]:
    return {one.model: one.rank for one in rank_means(scores(values, clusters), QUICK).rows}


def test_always_right_is_better_than_always_wrong_and_a_third_is_ranked_beside_them() -> None:
    values = np.zeros((40, 3))
    values[:, 0] = 1
    assert ranks_of(values[:, :2]) == {"A": (1, 1), "B": (2, 2)}
    # Fewer items than a sign test needs: 6 orders in all, and a tenth of 0.05 for them, is 2^−11 and not 2^−10.
    values[:20, 2] = 1
    assert ranks_of(values[:40]) == {"A": (1, 1), "C": (2, 2), "B": (3, 3)}
    assert ranks_of(values[15:25]) == {"A": (1, 3), "C": (1, 3), "B": (1, 3)}
    assert ranks_of(values[14:25]) == {"A": (1, 2), "C": (1, 3), "B": (2, 3)}
    found = rank_means(scores(values), QUICK)
    assert found.same == 1
    assert all(error is None for error in (row(found, "A")[1], row(found, "B")[1]))


def test_the_same_difference_on_every_item_counts_for_what_the_bounds_of_scores_make_of_it() -> None:
    easy = 0.1 * np.arange(7.0)[np.arange(90) % 7]
    apart = np.column_stack([easy, easy + 0.1])
    # (1 + 0.1)^−n is below a twentieth of a tenth of 0.05 from 63 items on.
    assert ranks_of(apart[:62]) == {"A": (1, 2), "B": (1, 2)}
    assert ranks_of(apart[:63]) == {"A": (2, 2), "B": (1, 1)}
    # Ten sources say what ten items would, and of scores without bounds one great loss may not have been seen.
    assert ranks_of(apart, by(np.arange(90) % 10)) == {"A": (1, 2), "B": (1, 2)}
    assert ranks_of(apart * 30) == {"A": (1, 2), "B": (1, 2)}


def test_what_the_last_digit_is_off_by_is_no_spread() -> None:
    values = np.tile([0.1, 0.3, 0.7], (40, 1))
    found = rank_means(scores(values), QUICK)
    assert [one.se for one in found.rows] == [None] * 3
    assert all(one.ci is not None and one.ci[1] - one.ci[0] > 0.2 for one in found.rows)
    assert [one.ci for one in rank_means(scores(values * 10), QUICK).rows] == [None] * 3


def test_nobody_is_better_by_right_and_wrong_where_a_sign_test_could_not_say_so() -> None:
    values = np.zeros((11, 2))
    values[:9, 0] = values[9:, 1] = 1
    # t is 2.6 and its limit 2.2; 9 of 11 or more extreme, either way, has a chance of 0.065.
    assert ttest_rel(values[:, 0], values[:, 1]).pvalue < 0.03
    assert ranks_of(values) == {"A": (1, 2), "B": (1, 2)}


@pytest.mark.parametrize(("items", "sources"), [(10, None), (11, None), (50, 10)])
def test_ranges_hold_where_two_models_are_never_right_together(items: int, sources: int | None) -> None:
    generator = np.random.default_rng(items)
    codes = np.arange(items) if sources is None else np.arange(items) % sources
    clusters = None if sources is None else by(codes)
    wrong = 0
    for _ in range(TRIES):
        right = generator.random(codes.max() + 1)[codes] < 0.5
        values = np.column_stack([right, ~right]).astype(float)
        wrong += any(one.rank != (1, 2) for one in rank_means(scores(values, clusters), COARSE).rows)
    assert wrong <= TRIES * 0.05


def test_ranges_hold_where_five_equal_models_have_twenty_items() -> None:
    generator = np.random.default_rng(3)
    equal = ((generator.random((20, 5)) < 0.5).astype(float) for _ in range(TRIES))
    wrong = sum(any(one.rank != (1, 5) for one in rank_means(scores(values), COARSE).rows) for values in equal)
    # By t alone it was 7 of 100.
    assert wrong <= TRIES * 0.05


def test_ranges_hold_where_one_model_is_always_right_and_others_nearly_alike() -> None:
    generator = np.random.default_rng(9)
    wrong = sure = 0
    for _ in range(TRIES):
        values = (generator.random((25, 4)) < np.array([1.0, 0.5, 0.5, 0.0])).astype(float)
        found = rank_means(scores(values), COARSE)
        ranks = {one.model: one.rank for one in found.rows}
        # B and C are equal: both have the ranks 2 and 3.
        true = {"A": (1, 1), "B": (2, 3), "C": (2, 3), "D": (4, 4)}
        wrong += any(ranks[one][0] > best or ranks[one][1] < worst for one, (best, worst) in true.items())
        sure += ranks["A"] == (1, 1) and ranks["D"] == (4, 4)
    assert wrong <= TRIES * 0.05
    assert sure > TRIES * 0.9

"""Rank models by their mean scores on the same items."""

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import bdtr, stdtr

from steelyard.core.errors import ConfigError
from steelyard.weigh.judging.proportions import wilson
from steelyard.weigh.ranking.clusters import Clusters, Floats, Spread, spread_of, without_clusters
from steelyard.weigh.ranking.simultaneous import (
    Bools,
    Chances,
    Order,
    check_count,
    critical_value,
    known_errors,
    order_of,
)

__all__ = ["Mean", "Means", "Scores", "rank_means"]

_FOR_THE_SAME = 0.1
"""The share of alpha that goes to exact tests where a difference is the same on every item."""
_NEAR_T = 30
"""So many sources, or items that differ, as t is near to exact tests with."""
_LOTS = 2047
_ALIKE = 1e-9
_EQUAL = 1e-12
"""Scores that differ by less than this share of the greatest are equal."""


class Scores(Struct, frozen=True, eq=False):
    """Scores of `models` (K) on the same items: `values` is items × K, not a number where one is missing.

    `clusters`: the items that share a source; None: no two do.
    """

    models: tuple[str, ...]
    values: Floats
    clusters: Clusters | None = None


class Mean(Struct, frozen=True, kw_only=True):
    """A model's mean score. `se` and `ci` are None where nothing is known of them; `rank` is the best and the worst
    that it may have, `place` the one that the means alone would give, and `missing` the items without its score."""

    model: str
    mean: float
    se: float | None
    ci: tuple[float, float] | None
    place: int
    rank: tuple[int, int]
    missing: int


class Means(Struct, frozen=True, eq=False):
    """Models in the order of their means, the first the greatest. `index[i]` is the place of `rows[i]` in the scores.

    `order` and `estimates` are in the scores' order. `items` were scored by all; `clusters` is their number of sources.
    `same`: pairs that an exact test called apart, since they differ by the same on every item.
    """

    rows: tuple[Mean, ...]
    index: tuple[int, ...]
    items: int
    left_out: int
    clusters: int
    order: Order
    estimates: Floats
    bounded: bool
    few: int
    same: int


def rank_means(scores: Scores, chances: Chances) -> Means:
    """Return means with intervals that hold all at once, and the ranks that each model may have.

    Only items that all models have a score for are used, so that every comparison is paired. The means' covariance is
    that of a cluster-robust mean with G/(G−1) (Miller 2024, "Adding Error Bars to Evals", arXiv 2411.00640, here for
    all models jointly). Intervals: critical value by max-t; where all scores lie in [0, 1] Wilson's score interval with
    the effective sample size m(1 − m)/V, or the number of sources where nothing varied (Wilson 1927; Franco, Little,
    Louis and Slud 2019, "Comparative Study of Confidence Intervals for Proportions in Complex Sample Surveys",
    recommend it), which is never of zero width; else ± critical × se. Two models that differ by the same on every item
    have no error to divide by: an exact test compares them (`_surely`). Raises ConfigError for fewer than two models,
    ten items or ten sources.
    """
    if len(scores.models) < 2:
        raise ConfigError(f'Only one model has scores ("{"".join(scores.models)}"): there is nothing to rank.')
    check_count(len(scores.models), "Name those to rank: --model NAME, for each.")
    full: NDArray[np.bool_] = np.asarray(~np.isnan(scores.values).any(axis=1))
    values = scores.values[full]
    clusters = without_clusters(len(values)) if scores.clusters is None else scores.clusters.take(full)
    if len(values) == 0:
        raise ConfigError(_no_common_item(scores))
    estimates: Floats = values.mean(axis=0)
    spread = _spread(values, estimates, clusters)
    need = _fewest_different(len(scores.models), chances.alpha)
    bounded = bool(values.min() >= 0 and values.max() <= 1)
    surely = _surely(values, clusters, np.isnan(known_errors(spread)), chances.alpha * _FOR_THE_SAME, bounded=bounded)
    inner = replace(chances, alpha=chances.alpha * (1 - _FOR_THE_SAME)) if surely.any() else chances
    order = order_of(estimates, spread, inner, _different(values, clusters) >= need)
    # What the sign test denies was tested all the same: to leave it out before would spare others its price.
    order = replace(order, greater=order.greater & _possible(values, clusters, order, spread, inner) | surely)
    intervals = _intervals(estimates, spread, critical_value(spread, chances), bounded)
    ranks = order.ranks()
    errors = spread.errors()
    missing = np.isnan(scores.values).sum(axis=0)
    index = sorted(range(len(estimates)), key=lambda one: (-estimates[one], scores.models[one]))
    rows = tuple(
        Mean(
            model=scores.models[one],
            mean=float(estimates[one]),
            se=float(errors[one]) if errors[one] > 0 else None,
            ci=intervals[one],
            place=1 + int((estimates > estimates[one]).sum()),
            rank=ranks[one],
            missing=int(missing[one]),
        )
        for one in index
    )
    left_out = int((~full).sum())
    same = int(surely.sum())
    return Means(rows, tuple(index), len(values), left_out, clusters.count, order, estimates, bounded, need, same)


def _spread(values: Floats, estimates: Floats, clusters: Clusters) -> Spread:
    # What is the same on every item is its own mean: what a mean's last digit is off by is no spread.
    varies = np.ptp(values, axis=0) > _EQUAL * float(np.abs(values).max())
    centred = np.where(varies, values - estimates, 0.0)

    def meat(way: Clusters) -> Floats:
        rows = np.arange(len(centred))
        gather = sparse.csr_array((np.ones(len(centred)), (way.codes, rows)), shape=(way.count, len(centred)))
        summed: Floats = gather @ centred
        return summed.T @ summed

    return spread_of(meat, np.eye(len(estimates)) / len(values), [clusters], 1)


def _intervals(estimates: Floats, spread: Spread, critical: float, bounded: bool) -> list[tuple[float, float] | None]:
    errors = spread.errors()
    found: list[tuple[float, float] | None] = []
    for mean, error in zip(estimates, errors, strict=True):
        if bounded:
            size = mean * (1 - mean) / error**2 if error > 0 and 0 < mean < 1 else spread.clusters[0]
            found.append(wilson(float(mean), float(size), critical))
        elif error > 0:
            found.append((float(mean - critical * error), float(mean + critical * error)))
        else:
            found.append(None)
    return found


def _different(values: Floats, clusters: Clusters) -> NDArray[np.int64]:
    """Return for each pair of models the number of sources on which their summed scores differ, K × K."""
    summed = np.zeros((clusters.count, values.shape[1]))
    np.add.at(summed, clusters.codes, values)
    count = values.shape[1]
    found = np.zeros((count, count), dtype=np.int64)
    tolerance = 1e-9 * max(1.0, float(np.abs(summed).max(initial=0.0)))
    for one in range(count):
        found[one] = (np.abs(summed - summed[:, one : one + 1]) > tolerance).sum(axis=0)
    return found


def _surely(values: Floats, clusters: Clusters, unvaried: Bools, alpha: float, *, bounded: bool) -> Bools:
    """Return which models are surely greater, among pairs whose difference did not vary (`unvaried`), K × K.

    With scores in 0 to 1 no difference lies below −1. So were i no greater than j, sources on which it is greater by d
    would come with a chance of at most 1 / (1 + d), and G of them with (1 + d)^−G: for right and wrong that is the sign
    test's 2^−G. Over all ordered pairs (Bonferroni) it must be at most `alpha`. Of scores without known bounds nothing
    is ever said: one rare great loss may be all that was not seen.
    """
    count = values.shape[1]
    greater = np.zeros((count, count), dtype=np.bool_)
    if not bounded:
        return greater
    for one, other in zip(*np.nonzero(np.triu(unvaried, 1)), strict=True):
        differences = values[:, one] - values[:, other]
        low, high = float(differences.min()), float(differences.max())
        least = min(abs(low), abs(high))
        if high - low <= _EQUAL and count * (count - 1) * (1 + least) ** -clusters.count <= alpha:
            greater[one, other], greater[other, one] = low > _EQUAL, high < -_EQUAL
    return greater


def _possible(values: Floats, clusters: Clusters, order: Order, spread: Spread, chances: Chances) -> Bools:
    """Return which pairs of models an exact test calls apart too, K × K; all, where t is near enough to it.

    With right and wrong on independent items that is McNemar's: of 11 items that all differ, 9 to 2 has t = 2.6, above
    its limit of 2.2, and an exact chance of 0.065. With fewer than 30 sources of any other scores it is the chance that
    the sources' summed differences are as far from nought when each has its sign by lot (Fisher 1935, "The Design of
    Experiments", section 21). Where few differ, that must be below the level that t's limit stands for.
    """
    level = 2 * float(stdtr(spread.freedom, -order.critical))
    if clusters.count == len(values) and np.isin(values, (0.0, 1.0)).all():
        won = values.T @ (1 - values)
        differing = (won + won.T).astype(np.int64)
        exact = 2 * bdtr(np.minimum(won, won.T), differing, 0.5)
        possible: Bools = exact <= np.where(differing < _NEAR_T, level, chances.alpha)
        return possible
    found = np.ones((values.shape[1], values.shape[1]), dtype=np.bool_)
    if clusters.count < _NEAR_T:
        summed = np.zeros((clusters.count, values.shape[1]))
        np.add.at(summed, clusters.codes, values)
        signs = np.random.default_rng((chances.seed, 2)).choice((-1.0, 1.0), (_LOTS, clusters.count))
        for one in range(values.shape[1]):
            differences = summed[:, one : one + 1] - summed
            reached = np.abs(signs @ differences) >= (1 - _ALIKE) * np.abs(differences.sum(axis=0))
            found[one] = (1 + reached.sum(axis=0)) / (_LOTS + 1) <= level
    return found


def _fewest_different(models: int, alpha: float) -> int:
    """Return on how many sources two models must differ before one may be called greater.

    Of m sources that differ, an exact sign test's smallest two-sided chance is 2^(1 − m) (McNemar's exact test, for
    binary scores). With fewer than this m it could never fall below alpha over all pairs (Bonferroni), so a greater
    claim would rest on the normal approximation alone.
    """
    pairs = models * (models - 1) // 2
    return int(np.ceil(1 + np.log2(pairs / alpha)))


def _no_common_item(scores: Scores) -> str:
    emptiest = int(np.isnan(scores.values).sum(axis=0).argmax())
    return (
        f'No item has a score of every model; "{scores.models[emptiest]}" lacks the most. '
        "Leave models out, or take results on the same items."
    )

"""Rank models by votes: strengths, their intervals, and the ranks that each may have."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from scipy import sparse
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.stats import t as student

from steelyard.core.errors import ConfigError
from steelyard.weigh.ranking.clusters import Clusters, Floats, Spread, spread_of, without_clusters
from steelyard.weigh.ranking.fit import Fit, Ties, fit_strengths
from steelyard.weigh.ranking.simultaneous import Bools, Chances, Order, check_count, critical_value, order_of, ranks_of
from steelyard.weigh.ranking.standing import Side, Standing, standing_of
from steelyard.weigh.ranking.votes import Tally, Votes, tally_of

__all__ = ["Influence", "Strength", "Strengths", "rank_votes"]

_FOR_THE_UNBOUNDED = 0.1
"""The share of alpha that goes to exact tests where a model always wins or always loses."""


class Strength(Struct, frozen=True, kw_only=True):
    """A model's strength: log-odds of being preferred to the core's average. None with `side` not "core": unbounded.

    `rank`: the best and the worst that it may have. `place`: the one that the estimates alone would give, None where
    they give none.
    """

    model: str
    side: Side
    strength: float | None
    se: float | None
    ci: tuple[float, float] | None
    place: int | None
    rank: tuple[int, int]
    wins: int
    losses: int
    ties: int


class Influence(Struct, frozen=True, kw_only=True):
    """How a control moves votes: log-odds for one standard deviation more of it. Its interval stands alone."""

    control: str
    text: str
    estimate: float
    se: float
    ci: tuple[float, float]


class Strengths(Struct, frozen=True, eq=False):
    """Models, the strongest first; `index[i]` is the place of `rows[i]` among the votes' models.

    `greater` is in the votes' order; `order`, `spread` and `fit` (None where no two models bound each other) are those
    of the core.
    """

    rows: tuple[Strength, ...]
    index: tuple[int, ...]
    influences: tuple[Influence, ...]
    greater: Bools
    core: tuple[int, ...]
    fit: Fit | None
    spread: Spread | None
    order: Order | None


def rank_votes(votes: Votes, ties: Ties, chances: Chances) -> Strengths:
    """Return strengths with intervals that hold all at once, and the ranks that each model may have.

    Point estimates: `fit_strengths`. Covariance: sandwich, clustered one or two ways (`spread_of`): votes on one
    prompt, or by one rater, are not independent, and the model need not hold exactly (White 1982). Intervals: max-t
    over the models; ranks: step-down over all pairs (`order_of`). Models that always win or always lose against the
    rest have no finite strength: they get none, and a pair is called apart only by an exact test on their own votes
    (`_exact`). Raises ConfigError for fewer than two models, groups that no vote connects, or fewer than ten
    clusters.
    """
    if len(votes.models) < 2:
        raise ConfigError("Votes compare two models or more; here is only one.")
    check_count(len(votes.models), "Leave the votes on others out of the file.")
    tally = tally_of(votes)
    standing = standing_of(votes.models, tally)
    count = len(votes.models)
    greater = np.zeros((count, count), dtype=np.bool_)
    whole = len(standing.core) == count
    inner = chances if whole else Chances(chances.alpha * (1 - _FOR_THE_UNBOUNDED), chances.seed, chances.draws)
    fit: Fit | None = None
    spread: Spread | None = None
    order: Order | None = None
    critical = float("nan")
    influences: tuple[Influence, ...] = ()
    if len(standing.core) > 1:
        part = votes if whole else votes.among(standing.core)
        fit = fit_strengths(part, ties)
        full = _spread(part, fit)
        spread = full.part(np.arange(len(standing.core)))
        order = order_of(fit.strengths, spread, inner)
        critical = critical_value(spread, inner)
        greater[np.ix_(standing.core, standing.core)] = order.greater
        influences = _influences(part, fit, full, chances.alpha)
    if not whole and not votes.controls:
        greater |= _exact(votes, standing, tally, chances.alpha * _FOR_THE_UNBOUNDED)
    rows, index = _rows(votes, tally, standing, greater, (fit, spread, critical))
    return Strengths(rows, index, influences, greater, standing.core, fit, spread, order)


def _spread(votes: Votes, fit: Fit) -> Spread:
    count = len(votes.models)
    columns = [fit.residuals * one.values for one in votes.controls]
    if fit.tie_residuals is not None:
        columns.append(fit.tie_residuals)

    def meat(way: Clusters) -> Floats:
        # Most clusters of two-way votes hold one vote: those need no sums, which is half of the work.
        alone = np.bincount(way.codes, minlength=way.count)[way.codes] == 1
        if columns or not alone.any():
            return _product(votes, fit.residuals, columns, way)
        pairs = votes.first[alone] * count + votes.second[alone]
        single = np.bincount(pairs, fit.residuals[alone] ** 2, count * count).reshape(count, count)
        single = single + single.T
        found: Floats = np.diag(single.sum(axis=1)) - single
        rest = ~alone
        together = Votes(votes.models, votes.first[rest], votes.second[rest], votes.outcome[rest])
        return found + _product(together, fit.residuals[rest], [], Clusters(way.name, way.codes[rest], way.count))

    ways = votes.ways or (without_clusters(len(votes)),)
    return spread_of(meat, fit.bread, ways, count - 1 + len(columns))


def _product(votes: Votes, residuals: Floats, columns: Sequence[Floats], way: Clusters) -> Floats:
    """Return Σ_g s_g s_gᵀ over clusters: a vote's scores are its residual, less it, and those of `columns`."""
    rows = np.concatenate([way.codes, way.codes])
    where = np.concatenate([votes.first, votes.second])
    values = np.concatenate([residuals, -residuals])
    summed = sparse.coo_array((values, (rows, where)), shape=(way.count, len(votes.models))).tocsr()
    if columns:
        more = np.column_stack([np.bincount(way.codes, column, way.count) for column in columns])
        summed = sparse.hstack([summed, sparse.csr_array(more)], format="csr")
    found: Floats = (summed.T @ summed).toarray()
    return found


def _influences(votes: Votes, fit: Fit, spread: Spread, alpha: float) -> tuple[Influence, ...]:
    errors = spread.errors()
    critical = float(student.ppf(1 - alpha / 2, spread.freedom))
    found = []
    for place, control in enumerate(votes.controls):
        estimate, error = float(fit.controls[place]), float(errors[len(votes.models) + place])
        ci = (estimate - critical * error, estimate + critical * error)
        found.append(Influence(control=control.name, text=control.text, estimate=estimate, se=error, ci=ci))
    return tuple(found)


def _rows(
    votes: Votes, tally: Tally, standing: Standing, greater: Bools, found: tuple[Fit | None, Spread | None, float]
) -> tuple[tuple[Strength, ...], tuple[int, ...]]:
    fit, spread, critical = found
    ranks = ranks_of(greater)
    numbers = {one: place for place, one in enumerate(standing.core)}
    errors = None if spread is None else spread.errors()
    above = sum(side is Side.ABOVE for side in standing.sides)
    apart = any(side is Side.APART for side in standing.sides)

    def row(one: int) -> Strength:
        inner = numbers.get(one)
        strength = error = ci = place = None
        if fit is not None and errors is not None and inner is not None:
            strength = float(fit.strengths[inner])
            error = float(errors[inner]) if errors[inner] > 0 else None
            if error is not None:
                ci = (strength - critical * error, strength + critical * error)
            # Models whose side is unknown may be anywhere: then no place is given.
            place = None if apart else 1 + above + int((fit.strengths > strength).sum())
        return Strength(
            model=votes.models[one],
            side=standing.sides[one],
            strength=strength,
            se=error,
            ci=ci,
            place=place,
            rank=ranks[one],
            wins=int(tally.wins[one].sum()),
            losses=int(tally.wins[:, one].sum()),
            ties=int(tally.ties[one].sum()),
        )

    rows = [row(one) for one in range(len(votes.models))]
    level = {Side.ABOVE: 0, Side.CORE: 1, Side.APART: 2, Side.BELOW: 3}
    index = sorted(
        range(len(rows)), key=lambda one: (level[rows[one].side], -(rows[one].strength or 0), rows[one].model)
    )
    return tuple(rows[one] for one in index), tuple(index)


def _exact(votes: Votes, standing: Standing, tally: Tally, alpha: float) -> Bools:
    """Return which models are surely stronger than which, across parts that only ever win against each other.

    Were i no stronger than j, each of its votes would be won with a chance of at most ½, and m votes that share neither
    prompt nor rater all with at most 2^−m. Over all ordered pairs (Bonferroni) that must be at most alpha.
    """
    count = len(votes.models)
    need = int(np.ceil(np.log2(count * (count - 1) / alpha)))
    greater = np.zeros((count, count), dtype=np.bool_)
    across = standing.groups[:, None] != standing.groups[None, :]
    for one, other in zip(*np.nonzero(across & (tally.wins >= need)), strict=True):
        pair = ((votes.first == one) & (votes.second == other)) | ((votes.first == other) & (votes.second == one))
        greater[one, other] = _independent(tuple(way.take(pair) for way in votes.ways), int(pair.sum())) >= need
    return greater


def _independent(ways: tuple[Clusters, ...], votes: int) -> int:
    """Return the most votes of which no two share a cluster: the clusters, or the largest matching of both kinds."""
    if not ways:
        return votes
    if len(ways) == 1:
        return ways[0].count
    shape = (ways[0].count, ways[1].count)
    graph = sparse.csr_array((np.ones(votes), (ways[0].codes, ways[1].codes)), shape=shape)
    return int((maximum_bipartite_matching(sparse.csr_matrix(graph), perm_type="column") >= 0).sum())

"""A ranking as one value: what `steelyard weigh rank --json` prints."""

import math
from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from steelyard.weigh.ranking.fit import Ties
from steelyard.weigh.ranking.means import Mean, Means
from steelyard.weigh.ranking.simultaneous import Chances, Order
from steelyard.weigh.ranking.standing import Side
from steelyard.weigh.ranking.strengths import Influence, Strength, Strengths
from steelyard.weigh.ranking.votes import Votes
from steelyard.weigh.results.sheet import Flag

__all__ = ["Grouping", "Pair", "Ranking", "ranking_of_scores", "ranking_of_votes"]


class Grouping(Struct, frozen=True):
    """What observations share, and how many different ones there are."""

    column: str | None
    count: int


class Pair(Struct, frozen=True):
    """`first` is estimated no lower than `second`. `apart`: surely higher, in the step-down procedure, which may say so
    where the single interval `ci` (all pairs' intervals hold at once) still holds 0. None: unbounded, or unknown."""

    first: str
    second: str
    difference: float | None
    se: float | None
    ci: tuple[float, float] | None
    apart: bool


class Ranking(Struct, frozen=True, kw_only=True):
    """Models, the best first. `kind`: "scores" or "votes"; n: items that count, or votes. `critical` is the multiple of
    its standard error that any difference may be off, all at once; `ties` how ties count."""

    kind: str
    n: int
    clusters: tuple[Grouping, ...]
    models: tuple[Mean, ...] | tuple[Strength, ...]
    first: tuple[str, ...]
    influences: tuple[Influence, ...] | UnsetType = UNSET
    pairs: tuple[Pair, ...] | UnsetType = UNSET
    method: str
    ties: str | UnsetType = UNSET
    log_nu: float | UnsetType | None = UNSET
    critical: float | None
    alpha: float
    seed: int
    draws: int
    flags: tuple[Flag, ...]
    inputs_sha256: str


def ranking_of_scores(
    means: Means, column: str | None, chances: Chances, flags: Sequence[Flag], sha256: str
) -> Ranking:
    """Return the ranking by means. `column`: what the items are clustered by."""
    by = f'clustered by "{column}" (CR1)' if column is not None else "items independent"
    interval = "Wilson's with effective sizes" if means.bounded else "± critical × se"
    found = list(flags)
    if means.left_out:
        found.append(
            Flag(
                "items_left_out",
                f"{means.left_out} items lack a score of some model, and do not count: {_lacking(means.rows)}. "
                "--missing fail counts a missing score as 0.",
            )
        )
    return Ranking(
        kind="scores",
        n=means.items,
        clusters=(Grouping(column, means.clusters),),
        models=means.rows,
        first=_first(means.rows),
        pairs=_pairs([row.model for row in means.rows], means.index, means.estimates.tolist(), means.order),
        method=f"means of the same items, paired, {by}; intervals: max-t over models, {interval}; ranks: step-down "
        f"max-t over all pairs that differ on {means.few} {'sources' if column is not None else 'items'} or more "
        f"(Mogstad et al. 2024){_SAME if means.same else ''}",
        critical=_known(means.order.critical),
        alpha=chances.alpha,
        seed=chances.seed,
        draws=chances.draws,
        flags=tuple(found),
        inputs_sha256=sha256,
    )


def ranking_of_votes(
    strengths: Strengths, votes: Votes, ties: Ties, chances: Chances, flags: Sequence[Flag], sha256: str
) -> Ranking:
    """Return the ranking by votes."""
    names = {Ties.HALF: "a tie is half a win for each", Ties.DAVIDSON: "Davidson's model of ties"}
    grouped = " and ".join(f'"{way.name}"' for way in votes.ways)
    by = (
        f"clustered by {grouped} (CR1{', two-way' if len(votes.ways) == 2 else ''})"
        if votes.ways
        else "votes independent"
    )
    numbers = {one: place for place, one in enumerate(strengths.core)}
    order, fit = strengths.order, strengths.fit
    pairs: tuple[Pair, ...] | UnsetType = UNSET
    if order is not None and fit is not None:
        core = [
            (row.model, numbers[one])
            for row, one in zip(strengths.rows, strengths.index, strict=True)
            if one in numbers
        ]
        pairs = _pairs([name for name, _ in core], [place for _, place in core], fit.strengths.tolist(), order)
    return Ranking(
        kind="votes",
        n=len(votes),
        clusters=tuple(Grouping(way.name, way.count) for way in votes.ways) or (Grouping(None, len(votes)),),
        models=strengths.rows,
        first=_first(strengths.rows),
        influences=strengths.influences if votes.controls else UNSET,
        pairs=pairs,
        method=f"Bradley–Terry by maximum likelihood, sandwich covariance, {by}; intervals: max-t over models; ranks: "
        "step-down max-t over all pairs (Mogstad et al. 2024)",
        ties=names[ties],
        log_nu=fit.log_nu if fit is not None and ties is Ties.DAVIDSON else UNSET,
        critical=None if order is None else _known(order.critical),
        alpha=chances.alpha,
        seed=chances.seed,
        draws=chances.draws,
        flags=(*flags, *_noticed(strengths, votes)),
        inputs_sha256=sha256,
    )


def _noticed(strengths: Strengths, votes: Votes) -> list[Flag]:
    found = []
    outside = [row for row in strengths.rows if row.side is not Side.CORE]
    if outside:
        rows = "; ".join(f'"{row.model}" {_WHY[row.side]}' for row in outside[:10])
        more = f"; and {len(outside) - 10} more" if len(outside) > 10 else ""
        tests = (
            "and ranks beside them are not told, since controls are on"
            if votes.controls
            else "so exact tests rank them"
        )
        found.append(Flag("unbounded", f"Some strengths have no bound: {rows}{more}. They get no number, {tests}."))
    if strengths.spread is not None and strengths.spread.patched:
        found.append(
            Flag(
                "two_way_patched", "The two-way covariance was not positive; no error is smaller than by one way alone."
            )
        )
    if votes.ways and min(way.count for way in votes.ways) < 50:
        fewest = min(votes.ways, key=lambda way: way.count)
        found.append(
            Flag("few_clusters", f'"{fewest.name}" has {fewest.count} values; with fewer than 50, errors are rough.')
        )
    return found


_WHY = {
    Side.ABOVE: "never lost to the others, nor to anybody who did",
    Side.BELOW: "never won against the others, nor against anybody who did",
    Side.APART: "has no chain of wins to or from the others",
}


_SAME = "; by an exact test where two models differ by the same on every item"


def _lacking(rows: Sequence[Mean]) -> str:
    worst = sorted((row for row in rows if row.missing), key=lambda row: -row.missing)[:3]
    return ", ".join(f'"{row.model}" {row.missing}' for row in worst)


def _first(rows: Sequence[Mean] | Sequence[Strength]) -> tuple[str, ...]:
    """Return the models that may be the best."""
    return tuple(row.model for row in rows if row.rank[0] == 1)


def _pairs(names: Sequence[str], index: Sequence[int], estimates: Sequence[float], order: Order) -> tuple[Pair, ...]:
    found = []
    for place, (first, one) in enumerate(zip(names, index, strict=True)):
        for second, other in list(zip(names, index, strict=True))[place + 1 :]:
            difference = estimates[one] - estimates[other]
            error = _known(float(order.errors[one, other]))
            half = None if error is None or _known(order.critical) is None else order.critical * error
            ci = None if half is None else (difference - half, difference + half)
            found.append(Pair(first, second, difference, error, ci, bool(order.greater[one, other])))
    return tuple(found)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)

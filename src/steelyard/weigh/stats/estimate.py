"""Which interval serves which data, and which data none of them serves.

| data | interval |
|---|---|
| right or wrong, no clusters, 10 to 29 items | exact (`exact`) |
| right or wrong, no clusters, 30 items or more | Tango's (`tango`) |
| every item won, or every item lost | one of these two; with clusters, each of them as one pair |
| clusters, or scores between right and wrong | Tango's at effective counts, with Student's t |
| anything else | none: a reason, and no number |

Effective counts: gains and losses are divided by how much more the mean spreads than that of independent pairs that are
won or lost whole, as J. N. K. Rao and A. J. Scott, "A simple method for the analysis of clustered binary data",
Biometrics 48 (1992) 577–585, do for one proportion. The spread is CR2's over clusters, or the sample variance; its
degrees of freedom go into t. Where scores are right or wrong and clusters are single items, it is Tango's interval. It
keeps what a plain t-interval loses: its ends know that few losses spread less than many.

Where it refuses was found by simulation (`bench/weigh_coverage.py`): with 10 clusters, 5 degrees of freedom and 15
effective gains and losses, coverage at 0.95 stays between 0.93 and 0.97; with fewer it falls below.
"""

from typing import TypeAlias

import numpy as np
from msgspec import Struct

from steelyard.weigh.stats.clustered import Clustered, Floats, Ints, clustered
from steelyard.weigh.stats.exact import Exact
from steelyard.weigh.stats.tango import Score

__all__ = [
    "EXACT_BELOW",
    "LEAST_CLUSTERS",
    "LEAST_DF",
    "LEAST_EFFECTIVE",
    "LEAST_ITEMS",
    "Estimate",
    "Test",
    "estimate",
]

Test: TypeAlias = Score | Exact

LEAST_ITEMS = 10
EXACT_BELOW = 30
LEAST_CLUSTERS = 10
LEAST_DF = 5.0
LEAST_EFFECTIVE = 15.0


class Estimate(Struct, frozen=True):
    """A mean difference of paired scores. `test` and `se` are None where no method serves the data; `method` says why.

    `clusters` is None where items are independent. `kind` names the reason: few_items, few_clusters, unequal_clusters,
    few_differences, no_differences, one_difference. With the last there is a test all the same, and no `se`, where
    every item was won, or every item lost."""

    n: int
    clusters: int | None
    difference: float | None
    se: float | None
    method: str
    test: Test | None = None
    kind: str | None = None


def estimate(differences: Floats, codes: Ints | None = None, scale: float = 1.0) -> Estimate:
    """Return the estimate of the mean of `differences`, candidate less baseline, one an item.

    `codes` says of each item which cluster it belongs to. `scale` is the largest difference that two scores can have.
    """
    n = len(differences)
    if n == 0:
        return Estimate(0, None, None, None, "none: no item has a score of both models", kind="few_items")
    mean = float(differences.mean())
    clusters = None if codes is None else int(np.count_nonzero(np.bincount(codes)))
    refused = _refused(differences, clusters, mean, scale)
    if refused is not None and refused[0] == "one_difference" and _is_binary(differences, scale):
        return _all_alike(n, clusters, mean, scale)
    if refused is not None:
        return Estimate(n, clusters, mean, None, f"none: {refused[1]}", kind=refused[0])
    # Clusters of one item each say nothing that the items do not.
    grouped = codes if clusters is not None and clusters < n else None
    if grouped is None and _is_binary(differences, scale):
        return _binary(differences / scale, clusters, scale)
    return _effective(differences, grouped, clusters, scale)


def _refused(differences: Floats, clusters: int | None, mean: float, scale: float) -> tuple[str, str] | None:
    n = len(differences)
    if clusters is not None and clusters < LEAST_CLUSTERS:
        held = "all items are of one cluster" if clusters == 1 else f"only {clusters} clusters"
        return "few_clusters", f"{held}, and {LEAST_CLUSTERS} are the least"
    if n < LEAST_ITEMS:
        return "few_items", f"only {n} item{'s' if n > 1 else ''}, and {LEAST_ITEMS} are the least"
    if float(np.ptp(differences)) <= 1e-12 * scale:
        if abs(mean) <= 1e-12 * scale:
            return "no_differences", "both models have the same score on every item"
        return "one_difference", f"the scores differ by exactly {mean:g} on every item, so their spread is unknown"
    return None


def _is_binary(differences: Floats, scale: float) -> bool:
    return bool(np.isin(differences, (-scale, 0.0, scale)).all())


def _binary(shared: Floats, clusters: int | None, scale: float) -> Estimate:
    n, gained, lost = len(shared), int((shared > 0).sum()), int((shared < 0).sum())
    mean = (gained - lost) / n
    se = float(np.sqrt((gained + lost - n * mean**2) / (n * (n - 1))))
    if n < EXACT_BELOW and scale == 1.0:
        name = "exact score interval for paired right and wrong"
        return Estimate(n, clusters, mean, se, name, Exact(n, gained, lost))
    name = "Tango's score interval for paired right and wrong"
    return Estimate(n, clusters, mean * scale, se * scale, name, Score(n, gained, lost, None, scale))


def _all_alike(n: int, clusters: int | None, mean: float, scale: float) -> Estimate:
    """Return the estimate where every item was won, or every item lost.

    However alike the items of a cluster are, each cluster is a pair of its own: that a model loses all of so many has a
    chance that needs no spread."""
    pairs = n if clusters is None else clusters
    found = _binary(np.full(pairs, np.sign(mean)), clusters, scale)
    each = "" if pairs == n else f", each of {pairs} clusters as one"
    return Estimate(n, clusters, mean, None, found.method + each, found.test, "one_difference")


def _effective(differences: Floats, codes: Ints | None, clusters: int | None, scale: float) -> Estimate:
    shared = differences / scale
    found = _independent(shared) if codes is None else clustered(shared, codes)
    gained, lost = float(shared[shared > 0].sum()), float(-shared[shared < 0].sum())
    # The variance of the mean of as many independent pairs, won or lost whole.
    whole = ((gained + lost) - found.n * found.mean**2) / (found.n * (found.n - 1))
    dispersion = found.variance / whole if whole > 0 else 0.0
    mean, se = found.mean * scale, float(np.sqrt(found.variance)) * scale
    effective = (gained + lost) / dispersion if dispersion > 0 else 0.0
    kind, why = _unserved(found, effective)
    if kind is not None:
        return Estimate(found.n, clusters, mean, None, f"none: {why}", kind=kind)
    counts = (found.n / dispersion, gained / dispersion, lost / dispersion)
    spread = f"CR2 over {found.clusters} clusters, t" if codes is not None else "t"
    name = f"score interval at effective counts ({spread} with {found.df:.1f} degrees of freedom)"
    return Estimate(found.n, clusters, mean, se, name, Score(*counts, found.df, scale))


def _independent(shared: Floats) -> Clustered:
    n = len(shared)
    return Clustered(n, n, float(shared.mean()), float(shared.var(ddof=1)) / n, float(n - 1), 0.0)


def _unserved(found: Clustered, effective: float) -> tuple[str | None, str]:
    if found.df < LEAST_DF:
        few = f"a few of the {found.clusters} clusters hold most of what is known"
        return "unequal_clusters", f"{few} ({found.df:.1f} degrees of freedom, and {LEAST_DF:.0f} are the least)"
    if effective < LEAST_EFFECTIVE:
        few = f"the scores differ too seldom: as if on {effective:.1f} independent items"
        return "few_differences", f"{few}, and {LEAST_EFFECTIVE:.0f} are the least"
    return None, ""

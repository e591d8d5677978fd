"""Which observations share a source, and the covariance of estimates that respects it."""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steelyard.core.errors import ConfigError

__all__ = ["FEWEST_CLUSTERS", "Clusters", "Floats", "Ints", "Spread", "spread_of", "without_clusters"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Meat = Callable[["Clusters"], Floats]
"""From clusters to Σ_g s_g s_gᵀ, where s_g is the sum of the scores of cluster g's observations: K × K."""

FEWEST_CLUSTERS = 10
"""Fewer sources than this say nothing reliable about how sources differ: no interval is given."""


class Clusters(Struct, frozen=True, eq=False):
    """Observations by what they share: `codes[i]` in 0 … `count` − 1 is the cluster of observation i.

    `name` is the column they come from; None: every observation stands alone.
    """

    name: str | None
    codes: Ints
    count: int

    def take(self, kept: NDArray[np.bool_]) -> "Clusters":
        """Return the clusters of the observations that are kept."""
        codes, names = _renumbered(self.codes[kept])
        return Clusters(self.name, codes, names)


def without_clusters(observations: int) -> Clusters:
    """Return clusters of one observation each."""
    return Clusters(None, np.arange(observations), observations)


class Spread(Struct, frozen=True, eq=False):
    """How far estimates may be off: a covariance, the ones that bound it from below, and degrees of freedom.

    `covariance` (K × K) has no negative eigenvalue. `floors` are the one-way covariances of two-way clustering: no
    standard error is smaller than by one of them (MacKinnon, Nielsen and Webb 2024, arXiv 2406.08880, the largest of
    three). `patched`: the two-way estimate had negative eigenvalues.
    """

    covariance: Floats
    floors: tuple[Floats, ...]
    freedom: int
    clusters: tuple[int, ...]
    patched: bool = False

    def errors(self) -> Floats:
        """Return the standard errors of the estimates, K."""
        squares: Floats = np.max([np.diagonal(one) for one in (self.covariance, *self.floors)], axis=0)
        found: Floats = np.sqrt(squares.clip(min=0.0))
        return found

    def errors_of_differences(self) -> Floats:
        """Return the standard errors of estimate i minus estimate j, K × K."""
        squares: Floats = np.max([_of_differences(one) for one in (self.covariance, *self.floors)], axis=0)
        found: Floats = np.sqrt(squares)
        return found

    def part(self, chosen: Ints) -> "Spread":
        """Return the spread of some of the estimates."""
        grid = np.ix_(chosen, chosen)
        floors = tuple(one[grid] for one in self.floors)
        return Spread(self.covariance[grid], floors, self.freedom, self.clusters, self.patched)


def spread_of(meat: Meat, bread: Floats, ways: Sequence[Clusters], parameters: int) -> Spread:
    """Return the cluster-robust spread of estimates: one way, or two ways at once.

    `meat` multiplies the scores (the estimating function's values), summed by cluster; `bread` is the inverse of their
    derivative, and `parameters` the number that are free. One way: bread · Σ_g s_g s_gᵀ · bread · G/(G−1) ·
    (N−1)/(N−K), the correction of Stata and statsmodels (CR1; Cameron and Miller 2015, "A Practitioner's Guide to
    Cluster-Robust Inference"), with G−1 degrees of freedom. Two ways: V₁ + V₂ − V₁₂ (Cameron, Gelbach and Miller 2011,
    "Robust Inference With Multiway Clustering"), each with its own correction, negative eigenvalues set to 0 as they
    propose, min(G₁, G₂) − 1 degrees of freedom. Raises ConfigError for fewer than 10 clusters.
    """
    for way in ways:
        if way.count < FEWEST_CLUSTERS:
            raise ConfigError(_too_few(way))
    single = [_one_way(meat, bread, way, parameters) for way in ways]
    counts = tuple(way.count for way in ways)
    freedom = min(counts) - 1
    if len(ways) == 1:
        return Spread(single[0], (), freedom, counts)
    both = _one_way(meat, bread, _crossed(ways[0], ways[1]), parameters)
    covariance, patched = _without_negative(single[0] + single[1] - both)
    return Spread(covariance, tuple(single), freedom, counts, patched)


def _too_few(way: Clusters) -> str:
    what, unit = ("There are", "observations") if way.name is None else (f'Column "{way.name}" has', "sources")
    return (
        f"{what} {way.count} {unit if way.count != 1 else unit[:-1]}, and an interval needs at least "
        f"{FEWEST_CLUSTERS}. Collect more of them, or name another column with --cluster."
    )


def _one_way(meat: Meat, bread: Floats, way: Clusters, parameters: int) -> Floats:
    observations = len(way.codes)
    correction = way.count / (way.count - 1) * (observations - 1) / max(observations - parameters, 1)
    return bread @ meat(way) @ bread.T * correction


def _crossed(first: Clusters, second: Clusters) -> Clusters:
    codes, count = _renumbered(first.codes * second.count + second.codes)
    return Clusters(None, codes, count)


def _renumbered(codes: Ints) -> tuple[Ints, int]:
    known, numbered = np.unique(codes, return_inverse=True)
    return numbered.astype(np.int64), len(known)


def _without_negative(covariance: Floats) -> tuple[Floats, bool]:
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    rounding = 1e-10 * max(float(values[-1]), 0.0)
    if values[0] >= -rounding:
        return covariance, False
    return (vectors * values.clip(min=0.0)) @ vectors.T, True


def _of_differences(covariance: Floats) -> Floats:
    own = np.diagonal(covariance)
    found: Floats = (own[:, None] + own[None, :] - 2 * covariance).clip(min=0.0)
    return found

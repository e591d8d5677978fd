"""Means of scores with intervals of their own: for orientation, for what is decided is the paired difference."""

import math
from collections.abc import Sequence

import numpy as np

from steelyard.weigh.evidence.document import SIDES, Mean, Row
from steelyard.weigh.runs.summary import interval
from steelyard.weigh.stats.clustered import Floats

__all__ = ["clusters_of", "mean_of", "means_of"]


def clusters_of(rows: Sequence[Row]) -> list[str] | None:
    """Return the cluster of each row; None where rows are independent."""
    if not rows or any(row.cluster is None for row in rows):
        return None
    return [(row.cluster or "").strip() for row in rows]


def means_of(rows: Sequence[Row], alpha: float) -> tuple[Mean, Mean]:
    """Return the means of the baseline's and the candidate's scores."""
    clusters = clusters_of(rows)
    one, other = (np.array([getattr(row, side) for row in rows], dtype=np.float64) for side in SIDES)
    return mean_of(one, clusters, alpha), mean_of(other, clusters, alpha)


def mean_of(values: Floats, clusters: Sequence[str] | None, alpha: float) -> Mean:
    """Return the mean of `values` with its interval at confidence 1 − `alpha`; none where too little is known."""
    if not len(values):
        return Mean(value=None, n=0, ci=None)
    with np.errstate(all="ignore"):
        mean = float(values.mean())
        try:
            ci = interval(values, clusters, alpha)
        except OverflowError:  # scores whose squares no number holds
            ci = None
    known = math.isfinite(mean) and ci is not None and all(math.isfinite(end) for end in ci)
    return Mean(value=mean if math.isfinite(mean) else None, n=len(values), ci=ci if known else None)

"""A mean of scores with an interval of its own: for orientation, for what is decided is the paired difference.

Scores between 0 and 1 get Wilson's score interval at the effective size m(1 − m)/V (Wilson 1927; Franco, Little, Louis
and Slud 2019, "Comparative Study of Confidence Intervals for Proportions in Complex Sample Surveys"), others m ± t·√V.
V is the sample variance over n, or CR2's over clusters; t has n − 1 or Satterthwaite's degrees of freedom.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import t

from steelyard.weigh.evidence.document import SIDES, Mean, Row
from steelyard.weigh.judging.proportions import wilson
from steelyard.weigh.stats.clustered import Floats, Ints, clustered
from steelyard.weigh.stats.estimate import LEAST_CLUSTERS, LEAST_DF, LEAST_ITEMS

__all__ = ["clusters_of", "mean_of", "means_of"]


def clusters_of(rows: Sequence[Row]) -> Ints | None:
    """Return which cluster each row belongs to; None where rows are independent."""
    if not rows or any(row.cluster is None for row in rows):
        return None
    names = [(row.cluster or "").strip() for row in rows]
    number = {name: place for place, name in enumerate(sorted(set(names)))}
    codes: Ints = np.array([number[name] for name in names], dtype=np.intp)
    return codes if len(number) < len(rows) else None


def means_of(rows: Sequence[Row], alpha: float) -> tuple[Mean, Mean]:
    """Return the means of the baseline's and the candidate's scores."""
    codes = clusters_of(rows)
    one, other = (np.array([getattr(row, side) for row in rows], dtype=np.float64) for side in SIDES)
    return mean_of(one, codes, alpha), mean_of(other, codes, alpha)


def mean_of(values: Floats, codes: Ints | None, alpha: float) -> Mean:
    """Return the mean of `values` with its interval at confidence 1 − `alpha`; none where too little is known."""
    n = len(values)
    if n == 0:
        return Mean(value=None, n=0, ci=None)
    mean, units, df, variance = float(values.mean()), n, float(n - 1), 0.0
    if codes is not None and int(codes.max()) + 1 >= LEAST_CLUSTERS:
        found = clustered(values, codes)
        units, df, variance = found.clusters, found.df, found.variance
    elif codes is None and n >= LEAST_ITEMS:
        variance = float(values.var(ddof=1)) / n
    else:
        return Mean(value=mean, n=n, ci=None)
    if not df >= LEAST_DF:
        return Mean(value=mean, n=n, ci=None)
    return Mean(value=mean, n=n, ci=_interval(values, variance, units, float(t.ppf(1 - alpha / 2, df))))


def _interval(values: Floats, variance: float, units: int, critical: float) -> tuple[float, float] | None:
    mean = float(values.mean())
    if values.min() >= 0 and values.max() <= 1:
        size = mean * (1 - mean) / variance if variance > 0 and 0 < mean < 1 else float(units)
        return wilson(mean, size, critical)
    if variance <= 0:
        return None
    half = critical * float(np.sqrt(variance))
    return mean - half, mean + half

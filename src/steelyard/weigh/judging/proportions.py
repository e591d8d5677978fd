"""Shares and paired differences of a few hundred verdicts, with intervals that hold for small numbers too."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import bdtr, ndtri

from steelyard.weigh.stats.newcombe import wilson as interval

__all__ = ["Difference", "Share", "adjusted_mean", "difference_of_shares", "share_of", "sign_chance", "wilson"]

Floats = NDArray[np.float64]


class Share(Struct, frozen=True):
    """`count` of `n`, as a share with its interval; None where n is 0."""

    count: int
    n: int
    share: float | None
    ci: tuple[float, float] | None


class Difference(Struct, frozen=True):
    """A mean difference of n pairs with its interval."""

    estimate: float
    ci: tuple[float, float]
    n: int


def share_of(count: int, n: int, alpha: float) -> Share:
    """Return a share with Wilson's score interval (Wilson 1927; Newcombe 1998a, method 3)."""
    if n == 0:
        return Share(0, 0, None, None)
    return Share(count, n, count / n, wilson(count / n, n, _normal(alpha)))


def wilson(share: float, size: float, critical: float) -> tuple[float, float]:
    """Return Wilson's score interval for a share of `size`, which may be an effective size and no whole number."""
    low, high = interval(share * size, size, critical)
    # At 0 and at 1 the limit is that very number, but for rounding.
    return (0.0 if share <= 0 else max(0.0, low)), (1.0 if share >= 1 else min(1.0, high))


def difference_of_shares(first: Share, second: Share) -> Difference | None:
    """Return first minus second, of different items, with Newcombe's interval from both Wilson intervals.

    Newcombe 1998b, "Interval Estimation for the Difference between Independent Proportions", method 10. None where
    either has no items.
    """
    if first.share is None or second.share is None or first.ci is None or second.ci is None:
        return None
    estimate = first.share - second.share
    low = estimate - float(np.hypot(first.share - first.ci[0], second.ci[1] - second.share))
    high = estimate + float(np.hypot(first.ci[1] - first.share, second.share - second.ci[0]))
    return Difference(estimate, (low, high), first.n + second.n)


def adjusted_mean(values: Floats, alpha: float) -> Difference:
    """Return the mean of paired differences in [−1, 1], with Bonett and Price's interval.

    The interval is Wald's after one difference of 1 and one of −1 are added (Bonett and Price 2012, "Adjusted Wald
    Confidence Interval for a Difference of Binomial Proportions Based on Paired Data"): it is never of zero width, also
    where all pairs agree. `values` must not be empty.
    """
    more = np.concatenate([values, [1.0, -1.0]])
    centre = float(more.mean())
    half = _normal(alpha) * float(np.sqrt(more.var() / len(more)))
    return Difference(float(values.mean()), (max(-1.0, centre - half), min(1.0, centre + half)), len(values))


def sign_chance(up: int, down: int) -> float | None:
    """Return the exact sign test's two-sided chance (McNemar's exact test, for pairs); None where none differ."""
    if up + down == 0:
        return None
    return min(1.0, 2 * float(bdtr(min(up, down), up + down, 0.5)))


def _normal(alpha: float) -> float:
    return float(ndtri(1 - alpha / 2))

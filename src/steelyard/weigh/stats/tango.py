"""Tango's score interval for the difference of two paired proportions, and its use at effective counts.

T. Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample design",
Statistics in Medicine 17 (1998) 891–908. Of n pairs, b are won by the candidate alone and c by the baseline alone. To
test that the difference is δ,

    T(δ) = (b − c − nδ) / √(n (2q + δ(1 − δ))),    q = (√(B² − 4AC) − B) / 2A,
    A = 2n,  B = −b − c + (2n − b + c)δ,  C = −cδ(1 − δ),

where q is the likeliest chance of a pair that the baseline alone wins, given δ. The interval holds every δ that is not
rejected. T falls in δ, so each end is found by halving.
"""

import math

from msgspec import Struct
from scipy.special import ndtr, ndtri, stdtr, stdtrit

__all__ = ["Score", "error_at", "statistic"]

_HALVINGS = 48


def statistic(delta: float, n: float, gained: float, lost: float) -> float:
    """Return T(δ): positive where the pairs speak for a difference above `delta`.

    Counts may be fractions (effective counts). Infinite where the pairs cannot come from `delta` at all."""
    above = gained - lost - n * delta
    b = -gained - lost + (2 * n - gained + lost) * delta
    c = -lost * delta * (1 - delta)
    root = math.sqrt(max(b * b - 8 * n * c, 0.0))
    # For b > 0 the two terms nearly cancel: the same root in another form.
    q = -2 * c / (root + b) if b > 0 else (root - b) / (4 * n)
    spread = n * (2 * q + delta * (1 - delta))
    if spread <= n * 1e-15:
        return 0.0 if abs(above) < 1e-9 * n else math.copysign(math.inf, above)
    return above / math.sqrt(spread)


def error_at(delta: float, n: float, gained: float, lost: float, scale: float = 1.0) -> float | None:
    """Return what T(δ) divides by, for n pairs: the standard error of the difference if `delta` were true."""
    at = statistic(delta, n, gained, lost)
    return scale * ((gained - lost) / n - delta) / at if at != 0.0 else None


class Score(Struct, frozen=True):
    """Tests and intervals by T(δ). `df` is that of Student's t where the spread was estimated; None: it was not.

    `scale` is how much a difference of 1 stands for, where scores do not lie between 0 and 1."""

    n: float
    gained: float
    lost: float
    df: float | None = None
    scale: float = 1.0

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return both ends at confidence 1 − `alpha`."""
        bound = float(ndtri(1 - alpha / 2) if self.df is None else stdtrit(self.df, 1 - alpha / 2))
        middle = (self.gained - self.lost) / self.n
        low = -1.0 if middle <= -1 else self._root(bound, -1.0, middle)
        high = 1.0 if middle >= 1 else self._root(-bound, middle, 1.0)
        return low * self.scale, high * self.scale

    def p_above(self, limit: float) -> float:
        """Return the one-sided p-value against "the difference is `limit` or less"."""
        return self._tail(-statistic(self._shared(limit), self.n, self.gained, self.lost))

    def p_below(self, limit: float) -> float:
        """Return the one-sided p-value against "the difference is `limit` or more"."""
        return self._tail(statistic(self._shared(limit), self.n, self.gained, self.lost))

    def error_at(self, limit: float) -> float | None:
        """Return the standard error of the difference if `limit` were true; None where the two are equal."""
        return error_at(self._shared(limit), self.n, self.gained, self.lost, self.scale)

    def _shared(self, limit: float) -> float:
        return min(max(limit / self.scale, -1.0), 1.0)

    def _tail(self, at: float) -> float:
        return float(ndtr(at) if self.df is None else stdtr(self.df, at))

    def _root(self, target: float, low: float, high: float) -> float:
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if statistic(middle, self.n, self.gained, self.lost) > target:
                low = middle
            else:
                high = middle
        return (low + high) / 2

"""The exact test behind Tango's interval, for a handful of pairs.

Every outcome of n pairs has a known chance, given the difference and the share of pairs that the baseline alone wins.
That share is not known, so the p-value is the largest over all of its values: an exact unconditional test of Tango's
statistic, as Hsueh, Liu and Chen, "Unconditional exact tests for equivalence or noninferiority for paired binary
endpoints", Biometrics 57 (2001) 478–483. The interval holds every difference that neither one-sided test rejects. It
covers at least as often as it says, and more often: counts jump, so no interval can hit 95 % at every share.
"""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from steelyard.weigh.stats.tango import error_at

__all__ = ["Exact", "tails"]

_Array: TypeAlias = NDArray[np.float64]

_SHARES = 96
_HALVINGS = 24


class Exact(Struct, frozen=True):
    """Tests and intervals for n pairs, of which `gained` are won by the candidate alone and `lost` by the baseline."""

    n: int
    gained: int
    lost: int

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return both ends at confidence at least 1 − `alpha`."""
        return _interval(self.n, self.gained, self.lost, alpha)

    def p_above(self, limit: float) -> float:
        """Return the one-sided p-value against "the difference is `limit` or less"."""
        return _tail(self.n, self.gained, self.lost, limit, above=True)

    def p_below(self, limit: float) -> float:
        """Return the one-sided p-value against "the difference is `limit` or more"."""
        return _tail(self.n, self.gained, self.lost, limit, above=False)

    def error_at(self, limit: float) -> float | None:
        """Return the standard error of the difference if `limit` were true; None where the two are equal."""
        return error_at(limit, self.n, self.gained, self.lost)


@lru_cache(maxsize=256)
def _interval(n: int, gained: int, lost: int, alpha: float) -> tuple[float, float]:
    middle = (gained - lost) / n
    low, high = -1.0, 1.0
    if middle > -1:
        low = _end(n, gained, lost, alpha / 2, -1.0, middle)
    if middle < 1:
        high = _end(n, gained, lost, alpha / 2, 1.0, middle)
    return low, high


def _end(n: int, gained: int, lost: int, level: float, outer: float, inner: float) -> float:
    """Return where the test's p-value passes `level` between a difference that is rejected and one that is not."""
    above = outer < inner
    rejected, kept = outer, inner
    for _ in range(_HALVINGS):
        middle = (rejected + kept) / 2
        if _tail(n, gained, lost, middle, above=above) > level:
            kept = middle
        else:
            rejected = middle
    return rejected


def _tail(n: int, gained: int, lost: int, delta: float, *, above: bool) -> float:
    b, c, _ = _outcomes(n)
    place = int(np.flatnonzero((b == gained) & (c == lost))[0])
    return float(tails(n, delta, above=above)[place])


def tails(n: int, delta: float, *, above: bool) -> _Array:
    """Return the p-value of each outcome of n pairs, in the order of (gained, lost), against a difference `delta`."""
    b, c, _ = _outcomes(n)
    at = _statistics(delta, n, b, c)
    if not above:
        at = -at
    # Outcomes that are equally far must count as one, whatever the last digits of T say.
    order = np.argsort(-np.round(at, 9), kind="stable")
    ranked = np.round(at, 9)[order]
    reached = np.cumsum(_chances(n, delta)[:, order], axis=1)
    last_of_equals = np.searchsorted(-ranked, -ranked, side="right") - 1
    p = np.empty(len(b))
    p[order] = reached[:, last_of_equals].max(axis=0)
    return np.minimum(p, 1.0)


@lru_cache(maxsize=64)
def _outcomes(n: int) -> tuple[_Array, _Array, _Array]:
    """Return (gained, lost) of every outcome, and the logarithm of the number of ways to it."""
    b, c = (grid.ravel() for grid in np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0), indexing="ij"))
    possible = b + c <= n
    b, c = b[possible], c[possible]
    return b, c, gammaln(n + 1) - gammaln(b + 1) - gammaln(c + 1) - gammaln(n - b - c + 1)


def _chances(n: int, delta: float) -> _Array:
    """Return the chance of each outcome (columns) for each share of pairs that the baseline alone wins (rows)."""
    b, c, ways = _outcomes(n)
    share = np.linspace(max(0.0, -delta), (1 - delta) / 2, _SHARES)[:, None]
    won = np.clip(share + delta, 0.0, 1.0)
    tied = np.clip(1 - share - won, 0.0, 1.0)
    chances: _Array = np.exp(ways + xlogy(b, won) + xlogy(c, share) + xlogy(n - b - c, tied))
    return chances


def _statistics(delta: float, n: int, gained: _Array, lost: _Array) -> _Array:
    """Return T(δ) of each outcome, as `tango.statistic` does of one."""
    above = gained - lost - n * delta
    b = -gained - lost + (2 * n - gained + lost) * delta
    c = -lost * delta * (1 - delta)
    root = np.sqrt(np.maximum(b * b - 8 * n * c, 0.0))
    q = np.where(b > 0, -2 * c / np.where(b > 0, root + b, 1.0), (root - b) / (4 * n))
    spread = n * (2 * q + delta * (1 - delta))
    known = spread > n * 1e-15
    edge = np.where(np.abs(above) < 1e-9 * n, 0.0, np.copysign(1e9, above))
    at: _Array = np.where(known, above / np.sqrt(np.where(known, spread, 1.0)), edge)
    return at

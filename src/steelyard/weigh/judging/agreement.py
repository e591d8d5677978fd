"""How far a judge agrees with people: raw agreement, and Cohen's kappa."""

from collections.abc import Hashable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.stats import norm

from steelyard.core.errors import ConfigError
from steelyard.weigh.judging.proportions import Share, share_of

__all__ = ["FEWEST_LABELS", "Agreement", "agreement", "kappa_of"]

FEWEST_LABELS = 30
"""Fewer labelled items than this carry no interval: below, the intervals here were not found to hold."""

_IMAGINED = 2.0
"""Observations that are spread evenly over the table before kappa's interval is worked out."""


class Agreement(Struct, frozen=True, kw_only=True):
    """Agreement of two raters on n items.

    `kappa` is None where both always say the same one thing; its interval is also None below 30 items, and `reason`
    says why. `table[i][j]`: the first said `labels[i]`, the second `labels[j]`.
    """

    n: int
    raw: Share
    kappa: float | None
    kappa_se: float | None
    kappa_ci: tuple[float, float] | None
    labels: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    reason: str | None = None


def agreement(first: Sequence[Hashable], second: Sequence[Hashable], alpha: float = 0.05) -> Agreement:
    """Compare two raters' labels of the same items.

    Kappa (Cohen 1960) = (p_o − p_e) / (1 − p_e). Its standard error is that of Fleiss, Cohen and Everitt 1969, "Large
    Sample Standard Errors of Kappa and Weighted Kappa" (not the one under kappa = 0). Its interval is Wald's by the
    same formula after two imagined items are spread evenly over the table, as Agresti and Coull 1998 do for a share:
    plain Wald covers as little as 60 % at n = 30 and kappa 0.94, this one 93 to 99 %. Raises ConfigError where numbers
    differ or there is no item.
    """
    if len(first) != len(second) or not len(first):
        raise ConfigError(f"One rater has {len(first)} labels, the other {len(second)}. Give both for the same items.")
    labels = sorted({str(one) for one in (*first, *second)})
    numbers = {name: place for place, name in enumerate(labels)}
    table = np.zeros((len(labels), len(labels)))
    np.add.at(table, ([numbers[str(one)] for one in first], [numbers[str(one)] for one in second]), 1)
    n = len(first)
    raw = share_of(int(np.trace(table)), n, alpha)
    kappa, error = kappa_of(table)
    ci, reason = None, None
    if kappa is None:
        reason = f'Both always say "{labels[0]}": kappa is not defined.'
    elif n < FEWEST_LABELS:
        reason = f"{n} items are too few for an interval of kappa; label at least {FEWEST_LABELS}."
    else:
        ci = _interval(table, alpha)
    counts = tuple(tuple(int(cell) for cell in row) for row in table)
    return Agreement(
        n=n, raw=raw, kappa=kappa, kappa_se=error, kappa_ci=ci, labels=tuple(labels), table=counts, reason=reason
    )


def kappa_of(table: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return kappa and its large-sample standard error for a table of counts; None where chance agrees always."""
    n = table.sum()
    shares = table / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float(np.trace(shares)), float(rows @ columns)
    if expected >= 1:
        return None, None
    kappa = (observed - expected) / (1 - expected)
    diagonal = np.diagonal(shares)
    agreeing = float(diagonal @ (1 - (rows + columns) * (1 - kappa)) ** 2)
    crossed = (columns[:, None] + rows[None, :]) ** 2
    differing = (1 - kappa) ** 2 * float((shares * crossed).sum() - diagonal @ np.diagonal(crossed))
    square = agreeing + differing - (kappa - expected * (1 - kappa)) ** 2
    return kappa, float(np.sqrt(max(square, 0.0) / n)) / (1 - expected)


def _interval(table: NDArray[np.float64], alpha: float) -> tuple[float, float]:
    kappa, error = kappa_of(table + _IMAGINED / table.size)
    if kappa is None or error is None:
        raise ConfigError("A table with every cell above 0 has a kappa.")
    half = float(norm.ppf(1 - alpha / 2)) * error
    return max(-1.0, kappa - half), min(1.0, kappa + half)

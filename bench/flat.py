"""Whether a series stays flat: its slope, with an interval that its own memory does not make too narrow."""

from collections.abc import Sequence
from math import sqrt

from msgspec import Struct
from scipy.stats import t

__all__ = ["Slope", "slope_of"]

_BATCHES = 20
_LEVEL = 0.95


class Slope(Struct, frozen=True):
    """Units of the series a second, with the two-sided 95 % confidence interval."""

    value: float
    low: float
    high: float


def slope_of(series: Sequence[tuple[float, float]]) -> Slope:
    """Return the slope of (seconds, value) by least squares over the means of 20 batches.

    Resident memory moves in steps and each value is much like the one before, so that an interval from single values
    would be too narrow; means of batches that are long against such steps are nearly independent ("An Implementation
    of the Batch Means Method", INFORMS Journal on Computing 9(3), 1997, doi 10.1287/ijoc.9.3.296). The interval is
    Student's with 18 degrees of freedom. Raises ValueError for fewer than two values a batch."""
    if len(series) < 2 * _BATCHES:
        raise ValueError(f"{len(series)} values are too few: {2 * _BATCHES} at least")
    size = len(series) / _BATCHES
    batches = [series[int(index * size) : int((index + 1) * size)] for index in range(_BATCHES)]
    xs = [sum(at for at, _ in batch) / len(batch) for batch in batches]
    ys = [sum(value for _, value in batch) / len(batch) for batch in batches]
    middle, level = sum(xs) / _BATCHES, sum(ys) / _BATCHES
    spread = sum((x - middle) ** 2 for x in xs)
    slope = sum((x - middle) * (y - level) for x, y in zip(xs, ys, strict=True)) / spread
    left = sum((y - level - slope * (x - middle)) ** 2 for x, y in zip(xs, ys, strict=True))
    half = float(t.ppf((1 + _LEVEL) / 2, _BATCHES - 2)) * sqrt(left / (_BATCHES - 2) / spread)
    return Slope(slope, slope - half, slope + half)

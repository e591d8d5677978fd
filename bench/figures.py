"""Numbers that were measured, and what was asked of them."""

from collections.abc import Sequence
from statistics import median
from typing import Literal

from msgspec import Struct

__all__ = ["Ask", "BenchError", "Row", "missing", "ratio_row", "value_row"]


class BenchError(Exception):
    """Something that a measurement needs does not work. Says what, and what to do."""


class Row(Struct, frozen=True):
    """One line of the report. `value` is what the target speaks of: a ratio to `yardstick`, or `ours` itself.

    `low` and `high` are the extremes of `value` over the rounds. `reached` is `None` when nothing could be measured;
    `note` then says why."""

    id: str
    what: str
    unit: str
    ours: float | None
    yardstick: float | None
    value: float | None
    low: float | None
    high: float | None
    sense: Literal["<=", ">="]
    target: float
    reached: bool | None
    rounds: int
    note: str = ""


class Ask(Struct, frozen=True):
    """What a row is about, and its target."""

    id: str
    what: str
    unit: str
    sense: Literal["<=", ">="]
    target: float


def ratio_row(ask: Ask, ours: Sequence[float], yardstick: Sequence[float], note: str = "") -> Row:
    """Return a row whose value is the ratio of medians; the spread is that of the ratios of each round."""
    mine, other = median(ours), median(yardstick)
    ratios = [a / b for a, b in zip(ours, yardstick, strict=True)]
    return _row(ask, mine, other, mine / other, ratios, note)


def value_row(ask: Ask, ours: Sequence[float], note: str = "") -> Row:
    """Return a row whose value is the median itself."""
    return _row(ask, median(ours), None, median(ours), ours, note)


def missing(ask: Ask, why: str) -> Row:
    """Return a row that could not be measured."""
    return Row(ask.id, ask.what, ask.unit, None, None, None, None, None, ask.sense, ask.target, None, 0, why)


def _row(ask: Ask, ours: float, yardstick: float | None, value: float, spread: Sequence[float], note: str) -> Row:
    reached = value <= ask.target if ask.sense == "<=" else value >= ask.target
    measured = (ours, yardstick, value, min(spread), max(spread))
    return Row(ask.id, ask.what, ask.unit, *measured, ask.sense, ask.target, reached, len(spread), note)

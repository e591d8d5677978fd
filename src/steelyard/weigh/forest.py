"""A forest plot for a terminal: the whole and each slice, their intervals, 0 and the margin on one scale."""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from steelyard.weigh.figure import figure
from steelyard.weigh.verdict import Figures, Verdict, Weighing, decided

__all__ = ["ForestRow", "ends_of", "forest"]

_POINT: Final = "●"
_LINE: Final = "─"
_ENDS: Final = ("├", "┤")
_CUT: Final = ("◄", "►")
_ZERO: Final = "│"
_MARGIN: Final = "┊"
_LEAST_WIDTH: Final = 16
_ROOM: Final = 0.03


class ForestRow(Struct, frozen=True):
    """One line: what it is of, how many items, the drawing, the figures, and what it says of the margin."""

    label: str
    n: int
    drawing: str
    told: str
    verdict: Verdict


def forest(weighing: Weighing, width: int, digits: int = 4) -> list[ForestRow]:
    """Return the lines of the plot, `width` columns for the drawing: the whole first, then the slices.

    All share one scale, on which ┊ is −margin and │ is 0. What reaches beyond it ends in ◄ or ►."""
    figures: list[tuple[str, Figures, Verdict]] = [("all items", weighing, decided(weighing.ci, weighing.margin))]
    figures += [(f"{one.name} = {one.value}", one, one.verdict) for one in weighing.slices]
    scale = _Scale(*ends_of([one for _, one, _ in figures], weighing.margin, _ROOM), max(width, _LEAST_WIDTH))
    return [
        ForestRow(label, one.n, _drawn(one, scale, weighing.margin), _told(one, digits), verdict)
        for label, one, verdict in figures
    ]


class _Scale(Struct, frozen=True):
    low: float
    high: float
    width: int

    def column(self, value: float) -> int:
        """Return the column of a value, which lies outside of the drawing where the value does."""
        share = (value - self.low) / (self.high - self.low)
        return math.floor(share * (self.width - 1) + 0.5)


def ends_of(figures: Sequence[Figures], margin: float, room: float) -> tuple[float, float]:
    """Return the ends of a scale that holds 0, both margins, and the intervals, but for those that would flatten the
    rest; `room` is the share of it that is added at either end. The first of the figures are those of the whole."""
    ends = [end for one in figures for end in one.ci or ()]
    whole = [4 * abs(end) for end in figures[0].ci or ()]
    points = [1.2 * abs(one.difference) for one in figures if one.ci is not None and one.difference is not None]
    most = max([3 * margin, *whole, *points]) or 1.0
    low = min([-margin, 0.0, *(max(end, -most) for end in ends)])
    high = max([margin, 0.0, *(min(end, most) for end in ends)])
    more = (high - low) * room or 1.0
    return low - more, high + more


def _drawn(figures: Figures, scale: _Scale, margin: float) -> str:
    cells = [" "] * scale.width
    for value, mark in ((0.0, _ZERO), (-margin, _MARGIN)):
        cells[scale.column(value)] = mark
    if figures.ci is not None and figures.difference is not None:
        low, high = (scale.column(end) for end in figures.ci)
        for column in range(max(low, 0), min(high, scale.width - 1) + 1):
            if cells[column] == " ":
                cells[column] = _LINE
        cells[max(low, 0)] = _ENDS[0] if low >= 0 else _CUT[0]
        cells[min(high, scale.width - 1)] = _ENDS[1] if high < scale.width else _CUT[1]
        cells[scale.column(figures.difference)] = _POINT
    return "".join(cells)


def _told(figures: Figures, digits: int) -> str:
    if figures.difference is None:
        return "unknown"
    if figures.ci is None:
        return f"{figure(figures.difference, digits, '+')} [unknown]"
    low, high = (figure(end, digits, "+") for end in figures.ci)
    return f"{figure(figures.difference, digits, '+')} [{low}, {high}]"

"""Where the marks of a forest plot lie: the whole and each slice on one scale, with 0 and the margin.

Two shapes: `WIDE` has labels to the left of the marks and figures to their right; `NARROW`, for phones, has them above.
"""

import math
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Final

from msgspec import Struct

from steelyard.weigh.evidence.words import WORDS, signed, spanned
from steelyard.weigh.forest import ends_of
from steelyard.weigh.verdict import Figures, Verdict, Weighing, decided

__all__ = ["NARROW", "WIDE", "Mark", "Plot", "Shape", "Tick", "fitted", "plots_of", "shortened"]

ALL_ITEMS: Final = "all items"
_ROOM: Final = 0.04


class Shape(Struct, frozen=True):
    """A plot's measures in pixels: its width, where the scale begins and ends, and the height of a row. `room` is how
    wide a label may be, `figures` whether figures stand beside it, `together` how many rows share one drawing."""

    width: float
    left: float
    right: float
    row: float
    room: float
    figures: bool
    together: int = 26


WIDE: Final = Shape(920, 262, 604, 30, 196, True)
NARROW: Final = Shape(360, 8, 352, 46, 178, False)


class Tick(Struct, frozen=True):
    """A place on the scale, and what it is."""

    x: float
    label: str


class Mark(Struct, frozen=True):
    """One row: y of its middle, its label (shortened to fit, and whole), and where its interval lies.

    `cut` says at which ends the interval goes on beyond the scale. x and ends are None where there is no interval."""

    y: float
    label: str
    whole: str
    n: str
    told: str
    interval: str
    verdict: Verdict
    word: str
    x: float | None
    low: float | None
    high: float | None
    cut: tuple[bool, bool]
    first: bool


class Plot(Struct, frozen=True):
    """One drawing: its measures, the marks, the ticks, and where 0 and the margin are."""

    shape: Shape
    height: float
    top: float
    bottom: float
    zero: float
    margin: float
    ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]


class _Scale(Struct, frozen=True):
    low: float
    high: float
    shape: Shape
    labels: Mapping[str, str]

    def x(self, value: float) -> float:
        """Return where a value lies."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.shape.left + share * (self.shape.right - self.shape.left), 1)


def plots_of(weighing: Weighing, shape: Shape) -> list[Plot]:
    """Return the drawings: the whole first, then the slices, so many rows a drawing as paper can hold."""
    figures: list[tuple[str, Figures, Verdict]] = [(ALL_ITEMS, weighing, decided(weighing.ci, weighing.margin))]
    figures += [(f"{one.name} = {one.value}", one, one.verdict) for one in weighing.slices]
    labels = shortened([label for label, _, _ in figures], shape.room)
    scale = _Scale(*ends_of([one for _, one, _ in figures], weighing.margin, _ROOM), shape, labels)
    parts = [figures[place : place + shape.together] for place in range(0, len(figures), shape.together)]
    return [_plot(part, scale, weighing.margin, number == 0) for number, part in enumerate(parts)]


def _plot(figures: Sequence[tuple[str, Figures, Verdict]], scale: _Scale, margin: float, first: bool) -> Plot:
    shape, top = scale.shape, 26.0
    bottom = top + shape.row * len(figures)
    marks = tuple(
        _mark(one, scale, top + shape.row * (place + 0.5), first and place == 0) for place, one in enumerate(figures)
    )
    return Plot(
        shape=shape,
        height=bottom + 26,
        top=top,
        bottom=bottom,
        zero=scale.x(0.0),
        margin=scale.x(-margin),
        ticks=tuple(_ticks(scale)),
        marks=marks,
    )


def _mark(row: tuple[str, Figures, Verdict], scale: _Scale, y: float, first: bool) -> Mark:
    label, figures, verdict = row
    low = high = x = None
    cut = (False, False)
    if figures.ci is not None and figures.difference is not None:
        left, right = scale.shape.left, scale.shape.right
        ends = scale.x(figures.ci[0]), scale.x(figures.ci[1])
        cut = (ends[0] < left, ends[1] > right)
        low, high = max(ends[0], left), min(ends[1], right)
        x = min(max(scale.x(figures.difference), left), right)
    return Mark(
        y=y,
        label=scale.labels[label],
        whole=label,
        n=f"{figures.n:,}",
        told=signed(figures.difference),
        interval=spanned(figures.ci) if figures.ci is not None else "no interval",
        verdict=verdict,
        word=WORDS[verdict],
        x=x,
        low=low,
        high=high,
        cut=cut,
        first=first,
    )


def _ticks(scale: _Scale) -> list[Tick]:
    """Return three to seven round places."""
    span = scale.high - scale.low
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(one * power for one in (1, 2, 5, 10) if span / (one * power) <= (6 if scale.shape.figures else 5))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first = math.ceil(scale.low / step)
    places = range(first, math.floor(scale.high / step) + 1)
    return [Tick(scale.x(place * step), signed(place * step, digits)) for place in places]


def shortened(labels: Sequence[str], room: float) -> dict[str, str]:
    """Return what is shown of each label. Where only their ends tell them apart, what they share is left out."""
    shown = {label: fitted(label, room) for label in labels}
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for label, short in shown.items():
        alike[short].append(label)
    for group in alike.values():
        if len(group) > 1:
            begin = group[0].find(" = ") + 3
            same = (len(set(letters)) == 1 for letters in zip(*group, strict=False))
            shared = max(sum(takewhile(bool, same)) - 3, begin)
            shown |= {label: fitted(f"{label[:begin]}…{label[shared:]}", room) for label in group}
    return shown


def fitted(text: str, room: float) -> str:
    """Return text that takes up no more than `room` pixels in 13-pixel letters, as far as letters can be guessed."""
    width = 0.0
    for place, letter in enumerate(text):
        width += _width(letter)
        if width > room:
            return text[: max(place - 1, 1)].rstrip() + "…"
    return text


def _width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 13.5
    return 10.5 if letter.isupper() or letter in "mw%@—" else 7.2

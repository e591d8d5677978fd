"""Verdicts and figures in plain words, as the terminal and the page tell them."""

from collections.abc import Mapping
from typing import Final

from steelyard.weigh.figure import figure
from steelyard.weigh.verdict import Verdict, Weighing, decided

__all__ = ["WORDS", "percent", "sentence", "shown_p", "signed", "spanned"]

WORDS: Final[Mapping[Verdict, str]] = {"SWAP": "SWAP", "DONT": "DON'T", "NEED_MORE": "NEED MORE"}

_MINUS: Final = "\N{MINUS SIGN}"


def sentence(weighing: Weighing, baseline: str, candidate: str) -> str:
    """Return what a verdict means."""
    margin = f"{weighing.margin:g}"
    if weighing.verdict == "SWAP":
        return f"{candidate} may take the place of {baseline}: it is worse by less than {margin}, if at all."
    if weighing.verdict == "DONT":
        if decided(weighing.ci, weighing.margin) == "DONT":
            return f"{candidate} may not take the place of {baseline}: it is worse by more than {margin}."
        return f"{candidate} may not take the place of {baseline}: not everywhere."
    if weighing.n_needed is None:
        return f"Nothing is decided between {candidate} and {baseline} at a margin of {margin}."
    more, whole = weighing.n_needed - weighing.n, weighing.n_needed
    needed = f"{more:,} more items, {whole:,} in all, would decide between {candidate} and {baseline} at {margin}"
    side = "for SWAP"
    if weighing.difference is not None and weighing.difference < -weighing.margin:
        side = "for DON'T, since what was measured is worse than the margin"
    return f"{needed}, if the difference stays as it is: {side}."


def signed(value: float | None, digits: int = 4) -> str:
    """Return a difference with its sign, as typeset: a minus sign, and none before nought."""
    if value is None:
        return "unknown"
    told = figure(value, digits, "+")
    return told[1:] if float(told) == 0 else told.replace("-", _MINUS)


def spanned(ci: tuple[float, float] | None, digits: int = 4, *, plus: bool = True) -> str:
    """Return an interval; `plus`: its ends are differences, and have signs."""
    if ci is None:
        return "unknown"
    ends = [signed(end, digits) if plus else figure(end, digits).replace("-", _MINUS) for end in ci]
    return f"{ends[0]} to {ends[1]}"


def shown_p(value: float | None) -> str:
    """Return a p-value."""
    return "unknown" if value is None else "<\N{NO-BREAK SPACE}0.0001" if value < 0.0001 else f"{value:.4f}"


def percent(alpha: float) -> str:
    """Return the confidence of intervals at a level."""
    return f"{100 * (1 - alpha):g}\N{NO-BREAK SPACE}%"

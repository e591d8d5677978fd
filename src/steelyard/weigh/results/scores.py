"""Cells as numbers: scores, and columns that are numbers."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from steelyard.weigh.results.sheet import Block, Column
from steelyard.weigh.stats.clustered import Floats

__all__ = ["number_of", "numbers_of", "score_of", "scores_of"]

_MISSING: Final = math.nan
_LARGEST: Final = 1e100
"""Scores beyond it are none: their squares could not be added up."""
_WORDS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("true", "correct", "pass", "passed", "right", "yes"), 1.0),
    **dict.fromkeys(("false", "incorrect", "fail", "failed", "wrong", "no"), 0.0),
    **dict.fromkeys(("", "na", "n/a", "nan", "null", "none"), _MISSING),
}


def scores_of(block: Block, wrong: list[str]) -> Floats:
    """Return a block's scores, NaN where one is missing; add a line to `wrong` for each cell that is no score."""
    column = block.column(block.score)
    known = [score_of(value) for value in column.values]
    bad = {code for code, score in enumerate(known) if score is None}
    if bad:
        wrong += [
            f"{block.sheet.where(row)}: {block.score}: {_no_score(column.texts[code])}"
            for row, code in zip(block.rows.tolist(), column.codes.tolist(), strict=True)
            if code in bad
        ]
    return np.array([_MISSING if score is None else score for score in known], dtype=np.float64)[column.codes]


def _no_score(cell: str) -> str:
    """Say that a cell is no score, and of a number why."""
    told = f'"{cell[:40]}" is no score'
    try:
        number = float(cell)
    except ValueError:
        return told
    return f"{told}: scores lie between -{_LARGEST:g} and {_LARGEST:g}" if abs(number) > _LARGEST else told


def score_of(cell: object) -> float | None:
    """Return a cell's score: a number, or what yes and no and their like are worth; NaN: missing; None: no score."""
    if cell is None:
        return _MISSING
    if isinstance(cell, bool | int | float):
        return _finite(cell)
    text = str(cell).strip()
    known = _WORDS.get(text.lower())
    if known is not None:
        return known
    return _finite(text)


def number_of(cell: object) -> float | None:
    """Return the same of cells that are numbers, true or false; None for other words."""
    if isinstance(cell, str):
        word = _WORDS.get(cell.strip().lower())
        if word is not None and not math.isnan(word) and cell.strip().lower() not in ("true", "false"):
            return None
    return score_of(cell)


def _finite(cell: str | float) -> float | None:
    """Return a number; NaN for NaN itself, which is a missing score, and None for what is too large or none."""
    try:
        number = float(cell)
    except (ValueError, OverflowError):
        return None
    return None if abs(number) > _LARGEST else number


def numbers_of(column: Column) -> Floats | None:
    """Return a column's cells as numbers; None where one of them is none."""
    held = np.unique(column.codes)
    numbers = np.full(len(column.values), _MISSING)
    for code in held.tolist():
        value = column.values[code]
        number = None if isinstance(value, bool) or str(value).strip().lower() in _WORDS else score_of(value)
        if number is None:
            return None
        numbers[code] = number
    return numbers[column.codes]

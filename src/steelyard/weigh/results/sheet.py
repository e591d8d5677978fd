"""What a file holds: columns of cells, each row with its place in the file; and which of them are a model's scores."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.weigh.stats.clustered import Ints

__all__ = ["MOST_TOLD", "Block", "Column", "Flag", "Results", "Sheet", "mistaken", "text_of"]

MOST_TOLD: Final = 20


class Flag(Struct, frozen=True):
    """Something that is to be known before a score counts. `kind` is for programs, `text` for people."""

    kind: str
    text: str


def text_of(cell: object) -> str:
    """Return what a cell says: 7, 7.0 and "7" are the same. "" where it says nothing."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


class Column(Struct, frozen=True, eq=False):
    """Cells by what they say: cell i is `values[codes[i]]`. `texts` are the values as text.

    Tables say few things many times: what is done once a value is not done once a cell."""

    values: Sequence[object]
    texts: Sequence[str]
    codes: Ints

    def at(self, rows: Ints) -> "Column":
        """Return the cells of some rows."""
        return Column(self.values, self.texts, self.codes[rows])

    def said(self) -> list[str]:
        """Return each cell as text."""
        if len(self.codes) == len(self.texts) and np.array_equal(self.codes, np.arange(len(self.codes))):
            return list(self.texts)
        return [self.texts[code] for code in self.codes.tolist()]


class Sheet:
    """Columns of equal length. A cell is text, a number, true or false; None: it is empty.

    `columns` holds the cells as they were read; `column` what they say, sorted when it is first asked for. `unit` is
    what `places` count: "" for the lines of a file, else a word ("entry", "row", "sample")."""

    def __init__(
        self, file: str, unit: str, places: Sequence[int | str], columns: Mapping[str, Sequence[object]]
    ) -> None:
        self.file = file
        self.unit = unit
        self.places = places
        self.columns = columns
        self._columns: dict[str, Column] = {}

    @property
    def names(self) -> list[str]:
        """Return the columns' names, in their order."""
        return list(self.columns)

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def column(self, name: str) -> Column:
        """Return a column. Raises KeyError where there is none of that name."""
        held = self._columns.get(name)
        if held is None:
            held = self._columns[name] = _column(self.columns[name])
        return held

    def where(self, row: int) -> str:
        """Return where a row stands: FILE:LINE, or FILE and the entry's number or name."""
        place = self.places[row]
        return f"{self.file}: {self.unit} {place}" if self.unit else f"{self.file}:{place}"


def _column(cells: Iterable[object]) -> Column:
    numbers: defaultdict[object, int] = defaultdict(count().__next__)
    cells = list(cells)
    try:
        codes = np.fromiter(map(numbers.__getitem__, cells), np.intp, len(cells))
    except TypeError:
        # A list or an object in a cell: as text it can be told from others.
        numbers.clear()
        plain = [msgspec.json.encode(cell).decode() if isinstance(cell, list | dict) else cell for cell in cells]
        return _column(plain)
    return Column(list(numbers), [text_of(value) for value in numbers], codes)


class Block(Struct, frozen=True, eq=False):
    """The scores of one model in one sheet: which rows, and which columns hold the items and the scores.

    `repeat` is the column that tells the runs of one item apart, if there is one. `judged`: the scores are a judge's
    preferences. `wide`: the column is one of many that may be a model's. `note`: what is to be known of the file."""

    model: str
    sheet: Sheet
    rows: Ints
    item: str
    score: str
    repeat: str | None = None
    judged: bool = False
    wide: bool = False
    note: str | None = None

    def cells(self, name: str) -> list[object]:
        """Return the cells of a column in this block's rows. Raises KeyError where the sheet has no such column."""
        held = self.sheet.columns[name]
        return list(held) if len(self.rows) == len(self.sheet) else [held[row] for row in self.rows.tolist()]

    def column(self, name: str) -> Column:
        """Return what such cells say. Raises KeyError where the sheet has no such column."""
        held = self.sheet.column(name)
        return held if len(self.rows) == len(self.sheet) else held.at(self.rows)


class Results(Struct, frozen=True, eq=False):
    """All that was read. `sha256` is that of the file; of several files, that of their digests, one a line."""

    blocks: tuple[Block, ...]
    sha256: str
    flags: tuple[Flag, ...] = ()

    @property
    def models(self) -> list[str]:
        """Return the models, each once, in the order of the files; any column of a wide table may be one."""
        return list(dict.fromkeys(block.model for block in self.blocks))

    def of(self, model: str) -> list[Block]:
        """Return a model's blocks."""
        return [block for block in self.blocks if block.model == model]


def mistaken(found: Sequence[str]) -> ConfigError:
    """Return the error that tells the mistakes, the first twenty one by one."""
    told = list(found[:MOST_TOLD])
    if len(found) > MOST_TOLD:
        told.append(f"… and {len(found) - MOST_TOLD} more like these.")
    return ConfigError(*told)

"""Tables, long or wide: CSV, TSV, JSON, JSONL, Parquet.

Long: one row an item and model (`item, model, score`), and any further columns. Wide: one row an item, and one column a
model. An empty cell is a missing score.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

import msgspec
import numpy as np

from steelyard.core.errors import ConfigError
from steelyard.documents.findings import nearest
from steelyard.weigh.results.sheet import Block, Sheet, mistaken
from steelyard.weigh.results.source import ITEMS, MODELS, REPEATS, SCORES, Source, column_of

__all__ = ["blocks_of", "flattened", "read_delimited", "read_parquet", "sheet_of"]

_LONGEST_CELL = 2**31 - 1


def read_delimited(source: Source) -> list[Block]:
    """Read CSV, or TSV where the head line has a tab. Raises ConfigError with each line of too few or many cells."""
    try:
        text = source.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{source.file}: no UTF-8 at byte {error.start}. Save it as UTF-8.") from error
    head = text.partition("\n")[0]
    delimiter = "\t" if "\t" in head else ";" if ";" in head and "," not in head else ","
    csv.field_size_limit(_LONGEST_CELL)
    return blocks_of(source, _delimited(source.file, text, delimiter))


def _delimited(file: str, text: str, delimiter: str) -> Sheet:
    head, lines, columns = _unquoted(text, delimiter) or _quoted_cells(file, text, delimiter)
    twice = sorted({name for name in head if head.count(name) > 1})
    if twice:
        raise ConfigError(f"{file}:1: the column {_quoted(twice)} stands there twice")
    return Sheet(file, "", lines, dict(zip(head, columns, strict=True)))


_Read: TypeAlias = tuple[list[str], Sequence[int], Sequence[Sequence[str]]]
"""Head, the line of each row, and the columns."""


def _unquoted(text: str, delimiter: str) -> _Read | None:
    """Read what has no quotes, no empty lines and rows of one length, ten times as fast; None for anything else."""
    if '"' in text or "\r" in text.replace("\r\n", "\n"):
        return None
    plain = text.replace("\r\n", "\n").removesuffix("\n")
    head, _, body = plain.partition("\n")
    names = head.split(delimiter)
    if not body:
        return None
    wide = len(names) + 1
    # Each line's end becomes a cell of its own, which must come after as many cells as there are names.
    cells = f"{body}\n".replace("\n", f"{delimiter}\n{delimiter}").split(delimiter)[:-1]
    rows = body.count("\n") + 1
    ends = cells[len(names) :: wide]
    if len(cells) != rows * wide or len(ends) != rows or set(ends) != {"\n"}:
        return None
    return names, range(2, rows + 2), [cells[place::wide] for place in range(len(names))]


def _quoted_cells(file: str, text: str, delimiter: str) -> _Read:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        head = next(reader, [])
        end = reader.line_num
        for row in reader:
            if row:
                rows.append(row)
                lines.append(end + 1)
            end = reader.line_num
    except csv.Error as error:
        raise ConfigError(f"{file}:{reader.line_num}: {error}") from error
    wrong = [
        f"{file}:{line}: {len(row)} cells, and the head has {len(head)}"
        for row, line in zip(rows, lines, strict=True)
        if len(row) != len(head)
    ]
    if wrong:
        raise mistaken(wrong)
    return head, lines, list(zip(*rows, strict=True)) if rows else [()] * len(head)


def read_parquet(source: Source) -> list[Block]:
    """Read Parquet. Raises ConfigError where pyarrow is not installed, and where the file cannot be read."""
    if find_spec("pyarrow") is None:
        raise ConfigError(f"{source.file}: reading Parquet needs pyarrow: pip install 'steelyard[parquet]'")
    try:
        file: Any = import_module("pyarrow.parquet").ParquetFile(io.BytesIO(source.content))
        _named_once(source, file.schema_arrow.names)
        table: Any = file.read()
        columns: dict[str, list[object]] = table.to_pydict()
    except (import_module("pyarrow").ArrowException, OSError, UnicodeDecodeError) as error:
        # Broken pages are OSErrors there, though nothing is read from a disk.
        raise ConfigError(f"{source.file}: it cannot be read as Parquet: {str(error).rstrip('.')}") from error
    return blocks_of(source, Sheet(source.file, "row", range(1, table.num_rows + 1), columns))


def _named_once(source: Source, names: Sequence[str]) -> None:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ConfigError(f"{source.file}: the column {_quoted(twice[:1])} stands there twice")


def sheet_of(file: str, unit: str, places: Sequence[int | str], rows: Sequence[Mapping[str, object]]) -> Sheet:
    """Return rows with names as columns; what a row lacks is empty there."""
    names = dict.fromkeys(name for row in rows for name in row)
    return Sheet(file, unit, places, {name: [row.get(name) for row in rows] for name in names})


def flattened(row: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """Return a row whose inner objects stand as `outer.inner`; lists become JSON."""
    flat: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = msgspec.json.encode(value).decode() if isinstance(value, list) else value
    return flat


def blocks_of(source: Source, sheet: Sheet) -> list[Block]:
    """Return the models' scores in a table. Raises ConfigError where no column names the items, models or scores."""
    names = sheet.names
    if not len(sheet):
        raise ConfigError(f"{source.file}: it holds no rows below its head" if names else f"{source.file}: it is empty")
    item = _named(source.file, names, source.item, ITEMS, "--item", "items")
    model = column_of(names, MODELS)
    if model is None and source.model is None:
        return _wide(source, sheet, item)
    score = _named(source.file, names, source.score, SCORES, "--score", "scores")
    repeat = column_of(names, REPEATS)
    if source.model is not None:
        return [Block(source.model, sheet, np.arange(len(sheet)), item, score, repeat)]
    assert model is not None
    named = sheet.column(model)
    order = np.argsort(named.codes, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(named.codes[order])) + 1)
    blocks = [Block(named.texts[named.codes[held[0]]], sheet, held, item, score, repeat) for held in rows]
    unnamed = [sheet.where(row) for block in blocks if not block.model for row in block.rows.tolist()]
    if unnamed:
        raise mistaken([f"{where}: no model is named" for where in unnamed])
    return blocks


def _wide(source: Source, sheet: Sheet, item: str) -> list[Block]:
    """Return each column as if it were a model's: which ones are, only who asks for them knows."""
    if source.score is not None and source.score in sheet:
        raise ConfigError(
            f"{source.file}: no column names the models, so nobody knows whose {_quoted([source.score])} it is. "
            f"Write MODEL={source.file}, or add a column `model`."
        )
    everywhere = np.arange(len(sheet))
    return [Block(name, sheet, everywhere, item, name, wide=True) for name in sheet.names if name != item]


def _named(file: str, columns: Sequence[str], given: str | None, usual: Sequence[str], option: str, what: str) -> str:
    listed = ", ".join(_quoted([name]) for name in columns)
    if given is not None:
        if given in columns:
            return given
        raise ConfigError(f'{file}: no column is called "{given}"{nearest(given, columns, f"; it has {listed}")}')
    found = column_of(columns, usual)
    if found is None:
        raise ConfigError(
            f"{file}: no column names the {what} ({', '.join(filter(None, usual))}). Name it by {option}: {listed}"
        )
    return found


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name[:60]}"' for name in names)

"""Read rows from CSV or JSON Lines, each with the place where it stands."""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.documents.findings import shown
from steelyard.weigh.results.packed import unpacked

__all__ = ["Row", "read_rows"]

_LONGEST_CELL = 2**31 - 1


class Row(Struct, frozen=True):
    """One row: its columns, and its place as FILE:LINE."""

    place: str
    values: dict[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]


def read_rows(path: Path) -> tuple[Row, ...]:
    """Return the rows of a file: .csv or .tsv with a head line, or .jsonl; behind it may stand .gz or .xz.

    In CSV an empty cell is None and everything else text. Raises ConfigError with file and line.
    """
    name = shown(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in (".gz", ".xz"):
        suffixes.pop()
    kind = suffixes[-1] if suffixes else ""
    match kind:
        case ".csv" | ".tsv":
            rows = tuple(_of_csv(_text(path, name), name, "\t" if kind == ".tsv" else ","))
        case ".jsonl" | ".ndjson":
            rows = tuple(_of_json_lines(_text(path, name), name))
        case _:
            raise ConfigError(f"{name}: rows are read from .csv, .tsv or .jsonl, also behind .gz or .xz")
    if not rows:
        raise ConfigError(f"{name}: holds no rows")
    return rows


def _text(path: Path, name: str) -> str:
    try:
        return unpacked(path.read_bytes(), name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{name}:{line}: not UTF-8; save it in UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror or error}") from error


def _of_csv(text: str, name: str, delimiter: str) -> Iterator[Row]:
    # The answers of models are longer than the 131,072 characters that a cell may have unless told.
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        heads = next(reader, [])
        for twice in {head for head in heads if heads.count(head) > 1}:
            raise ConfigError(f'{name}:1: two columns are called "{twice}"')
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) not in (0, len(heads)):
                raise ConfigError(f"{name}:{line}: {len(cells)} cells for {len(heads)} columns")
            if cells:
                yield Row(f"{name}:{line}", {head: cell or None for head, cell in zip(heads, cells, strict=True)})
            line = reader.line_num + 1
    except csv.Error as error:
        raise ConfigError(f"{name}:{reader.line_num}: not CSV: {error}") from error


def _of_json_lines(text: str, name: str) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    # Not splitlines: JSON may hold U+2028 inside a string.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield Row(f"{name}:{number}", decoder.decode(line))
        except (msgspec.DecodeError, RecursionError) as error:
            raise ConfigError(f"{name}:{number}: expected an object of JSON: {error}") from error

"""Read columns of a table chunk by chunk, as its cells stand there: CSV, JSON lines, or Parquet."""

import csv
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import islice, repeat
from pathlib import Path
from typing import Any, TextIO, TypeAlias  # Any: a cell as it stands there, and pyarrow, which has no types

import msgspec

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject

__all__ = ["Cell", "chunks_of", "columns_of", "is_table", "place_of"]

Cell: TypeAlias = Any
"""Text of CSV, a value of JSON, or whatever Parquet holds: it is looked at before it is used."""

_Chunks: TypeAlias = Iterator[list[Sequence[Cell]]]

_KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_CHUNK = 4_000
_BLOCK = 1 << 18
_LONGEST_CELL = 2**31 - 1
_PACKED = (".gz", ".xz")
_BROKEN = (UnicodeDecodeError, csv.Error, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


def is_table(path: Path) -> bool:
    """Say whether a file's name ends like one that can be read here."""
    return _suffix(path) in _KINDS


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the names of a file's columns: its head, or the keys of its first row. Raises ConfigError."""
    try:
        return _columns_of(path, _kind(path))
    except _BROKEN as error:
        raise ConfigError(_broken(path, error)) from error


def _columns_of(path: Path, kind: str) -> tuple[str, ...]:
    if kind == "parquet":
        return tuple(_parquet(path).schema_arrow.names)
    with _opened(path) as file:
        if kind == "csv":
            return tuple(next(csv.reader(file), ()))
        for number, line in enumerate(file, start=1):
            if line.strip():
                return tuple(_object(path, number, line))
    return ()


def chunks_of(path: Path, names: Sequence[str]) -> _Chunks:
    """Yield some columns, in that order, so many rows at a time.

    Raises ConfigError with file and line where a row cannot be read."""
    # Prompts may stand in a cell, and be longer than the 131,072 characters that csv takes by itself.
    csv.field_size_limit(_LONGEST_CELL)
    read: Callable[[Path, Sequence[str]], _Chunks]
    read = {"csv": _csv_chunks, "jsonl": _jsonl_chunks, "parquet": _parquet_chunks}[_kind(path)]
    try:
        yield from read(path, names)
    except _BROKEN as error:
        raise ConfigError(_broken(path, error)) from error


def place_of(path: Path, row: int) -> str:
    """Return where a row of what was read stands: the file and its line, or the number of the row of Parquet."""
    return f"{path}:{_line(path, row)}" if _kind(path) != "parquet" else f"{path}, row {row + 1}"


def _kind(path: Path) -> str:
    kind = _KINDS.get(_suffix(path))
    if kind is None:
        raise ConfigError(f"{path}: votes are read from .csv, .jsonl and .parquet, and this is none of them.")
    return kind


def _suffix(path: Path) -> str:
    """Return how a file's name ends, before .gz or .xz; those of Parquet, which packs by itself, stay."""
    suffix = path.suffix.lower()
    inner = path.with_suffix("").suffix.lower()
    return inner if suffix in _PACKED and inner != ".parquet" else suffix


def _opened(path: Path) -> TextIO:
    """Open a table's text, unpacked as it is read where the file's name says that it is packed: a million votes are
    never in memory as text (`results.packed` has what is read whole)."""
    match path.suffix.lower():
        case ".gz":
            return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
        case ".xz":
            return lzma.open(path, "rt", encoding="utf-8-sig", newline="")
        case _:
            return path.open(encoding="utf-8-sig", newline="")


def _broken(path: Path, error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"{path}: no UTF-8 at byte {error.start} of what was read. Save it as UTF-8."
    if not isinstance(error, csv.Error):
        return f"{path}: it cannot be unpacked: {error}. Copy or pack it anew."
    return f"{path}: no CSV: {error}"


def _csv_chunks(path: Path, names: Sequence[str]) -> _Chunks:
    """Read a file without quotes by cutting its text, which takes half the time; the rest of any other cell by cell."""
    head = columns_of(path)
    places = [head.index(name) for name in names]
    done, rest = 0, ""
    with _opened(path) as file:
        plain = '"' not in file.readline()
        while plain:
            block = file.read(_BLOCK)
            text, _, rest = (rest + block).rpartition("\n") if block else (rest, "", "")
            if text:
                cells = _cells(text, len(head))
                if cells is None:
                    break
                yield [cells[place :: len(head)] for place in places]
                done += len(cells) // len(head)
            if not block:
                return
    yield from _read_chunks(path, places, done)


def _cells(text: str, width: int) -> list[str] | None:
    """Return the cells of some lines; None where cutting at commas is not enough."""
    if "\r" in text:
        text = (text + "\n").replace("\r\n", "\n")[:-1]
    if '"' in text or "\r" in text:
        return None
    if set(map(str.count, text.split("\n"), repeat(","))) != {width - 1}:
        return None
    return text.replace("\n", ",").split(",")


def _read_chunks(path: Path, places: Sequence[int], done: int) -> _Chunks:
    """Read rows by the rules of CSV, from the one after `done`."""
    with _opened(path) as file:
        reader = csv.reader(file)
        head = next(reader)
        filled = filter(None, reader)
        for _ in islice(filled, done):
            pass
        while rows := list(islice(filled, _CHUNK)):
            wrong = next((row for row, cells in enumerate(rows) if len(cells) != len(head)), None)
            if wrong is not None:
                line = _line(path, done + wrong)
                raise ConfigError(f"{path}:{line}: {len(rows[wrong])} cells, and the head has {len(head)}.")
            turned = list(zip(*rows, strict=True))
            yield [turned[place] for place in places]
            done += len(rows)


def _jsonl_chunks(path: Path, names: Sequence[str]) -> _Chunks:
    with _opened(path) as file:
        lines = ((number, line) for number, line in enumerate(file, start=1) if not line.isspace())
        while rows := [_object(path, number, line) for number, line in islice(lines, _CHUNK)]:
            yield [[_plain(row.get(name)) for row in rows] for name in names]


def _plain(value: Cell) -> Cell:
    """Return a cell that can be looked up: lists and objects as their JSON."""
    return msgspec.json.encode(value).decode() if isinstance(value, list | dict) else value


def _object(path: Path, number: int, line: str) -> JsonObject:
    try:
        return msgspec.json.decode(line, type=JsonObject)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}:{number}: no JSON object: {error}. Write one vote a line.") from None


def _parquet(path: Path) -> Any:  # pyarrow has no types
    if find_spec("pyarrow") is None:
        raise ConfigError(f"{path}: reading Parquet needs pyarrow: pip install 'steelyard[parquet]'")
    try:
        return import_module("pyarrow.parquet").ParquetFile(path)
    except import_module("pyarrow").ArrowException as error:
        raise ConfigError(f"{path}: it cannot be read as Parquet: {error}") from error


def _parquet_chunks(path: Path, names: Sequence[str]) -> _Chunks:
    for batch in _parquet(path).iter_batches(batch_size=_CHUNK, columns=list(names)):
        yield [batch.column(name).to_pylist() for name in names]


def _line(path: Path, row: int) -> int:
    """Return the line on which a row ends: rows of CSV may span lines, and empty lines are no rows of JSON."""
    with _opened(path) as file:
        if _kind(path) == "csv":
            reader = csv.reader(file)
            for _ in islice(filter(None, reader), row + 2):
                pass
            return reader.line_num
        filled = (number for number, line in enumerate(file, start=1) if not line.isspace())
        return next(islice(filled, row, None), row + 1)

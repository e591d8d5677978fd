"""Long tables on standard output and in files: CSV, or JSON lines."""

import csv
import sys
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Final

import msgspec

from steelyard.core.errors import ConfigError, StoreError

__all__ = ["check_writable", "print_table", "write_table"]

_WRITTEN: Final = (".csv", ".jsonl")


def check_writable(out: Path | None) -> None:
    """Raise ConfigError for a file's name that says no form in which a table is written, or where no file can be."""
    if out is None:
        return
    if out.suffix not in _WRITTEN:
        raise ConfigError(f"--out {out}: the table is written as {' or '.join(_WRITTEN)}")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no directory {out.parent}")


def write_table(out: Path, table: Sequence[Mapping[str, object]]) -> None:
    """Write a table as its file's name says. Raises StoreError."""
    try:
        out.write_text(_written(table, out.suffix), encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"{out} cannot be written: {error.strerror or error}. Check its mode, and the disk."
        ) from error


def print_table(table: Sequence[Mapping[str, object]]) -> None:
    """Print a table as CSV."""
    sys.stdout.write(_written(table, ".csv"))
    sys.stdout.flush()


def _written(table: Sequence[Mapping[str, object]], suffix: str) -> str:
    if suffix == ".jsonl":
        return "".join(msgspec.json.encode(row).decode() + "\n" for row in table)
    text = StringIO()
    writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in table)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value

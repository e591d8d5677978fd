"""Tables and lines for people, on standard output."""

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from steelyard.cli.visible import visible

__all__ = ["bytes_text", "console", "moment_text", "pairs", "table", "usd_of"]

_WIDE = 1000
"""Columns of what is no terminal: a line in a pipe is never folded or cut."""


def _cell(cell: str | Text) -> Text:
    if isinstance(cell, str):
        return Text(visible(cell))
    safe = visible(cell.plain)
    return cell if safe == cell.plain else Text(safe, style=cell.style)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the edge: Rich would end the program with 1, which means "no" here."""
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Return a console that is as wide as the terminal, or as any line in a file or a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _WIDE
    return _Console(stderr=stderr, width=width, highlight=False)


def table(heads: Sequence[str], rows: Iterable[Sequence[str | Text]], *, right: Sequence[str] = ()) -> None:
    """Print a table; the columns named in `right` hold numbers."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for head in heads:
        drawn.add_column(head, justify="right" if head in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(_cell(cell) for cell in row))
    _print(drawn)


def pairs(rows: Iterable[tuple[str, str | Text]]) -> None:
    """Print names and values, one a line."""
    drawn = Table.grid(padding=(0, 2, 0, 0))
    drawn.add_column(style="bold", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in rows:
        drawn.add_row(_cell(name), _cell(value))
    _print(drawn)


def _print(drawn: Table) -> None:
    """Print a table; where it is not seen on a terminal, without the blanks that fill its last column."""
    out = console()
    if out.is_terminal:
        out.print(drawn)
        return
    with out.capture() as capture:
        out.print(drawn)
    print("\n".join(line.rstrip() for line in capture.get().splitlines()))


def usd_of(cost: Decimal | str | None) -> str:
    """Return dollars as they are, and "unknown" for what is unknown: it is not 0."""
    if cost is None:
        return "unknown"
    return f"${format(cost, 'f') if isinstance(cost, Decimal) else cost}"


def bytes_text(size: int) -> str:
    """Return a size with a decimal unit, as disks are sold."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}" if size < 100 * scale else f"{size / scale:.0f} {unit}"
    return f"{size} B"


def moment_text(at: float) -> str:
    """Return seconds since the epoch as a moment in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")

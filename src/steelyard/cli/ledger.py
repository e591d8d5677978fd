"""`steelyard ledger`: what was called, how it went, what it cost."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import click

from steelyard.cli.exchanges import as_row, print_exchange, print_line_of
from steelyard.cli.jsons import print_json, print_line
from steelyard.cli.ledger_of import ledger_of
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.shown import table, usd_of
from steelyard.cli.stopping import StopOnSignal
from steelyard.keys.duration import parse_duration
from steelyard.ledger import queries
from steelyard.ledger.queries import By, CostRow, Only
from steelyard.ledger.store import Ledger

__all__ = ["ledger"]

_LOOK_S = 0.3
_BATCH = 500


@click.group()
def ledger() -> None:
    """Ask what was called and what it cost.

    The clerk takes calls in a moment after their answers. An unknown cost is shown as unknown, and never counted as 0.
    """


@ledger.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option(
    "-n",
    "count",
    type=click.IntRange(0, 100_000),
    metavar="N",
    default=20,
    show_default=True,
    help="How many to begin with.",
)
@click.option("--key", metavar="ID", help="Calls with this key's id alone.")
@click.option("--route", metavar="NAME", help="Calls of this route alone.")
@config_option
@json_option
def tail(follow: bool, count: int, key: str | None, route: str | None, config_path: Path | None, as_json: bool) -> None:
    """Print the last exchanges, the latest at the end; with --json, one object a line."""
    only = Only(key=key, route=route)
    tell = (lambda found: print_line(as_row(found))) if as_json else print_line_of
    with _opened(config_path) as book:
        found = queries.tail(book, count, only=only) if count else []
        for one in found:
            tell(one)
        if not follow:
            return
        last = found[-1].seq if found else max((one.seq for one in queries.tail(book, 1)), default=0)
        stop = StopOnSignal()
        while not stop.is_set():
            found = queries.tail(book, _BATCH, after_seq=last, only=only)
            for one in found:
                tell(one)
                last = one.seq
            if len(found) < _BATCH:
                stop.wait(_LOOK_S)


@ledger.command()
@click.argument("exchange_id", metavar="ID")
@config_option
@json_option
def show(exchange_id: str, config_path: Path | None, as_json: bool) -> None:
    """Show one exchange: attempts, timings, usage, cost, and the bodies where they were recorded.

    ID is what the answer's header x-request-id said, or the beginning of it.
    """
    with _opened(config_path) as book:
        found = queries.show(book, exchange_id)
    if as_json:
        print_json(as_row(found))
    else:
        print_exchange(found.exchange)


@ledger.command()
@click.option("--by", type=click.Choice(get_args(By)), default="route", show_default=True, help="What to add up by.")
@click.option("--since", metavar="DURATION", help="Only the last 12h, 7d, 2w.")
@click.option("--key", metavar="ID", help="Calls with this key's id alone.")
@click.option("--route", metavar="NAME", help="Calls of this route alone.")
@config_option
@json_option
def cost(
    by: By, since: str | None, key: str | None, route: str | None, config_path: Path | None, as_json: bool
) -> None:
    """Add up calls, tokens and dollars. UNKNOWN counts the calls whose cost is unknown."""
    start = None if since is None else time.time() - parse_duration(since)
    with _opened(config_path) as book:
        rows = queries.cost(book, by, Only(since=start, key=key, route=route))
    if as_json:
        print_json([_row(row) for row in rows])
        return
    table(
        (by.upper(), "CALLS", "INPUT", "OUTPUT", "COST", "UNKNOWN"),
        [
            (
                row.group or "-",
                f"{row.calls:,}",
                _tokens(row.input_tokens),
                _tokens(row.output_tokens),
                usd_of(row.cost_usd),
                f"{row.unknown:,}" if row.unknown else "",
            )
            for row in rows
        ],
        right=("CALLS", "INPUT", "OUTPUT", "COST", "UNKNOWN"),
    )


@contextmanager
def _opened(config_path: Path | None) -> Iterator[Ledger]:
    book = ledger_of(read_config(config_path))
    try:
        yield book
    finally:
        book.close()


def _row(row: CostRow) -> dict[str, object]:
    return {
        "group": row.group,
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": None if row.cost_usd is None else format(row.cost_usd, "f"),
        "unknown": row.unknown,
    }


def _tokens(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"

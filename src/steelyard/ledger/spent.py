"""What earlier calls took, for counting to go on: sums of the ledger, and of the journal that is not yet in it.

The journal's positions are asked for before the sums: what a clerk takes in between the two questions is then counted
twice, where the other order would count it not at all.
"""

from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from steelyard.journal.tail import exchanges_behind
from steelyard.ledger.intake import positions_of
from steelyard.ledger.schema import exchange
from steelyard.ledger.store import Ledger
from steelyard.limits.recall import NOT_ADMITTED, Spent, Sums, Want

__all__ = ["spent_before"]

_NANO = 10**9


def spent_before(ledger: Ledger, journal_dir: Path, wants: Iterable[Want]) -> dict[Want, list[Spent]]:
    """Return what was taken by all calls on record, by question. A call counts that was admitted: all but those that
    were rejected, or left by their client, before anything was attempted. Raises StoreError, UnreachableError."""
    wanted = list(wants)
    positions = _positions(ledger, journal_dir)
    with ledger.reading() as connection:
        found = {want: list(_sums(connection, want)) for want in wanted}
    lately = _journalled(journal_dir, positions, wanted)
    return {want: found[want] + lately[want] for want in wanted}


def _positions(ledger: Ledger, journal_dir: Path) -> dict[str, int]:
    source = journal_dir / "source"
    return positions_of(ledger, source.read_text(encoding="ascii").strip()) if source.exists() else {}


def _sums(connection: sa.Connection, want: Want) -> Iterator[Spent]:
    at = exchange.c
    # What came from the cache was asked of no deployment.
    asked = sa.case((at.cache == sa.literal_column("'hit'"), sa.null()), else_=at.deployment).label("asked")
    # Any: columns of several types, which SQLAlchemy has no other word for.
    names: list[sa.ColumnElement[Any]] = [at.key, at.route, asked]
    names.append(at.end_user if want.by_user else sa.null().label("end_user"))
    slot: sa.ColumnElement[Any] = sa.literal(0).label("slot")
    if want.width_s is not None:
        parts = at.received_at / want.width_s
        # A cast rounds in PostgreSQL, and SQLite need not have a floor.
        whole = sa.cast(parts, sa.Integer) if connection.dialect.name == "sqlite" else sa.func.floor(parts)
        slot = whole.label("slot")
    groups: list[Any] = [at.key, at.route, asked, *([at.end_user] if want.by_user else [])]
    if connection.dialect.name == "sqlite":
        # Else SQLite reads the whole table in the order of the keys' index, to save sorting (SQLite documentation, "The
        # SQLite Query Optimizer Overview", unary "+"): 2 s for a day of a month that takes 0.05 s.
        groups[0] = sa.literal_column("+exchange.key")
    query = (
        sa.select(
            *names,
            slot,
            sa.func.count().label("requests"),
            sa.func.sum(sa.func.coalesce(at.input_tokens, 0) + sa.func.coalesce(at.output_tokens, 0)).label("tokens"),
            sa.func.sum(at.cost_nano).label("nano"),
            sa.func.sum(at.cost_atto).label("atto"),
        )
        .where(at.received_at >= want.since, at.outcome.not_in(NOT_ADMITTED) | (at.attempts != "[]"))
        .group_by(*groups, *([slot] if want.width_s is not None else []))
    )
    for row in connection.execute(query):
        until = inf if want.width_s is None else (int(row.slot) + 1) * want.width_s
        atto = int(row.nano or 0) * _NANO + int(row.atto or 0)
        yield Spent(until, row.key, row.route, row.asked, row.end_user, row.requests, int(row.tokens), atto)


def _journalled(journal_dir: Path, positions: dict[str, int], wants: list[Want]) -> dict[Want, list[Spent]]:
    """Return what the journal has behind the positions."""
    sums = Sums(wants)
    for one in exchanges_behind(journal_dir, positions):
        sums.add(one)
    return sums.answers()

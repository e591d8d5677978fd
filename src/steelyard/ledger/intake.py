"""Take one batch of the journal into the ledger: rows and positions in one transaction."""

import sqlalchemy as sa
from sqlalchemy.exc import DataError

from steelyard.journal.tail import Batch, Entry
from steelyard.ledger.rows import Values, body_of, cleaned, recorded_bytes, row_of
from steelyard.ledger.schema import content, exchange, head, position
from steelyard.ledger.store import Ledger

__all__ = ["drop_position", "positions_of", "take_in"]


def positions_of(ledger: Ledger, source: str) -> dict[str, int]:
    """Return how far each segment of a data directory was taken in."""
    query = sa.select(position.c.segment, position.c.next_offset).where(position.c.source == source)
    with ledger.reading() as connection:
        return {row.segment: row.next_offset for row in connection.execute(query)}


def take_in(ledger: Ledger, source: str, batch: Batch) -> None:
    """Store a batch and its positions, all or nothing."""
    try:
        _store(ledger, source, batch, clean=False)
    except (DataError, OverflowError, ValueError):
        # One row holds what this database cannot (a NUL in a client's text, say). Rare: look at each value only now.
        _store(ledger, source, batch, clean=True)


def drop_position(ledger: Ledger, source: str, segment: str) -> None:
    """Forget a segment whose file is gone."""
    with ledger.writing() as connection:
        connection.execute(sa.delete(position).where(position.c.source == source, position.c.segment == segment))


def _store(ledger: Ledger, source: str, batch: Batch, *, clean: bool) -> None:
    with ledger.writing() as connection:
        if batch.entries:
            first = _advance(connection, batch.entries)
            rows = [row_of(entry, seq) for seq, entry in enumerate(batch.entries, first)]
            bodies = [body for seq, entry in enumerate(batch.entries, first) if (body := body_of(entry, seq))]
            _insert(connection, exchange, [cleaned(row) for row in rows] if clean else rows)
            if bodies:
                _insert(connection, content, bodies)
        if batch.positions:
            connection.execute(
                sa.delete(position).where(position.c.source == source, position.c.segment.in_(list(batch.positions)))
            )
            connection.execute(
                sa.insert(position),
                [
                    {"source": source, "segment": segment, "next_offset": offset}
                    for segment, offset in batch.positions.items()
                ],
            )


def _advance(connection: sa.Connection, entries: list[Entry]) -> int:
    """Reserve the next sequence numbers; return the first. Waits for any other clerk that fills the same ledger."""
    added = sum(recorded_bytes(entry) for entry in entries)
    after: int = connection.execute(
        sa.update(head)
        .where(head.c.id == 1)
        .values(next_seq=head.c.next_seq + len(entries), recorded_bytes=head.c.recorded_bytes + added)
        .returning(head.c.next_seq)
    ).scalar_one()
    return after - len(entries)


def _insert(connection: sa.Connection, table: sa.Table, rows: list[Values]) -> None:
    """Insert rows by the driver alone: naming and converting forty values costs more than SQLite takes to store them
    (35 of 76 µs a row measured)."""
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    marks = ", ".join([mark] * len(table.columns))
    names = ", ".join(map(connection.dialect.identifier_preparer.format_column, table.columns))
    # Every part of the text is a name from schema.py.
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)  # noqa: S608

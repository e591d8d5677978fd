"""Take one batch of the journal into the ledger: rows and positions in one transaction."""

import sqlalchemy as sa
from sqlalchemy.exc import DataError

from steelyard.journal.tail import Batch, Entry
from steelyard.ledger.rows import body_of, cleaned, recorded_bytes, row_of
from steelyard.ledger.schema import content, exchange, head, position
from steelyard.ledger.store import Ledger

__all__ = ["drop_position", "positions_of", "take_in"]

_insert_exchange = sa.insert(exchange)
_insert_content = sa.insert(content)
_insert_position = sa.insert(position)


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
            connection.execute(_insert_exchange, [cleaned(row) for row in rows] if clean else rows)
            if bodies:
                connection.execute(_insert_content, bodies)
        if batch.positions:
            connection.execute(
                sa.delete(position).where(position.c.source == source, position.c.segment.in_(list(batch.positions)))
            )
            connection.execute(
                _insert_position,
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

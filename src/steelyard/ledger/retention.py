"""Drop exchanges that are too old, or too much."""

import sqlalchemy as sa

from steelyard.ledger.schema import content, exchange, head
from steelyard.ledger.store import Ledger

__all__ = ["prune_older", "prune_oversize"]

CHUNK = 5000
"""Rows that go in one transaction, so that nobody waits long for the ledger."""

_SIZE = sa.select(head.c.recorded_bytes).where(head.c.id == 1)
# Locked before rows are chosen: two clerks of one ledger must not count the same rows off twice.


def prune_older(ledger: Ledger, before: float, limit: int = CHUNK) -> int:
    """Drop up to `limit` exchanges received before a time (seconds since the epoch); return how many went."""
    oldest = (
        sa.select(exchange.c.seq, exchange.c.recorded_bytes)
        .where(exchange.c.received_at < before)
        .order_by(exchange.c.received_at)
        .limit(limit)
    )
    # Most looks find nothing: do not make other writers wait for them.
    with ledger.reading() as connection:
        if connection.execute(oldest.limit(1)).first() is None:
            return 0
    with ledger.writing() as connection:
        connection.execute(_SIZE.with_for_update())
        return _drop(connection, [(row.seq, row.recorded_bytes) for row in connection.execute(oldest)])


def prune_oversize(ledger: Ledger, most_bytes: int, limit: int = CHUNK) -> int:
    """Drop up to `limit` of the first exchanges while the ledger holds more than `most_bytes`; return how many went.

    Counted are the recorded bytes with an allowance for indexes, not files on disk, which shrink later, or never."""
    with ledger.reading() as connection:
        if connection.execute(_SIZE).scalar_one() <= most_bytes:
            return 0
    with ledger.writing() as connection:
        excess = connection.execute(_SIZE.with_for_update()).scalar_one() - most_bytes
        going: list[tuple[int, int]] = []
        first = sa.select(exchange.c.seq, exchange.c.recorded_bytes).order_by(exchange.c.seq).limit(limit)
        for seq, recorded in connection.execute(first):
            if excess <= 0:
                break
            going.append((seq, recorded))
            excess -= recorded
        return _drop(connection, going)


def _drop(connection: sa.Connection, going: list[tuple[int, int]]) -> int:
    if not going:
        return 0
    freed = sum(recorded for _, recorded in going)
    connection.execute(sa.update(head).where(head.c.id == 1).values(recorded_bytes=head.c.recorded_bytes - freed))
    seqs = [seq for seq, _ in going]
    connection.execute(sa.delete(content).where(content.c.seq.in_(seqs)))
    connection.execute(sa.delete(exchange).where(exchange.c.seq.in_(seqs)))
    return len(going)

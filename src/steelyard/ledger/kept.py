"""Responses that a client asked to have kept: found and dropped by their id."""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from steelyard.ledger.schema import content, exchange
from steelyard.ledger.store import Ledger

__all__ = ["KeptBodies", "drop_kept", "find_kept"]


class KeptBodies(Struct, frozen=True):
    """What was asked and what was answered, as the client sent and saw it; `stream`: the answer is one of events."""

    request: bytes
    response: bytes
    stream: bool


def find_kept(ledger: Ledger, name: str, key: str | None) -> KeptBodies | None:
    """Return what is kept as `name` for the holder of a key (by its id; None: whoever comes without one): the exchange
    that the id is made of, before any to which an upstream gave the same id, and of these the last."""
    own = exchange.c.id == f"req_{name.removeprefix('resp_')}"
    query = (
        sa.select(content.c.request, content.c.response, exchange.c.stream)
        .join_from(exchange, content, exchange.c.seq == content.c.seq)
        .where(*_is(name, key))
        .order_by(sa.case((own, 0), else_=1), exchange.c.seq.desc())
        .limit(1)
    )
    with ledger.reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None or row.request is None or row.response is None:
        return None
    return KeptBodies(row.request, row.response, row.stream)


def drop_kept(ledger: Ledger, name: str, key: str | None) -> bool:
    """Drop the bodies of what is kept as `name`; return whether there was such a thing. Who called whom, when and at
    what cost stays on record."""
    with ledger.writing() as connection:
        seqs = connection.execute(sa.select(exchange.c.seq).where(*_is(name, key))).scalars().all()
        if seqs:
            connection.execute(sa.delete(content).where(content.c.seq.in_(seqs)))
            connection.execute(sa.update(exchange).where(exchange.c.seq.in_(seqs)).values(kept_as=None))
    return bool(seqs)


def _is(name: str, key: str | None) -> tuple[sa.ColumnElement[Any], ...]:
    return exchange.c.kept_as == name, exchange.c.key.is_not_distinct_from(key)

"""The ledger's tables, the same on SQLite and PostgreSQL. `migrations/` makes them; a test holds both equal.

`exchange.seq` counts from 0 in the order in which exchanges were taken in, without a gap, and is never used again: it
is the leaf's index in the Merkle tree that will commit to the rows. Bodies stand apart in `content`, to be encrypted
and erased without touching what was committed to.
"""

import sqlalchemy as sa

__all__ = ["content", "exchange", "head", "metadata", "position"]

metadata = sa.MetaData()

_Count = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""64 bits on both: SQLite's INTEGER has them, and only under that name does it make a primary key the row's own id."""

_Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Compared by code point, as SQLite does it: prefixes are ranges, whatever the database's locale."""

exchange = sa.Table(
    "exchange",
    metadata,
    sa.Column("seq", _Count, primary_key=True, autoincrement=False),
    sa.Column("id", _Name, nullable=False),
    sa.Column("received_at", sa.Double(), nullable=False),
    sa.Column("day", sa.Date(), nullable=False),
    sa.Column("worker", sa.Text(), nullable=False),
    sa.Column("endpoint", sa.Text(), nullable=False),
    sa.Column("dialect", sa.Text(), nullable=False),
    sa.Column("key", _Name),
    sa.Column("route", _Name),
    sa.Column("deployment", _Name),
    sa.Column("status", sa.Integer(), nullable=False),
    sa.Column("outcome", sa.Text(), nullable=False),
    sa.Column("stream", sa.Boolean(), nullable=False),
    # JSON: an array of [deployment, outcome, started_ms, ended_ms, status, detail].
    sa.Column("attempts", sa.Text(), nullable=False),
    sa.Column("first_byte_ms", sa.Double()),
    sa.Column("last_byte_ms", sa.Double()),
    # NULL where the exchange has no usage at all.
    sa.Column("usage_estimated", sa.Boolean()),
    sa.Column("input_tokens", _Count),
    sa.Column("output_tokens", _Count),
    sa.Column("cached_tokens", _Count),
    sa.Column("cache_write_tokens", _Count),
    sa.Column("reasoning_tokens", _Count),
    sa.Column("input_audio_tokens", _Count),
    sa.Column("output_audio_tokens", _Count),
    sa.Column("usage_raw", sa.LargeBinary()),
    # The cost as recorded, and the same as whole 10^-9 dollars and the rest in 10^-18 dollars: integers, so that sums
    # are exact on both databases, and small enough that 9 billion rows do not overflow 64 bits.
    sa.Column("cost_usd", sa.Text()),
    sa.Column("cost_nano", _Count),
    sa.Column("cost_atto", _Count),
    sa.Column("price_source", sa.Text()),
    sa.Column("finish_reason", sa.Text()),
    sa.Column("request_bytes", _Count, nullable=False),
    sa.Column("response_bytes", _Count, nullable=False),
    sa.Column("model_reported", sa.Text()),
    sa.Column("error", sa.Text()),
    sa.Column("record", sa.Text(), nullable=False),
    sa.Column("end_user", sa.Text()),
    sa.Column("region", sa.Text()),
    # JSON: an array of [path, how, reason]; NULL where nothing got lost.
    sa.Column("losses", sa.Text()),
    sa.Column("kept_as", _Name),
    sa.Column("spoken", sa.Text()),
    # JSON: [decision, purpose, digests of purpose, card, terms and basis, [[kind, text, clause] of each duty]]; NULL
    # where nothing was demanded.
    sa.Column("decided", sa.Text()),
    sa.Column("rights", sa.Text()),
    sa.Column("traceparent", sa.Text()),
    sa.Column("cache", sa.Text()),
    sa.Column("copied_from", _Name),
    sa.Column("saved_usd", sa.Text()),
    # What retention by size counts: the journal frame, and an allowance for indexes.
    sa.Column("recorded_bytes", _Count, nullable=False),
    sa.Index("exchange_id", "id"),
    sa.Index("exchange_received_at", "received_at"),
    sa.Index("exchange_key", "key", "seq"),
    sa.Index("exchange_route", "route", "seq"),
    sa.Index("exchange_kept_as", "kept_as"),
)

content = sa.Table(
    "content",
    metadata,
    sa.Column("seq", _Count, sa.ForeignKey("exchange.seq"), primary_key=True, autoincrement=False),
    sa.Column("request", sa.LargeBinary()),
    sa.Column("response", sa.LargeBinary()),
)

position = sa.Table(
    "position",
    metadata,
    # The data directory that holds the segment: several machines may fill one ledger.
    sa.Column("source", sa.Text(), primary_key=True),
    sa.Column("segment", sa.Text(), primary_key=True),
    sa.Column("next_offset", _Count, nullable=False),
)

head = sa.Table(
    "head",
    metadata,
    # One row. Whoever takes exchanges in changes it first, and so waits for whoever does so now.
    sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("next_seq", _Count, nullable=False),
    sa.Column("recorded_bytes", _Count, nullable=False),
)

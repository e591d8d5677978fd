"""Make the tables: exchange, content, position, head.

Written out on purpose: a step says what it did then, whatever schema.py says later.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Count = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table("exchange", *_exchange_columns())
    op.create_index("exchange_id", "exchange", ["id"])
    op.create_index("exchange_received_at", "exchange", ["received_at"])
    op.create_index("exchange_key", "exchange", ["key", "seq"])
    op.create_index("exchange_route", "exchange", ["route", "seq"])
    op.create_table(
        "content",
        sa.Column("seq", _Count, sa.ForeignKey("exchange.seq"), primary_key=True, autoincrement=False),
        sa.Column("request", sa.LargeBinary()),
        sa.Column("response", sa.LargeBinary()),
    )
    op.create_table(
        "position",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("segment", sa.Text(), primary_key=True),
        sa.Column("next_offset", _Count, nullable=False),
    )
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("next_seq", _Count, nullable=False),
        sa.Column("recorded_bytes", _Count, nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "next_seq": 0, "recorded_bytes": 0}])


def downgrade() -> None:
    for table in ("head", "position", "content", "exchange"):
        op.drop_table(table)


def _exchange_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("seq", _Count, primary_key=True, autoincrement=False),
        sa.Column("id", _Name, nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("worker", "endpoint", "dialect")),
        *(sa.Column(name, _Name) for name in ("key", "route", "deployment")),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Text(), nullable=False),
        sa.Column("first_byte_ms", sa.Double()),
        sa.Column("last_byte_ms", sa.Double()),
        sa.Column("usage_estimated", sa.Boolean()),
        *(
            sa.Column(f"{kind}_tokens", _Count)
            for kind in ("input", "output", "cached", "cache_write", "reasoning", "input_audio", "output_audio")
        ),
        sa.Column("usage_raw", sa.LargeBinary()),
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
        sa.Column("recorded_bytes", _Count, nullable=False),
    ]

"""Tell of each exchange what got lost in its translation, and under which id its response is kept.

Written out on purpose: a step says what it did then, whatever schema.py says later.
"""

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("exchange", sa.Column("losses", sa.Text()))
    op.add_column("exchange", sa.Column("kept_as", _Name))
    op.add_column("exchange", sa.Column("spoken", sa.Text()))
    op.create_index("exchange_kept_as", "exchange", ["kept_as"])


def downgrade() -> None:
    op.drop_index("exchange_kept_as", "exchange")
    op.drop_column("exchange", "spoken")
    op.drop_column("exchange", "kept_as")
    op.drop_column("exchange", "losses")

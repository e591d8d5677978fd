"""Tell of each exchange which trace of its client's it belongs to.

Written out on purpose: a step says what it did then, whatever schema.py says later.
"""

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exchange", sa.Column("traceparent", sa.Text()))


def downgrade() -> None:
    op.drop_column("exchange", "traceparent")

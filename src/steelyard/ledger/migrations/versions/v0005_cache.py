"""Tell of each exchange what the cache had to say: whose answer was given again, and what that saved.

Written out on purpose: a step says what it did then, whatever schema.py says later.
"""

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("exchange", sa.Column("cache", sa.Text()))
    op.add_column("exchange", sa.Column("copied_from", _NAME))
    op.add_column("exchange", sa.Column("saved_usd", sa.Text()))


def downgrade() -> None:
    op.drop_column("exchange", "saved_usd")
    op.drop_column("exchange", "copied_from")
    op.drop_column("exchange", "cache")

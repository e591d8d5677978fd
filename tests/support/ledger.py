"""What the clerk under test took into the ledger."""

from pathlib import Path

import sqlalchemy as sa

from steelyard.core.errors import StoreError
from steelyard.ledger import schema
from steelyard.ledger.store import open_ledger, sqlite_url

__all__ = ["ids_in_ledger"]


def ids_in_ledger(home: Path) -> list[str]:
    """Return the ids of all exchanges in the ledger of a gateway's home, none where there is no ledger yet."""
    try:
        ledger = open_ledger(sqlite_url(home / "ledger.sqlite3"))
    except StoreError:
        return []
    try:
        with ledger.reading() as connection:
            return [row.id for row in connection.execute(sa.select(schema.exchange.c.id))]
    finally:
        ledger.close()

"""The ledger's history: one module a step in `versions/`, run by `Ledger.upgrade`."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

__all__ = ["upgrade"]

HEAD = "0005"
"""The step that this version of Steelyard needs."""


def upgrade(connection: Connection) -> None:
    """Bring the ledger behind a connection up to date, within the transaction that is open there."""
    config = Config()
    config.set_main_option("script_location", "steelyard.ledger:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

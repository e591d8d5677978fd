"""The ledger that a configuration names."""

import os

from steelyard.config.settings import Config
from steelyard.config.urls import resolve_ledger_url
from steelyard.ledger.store import Ledger, open_ledger, sqlite_url

__all__ = ["ledger_of"]


def ledger_of(config: Config) -> Ledger:
    """Return the ledger of `[ledger] url`, or SQLite's in the data directory. It connects to nothing as yet."""
    url = resolve_ledger_url(config.ledger.url, os.environ)
    return open_ledger(url or sqlite_url(config.server.data_dir / "ledger.sqlite3"))

"""The ledger, as the gateway asks it for what was spent before it started."""

from collections.abc import Iterable

from steelyard.cli.ledger_of import ledger_of
from steelyard.config.settings import Config
from steelyard.gateway.memory import lately
from steelyard.ledger.spent import spent_before
from steelyard.limits.recall import Spent, Want

__all__ = ["recalled"]


def recalled(config: Config, wants: Iterable[Want]) -> dict[Want, list[Spent]]:
    """Return what earlier calls took, by question. Raises StoreError."""
    if config.ledger.url is None and not (config.server.data_dir / "ledger.sqlite3").exists():
        return lately(config.server.data_dir / "journal", wants)
    ledger = ledger_of(config)
    try:
        return spent_before(ledger, config.server.data_dir / "journal", wants)
    finally:
        ledger.close()

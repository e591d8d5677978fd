"""The ledger, as the gateway asks it for kept responses."""

from steelyard.cli.ledger_of import ledger_of
from steelyard.config.settings import Config
from steelyard.ledger.kept import drop_kept, find_kept

__all__ = ["LedgerStore"]


class LedgerStore:
    """Kept responses in the ledger of a configuration."""

    def __init__(self, config: Config) -> None:
        self._ledger = ledger_of(config)

    def find(self, name: str, key: str | None) -> tuple[bytes, bytes, bool] | None:
        """Return request, response, and whether that is a stream of events; None when there is no such thing."""
        found = find_kept(self._ledger, name, key)
        return (found.request, found.response, found.stream) if found is not None else None

    def drop(self, name: str, key: str | None) -> bool:
        """Drop a response; return whether there was one."""
        return drop_kept(self._ledger, name, key)

"""Where a configuration has gateways count together."""

import hashlib
import os

from steelyard.config.settings import Config
from steelyard.config.urls import resolve_ledger_url, resolve_shared_url
from steelyard.core.errors import ConfigError
from steelyard.gateway.partnership import Meeting

__all__ = ["meeting_of"]


def meeting_of(config: Config) -> Meeting | None:
    """Return where gateways count together; None where each counts for itself. Nothing is connected to as yet. Raises
    ConfigError."""
    shared = config.shared
    if shared.url is None:
        return None
    url = resolve_shared_url(shared.url, os.environ)
    try:
        # An extra: only those import a client who share something.
        from steelyard.shared.store import open_store  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            f"[shared] url needs a package that is not installed ({error.name}). Install it: "
            "pip install 'steelyard[shared]'"
        ) from None
    try:
        store = open_store(url, shared.prefix, shared.ca_file, shared.lease_s)
    except (ValueError, OSError):
        raise ConfigError(
            "[shared] url is no URL of a server. Write it like redis://NAME:PASSWORD@HOST:6379/0."
        ) from None
    ledger = resolve_ledger_url(config.ledger.url, os.environ)
    name = None if ledger is None else hashlib.sha256(ledger.encode()).hexdigest()[:12]
    return Meeting(store, name, shared.lease_s)

"""Entries for tests of the stores."""

from typing import Any

from steelyard.cache import Entry

__all__ = ["MAKER", "entry"]

MAKER = b"m" * 32


def entry(body: bytes = b"{}", **facts: Any) -> Entry:
    """Return an entry of the route `assistant`, made in 2026."""
    given: dict[str, Any] = {"exchange": "req_1", "made_at": 1_795_392_000.0, "route": "assistant", "key": None}
    return Entry(deployment="acme/ok", maker=MAKER, stream=False, tells_usage=False, body=body, **{**given, **facts})

"""What the gateway under test wrote into its journal."""

import time
from pathlib import Path

from steelyard.core.exchange import Exchange
from steelyard.journal.tail import Tail

__all__ = ["journalled", "wait_journalled"]


def journalled(home: Path) -> list[Exchange]:
    """Return all exchanges below a gateway's home, in the order of their arrival; fail when something is damaged."""
    batch = Tail(home / "journal", {}).read(limit=1_000_000)
    assert batch.findings == (), batch.findings
    return sorted((entry.exchange for entry in batch.entries), key=lambda exchange: exchange.received_at)


def wait_journalled(home: Path, count: int = 1, timeout_s: float = 10.0) -> list[Exchange]:
    """Wait until there are `count` exchanges, and return all. A call whose client left is written after the fact."""
    end = time.monotonic() + timeout_s
    while len(found := journalled(home)) < count:
        assert time.monotonic() < end, f"{len(found)} of {count} exchanges after {timeout_s} s: {found}"
        time.sleep(0.005)
    return found

"""One gateway among several that count limits and budgets together: under which name, and who does what for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from msgspec import Struct

from steelyard.gateway.borrowers import Borrowers
from steelyard.gateway.leases import Leases
from steelyard.gateway.reckoning import Reckoning
from steelyard.limits import Sharing
from steelyard.shared import Store

if TYPE_CHECKING:
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.memory import Ask, Keys

__all__ = ["Meeting", "Partnership"]


class Meeting(Struct, frozen=True):
    """Where gateways count together: a server, the name of the ledger that this gateway's exchanges go to (None: one in
    its data directory), and for how long a gateway is lent something without a sign of life, in seconds."""

    store: Store
    ledger: str | None
    lease_s: float


class Partnership:
    """What one process needs for it. A process has a name of its own, so that one that goes on where another was killed
    does not overwrite what that one told."""

    def __init__(self, meeting: Meeting, data_dir: Path, worker: str, ask: Ask) -> None:
        source = _source(data_dir)
        ledger = meeting.ledger or source
        self.sharing = Sharing()
        name = f"{ledger}/{source}/{worker}-{token_hex(4)}"
        self._leases = Leases(self.sharing, meeting.store, name, meeting.lease_s)
        self.borrowers = Borrowers(self._leases)
        self._reckoning = Reckoning(self._leases, ledger, source, ask, data_dir / "journal")

    def begin(self, gateway: Gateway, keys: Callable[[], Keys]) -> None:
        """Begin to talk to the server. Nobody waits for it."""
        self._leases.begin(gateway, self.borrowers)
        self._reckoning.begin(gateway, keys)

    def look(self) -> None:
        """Take note that there are new limits."""
        self._reckoning.look()

    async def end(self) -> None:
        """Give back what is held. It takes a moment at most."""
        self._reckoning.stop()
        await self._leases.end()


def _source(data_dir: Path) -> str:
    """Return the name of a data directory, which is made once, by whichever of its gateways is first."""
    path = data_dir / "gateways"
    if not path.exists():
        fresh = data_dir / f"gateways.{os.getpid()}"
        fresh.write_text(token_hex(6) + "\n", encoding="ascii")
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text(encoding="ascii").strip()

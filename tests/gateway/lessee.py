"""What tests of leases share: what a gateway is to its leases, and calls that need them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from steelyard.gateway.leases import Leases
from steelyard.limits import Hold, Limits, Share, Sharing
from steelyard.limits.recall import Recalled
from steelyard.shared import Store
from tests.limits.rig import NOW, WALL, call, rule

if TYPE_CHECKING:
    from steelyard.gateway.borrowers import Borrowers
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.limiter import Limiter

__all__ = ["LEASE_S", "LIMIT", "Station", "until"]

LEASE_S = 5.0
LIMIT = 10


class Station:
    """What a gateway is to its leases: clocks that the test sets, a loop, a limit of ten calls a minute, and the call
    that waits to be lent one."""

    limiter: Limiter | None = None
    position = None  # of its journal

    def __init__(self, store: Store, name: str) -> None:
        self.now = NOW
        self.told: list[str] = []
        self.waiting: Hold | None = None
        self.journal = self.outbox = self.notices = self
        self.sharing = Sharing()
        self.limits = Limits((rule("all", "requests_per_minute", LIMIT),), self.told.append, sharing=self.sharing)
        self.limits.take_back(WALL, Recalled({want: [] for want in self.limits.wants(WALL)}, {}), NOW, WALL)
        self.leases = Leases(self.sharing, store, name, LEASE_S)

    async def begin(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.leases.begin(cast("Gateway", self), cast("Borrowers", self))
        await self.talk()

    def clock(self) -> float:
        return self.now

    def randomness(self) -> float:
        return 0.9

    def flush(self) -> None:
        self.told.append("flushed")

    def tell(self, text: str) -> None:
        self.told.append(text)

    complain = tell

    async def talk(self) -> None:
        """Have it talk to the server twice: what it is told the first time it acts upon the second time."""
        for _ in range(2):
            asked = self.leases.syncs
            self.leases.hurry()
            await until(lambda: self.leases.syncs > asked)  # noqa: B023

    @property
    def share(self) -> Share:
        self.limits.standings(self.now, WALL)
        return next(iter(self.sharing.shares.values()))

    async def call(self) -> Hold:
        """Make a call; have what it lacks asked for, once."""
        hold = call(self.limits, self.now - NOW)
        if not hold.open:
            self.waiting = hold
            self.share.ask(1)
            await self.talk()
            hold, self.waiting = self.waiting, None
        return hold

    def __len__(self) -> int:
        return 0  # nobody is in a hurry: the test says when

    def retry(self) -> None:
        """Have the call that waits try again."""
        if self.waiting is not None and not self.waiting.open:
            self.waiting = call(self.limits, self.now - NOW)


async def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.002)

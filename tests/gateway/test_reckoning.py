"""What a ledger has of calls before: told once, before anything is lent, and by nobody twice."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from steelyard.gateway.reckoning import Reckoning
from steelyard.limits import Spent, Want
from steelyard.shared.store import open_store
from tests.gateway.lessee import LEASE_S, LIMIT, Station, until
from tests.limits.rig import NOW
from tests.support.valkey import Valkey

if TYPE_CHECKING:
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.limiter import Limiter


class Clerk(Station):
    """A gateway's leases by the real server and the real clock, and the ledger that it asks: which answers when it is
    told to, and says how many calls it has then."""

    def __init__(self, server: Valkey, prefix: str, name: str, home: Path) -> None:
        self._begun = time.monotonic()
        super().__init__(open_store(server.url, prefix, None, LEASE_S), f"ledger/source/{name}")
        self.limiter = cast("Limiter", self)
        self.asked, self.answered = threading.Event(), threading.Event()
        self.asked_at = 0.0
        self.has = 0
        self.reckoning = Reckoning(self.leases, "ledger", "source", self._ask, home)

    async def begin(self) -> None:
        await super().begin()
        self.reckoning.begin(cast("Gateway", self), dict)

    async def end(self) -> None:
        self.answered.set()
        self.reckoning.stop()
        await self.leases.end()

    def clock(self) -> float:
        self.now = NOW + time.monotonic() - self._begun
        return self.now

    def wall_clock(self) -> float:
        return time.time()

    async def answer(self, has: int) -> None:
        """Have the ledger say how many calls it has, if it is asked: the other gateway may have told the server."""
        await until(lambda: self.asked.is_set() or self.knows())
        self.has = has
        self.answered.set()
        await until(self.knows)

    def knows(self) -> bool:
        """Say whether what the ledger has is known to the server."""
        reckoning = self.reckoning
        return reckoning._epoch == self.leases.epoch and "requests_per_minute all" in reckoning._known

    def _ask(self, wants: tuple[Want, ...]) -> dict[Want, list[Spent]]:
        self.asked_at = self.asked_at or time.time()
        self.asked.set()
        assert self.answered.wait(30)
        now = time.time()
        return {want: [Spent(now, None, "assistant", None, None, self.has, 0, 0)] for want in wants}

    async def calls(self, count: int) -> int:
        """Make calls; return how many were admitted."""
        self.clock()
        return sum([(await self.call()).open for _ in range(count)])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


def played(
    server: Valkey, home: Path, play: Callable[[Clerk, Clerk], Awaitable[None]], prefix: str, age_ms: int
) -> None:
    """Have two gateways of one ledger begin with a server whose data are of some age, and play."""
    born = int(time.time() * 1000) - age_ms
    server.say("SET", f'"{prefix} epoch"', f"e:{born}:{server.run}")

    async def run() -> None:
        first, second = Clerk(server, prefix, "1", home), Clerk(server, prefix, "2", home)
        await first.begin()
        await second.begin()
        try:
            await play(first, second)
        finally:
            for one in (first, second):
                await one.end()
        assert not [text for one in (first, second) for text in one.told if "fault" in text]

    asyncio.run(run())


def test_nothing_is_lent_while_the_ledger_is_asked_so_nothing_counts_twice(server: Valkey, tmp_path: Path) -> None:
    async def play(first: Clerk, second: Clerk) -> None:
        await until(first.asked.is_set)
        await until(second.asked.is_set)
        assert await first.calls(2) == 0
        await first.answer(has=3)
        assert await first.calls(2) == 2
        await second.answer(has=3 + 2)  # those two are in the ledger by now
        assert await first.calls(2) + await second.calls(LIMIT) == LIMIT - 3 - 2

    played(server, tmp_path, play, "twice", 10**8)


def test_the_ledger_is_asked_once_everybody_has_had_the_time_to_tell(server: Valkey, tmp_path: Path) -> None:
    async def play(first: Clerk, second: Clerk) -> None:
        await first.answer(has=1)
        born = int(first.leases.epoch.split(":")[1]) / 1000
        assert first.asked_at > born + LEASE_S - 0.9, "but for what a question takes"
        assert await first.calls(LIMIT) == LIMIT - 1

    played(server, tmp_path, play, "time", int(LEASE_S * 1000) - 2000)


def test_a_server_that_is_emptied_is_told_by_both_before_the_ledger_is_asked(server: Valkey, tmp_path: Path) -> None:
    async def play(first: Clerk, second: Clerk) -> None:
        for one in (first, second):
            await one.answer(has=0)
        assert await first.calls(3) + await second.calls(2) == 5
        born = int(time.time() * 1000) - int(LEASE_S * 1000) + 1000
        keys = " ".join(f'"empty {name}"' for name in ("writers", "based", "index", "c requests_per_minute all "))
        server.say("DEL", keys)
        server.say("SET", '"empty epoch"', f"f:{born}:{server.run}")
        for one in (first, second):
            one.has = 5
            await until(lambda: one.leases.epoch.startswith("f:"))  # noqa: B023
        await until(first.knows)
        assert await first.calls(LIMIT) == LIMIT - 5

    played(server, tmp_path, play, "empty", 10**8)

"""What a gateway is lent while the server's clock, or its own, is set; and when it has told all that it took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from steelyard.gateway.leases import Leases
from steelyard.limits import Hold, Limits, Share, Sharing
from steelyard.limits.recall import Recalled
from steelyard.shared import Ask, Base, Given, Told
from tests.limits.rig import NOW, WALL, call, rule
from tests.shared.model import Model

if TYPE_CHECKING:
    from steelyard.gateway.borrowers import Borrowers
    from steelyard.gateway.gateway import Gateway

LEASE_S = 5.0
HOUR_S = 3600.0
LIMIT = 10


class Server:
    """The server of the model, with a clock that the test sets: `Store` for all gateways of a test."""

    def __init__(self, born_s: float = -1_000_000.0) -> None:
        self.now = 2_000_000_000.0
        self.epoch = f"e:{int((self.now + born_s) * 1000)}:run"
        self.model = Model(int(LEASE_S * 1000), int((self.now + born_s) * 1000))

    async def sync(self, writer: str, asks: Sequence[Ask], mark: str = "") -> Told:
        now = int(self.now * 1000)
        self.model.heard[writer] = now
        given = [Given(*self.model.sync(writer, ask, now), 0.0, 0.0) for ask in asks]
        tight = frozenset(name for name, at in self.model.tight.items() if 0 <= now - at <= 2000)
        await asyncio.sleep(0)
        return Told(self.epoch, self.now, len(self.model.heard), tight, given)

    async def leave(self, writer: str) -> None:
        del self.model.heard[writer]

    async def based(self, ledger: str) -> frozenset[str]:
        return frozenset()

    async def survey(self, rules: Iterable[str], ledger: str) -> dict[str, list[str]]:
        return {}

    async def put_base(self, ledger: str, epoch: str, found: Mapping[str, Mapping[str, Base]]) -> bool:
        return True

    async def marks(self) -> dict[str, str]:
        return {}

    async def silent(self, writer: str) -> bool:
        return False

    async def spent_by(self, writer: str) -> list[str]:
        return []

    async def settle(self, writer: str, more: dict[str, int]) -> bool:
        return False

    async def close(self) -> None:
        return None


class Station:
    """What a gateway is to its leases: clocks that the test sets, a loop, a limit of ten calls a minute, and the call
    that waits to be lent one."""

    limiter = None
    position = None  # of its journal

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.now = NOW
        self.told: list[str] = []
        self.waiting: Hold | None = None
        self.journal = self.outbox = self.notices = self
        self.sharing = Sharing()
        self.limits = Limits((rule("all", "requests_per_minute", LIMIT),), self.told.append, sharing=self.sharing)
        self.limits.take_back(WALL, Recalled({want: [] for want in self.limits.wants(WALL)}, {}), NOW, WALL)
        self.leases = Leases(self.sharing, server, name, LEASE_S)

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


async def calls(stations: Sequence[Station], count: int) -> int:
    """Make calls in turn; return how many were admitted."""
    return sum([(await one.call()).open for _ in range(count) for one in stations])


def played(play: Callable[[Server, Station, Station], Awaitable[None]], server: Server | None = None) -> None:
    """Have two gateways talk to a server while a test plays."""
    server = server or Server()

    async def run() -> None:
        first, second = Station(server, "a/x/1"), Station(server, "a/x/2")
        await first.begin()
        await second.begin()
        await play(server, first, second)
        for one in (first, second):
            await one.leases.end()
            assert not [text for text in one.told if "fault" in text]

    asyncio.run(run())


def pass_time(server: Server, stations: Iterable[Station], seconds: float) -> None:
    server.now += seconds
    for one in stations:
        one.now += seconds


def test_a_server_s_clock_that_is_set_changes_nothing_of_a_window() -> None:
    for jump in (HOUR_S, -HOUR_S, 90.0):

        async def play(server: Server, first: Station, second: Station, jump: float = jump) -> None:
            both = (first, second)
            assert await calls(both, 3) == 6
            server.now += jump
            for _ in range(2):
                for one in both:
                    await one.talk()
            pass_time(server, both, 1.0)
            assert await calls(both, 8) == 4, jump
            pass_time(server, both, 62.0)
            assert await calls(both, 8) == 10, jump

        played(play)


def test_what_is_granted_just_as_the_clock_is_set_is_given_back() -> None:
    async def play(server: Server, first: Station, second: Station) -> None:
        assert await calls((first, second), 5) == 10
        server.now += HOUR_S
        assert not (await first.call()).open, "the server took what both have had for old"
        assert first.share.room == 0
        await second.talk()
        pass_time(server, (first, second), 1.0)
        assert await calls((first, second), 3) == 0

    played(play)


def test_a_slow_answer_is_no_clock_that_was_set() -> None:
    leases = Leases(Sharing(), Server(), "a/x/1", LEASE_S)
    assert not leases._date(1000.0, 10.0, 10.01)
    assert not leases._date(1001.0, 10.1, 11.01), "0.9 s on its way"
    assert not leases._date(1001.1, 11.1, 11.11)
    assert leases._date(1003.1, 12.1, 12.11)
    assert leases._date(1001.1, 12.2, 12.21)


def test_what_the_ledger_has_is_told_only_when_everybody_has_had_the_time_to_tell() -> None:
    server = Server(born_s=-1.0)

    async def play(server: Server, first: Station, second: Station) -> None:
        assert not first.leases.has_told(first.now), "others may not have told as yet"
        pass_time(server, (first, second), LEASE_S)
        await first.talk()
        assert first.leases.has_told(first.now)
        share = first.share
        share.paced += 1
        share.synced_at = first.now - 60
        first.leases._heard_at = first.now
        assert not first.leases.has_told(first.now), "the emptied server has not heard of this"
        await first.talk()
        assert first.leases.has_told(first.now)

    played(play, server)


def test_a_user_that_was_forgotten_and_comes_again_is_told_of_once() -> None:
    async def play(server: Server, first: Station, second: Station) -> None:
        assert (await first.call()).open
        old = first.share
        first.sharing.drop(old)
        first.limits = Limits((rule("all", "requests_per_minute", LIMIT),), first.told.append, sharing=first.sharing)
        first.limits.take_back(WALL, Recalled({want: [] for want in first.limits.wants(WALL)}, {}), NOW, WALL)
        assert first.share is not old
        given, held = Given(0, 3, 0, 0, 0.0, 0.0), old.room
        first.leases._receive(old, Ask(old.key, old.rule, "window", LIMIT, ""), given, first.now)
        assert (old.room, first.sharing.active[old.key]) == (held, first.share)

    played(play)

"""What a gateway is lent while the server's clock, or its own, is set; and when it has told all that it took."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from steelyard.gateway.leases import Leases
from steelyard.limits import Limits, Sharing
from steelyard.limits.recall import Recalled
from steelyard.shared import Ask, Base, Given, Told
from tests.gateway.lessee import LEASE_S, LIMIT, Station
from tests.limits.rig import NOW, WALL, rule
from tests.shared.model import Model

if TYPE_CHECKING:
    pass

HOUR_S = 3600.0


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

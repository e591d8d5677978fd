"""What becomes of kept answers when the machine's clock is set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import pytest

from steelyard.cache.clearing import clear
from steelyard.config.settings import CacheSettings
from steelyard.gateway import cached
from steelyard.gateway.upkeep import Upkeep
from steelyard.keys.ring import KeyRing
from tests.cache.entries import entry

if TYPE_CHECKING:
    from steelyard.gateway.cached import AnswerCache
    from steelyard.gateway.gateway import Gateway

pytestmark = pytest.mark.skipif(
    not str(cached.__file__).endswith(".py"), reason="compiled code takes a gateway for no other"
)

NOW = 1_795_392_000.0
HOUR_S = 3600.0


class Station:
    """What a gateway is to its cache: two clocks, one of which can be set, and no keys."""

    def __init__(self, home: Path) -> None:
        self.up_s = 1000.0
        self.now = NOW
        self.cache: AnswerCache | None = None
        self.access = self
        self.ring = KeyRing(())
        self.upkeep = Upkeep(cast("Gateway", self), home, _no_disk)
        self.upkeep.configure(CacheSettings(routes=("assistant",), ttl_s=2 * HOUR_S), {})

    def clock(self) -> float:
        return self.up_s

    def wall_clock(self) -> float:
        return self.now

    def keep(self) -> None:
        assert self.cache is not None
        self.cache.memory.keep(b"a", entry(made_at=self.now))

    def later(self, seconds: float, set_by: float = 0.0) -> int:
        """Let time pass, and the clock be set; return how many answers are left."""
        self.up_s += seconds
        self.now += seconds + set_by
        self.upkeep.tick()
        assert self.cache is not None
        return len(self.cache.memory)


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


def _no_disk(_: Path, __: CacheSettings) -> NoReturn:
    raise AssertionError("nothing was to be kept on disk")


def test_an_answer_stays_until_it_is_too_old(station: Station) -> None:
    station.keep()
    assert station.later(2 * HOUR_S - 1) == 1
    assert station.later(31) == 0


def test_a_clock_that_is_set_back_empties_the_cache_since_ages_are_not_known(station: Station) -> None:
    station.keep()
    assert station.later(1, set_by=-1.0) == 1, "so much is nothing"
    assert station.later(1, set_by=-HOUR_S) == 0
    station.keep()
    assert station.later(60) == 1


def test_a_clock_that_is_set_forth_makes_answers_older_and_never_younger(station: Station) -> None:
    station.keep()
    assert station.later(31, set_by=HOUR_S) == 1
    assert station.later(31, set_by=HOUR_S) == 0


def test_what_was_cleared_by_a_clock_that_was_ahead_does_not_end_the_cache(station: Station, tmp_path: Path) -> None:
    station.keep()
    clear(tmp_path, None, NOW + HOUR_S)
    assert station.later(1) == 0
    station.later(5)
    assert station.upkeep.stays("assistant", None, station.now)

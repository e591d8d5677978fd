"""The scripts against a model of them in plain Python, on a real server."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from steelyard.shared import FULL, HELD, OK, RESTORING, Ask, Base, Loan, StoreLost, Told
from steelyard.shared.store import ServerStore, open_store
from tests.shared.model import Model
from tests.support.valkey import Valkey

LEASE_S = 5.0
HOUR_S = 3600.0
OLD = 10**8
WRITERS = ("a/x/1", "a/x/2", "b/y/1")
KINDS = {"window": "calls", "gate": "places", "purse": "money"}


class Bench:
    """A server, and a connection to it. Time is passed by making what is written there older."""

    def __init__(self, directory: Path) -> None:
        self.server = Valkey(directory)
        self.loop = asyncio.new_event_loop()
        self.raw = Redis.from_url(self.server.url, protocol=2)
        self.store = open_store(self.server.url, "t", None, LEASE_S)

    def run(self, work: Any) -> Any:
        """Return what a coroutine returns."""
        return self.loop.run_until_complete(_awaited(work))

    def anew(self, born: int = OLD, *, known: bool = True) -> ServerStore:
        """Empty the server; have it be of a certain age (ms), and know what ledgers had."""
        now = int(time.time() * 1000)
        self.run(self.raw.flushdb())
        self.run(self.raw.set("t epoch", f"e:{now - born}:{self.server.run}"))
        if known:
            self.run(self.raw.hset("t based", mapping={f"{one} r": 1 for one in "ab"}))
        return self.store

    def ask(self, writer: str, **fields: Any) -> tuple[int, int]:
        """Ask for one counter, of 100 an hour; return status and what was granted."""
        told = self.run(self.store.sync(writer, [asked(**fields)]))
        return told.given[0].status, told.given[0].granted

    def silence(self, writer: str, ms: int) -> None:
        """Have a gateway be silent for so long."""
        now = int(time.time() * 1000)
        self.run(self.raw.hset("t writers", writer, f"{now - ms}:0"))

    def close(self) -> None:
        """Hang up, and end the server."""
        self.run(self.store.close())
        self.run(self.raw.aclose())
        self.loop.close()
        self.server.kill()


async def _awaited(work: Any) -> Any:
    return await work


def asked(kind: Any = "window", taken: str = "", held: int = 0, need: int = 0, **more: Any) -> Ask:
    loan = more.pop("loan", Loan(need, max(1, need)) if need else Loan())
    length_s = HOUR_S if kind == "window" else 0.0
    return Ask(KINDS[kind], "" if kind == "gate" else "r", kind, more.pop("limit", 100), taken, held, loan, length_s)


def _now(amount: int) -> str:
    """Return an amount of an hour's window, as it is told that was taken just now."""
    return f"{int(time.time() * 60 / HOUR_S)}:{amount}"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("valkey"))
    yield bench
    bench.close()


amounts = st.integers(0, 60)


@st.composite
def takings(draw: st.DrawFn, kind: str) -> str:
    """Draw what a gateway tells that it took; of a window at moments about its ends."""
    if kind == "gate":
        return str(draw(amounts))
    if kind == "purse":
        return f"{draw(amounts)}:{draw(amounts)}"
    now = int(time.time() * 60 / HOUR_S)
    slots = draw(st.lists(st.tuples(st.integers(-63, 1), amounts), max_size=3, unique_by=lambda one: one[0]))
    return " ".join(f"{now + slot}:{amount}" for slot, amount in slots)


@st.composite
def steps(draw: st.DrawFn) -> tuple[str, Ask, dict[str, int]]:
    """Draw who asks for what, and who was silent before for how long (ms)."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    least = draw(st.integers(1, 50))
    need = draw(st.sampled_from((0, least, least + 20)))
    loan = Loan(need, least if need else 0, draw(amounts))
    ages = st.sampled_from((0, 4000, 6000, 3_500_000, 3_800_000))
    silent = draw(st.dictionaries(st.sampled_from(WRITERS), ages, max_size=2))
    ask = asked(kind, draw(takings(kind)), draw(st.integers(0, 30)), loan=loan, limit=draw(st.integers(20, 150)))
    return draw(st.sampled_from(WRITERS)), ask, silent


@settings(max_examples=60, deadline=None)
@given(st.lists(steps(), min_size=1, max_size=12), st.sampled_from((1000, 30_000, OLD)), st.booleans())
def test_the_script_says_what_the_model_says(
    bench: Bench, moves: list[tuple[str, Ask, dict[str, int]]], born: int, known: bool
) -> None:
    store = bench.anew(born, known=known)
    model = Model(int(LEASE_S * 1000), int(time.time() * 1000) - born, ledger_known=known)
    for writer, ask, silent in moves:
        now = int(time.time() * 1000)
        for name, ms in silent.items():
            if name in model.heard:
                model.heard[name] = now - ms
                bench.run(bench.raw.hset("t writers", name, f"{now - ms}:0"))
        told: Told = bench.run(store.sync(writer, [ask]))
        given = told.given[0]
        expected = model.sync(writer, ask, round(told.now_s * 1000))
        assert (given.status, given.granted, given.others, given.reserved) == expected


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(WRITERS), st.integers(1, 60), st.integers(0, 60)), min_size=1, max_size=25))
def test_no_grants_together_are_above_a_limit(bench: Bench, asks: list[tuple[str, int, int]]) -> None:
    bench.anew()
    held = dict.fromkeys(WRITERS, 0)
    slot = int(time.time() * 60 / HOUR_S)
    used = dict.fromkeys(WRITERS, 0)
    for writer, need, use in asks:
        spent = min(use, held[writer])
        held[writer] -= spent
        used[writer] += spent
        taken = f"{slot}:{used[writer]}" if used[writer] else ""
        held[writer] += bench.ask(writer, taken=taken, held=held[writer], need=need)[1]
        assert sum(held.values()) + sum(used.values()) <= 100


def test_what_others_hold_is_asked_back_and_what_is_used_up_is_refused(bench: Bench) -> None:
    bench.anew()
    assert bench.ask("a/x/1", need=60) == (OK, 60)
    assert bench.ask("a/x/2", need=50) == (HELD, 0)
    told = bench.run(bench.store.sync("a/x/1", []))
    assert told.tight == {"calls"}
    assert bench.ask("a/x/1", held=10) == (OK, 0), "what it keeps is kept"
    assert bench.ask("a/x/2", need=50) == (OK, 50)
    slot = int(time.time() * 60 / HOUR_S)
    assert bench.ask("a/x/1", taken=f"{slot}:50") == (OK, 0)
    assert bench.ask("b/y/1", held=0, need=51) == (FULL, 0)


def test_nobody_takes_more_than_half_of_his_part_of_what_is_left_beyond_his_need(bench: Bench) -> None:
    bench.anew()
    assert bench.ask("a/x/1", loan=Loan(want=1000)) == (OK, 50)
    assert bench.ask("a/x/2", loan=Loan(want=1000)) == (OK, 12)
    assert bench.ask("b/y/1", loan=Loan(need=5, least=5, want=1000)) == (OK, 6)


def test_what_a_dead_gateway_held_counts_as_long_as_it_may_have_spent_it(bench: Bench) -> None:
    bench.anew()
    for kind in ("window", "gate"):
        assert bench.ask("a/x/1", kind=kind, need=90) == (OK, 90)
    assert bench.ask("a/x/1", kind="purse", taken="5:5", need=80) == (OK, 80)
    bench.silence("a/x/1", 6000)
    assert bench.ask("a/x/2", kind="window", need=11) == (FULL, 0)
    assert bench.ask("a/x/2", kind="gate", need=100) == (OK, 100)
    bench.silence("a/x/1", 3_700_000)
    assert bench.ask("a/x/2", kind="window", need=100) == (OK, 100)
    assert bench.ask("a/x/2", kind="purse", taken="0:0", need=11) == (FULL, 0)


def test_a_gateway_that_is_gone_is_settled_once_and_never_while_it_lives(bench: Bench) -> None:
    store = bench.anew()
    bench.run(store.sync("a/x/1", [asked("purse", "20:10", 30)], "segment:8"))
    assert bench.run(store.marks()) == {"a/x/1": "segment:8"}
    assert not bench.run(store.settle("a/x/1", {"money": 5}))
    bench.silence("a/x/1", 6000)
    assert bench.ask("a/x/2", kind="purse", taken="0:0", need=41) == (FULL, 0)
    assert bench.run(store.settle("a/x/1", {"money": 5}))
    assert not bench.run(store.settle("a/x/1", {"money": 5}))
    assert bench.ask("a/x/2", kind="purse", taken="0:0", need=76) == (FULL, 0)
    assert bench.ask("a/x/2", kind="purse", taken="0:0", need=75) == (OK, 75)


def test_an_older_message_that_comes_late_changes_nothing(bench: Bench) -> None:
    bench.anew()
    late = open_store(bench.server.url, "t", None, LEASE_S)
    bench.run(bench.store.sync("a/x/1", [asked(need=10)]))
    with pytest.raises(StoreLost, match="STALE"):
        bench.run(late.sync("a/x/1", [asked(need=90)]))
    assert bench.ask("a/x/2", need=90) == (OK, 90)
    bench.run(late.close())


def test_nothing_is_lent_before_the_emptied_server_knows_everybody_s_part(bench: Bench) -> None:
    store = bench.anew(born=4000)
    assert bench.ask("a/x/1", need=1) == (RESTORING, 0), "others may still hold what they were lent"
    bench.run(bench.raw.set("t epoch", f"e:{int(time.time() * 1000) - 6000}:{bench.server.run}"))
    assert bench.ask("a/x/1", need=1) == (OK, 1)
    bench.run(bench.raw.hdel("t based", "b r"))
    assert bench.ask("a/x/1", held=1, need=1) == (OK, 1), "nobody of that ledger is there"
    bench.run(store.sync("b/y/1", []))
    assert bench.ask("a/x/1", held=2, need=1) == (RESTORING, 0)
    epoch = bench.run(bench.raw.get("t epoch")).decode()
    assert not bench.run(store.put_base("b", "another", {"r": {"calls": Base(_now(100), 60.0)}})), "it was emptied"
    assert bench.ask("a/x/1", held=2, need=1) == (RESTORING, 0)
    assert bench.run(store.put_base("b", epoch, {"r": {"calls": Base(_now(97), 60.0)}}))
    assert bench.ask("a/x/1", held=2, need=1) == (OK, 1)
    assert bench.ask("a/x/1", held=3, need=1) == (FULL, 0)


def test_nothing_is_lent_to_a_gateway_whose_own_ledger_is_not_known_however_old_the_server_is(bench: Bench) -> None:
    bench.anew()
    bench.run(bench.raw.hdel("t based", "b r"))
    assert bench.ask("b/y/1", need=1) == (RESTORING, 0)
    assert bench.ask("b/y/1", kind="gate", need=1) == (OK, 1), "of calls under way no ledger has any"
    assert bench.ask("a/x/1", need=1) == (OK, 1), "it waits for no ledger but its own"


def test_what_a_ledger_has_is_told_by_the_first_of_its_gateways_and_by_no_other(bench: Bench) -> None:
    store = bench.anew()
    bench.run(bench.raw.hdel("t based", "a r"))
    epoch = bench.run(bench.raw.get("t epoch")).decode()
    assert bench.run(store.put_base("a", epoch, {"r": {"calls": Base(_now(10), 60.0)}}))
    assert bench.ask("a/x/1", need=40) == (OK, 40)
    assert bench.ask("a/x/1", taken=_now(40)) == (OK, 0)
    late = {"calls": Base(_now(50), 60.0), "others": Base(_now(1), 60.0)}
    assert bench.run(store.put_base("a", epoch, {"r": late})), "the calls in between would count twice"
    assert bench.ask("a/x/2", need=51) == (FULL, 0)
    assert bench.ask("a/x/2", need=50) == (OK, 50)
    bench.run(bench.raw.hdel("t based", "a r"))
    assert bench.run(store.put_base("a", epoch, {"r": {"calls": Base("", 0.0)}}))
    assert bench.ask("a/x/1", taken=_now(40), need=11) == (HELD, 0)
    assert bench.ask("a/x/1", taken=_now(40), need=10) == (OK, 10), "what was told of it before is void"


def test_a_clock_that_was_set_back_holds_nothing_back_for_longer_than_a_lease(bench: Bench) -> None:
    store = bench.anew(born=-3_600_000)
    bench.run(bench.raw.hset("t writers", "gone", f"{int(time.time() * 1000) + 3_600_000}:7"))
    bench.run(bench.raw.hset("t c places", "gone", "90 0"))
    told: Told = bench.run(store.sync("a/x/1", [asked("gate", need=1)]))
    assert told.given[0].status == RESTORING
    born = int(told.epoch.split(":")[1]) / 1000
    assert abs(born - told.now_s) < LEASE_S
    heard = bench.run(bench.raw.hget("t writers", "gone")).decode().partition(":")
    assert (float(heard[0]) / 1000 <= told.now_s, heard[2]) == (True, "7")
    bench.run(bench.raw.set("t epoch", f"e:{int(time.time() * 1000) - 6000}:{bench.server.run}"))
    bench.silence("gone", 6000)
    assert bench.ask("a/x/1", kind="gate", need=100) == (OK, 100)


def test_a_server_that_was_restarted_is_told_all_anew(bench: Bench) -> None:
    store = bench.anew()
    bench.run(store.sync("a/x/1", [asked(need=1)]))
    bench.run(bench.raw.set("t epoch", "e:0:another-run"))
    told = bench.run(store.sync("a/x/1", [asked(held=1, need=1)]))
    assert told.epoch.partition(":")[0] != "e"
    assert told.given[0].status == RESTORING
    assert bench.run(store.based("a")) == frozenset()

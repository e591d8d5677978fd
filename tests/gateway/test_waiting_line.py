"""The laws of waiting: no limit is ever exceeded, no room is left unused, and nobody waits for ever."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.errors import CallError
from steelyard.core.priority import PRIORITIES, Priority
from steelyard.gateway import limiter
from steelyard.gateway.body import JsonBody
from steelyard.gateway.departure import Wait, admit
from steelyard.gateway.limiter import Limiter
from steelyard.gateway.waiting_line import WaitingRoom
from steelyard.keys.key import Key
from steelyard.limits import Limits, Rule
from steelyard.limits.gate import Concurrent, Gate
from tests.limits.rig import NOW, WALL, limits, rule

if TYPE_CHECKING:
    from steelyard.gateway.call import Call
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.way import Way
    from steelyard.limits import Hold

pytestmark = pytest.mark.skipif(
    not str(limiter.__file__).endswith(".py"), reason="compiled code takes a gateway and its calls for no others"
)

PATIENCE_S = 10.0
BODY = JsonBody(b'{"model": "assistant", "messages": []}')
QUEUE: dict[str, Any] = {"queue_s": PATIENCE_S, "queue_calls": 6}


def key_of(name: str, priority: Priority) -> Key:
    return Key(
        id=f"key_{name}_{priority}", name=name, hash="", routes=None, record=None, created_at=0.0, priority=priority
    )


class Road:
    """A way with one deployment, which always answers."""

    route = "assistant"
    lanes = (None,)
    fixed = True
    total_s = inf


class Party:
    """What a gateway is to those who wait: clocks, a loop whose turns the test takes, and limits."""

    def __init__(self, counted: Limits, draws: Callable[[], float] = lambda: 0.5) -> None:
        self.now = NOW
        self.randomness = draws
        self.turns: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self.loop = self
        self.waiting = WaitingRoom(cast("Gateway", self))
        self.limiter = Limiter(cast("Gateway", self), counted)
        self.callers: list[Caller] = []

    def clock(self) -> float:
        return self.now

    def call_soon(self, turn: Callable[..., None], *given: Any) -> None:
        self.turns.append((turn, given))

    def note_open(self, call: Call) -> None:
        assert cast("Caller", call) in self.callers

    def run(self) -> None:
        while self.turns:
            turn, given = self.turns.popleft()
            turn(*given)

    def arrive(self, name: str, priority: Priority = "normal") -> Caller:
        caller = Caller(self, key_of(name, priority))
        self.callers.append(caller)
        caller.ask()
        return caller

    def later(self, seconds: float) -> None:
        self.now += seconds
        for caller in self.callers:
            if caller.deadline < self.now:
                caller.expire()
        self.waiting.look()


class Caller:
    """A call that is under way, waits, was refused, or is over."""

    def __init__(self, party: Party, key: Key) -> None:
        self.party = party
        self.key = key
        self.way = Road()
        self.started_at = self.received = party.now
        self.received_at = WALL + party.now - NOW
        self.hold: Hold | None = None
        self.deadline = inf
        self.waited = False
        self.state = "new"
        self.told: CallError | None = None
        self._wait: Wait | None = None

    def ask(self) -> None:
        try:
            admit(cast("Gateway", self.party), cast("Call", self), cast("Way", self.way), BODY)
        except CallError as error:
            self.refuse(error)

    def begin(self, way: Road, lanes: Sequence[None]) -> None:
        assert self.state in ("new", "waiting")
        self.state = "under way"

    def wait_for(self, wait: Wait, until: float) -> None:
        self.state, self._wait, self.deadline = "waiting", wait, until

    @property
    def waits(self) -> bool:
        return self._wait is not None

    def wake(self) -> None:
        self._wait, self.deadline = None, inf

    def refuse(self, error: CallError) -> None:
        self.state, self.told = "refused", error
        if self.hold is not None:
            self.hold.free()

    def interrupt(self, error: CallError) -> None:
        self._leave()
        self.refuse(error)

    def _leave(self) -> Wait:
        wait = self._wait
        assert wait is not None
        self.wake()
        wait.leave(cast("Call", self))
        return wait

    def go(self) -> None:
        self._leave()
        self.state = "gone"
        assert self.hold is not None
        self.hold.settle(0, 0)

    def expire(self) -> None:
        self.refuse(self._leave().late())

    def finish(self) -> None:
        assert self.hold is not None
        self.state = "over"
        self.hold.settle(10, 0)


RULES = (
    rule("key:*", "concurrent", 2, **QUEUE),
    rule("key:b", "concurrent", 1),
    rule("route:*", "concurrent", 4, queue_s=2 * PATIENCE_S, queue_calls=3),
    rule("all", "max_calls", 3, **QUEUE),
    rule("key:c", "requests_per_minute", 9),
)


def gates_of(party: Party) -> list[tuple[Rule, str, Gate]]:
    return [
        (crowd.rule, one.name, one.gate)
        for crowd in party.limiter.limits
        for one in crowd
        if isinstance(one, Concurrent)
    ]


def check(party: Party) -> None:
    """Assert what must hold whenever the loop has done its work."""
    for what, name, gate in gates_of(party):
        kind = what.scope.kind
        mine = [one for one in party.callers if kind != "key" or one.key.name == name]
        under_way = sum(one.state == "under way" for one in mine)
        held = sum(one.state == "waiting" for one in mine)
        assert under_way <= gate.count <= min(gate.limit, under_way + held), (what, name)
        assert gate.line is None or not gate.line.length or gate.count >= gate.limit, "room is left unused"
    in_line = sum(gate.line.length for _, _, gate in gates_of(party) if gate.line is not None)
    waiting = [one for one in party.callers if one.state == "waiting"]
    assert in_line == len(waiting) == len(party.waiting.standing)
    assert all(one.deadline <= one.received + 2 * PATIENCE_S for one in waiting)


EVENTS = st.one_of(
    st.tuples(st.just("arrive"), st.sampled_from("aaaabcd"), st.sampled_from(PRIORITIES)),
    st.tuples(st.just("arrive"), st.sampled_from("aaaabcd"), st.sampled_from(PRIORITIES)),
    st.tuples(st.sampled_from(("finish", "finish", "go")), st.integers(0, 50), st.just(PRIORITIES[0])),
    st.tuples(st.just("later"), st.integers(0, 8), st.just(PRIORITIES[0])),
    st.tuples(st.just("turn"), st.just(0), st.just(PRIORITIES[0])),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(EVENTS, min_size=10, max_size=80))
def test_no_limit_is_exceeded_no_room_stays_unused_and_nobody_waits_for_ever(
    events: list[tuple[str, Any, Any]],
) -> None:
    party = Party(limits(*RULES))
    for event, what, priority in events:
        if event == "arrive":
            party.arrive(what, priority)
        elif event == "later":
            party.later(what)
        elif event == "turn":
            party.run()
            check(party)
        else:
            state = "under way" if event == "finish" else "waiting"
            among = [one for one in party.callers if one.state == state]
            if among:
                getattr(among[what % len(among)], event)()
        for _, _, gate in gates_of(party):
            assert gate.count <= gate.limit
    party.run()
    check(party)
    party.later(2 * PATIENCE_S + 1)
    party.run()
    assert not [one for one in party.callers if one.state == "waiting"]
    while under_way := [one for one in party.callers if one.state == "under way"]:
        under_way[0].finish()
        party.run()
    assert all(gate.count == 0 for _, _, gate in gates_of(party))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(PRIORITIES), min_size=1, max_size=5), st.integers(1, 3))
def test_who_waits_is_served_in_order_when_room_comes(priorities: list[Priority], limit: int) -> None:
    party = Party(limits(rule("all", "concurrent", limit, **QUEUE)))
    first = [party.arrive("a") for _ in range(limit)]
    waiting = [party.arrive("a", priority) for priority in priorities]
    order: list[Caller] = []
    for _ in waiting:
        now = next(one for one in (*first, *order) if one.state == "under way")
        now.finish()
        assert [one.state for one in waiting].count("waiting") == len(waiting) - len(order), "served within the turn"
        party.run()
        order += [one for one in waiting if one.state == "under way" and one not in order]
    assert order == sorted(waiting, key=lambda one: PRIORITIES.index(one.key.priority))
    assert all(one.waited for one in order)


def test_nobody_passes_those_who_wait() -> None:
    party = Party(limits(rule("all", "concurrent", 1, **QUEUE)))
    first, second = party.arrive("a"), party.arrive("a")
    first.finish()
    third = party.arrive("a", "high")  # before the loop has come round to whom room was left
    assert (second.state, third.state) == ("waiting", "waiting")
    party.run()
    assert {second.state, third.state} == {"waiting", "under way"}


def test_calls_of_a_full_key_do_not_stand_in_the_way_of_others() -> None:
    party = Party(limits(rule("key:*", "concurrent", 1, **QUEUE), rule("all", "max_calls", 2, **QUEUE)))
    busy = [party.arrive("a") for _ in range(5)]
    other = party.arrive("b")
    assert [one.state for one in busy] == ["under way", *["waiting"] * 4]
    assert other.state == "under way"
    late = party.arrive("c")
    other.finish()
    party.run()
    assert late.state == "under way", "those before it wait for their key, and not for what all share"
    busy[0].finish()
    party.run()
    assert busy[1].state == "under way"


def test_a_call_is_refused_at_its_deadline_and_told_when_to_come_again() -> None:
    party = Party(limits(rule("key:*", "concurrent", 1, **QUEUE)))
    party.arrive("a")
    second = party.arrive("a")
    party.later(PATIENCE_S - 0.1)
    assert second.state == "waiting"
    party.later(0.2)
    assert second.told is not None
    assert (second.told.status, second.told.code) == (429, "queue_timeout")
    assert second.told.retry_after_s is not None
    assert party.waiting.refusals == {"late": 1}


def test_a_call_that_would_wait_too_long_is_refused_at_once() -> None:
    party = Party(limits(rule("all", "max_calls", 1, queue_s=PATIENCE_S, queue_calls=100)))
    calls = [party.arrive("a") for _ in range(5)]
    for one in calls[:2]:
        party.now += 4.0
        one.finish()
        party.run()
    refused = party.arrive("a")  # two wait, and one is served in four seconds
    assert refused.told is not None
    assert (refused.told.status, refused.told.code) == (503, "busy")
    assert refused.told.retry_after_s == 1.5 * 12.0
    assert party.waiting.refusals == {"long": 1}
    assert party.arrive("a", "high").state == "waiting"


def test_a_full_queue_refuses_but_one_of_a_lower_priority_gives_way() -> None:
    party = Party(limits(rule("all", "concurrent", 1, queue_s=PATIENCE_S, queue_calls=3)))
    party.arrive("a")
    low = [party.arrive("a", "low") for _ in range(3)]
    full = party.arrive("a", "low")
    assert full.told is not None
    assert (full.told.status, full.told.code) == (429, "queue_full")
    high = [party.arrive("a", "high") for _ in range(3)]
    party.run()
    assert [one.state for one in low] == ["waiting", "refused", "refused"], "the first of a class never gives way"
    assert [one.state for one in high] == ["waiting", "waiting", "refused"]
    assert party.waiting.refusals == {"full": 2, "displaced": 2}


def test_what_cannot_be_waited_for_refuses_at_once() -> None:
    party = Party(limits(rule("all", "concurrent", 1, **QUEUE), rule("all", "requests_per_minute", 2)))
    assert [party.arrive("a").state for _ in range(3)] == ["under way", "waiting", "refused"]


def test_who_has_room_at_one_gate_waits_at_the_next() -> None:
    party = Party(limits(rule("key:*", "concurrent", 1, **QUEUE), rule("all", "max_calls", 1, **QUEUE)))
    first, second = party.arrive("a"), party.arrive("a")
    first.finish()
    third = party.arrive("b")  # the place of all is taken before the loop has come round
    party.run()
    check(party)
    assert (second.state, third.state) == ("waiting", "under way")
    third.finish()
    party.run()
    assert second.state == "under way"


def test_who_leaves_while_waiting_counts_nowhere() -> None:
    party = Party(limits(rule("all", "concurrent", 1, **QUEUE), rule("all", "requests_per_minute", 2)))
    party.arrive("a")
    party.arrive("a").go()
    assert [party.arrive("a").state for _ in range(2)] == ["waiting", "refused"]


def test_a_limit_that_is_raised_lets_those_in_who_wait() -> None:
    before = limits(rule("all", "concurrent", 1, **QUEUE))
    party = Party(before)
    calls = [party.arrive("a") for _ in range(4)]
    party.limiter = Limiter(cast("Gateway", party), Limits((rule("all", "concurrent", 3, **QUEUE),), print, before))
    party.waiting.summon_all()
    party.run()
    assert [one.state for one in calls] == ["under way", "under way", "under way", "waiting"]


def test_who_waits_when_a_queue_is_abolished_is_still_served() -> None:
    before = limits(rule("all", "concurrent", 1, **QUEUE))
    party = Party(before)
    first, second = party.arrive("a"), party.arrive("a")
    party.limiter = Limiter(cast("Gateway", party), Limits((rule("all", "concurrent", 1),), print, before))
    assert party.arrive("a").state == "refused"
    first.finish()
    party.run()
    assert second.state == "under way"

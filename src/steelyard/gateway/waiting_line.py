"""Calls that wait for room in a limit of calls under way: they stand in line, are served in turn, or give up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from steelyard.core.errors import CallError
from steelyard.core.priority import NORMAL, PRIORITIES, rank_of
from steelyard.gateway.departure import depart
from steelyard.gateway.meter import Histogram
from steelyard.limits.counter import Counter
from steelyard.limits.gate import Concurrent, Gate
from steelyard.limits.line import Line
from steelyard.metrics.series import head, label, series

if TYPE_CHECKING:
    from steelyard.gateway.account import Account
    from steelyard.gateway.call import Call
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.way import Way
    from steelyard.limits.hold import Hold

__all__ = ["WaitingRoom", "is_waited_for"]

_SOONEST_S: Final = 1.0
_LATEST_S: Final = 60.0
_BREADTHS: Final = ("deployment", "user", "key", "team", "project", "route", "all")


def is_waited_for(counter: Counter) -> bool:
    """Say whether calls wait where a counter has no room."""
    return isinstance(counter, Concurrent) and counter.gate.line is not None and counter.gate.line.patience_s > 0


class WaitingRoom:
    """Everybody who waits, in whichever line.

    A call takes its places one after the other, from the narrowest limit (of its user, its key) to the widest, and
    keeps those that it has while it waits for the next. All calls take them in the same order, so none waits for
    another in a circle (Havender 1968, "Avoiding deadlock in multitasking systems", IBM Systems Journal 7(2)). What
    else its limits count is reserved when it comes: once it has waited, nothing else refuses it. `choosing` is
    the place of a call that is let pass just now, and has yet to choose among its deployments.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.standing: set[Place] = set()
        self.waited = Histogram()
        self.refusals: defaultdict[str, int] = defaultdict(int)
        self.choosing: Choosing | None = None
        self._tickets = 0
        self._summoned: dict[Gate, None] = {}

    def ticket(self) -> int:
        """Return who comes next: a number above all before."""
        self._tickets += 1
        return self._tickets

    # Who comes to stand in line.

    def admit(self, call: Call, way: Way, hold: Hold, lanes: Sequence[Lane] | None) -> CallError | None:
        """Have a call wait that not all of a hold's counters have room for; return why it may not. What it waits for
        is then taken of the hold's counters, one by one."""
        counters, hold.counters = hold.counters, ()
        gates = sorted((one for one in counters if isinstance(one, Concurrent) and is_waited_for(one)), key=_breadth)
        others = [one for one in counters if one not in gates]
        for one in others:
            if not one.has_room(hold):
                hold.counters = counters  # for what the client is told of them
                return self._told(one, one.error(hold))
        first = next(number for number, one in enumerate(gates) if not one.has_room(hold))
        no = self._objection(gates[first], call)
        if no is not None:
            hold.counters = counters
            return self._refuse(no)
        hold.counters = (*others, *gates[:first])
        hold.open = True
        for one in hold.counters:
            one.take(hold)
        Admission(self, call, way, hold, gates[first:], lanes).stand()
        return None

    def choose(self, call: Call, gates: Iterable[Concurrent]) -> CallError | None:
        """Have a call wait until one of some gates has room; return why it may not."""
        place = self.choosing
        if place is not None and place.call is not call:
            place = None
        open_to: list[Concurrent] = []
        no: _No | None = None
        for one in dict.fromkeys(gates):
            no = self._objection(one, call) if place is None else None
            if no is None:
                open_to.append(one)
        if not open_to:
            return self._refuse(no) if no is not None else None
        (place or Choosing(self, call)).stand_at(open_to)
        return None

    def _objection(self, counter: Concurrent, call: Call) -> _No | None:
        """Return why a call may not wait at a gate. Another one gives way to it, where it is of a higher priority."""
        line = _line_of(counter)
        rank = _rank(call)
        wait_s = line.wait_s(rank, self.gateway.clock())
        if wait_s > line.patience_s:
            advice = f"It would wait about {wait_s:.1f} s for one of them to end, and may wait {line.patience_s:g} s."
            return _No("long", counter, wait_s, advice)
        if line.length >= line.most:
            last = line.last_below(rank)
            if not isinstance(last, Place):
                advice = f"{line.length:,} calls wait for one of them to end, and no more may."
                return _No("full", counter, wait_s, advice)
            last.leave(last.call)
            advice = "Its place in the queue was needed for a call of a higher priority."
            error = self._refuse(_No("displaced", counter, wait_s, advice))
            # Not at once: its client may have the next call ready, which would be served amid this one's admission.
            self.gateway.loop.call_soon(last.give_way, error)
        return None

    def _refuse(self, no: _No) -> CallError:
        self.refusals[no.reason] += 1
        return self.turn_down(no.counter, no.wait_s, no.advice, code="queue_full")

    def turn_down(self, counter: Concurrent, wait_s: float, advice: str, code: str) -> CallError:
        """Return what a call is told that waits no longer. Those that are told at once come again at many moments."""
        wait_s = min(max(wait_s, _SOONEST_S), _LATEST_S) * (1.0 + self.gateway.randomness())
        return self._told(counter, counter.without_room(wait_s, advice, code=code))

    def _told(self, counter: Counter, error: CallError) -> CallError:
        if self.gateway.limiter is not None:
            self.gateway.limiter.note(counter)
        return error

    def gate_of(self, call: Account) -> Gate | None:
        """Return the gate that lets a call pass just now, of those where it has waited."""
        place = self.choosing
        return place.passing if place is not None and place.call is call else None

    # Who is served.

    def summon(self, gate: Gate) -> None:
        """Take note that a gate may have room; who waits there is served when the present work is done."""
        if not self._summoned:
            self.gateway.loop.call_soon(self._serve)
        self._summoned[gate] = None

    def summon_all(self) -> None:
        """Look at every line anew: there may be room by another configuration, or by what other gateways gave."""
        for place in self.standing:
            for one in place.gates:
                self.summon(one.gate)

    def _serve(self) -> None:
        gates = list(self._summoned)
        self._summoned.clear()
        now = self.gateway.clock()
        for gate in gates:
            line = gate.line
            while line is not None and line.length and gate.is_open(now):
                line.serve(now).enter(gate)

    def look(self) -> None:
        """Ask other gateways for room, where they share a limit that calls wait for, and take what they gave. Called
        every tenth of a second."""
        now = self.gateway.clock()
        for place in self.standing:
            for one in place.gates:
                share = one.gate.share
                if one.gate.is_open(now):
                    self.summon(one.gate)
                elif share is not None:
                    share.ask(1)

    # What is told of it.

    def metrics(self) -> str:
        """Return lines for `/metrics`."""
        waiting = dict.fromkeys(PRIORITIES, 0)
        for place in self.standing:
            waiting[PRIORITIES[place.rank]] += 1
        lines = [
            *series(
                "steelyard_queue_calls",
                "gauge",
                "Calls that wait for room.",
                [(label("priority", name), count) for name, count in waiting.items()],
            ),
            *head("steelyard_queue_waited_seconds", "histogram", "How long calls waited that were served."),
            *self.waited.lines("steelyard_queue_waited_seconds", ""),
            *series(
                "steelyard_queue_refusals_total",
                "counter",
                "Calls that waited in vain, or might not wait.",
                [(label("reason", name), count) for name, count in self.refusals.items()],
            ),
        ]
        return "\n".join(lines) + "\n"


class _No(Struct, frozen=True):
    """Why a call may not wait at a gate, and how long it would."""

    reason: str
    counter: Concurrent
    wait_s: float
    advice: str


class Place:
    """One call that waits, and the gates where it does. It is served at the first of them that has room."""

    def __init__(self, room: WaitingRoom, call: Call) -> None:
        self.room = room
        self.call = call
        self.rank = _rank(call)
        self.ticket = room.ticket()
        self.since = room.gateway.clock()
        self.gates: Sequence[Concurrent] = ()

    def stand_at(self, gates: Sequence[Concurrent]) -> None:
        """Stand in line at some gates, for as long as the most patient of them allows."""
        self.gates = gates
        self.room.standing.add(self)
        now = self.room.gateway.clock()
        until = self.since + max(_line_of(one).patience_s for one in gates)
        way = self.call.way
        if way is not None:
            until = min(until, self.call.started_at + way.total_s)
        for one in gates:
            _line_of(one).add(self, now)
            if one.gate.share is not None:
                one.gate.share.ask(1)
        self.call.wait_for(self, until)

    def summon(self, gate: Gate) -> None:
        self.room.summon(gate)

    def enter(self, gate: Gate) -> None:
        """Pass a gate that has room."""
        raise NotImplementedError  # abstract: `Admission` and `Choosing` do

    def leave(self, call: Call) -> None:
        """Stand in line no longer."""
        for one in self.gates:
            _line_of(one).remove(self)
        self.room.standing.discard(self)

    def give_way(self, error: CallError) -> None:
        """Be refused, unless it has ended otherwise by now."""
        if self.call.waits:
            self.call.interrupt(error)

    def late(self) -> CallError:
        self.room.refusals["late"] += 1
        first = self.gates[0]
        now = self.room.gateway.clock()
        advice = f"It has waited {now - self.since:.1f} s for one of them to end."
        return self.room.turn_down(first, _line_of(first).wait_s(self.rank, now), advice, code="queue_timeout")

    def served(self) -> None:
        """Take note that the call waits no longer, and goes on."""
        self.room.waited.late.append((self.room.gateway.clock() - self.since) * 1000)
        if len(self.room.waited.late) >= 64:
            self.room.waited.settle()


class Admission(Place):
    """A call that waits for the limits of who asks: `gates` in their order, of which it holds all before the first."""

    def __init__(
        self,
        room: WaitingRoom,
        call: Call,
        way: Way,
        hold: Hold,
        gates: list[Concurrent],
        lanes: Sequence[Lane] | None,
    ) -> None:
        super().__init__(room, call)
        self._way = way
        self._hold = hold
        self._left = gates
        self._lanes = lanes

    def stand(self) -> None:
        """Stand in line at the first gate that is left."""
        self.stand_at(self._left[:1])

    def enter(self, gate: Gate) -> None:
        hold = self._hold
        hold.summoned = gate
        now = self.room.gateway.clock()
        while self._left and _lets(self._left[0], hold, now):
            one = self._left.pop(0)
            one.take(hold)
            hold.counters = (*hold.counters, one)
        hold.summoned = None
        self.room.standing.discard(self)
        if self._left:
            self.stand()
            return
        call = self.call
        call.wake()
        call.waited = True
        self.served()
        depart(self.room.gateway, call, self._way, self._lanes)

    def leave(self, call: Call) -> None:
        super().leave(call)
        self._hold.free()


class Choosing(Place):
    """A call that waits for any of its deployments. It chooses among all of them anew when one has room, which then is
    `passing`."""

    passing: Gate | None = None

    def enter(self, gate: Gate) -> None:
        room, call = self.room, self.call
        self.leave(call)
        call.wake()
        call.waited = True
        self.passing, room.choosing = gate, self
        try:
            call.choose_again()
        finally:
            self.passing = room.choosing = None
        if self not in room.standing:
            self.served()


def _lets(counter: Concurrent, hold: Hold, now: float) -> bool:
    """Say whether a gate lets a call pass that has waited."""
    gate = counter.gate
    return gate.is_open(now) and (hold.summoned is gate or not _line_of(counter).length)


def _line_of(counter: Concurrent) -> Line:
    line = counter.gate.line
    assert line is not None
    return line


def _rank(call: Call) -> int:
    return rank_of(call.key.priority if call.key is not None else NORMAL)


def _breadth(counter: Concurrent) -> tuple[int, bool, str]:
    """Return the place of a gate in the order in which all calls take them."""
    rule = counter.rule
    return _BREADTHS.index(rule.scope.kind), rule.metric == "max_calls", str(rule.scope)

"""Limits and budgets at work: what a call may take is reserved before it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, Unavailable
from steelyard.gateway.body import JsonBody
from steelyard.gateway.borrowers import unreachable
from steelyard.gateway.bound import bind, bound, facts_of, size_of
from steelyard.gateway.departure import depart
from steelyard.gateway.waiting_line import is_waited_for
from steelyard.limits import Counter, Hold, Limits, ceiling_of
from steelyard.limits.earlier import NO_KEY
from steelyard.limits.gate import Concurrent
from steelyard.metrics.series import label, series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steelyard.gateway.account import Account, Body
    from steelyard.gateway.borrowers import Borrowers
    from steelyard.gateway.call import Call
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.way import Way
    from steelyard.keys.key import Key

__all__ = ["Limiter"]


class Limiter:
    """The limits of one gateway's calls."""

    __slots__ = ("_borrowers", "_gateway", "_lends_lanes", "limits")

    def __init__(self, gateway: Gateway, limits: Limits, borrowers: Borrowers | None = None) -> None:
        """`borrowers`: where calls wait for what other gateways have of the same limits."""
        self._gateway = gateway
        self.limits = limits
        self._borrowers = borrowers
        self._lends_lanes = borrowers is not None and any(one.rule.scope.kind == "deployment" for one in limits)

    def admit(self, call: Call, way: Way, body: Body, *, free: bool = False) -> Sequence[Lane] | None:
        """Reserve what a call may take; nothing is touched where something has no room for it, but for a call that then
        waits (`Call.waits`). Returns the lanes that it may use, where these are not all of its way's. `free`: it takes
        no tokens, costs nothing, and does not wait (the cache answers). Raises CallError."""
        return self._admit(call, way, body, call.started_at, free=free)

    def readmit(self, call: Call, way: Way) -> bool:
        """Try again to admit a call that waited to be lent what it may take, and start or refuse it; return whether it
        waits on for that."""
        body, gateway, borrowers = call.sending, self._gateway, self._borrowers
        assert body is not None
        assert borrowers is not None
        try:
            lanes = self._admit(call, way, body, gateway.clock())
        except CallError as error:
            call.refuse(error, "rejected")
            return False
        if not call.waits:
            depart(gateway, call, way, lanes)
        return borrowers.has(call)

    def _admit(self, call: Call, way: Way, body: Body, now: float, *, free: bool = False) -> Sequence[Lane] | None:
        key = call.key
        limits = self.limits
        name = key.id if key is not None else None
        wall = call.received_at
        applied = limits.known(name, way.route) or limits.apply(name, _who(key), way.route, now, wall)
        counters = applied.counters
        if applied.crowds:
            counters = applied.of_user(_user_of(call, body), now, wall)
        elif not counters and not self._lends_lanes:
            return None
        if applied.pending:
            raise _restoring()
        hold = limits.begin(now, wall, size_of(self._gateway, call, body))
        lanes = None if free or not applied.bounded else bind(hold, call, way, priced=applied.priced)
        call.hold = hold
        if self._lends_lanes and not free and self._asks_for_lanes(call, way, way.lanes if lanes is None else lanes):
            return lanes
        lacking = hold.take(counters)
        if lacking is not None:
            hold.counters = counters  # for what the client is told of them
            if self._borrowers is not None:
                lacking = self._borrowed(call, way, hold, free=free)
            if lacking is not None:
                self._line_up(call, way, lacking, lanes, free=free)
        return lanes

    def _line_up(self, call: Call, way: Way, lacking: Counter, lanes: Sequence[Lane] | None, *, free: bool) -> None:
        """Have a call wait in line for what has no room for it, where there is a line. Raises CallError."""
        hold = call.hold
        assert hold is not None
        if free or not is_waited_for(lacking):
            self.note(lacking)
            raise lacking.error(hold)
        refusal = self._gateway.waiting.admit(call, way, hold, lanes)
        if refusal is not None:
            raise refusal

    def _borrowed(self, call: Call, way: Way, hold: Hold, *, free: bool) -> Counter | None:
        """Have a call wait to be lent what it lacks, and return None; or return what it cannot be lent."""
        borrowers = self._borrowers
        assert borrowers is not None
        lacking = borrowers.borrow(hold.counters, hold)
        if lacking is None and free:
            hold.take_all()  # it waits for nothing; what it takes is told with the rest
        elif lacking is None:
            borrowers.add(call, way, self._gateway.clock())
        return lacking

    def _asks_for_lanes(self, call: Call, way: Way, lanes: Sequence[Lane]) -> bool:
        """Have a call wait where the first deployment that may have room for it has been lent none; say whether it
        does."""
        borrowers = self._borrowers
        assert borrowers is not None
        for lane in lanes:
            hold = self._attempt(call, lane)
            if not lane.counters or all(one.has_room(hold) for one in lane.counters):
                return False
            lacking = borrowers.borrow(lane.counters, hold)
            if lacking is None:
                borrowers.add(call, way, self._gateway.clock())
                return True
            if is_waited_for(lacking):
                return False
        return False

    def grant(self, call: Account, lane: Lane) -> CallError | None:
        """Reserve what an attempt at a deployment may take of the deployment's own limits; return why not."""
        limits = self.limits
        if limits.pending and limits.is_closed(lane.counters):
            return _restoring()
        hold = self._attempt(call, lane)
        lacking = hold.take(lane.counters)
        if lacking is not None:
            if self._borrowers is not None and lacking.lease(hold) is not None:
                if self._borrowers.is_cut_off(lacking, hold):
                    return unreachable()
                self._borrowers.borrow(lane.counters, hold)  # for the next call; this one tries the next deployment
            if not is_waited_for(lacking):
                self.note(lacking)
            return lacking.error(hold)
        call.attempt_hold = hold
        return None

    def line_up(self, call: Call, lanes: Sequence[Lane], full: CallError) -> CallError | None:
        """Have a call wait for any of some deployments that have no room now; return why it may not. `full`: what it is
        told where calls wait for none of them."""
        gates: list[Concurrent] = []
        for lane in lanes:
            hold = self._attempt(call, lane)
            lacking = [one for one in lane.counters if not one.has_room(hold)]
            waited_for = [one for one in lacking if isinstance(one, Concurrent) and is_waited_for(one)]
            if waited_for and len(waited_for) == len(lacking):
                gates.append(waited_for[0])
        return self._gateway.waiting.choose(call, gates) if gates else full

    def _attempt(self, call: Account, lane: Lane) -> Hold:
        """Return what an attempt at a deployment is to hold of the deployment's own limits."""
        body = call.sending
        assert body is not None
        hold = self.limits.begin(self._gateway.clock(), call.received_at, size_of(self._gateway, call, body))
        hold.summoned = self._gateway.waiting.gate_of(call)
        ceiling = lane.ceiling
        if ceiling is None:
            ceiling = lane.ceiling = ceiling_of([facts_of(lane)])
        bound(hold, call, body, ceiling)
        return hold

    def note(self, lacking: Counter) -> None:
        """Count a refusal."""
        rule = lacking.rule
        self.limits.refusals[rule.scope.kind, rule.metric] += 1

    # What is told of it.

    def metrics(self) -> str:
        """Return lines for `/metrics`: of users there are too many, they are counted in refusals only."""
        limits, gateway = self.limits, self._gateway
        refusals = [
            (f"{label('scope', kind)},{label('limit', metric)}", count)
            for (kind, metric), count in limits.refusals.items()
        ]
        ratios = [
            (f"{label('scope', one.scope)},{label('limit', one.limit)}", f"{one.ratio:.6g}")
            for one in limits.standings(gateway.clock(), gateway.wall_clock(), most_users=0)
        ]
        lines = [
            *series(
                "steelyard_limits_refusals_total",
                "counter",
                "Calls and attempts refused by a limit or a budget.",
                refusals,
            ),
            *series(
                "steelyard_limits_usage_ratio",
                "gauge",
                "What is taken and reserved of a limit or a budget, as a part of it.",
                ratios,
            ),
            *series(
                "steelyard_limits_overruns_total",
                "counter",
                "Calls that took more than was thought possible, and reserved.",
                [("", limits.overruns)],
            ),
            *series(
                "steelyard_limits_restored",
                "gauge",
                "1 once it is known what was counted before the gateway began.",
                [("", int(not limits.pending))],
            ),
        ]
        if self._borrowers is not None:
            lines += self._borrowers.metrics()
        return "\n".join(lines) + "\n"


def _who(key: Key | None) -> tuple[str, str | None, str | None]:
    return (NO_KEY, None, None) if key is None else (key.name, key.team, key.project)


def _restoring() -> CallError:
    return Unavailable(
        "What was spent before this gateway started is still being read from the ledger. Try again in a moment.",
        code="limits_restoring",
        retry_after_s=1.0,
    )


def _user_of(call: Call, body: Body) -> str | None:
    if call.user is None and isinstance(body, JsonBody):
        call.user = body.end_user()  # so that the record has it too, by which counting goes on after a restart
    return call.user

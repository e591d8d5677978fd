"""What belongs to one attempt of a call, and how two of them stand beside each other: a hedge, and the call's own."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Literal

from steelyard.core.exchange import Outcome
from steelyard.core.usage import Usage
from steelyard.gateway.reply import Reply
from steelyard.limits.ceiling import atto_of_cost

if TYPE_CHECKING:
    from steelyard.gateway.extra import Extra
    from steelyard.gateway.failure import Failure
    from steelyard.gateway.hedge import Hedge
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.upstream import Upstream
    from steelyard.gateway.way import Way

__all__ = ["Phase", "Race"]

Phase = Literal["connect", "first_byte", "idle", "wait", "engine"]


class Race(Reply):
    """The present attempt of a call, and the one beside it. Times are of the gateway's monotonic clock, in seconds;
    `deadline` is the next one that matters. `hedged`: there is a hedge, or may be one soon."""

    deadline = inf
    _total_at = inf
    _phase: Phase = "connect"
    _task: asyncio.Task[None] | None = None
    _hedge_timer: asyncio.TimerHandle | None = None
    _excluded: frozenset[Lane] = frozenset()
    _outrun: frozenset[Lane] = frozenset()

    @property
    def on_way(self) -> Way:
        """The way that was found for the call."""
        assert self.way is not None
        return self.way

    def was_sent(self) -> bool:
        return self._phase not in ("connect", "engine")

    def trade(self, hedge: Hedge) -> None:
        """Have the hedge's attempt be the call's own, and the other way round."""
        self.lane, hedge.lane = hedge.lane, self.lane
        self.detour, hedge.detour = hedge.detour, self.detour
        self.takes_whole, hedge.takes_whole = hedge.takes_whole, self.takes_whole
        self.attempt_started, hedge.attempt_started = hedge.attempt_started, self.attempt_started
        self.attempt_hold, hedge.attempt_hold = hedge.attempt_hold, self.attempt_hold
        self.upstream, hedge.upstream = hedge.upstream, self.upstream
        self._task, hedge.task = hedge.task, self._task

    def drop_hedge(self, now: float, outcome: Outcome) -> None:
        if self._hedge_timer is not None:
            self._hedge_timer.cancel()
            self._hedge_timer = None
        hedge, self.hedge = self.hedge, None
        if hedge is None:
            return
        hedge.close()
        self.trade(hedge)
        self.lane.breaker.abandon()
        self._outrun = frozenset((self.lane,))
        watch = self.lane.watch
        if watch is not None and outcome == "outrun" and hedge.sent:
            watch.note(now, False, now - self.attempt_started)  # it would have taken longer still
            self.look_at(watch, now)
        self.note(now, outcome, None, None, self._settled(hedge.extra, self._taken(hedge)))
        self.trade(hedge)

    def hedge_failed(self, hedge: Hedge, failure: Failure) -> None:
        """Take note that the second attempt has failed; the first goes on."""
        now = self.gateway.clock()
        self.hedge = None
        hedge.close()
        self.trade(hedge)
        self.blame(failure, now)
        if not failure.again:
            self._excluded |= {self.lane}
        usage = self._taken(hedge) if failure.outcome not in ("refused", "status") else None
        self.note(now, failure.outcome, failure.answered, str(failure.error), self._settled(hedge.extra, usage))
        self.trade(hedge)

    def _taken(self, hedge: Hedge) -> Usage | None:
        """Return what an attempt is taken to have used whose answer nobody waited for: what was sent is never free."""
        return self.estimate(0) if hedge.sent and not self.endpoint.counts else None

    def _settled(self, extra: Extra, usage: Usage | None) -> Extra | None:
        """Count what the present attempt took though its answer is not the client's."""
        extra.settle(self.lane, usage)
        hold, self.attempt_hold = self.attempt_hold, None
        if hold is not None:
            tokens = (usage.input or 0) + (usage.output or 0) if usage is not None else 0
            hold.settle(tokens, atto_of_cost(extra.cost) if extra.cost is not None else 0)
        if usage is None:
            return None
        self.extras += (extra,)
        return extra

    def blame(self, failure: Failure, now: float) -> None:
        """Have a failure of the present attempt count against its deployment, where that is to blame."""
        lane = self.lane
        if not failure.blames:
            lane.breaker.abandon()
            return
        lane.breaker.failure(now)
        watch = lane.watch
        if watch is not None:
            watch.note(now, True, None)
            self.look_at(watch, now)

    def connected(self, upstream: Upstream | None, failure: Failure | None) -> None:
        """Take a connection, or why there is none, for an attempt that began as a hedge."""
        raise NotImplementedError  # abstract: `Attempts` does

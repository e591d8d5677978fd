"""The attempts of a call: how each begins, how long it may take, and what follows when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Literal

from steelyard.core.errors import BadRequest, CallError, EngineError, Unavailable
from steelyard.gateway.breaker import CLOSED
from steelyard.gateway.choice import Choice
from steelyard.gateway.detour import Detour
from steelyard.gateway.failure import Failure, refused
from steelyard.gateway.lane import Lane
from steelyard.gateway.retry_after import pause_s

if TYPE_CHECKING:
    from steelyard.gateway.pool import Pool
    from steelyard.gateway.upstream import Upstream
    from steelyard.gateway.way import Way

__all__ = ["Attempts", "Phase"]

Phase = Literal["connect", "first_byte", "idle", "wait", "engine"]


class Attempts(Choice):
    """The way out of one call. Times are of the gateway's monotonic clock, in seconds; `deadline` is the next one that
    matters."""

    takes_idle = True
    deadline = inf
    _total_at = inf
    _idle_s = inf
    _first_byte_s = inf
    _phase: Phase = "connect"
    _tries_left = 0
    _failure: Failure | None = None
    _task: asyncio.Task[None] | None = None
    _timer: asyncio.TimerHandle | None = None

    def begin(self, way: Way, lanes: Sequence[Lane]) -> None:
        """Start the call along its way. Everything that can be refused beforehand has been."""
        self._order = lanes
        self._tries_left = way.tries
        self._total_at = self.started_at + way.total_s
        self._idle_s = way.idle_s
        self._first_byte_s = way.first_byte_s
        lane = lanes[0]
        pool = lane.pool
        if not way.plain:
            self.detour = Detour(self, strict=way.plan.strict)
            self.takes_whole = False
        elif self.waited:
            pass  # it begins now, and not when it came
        elif pool is not None and lane.breaker.state is CLOSED and self.takes_idle and not lane.counters:
            upstream = pool.take()
            if upstream is not None:  # nearly always: the first choice is well and a connection stands
                self._cursor = 1
                self._tries_left = way.tries - 1
                self.lane = lane
                self.attempt_started = self.started_at
                self._send(upstream, self.started_at)
                return
        self._next()

    def count_here(self) -> None:
        """Answer a request to count tokens that no deployment of the plan can: with an estimate."""
        way = self._on_way
        detour = self.detour = Detour(self, strict=way.plan.strict)
        try:
            counted = detour.counted(way.route)
        except BadRequest as error:
            self.refuse(error, "rejected")
        else:
            self.answer_here(counted)

    def _next(self) -> None:
        """Try the next deployment, or give up."""
        self._timer = None
        lane = self._pick() if self._tries_left > 0 else None
        while lane is not None and not self._takes(lane):
            lane = self._pick()
        if lane is None:
            self._give_up()
            return
        self._tries_left -= 1
        self.lane = lane
        self.attempt_started = now = self.gateway.clock()
        pool = lane.pool or self.gateway.pool_of(lane)
        ready = self.takes_idle and (lane.signer is None or lane.signer.ready())
        upstream = pool.take() if pool is not None and ready else None
        if upstream is not None:
            self._send(upstream, now)
        else:
            self._open(lane, pool, now)

    def _open(self, lane: Lane, pool: Pool | None, now: float) -> None:
        """Have a connection opened for the present attempt."""
        way = self._on_way
        self._phase = "connect" if pool is not None else "engine"
        seconds = way.plan.timeouts.connect if pool is not None else way.first_byte_s
        self.deadline = min(self._total_at, now + seconds)
        self._task = self.gateway.loop.create_task(self._connect(lane, pool))

    async def _connect(self, lane: Lane, pool: Pool | None) -> None:
        try:
            if lane.signer is not None:
                await lane.signer.prepare()
            upstream = await (pool.open() if pool is not None else self.gateway.open_engine(lane))
        except (OSError, CallError, EngineError, UnicodeError) as error:
            # UnicodeError: a host name that IDNA cannot encode
            self._task = None
            self.fail(refused(lane, error))
            return
        self._task = None
        self._send(upstream, self.gateway.clock())

    def _send(self, upstream: Upstream, now: float) -> None:
        """Ask an upstream."""
        raise NotImplementedError

    def was_sent(self) -> bool:
        return self._phase not in ("connect", "engine")

    @property
    def _on_way(self) -> Way:
        assert self.way is not None
        return self.way

    def fail(self, failure: Failure, *, drop: bool = False) -> None:
        """Take note that this attempt failed; try again, elsewhere, or tell the client. `drop` closes the upstream."""
        upstream, self.upstream = self.upstream, None
        if drop and upstream is not None:
            upstream.abandon()
        lane = self.lane
        if failure.blames:
            lane.breaker.failure(self.gateway.clock())
        else:
            lane.breaker.abandon()
        self.note(self.gateway.clock(), failure.outcome, failure.status, str(failure.error))
        self._failure = failure
        if self.relay is not None and self.relay.started:
            self.break_off(failure.error, failure.outcome)
            return
        self.relay = None
        self.first_byte_at = None
        assert self.sending is not None
        if not failure.again:
            self._excluded |= {lane}
        over = len(self._excluded) == len(self._order) or not (failure.elsewhere or failure.again)
        if over or not self.sending.replayable:
            self._tries_left = 0
        self._next_after(failure)

    def _next_after(self, failure: Failure) -> None:
        delay = self._delay(failure)
        now = self.gateway.clock()
        if delay is None or now + delay >= self._total_at:
            self._give_up()
        elif delay:
            self._phase = "wait"
            self.deadline = self._total_at
            self._timer = self.gateway.loop.call_later(delay, self._next)
        else:
            self._next()

    def _delay(self, failure: Failure) -> float | None:
        """Return how long to wait before the next attempt: no time while there are deployments not yet tried; None when
        it is longer than a client waits."""
        if self._cursor < len(self._order) or self._tries_left <= 0:
            return 0.0
        rounds = self._cursor // max(1, len(self._order))
        return pause_s(failure.retry_after_s, rounds, self.gateway.randomness())

    def choose_again(self) -> None:
        """Try the first deployment, as if none had been looked at: a call that waited for one may find room at any."""
        self._cursor = 0
        self._excluded = frozenset()
        self._crowded = ()
        self._full = self._unfit = None
        self._next()

    def _lines_up(self) -> bool:
        """Have the call wait for a deployment that has no room; say whether it does."""
        raise NotImplementedError

    def _give_up(self) -> None:
        failure = self._failure
        if failure is None and self._full is not None:
            if not self._lines_up():
                self.refuse(self._full, "rejected")
        elif failure is None and self._unfit is not None and len(self._excluded) == len(self._order):
            self.refuse(self._unfit, "rejected")
        elif failure is None:
            now = self.gateway.clock()
            rest = min((lane.breaker.rest_left_s(now) for lane in self._order), default=1.0)
            self.refuse(
                Unavailable(
                    "Every deployment that could answer rests after failures. Try again later.",
                    code="deployments_resting",
                    retry_after_s=max(1.0, rest),
                ),
                "rejected",
            )
        elif failure.status is not None and failure.body is not None:
            self.pass_on(failure)
        else:
            self.refuse(failure.error, failure.outcome)

    def grant_time(self) -> None:
        """Have the upstream's time to answer begin anew: the request is still on its way to it."""
        if self._phase == "first_byte":
            self.deadline = min(self._total_at, self.gateway.clock() + self._first_byte_s)

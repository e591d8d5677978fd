"""The attempts of a call: how each begins, how long it may take, and what follows when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from steelyard.core.errors import BadRequest, CallError, EngineError, Unavailable
from steelyard.gateway.breaker import CLOSED
from steelyard.gateway.choice import Choice
from steelyard.gateway.detour import Detour
from steelyard.gateway.extra import reserve
from steelyard.gateway.failure import Failure, filtered, heeded, refused
from steelyard.gateway.lane import Lane
from steelyard.gateway.retry_after import pause_s
from steelyard.gateway.subject import is_withheld

if TYPE_CHECKING:
    from steelyard.gateway.extra import Extra
    from steelyard.gateway.hedge import Hedge
    from steelyard.gateway.pool import Pool
    from steelyard.gateway.relay import Seen
    from steelyard.gateway.upstream import Upstream
    from steelyard.gateway.way import Way

__all__ = ["Attempts"]


_BYTES_PER_TOKEN = 4


class Attempts(Choice):
    """The way out of one call."""

    takes_idle = True
    _idle_s = inf
    _first_byte_s = inf
    _tries_left = 0
    _failure: Failure | None = None
    _withheld: tuple[Lane, Failure] | None = None
    _timer: asyncio.TimerHandle | None = None

    def begin(self, way: Way, lanes: Sequence[Lane]) -> None:
        """Start the call along its way. Everything that can be refused beforehand has been."""
        self._order = lanes
        self._tries_left = way.tries
        self._total_at = self.started_at + way.total_s
        self._idle_s = way.idle_s
        self._first_byte_s = way.first_byte_s
        self.filters = way.filters
        way.retries.calls += 1
        lane = lanes[0]
        pool = lane.pool
        if not way.plain:
            self.detour = Detour(self, strict=way.plan.strict)
            self.takes_whole = False
        elif self.waited:
            pass  # it begins now, and not when it came
        elif way.careful:
            pass  # there is more to look at
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
        way = self.on_way
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
        if self.on_way.hedged and not self.attempts and not self.hedged and self.takes_idle:
            self._hedge_later(self.on_way, now)

    def _hedge_later(self, way: Way, now: float) -> None:
        """Have another deployment be asked, too, if nothing has come for as long as the route says."""
        after, percent = way.plan.hedge_after_s, way.plan.hedge_percentile
        watch = self.lane.watch
        if percent is not None and watch is not None:
            after = watch.quantile(now, percent)
        if after is not None:
            self.hedged = True
            self._hedge_timer = self.gateway.loop.call_later(after, self._make_hedge)

    def _make_hedge(self) -> None:
        """Ask another deployment beside the first, if there is room for that everywhere."""
        self._hedge_timer = None
        if self.recorded or self.first_byte_at is not None or self.attempts or self._tries_left <= 0:
            return
        lane = self._pick_beside()
        if lane is None:
            return
        way, now = self.on_way, self.gateway.clock()
        extra = reserve(self)
        if extra is not None:
            hedge = self._hedge_at(lane, extra, now)
            if self._readies(hedge) and way.retries.spend(now, "hedge"):
                self._tries_left -= 1
                self.hedge = hedge
                hedge.begin()
                return
            extra.settle(lane, None)
            if hedge.attempt_hold is not None:
                hedge.attempt_hold.free()
        else:
            way.health.no_room += 1
        self._cursor -= 1  # it may still be asked, should the first fail

    def _hedge_at(self, lane: Lane, extra: Extra, now: float) -> Hedge:
        """Return a second attempt."""
        raise NotImplementedError  # abstract: `Call` does

    def _readies(self, hedge: Hedge) -> bool:
        """Say whether a deployment can be asked this, and has room for it."""
        lane, way = hedge.lane, self.on_way
        if not way.plain:
            hedge.detour = Detour(self, strict=way.plan.strict)
            try:
                hedge.detour.take(lane)
            except BadRequest:
                return False
            hedge.takes_whole = hedge.detour.takes_whole
        if not lane.counters:
            return True
        own, self.attempt_hold = self.attempt_hold, None
        full = self.gateway.grant(self, lane)
        hedge.attempt_hold, self.attempt_hold = self.attempt_hold, own
        if full is not None:
            way.health.no_room += 1
        return full is None

    def _open(self, lane: Lane, pool: Pool | None, now: float) -> None:
        """Have a connection opened for the present attempt."""
        way = self.on_way
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
        raise NotImplementedError  # abstract: `Call` does

    def connected(self, upstream: Upstream | None, failure: Failure | None) -> None:
        self._task = None
        if upstream is not None:
            self._send(upstream, self.gateway.clock())
        elif failure is not None:
            self.fail(failure)

    def fail(self, failure: Failure, *, drop: bool = False) -> None:
        """Take note that this attempt failed; try again, elsewhere, or tell the client. `drop` closes the upstream."""
        upstream, self.upstream = self.upstream, None
        if drop and upstream is not None:
            upstream.abandon()
        now, wanted = self.gateway.clock(), self.on_way.plan.fallback_on
        if wanted is not None:
            failure = heeded(failure, wanted)
        self.blame(failure, now)
        if self.hedged and not (self.hedge is not None and failure.elsewhere):
            self.drop_hedge(now, "outrun")
        self.note(now, failure.outcome, failure.status, str(failure.error))
        self._failure = failure
        if self.relay is not None and self.relay.started:
            self.break_off(failure.error, failure.outcome)
            return
        self.relay = None
        self.first_byte_at = None
        assert self.sending is not None
        self._exclude(failure)
        if self.hedge is not None:
            self._promote(self.hedge)
            return
        over = len(self._excluded) == len(self._order) or not (failure.elsewhere or failure.again)
        if over or not self.sending.replayable:
            self._tries_left = 0
        self._next_after(failure)

    def _next_after(self, failure: Failure) -> None:
        delay = self._delay(failure)
        now = self.gateway.clock()
        if delay is None or now + delay >= self._total_at or (self._tries_left > 0 and not self._affords(failure, now)):
            self._give_up()
        elif delay:
            self._phase = "wait"
            self.deadline = self._total_at
            self._timer = self.gateway.loop.call_later(delay, self._next)
        else:
            self._next()

    def _affords(self, failure: Failure, now: float) -> bool:
        """Say whether the route's retry budget has room for a further attempt. One elsewhere is free if nothing was
        sent: nobody works twice for it."""
        way, elsewhere = self.on_way, self._untried()
        if elsewhere and not self.was_sent():
            return True
        if way.retries.spend(now, "elsewhere" if elsewhere else "again"):
            return True
        failure.error.args = (f'{failure.error} It is not tried again: the retry budget of "{way.route}" is used up.',)
        return False

    def _promote(self, hedge: Hedge) -> None:
        """Go on with the hedge, since the call's own attempt has failed."""
        raise NotImplementedError  # abstract: `Call` does

    def withhold(self, fields: bytes, body: bytes, seen: Seen) -> bool:
        """Look for an answer elsewhere, since a content filter has withheld this one; say whether that is done."""
        way, now = self.on_way, self.gateway.clock()
        if not is_withheld(seen.finish_reason) or now >= self._total_at:
            return False
        if self.hedge is None and (self._tries_left <= 0 or not self._left()):
            return False
        extra = reserve(self)
        if extra is None:
            way.health.no_room += 1
            return False
        if self.hedge is None and not way.retries.spend(now, "elsewhere"):
            extra.settle(self.lane, None)
            return False
        failure = filtered(self.lane, fields, body)
        self._withheld = self.lane, failure
        self.lane.breaker.success()
        usage = seen.usage if seen.usage is not None else self.estimate(seen.size // _BYTES_PER_TOKEN)
        self.note(now, "filtered", 200, str(failure.error), self._settled(extra, usage))
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.abandon()
        self._failure = failure
        self.relay = self.first_byte_at = None
        self._exclude(failure)
        if self.hedge is not None:
            self._promote(self.hedge)
        else:
            self._next()
        return True

    def _delay(self, failure: Failure) -> float | None:
        """Return how long to wait before the next attempt: no time while there are deployments not yet tried; None when
        it is longer than a client waits."""
        if self._tries_left <= 0 or self._untried():
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
        raise NotImplementedError  # abstract: `Call` does

    def _give_up(self) -> None:
        failure = self._failure
        if self._withheld is not None:
            self.lane, failure = self._withheld  # better than an error
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

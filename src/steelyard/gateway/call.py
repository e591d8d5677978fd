"""One call: from the client's request, through the deployments of its plan, to the record and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Literal

from steelyard.core.errors import BadRequest, CallError, EngineError, StoreError, Unavailable
from steelyard.dialects.openai import decode_answer
from steelyard.dialects.table import DIALECTS
from steelyard.gateway.answers import passed_fields
from steelyard.gateway.detour import Detour
from steelyard.gateway.failure import Failure, cut, invalid, of_status, of_told, refused, timed_out
from steelyard.gateway.heads import request_head
from steelyard.gateway.lane import CLOSED, Lane
from steelyard.gateway.passage import Passage
from steelyard.gateway.relay import Events, Seen, Whole, is_event_stream, is_json, seen_of
from steelyard.gateway.reply import Reply
from steelyard.gateway.retry_after import pause_s, retry_after_in
from steelyard.gateway.tracing import traced
from steelyard.gateway.translated import Translated, headers_of, translated_at_once

if TYPE_CHECKING:
    from steelyard.gateway.departure import Wait
    from steelyard.gateway.pool import Pool
    from steelyard.gateway.upstream import Upstream
    from steelyard.gateway.way import Way

__all__ = ["Call"]

Phase = Literal["connect", "first_byte", "idle", "wait", "engine"]

_CLIENT_GONE = 499
"""The status on record of a call whose client left before the answer began (nginx's convention; never sent)."""


class Call(Reply):
    """One call. It is the sink of its upstream and the service of its client.

    Times are of the gateway's monotonic clock, in seconds; `deadline` is the next one that matters.
    """

    wants_usage = False
    takes_idle = True
    deadline = inf
    _total_at = inf
    _idle_s = inf
    _first_byte_s = inf
    _phase: Phase = "connect"
    _cursor = 0
    _tries_left = 0
    _order: Sequence[Lane] = ()
    _excluded: frozenset[Lane] = frozenset()
    _failure: Failure | None = None
    _unfit: BadRequest | None = None
    _full: CallError | None = None
    _task: asyncio.Task[None] | None = None
    _timer: asyncio.TimerHandle | None = None

    # Before the first attempt.

    def wait_for(self, wait: Wait, until: float) -> None:
        """Have the call wait before its first attempt, at most until then."""
        self._wait = wait
        self.deadline = until
        self.gateway.note_open(self)

    def wake(self) -> None:
        """Take note that what the call waited for is there, or never will be."""
        self._wait = None
        self.deadline = inf

    def _stop_waiting(self) -> Wait | None:
        wait = self._wait
        if wait is not None:
            self.wake()
            wait.leave(self)
        return wait

    # The way out: which deployment is tried, and how.

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

    def _takes(self, lane: Lane) -> bool:
        """Say whether a deployment can be asked this, and has room for it."""
        attempt = self.attempt_hold
        if attempt is not None:
            self.attempt_hold = None
            attempt.settle(0, 0)  # the attempt before brought nothing
        if self.detour is not None and not self._fits(lane, self.detour):
            return False
        if lane.counters:
            self._full = self.gateway.grant(self, lane)
            if self._full is not None:
                lane.breaker.abandon()
                self._excluded |= {lane}
                return False
        return True

    def _fits(self, lane: Lane, detour: Detour) -> bool:
        """Make ready for a deployment that is not simply relayed to; say whether it can be asked this."""
        try:
            detour.take(lane)
            self.takes_whole = detour.takes_whole
        except BadRequest as error:
            lane.breaker.abandon()  # it may have been picked as a probe
            self._unfit = error
            self._excluded |= {lane}
            return False
        return True

    def _pick(self) -> Lane | None:
        order = self._order
        now = None
        for _ in range(len(order)):
            lane = order[self._cursor % len(order)]
            self._cursor += 1
            if lane in self._excluded:
                continue
            if lane.breaker.state is CLOSED:
                return lane
            now = now or self.gateway.clock()
            if lane.breaker.allows(now):
                return lane
        return None

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
        body = self.sending
        assert body is not None
        self.upstream = upstream
        self._phase = "first_byte"
        deadline = now + self._first_byte_s
        self.deadline = deadline if deadline < self._total_at else self._total_at
        head = request_head(self.lane, self.endpoint, self.incoming, self.detour, self.gateway)
        if self.gateway.traces:
            head = traced(head, self.incoming, self.id, len(self.attempts))
        upstream.send(self, body.begin(self, upstream, head))

    def was_sent(self) -> bool:
        return self._phase not in ("connect", "engine")

    @property
    def _on_way(self) -> Way:
        assert self.way is not None
        return self.way

    # The way back: what an upstream says (it is the upstream's sink).

    def whole(self, fields: bytes, body: bytes) -> None:
        self.upstream = None
        self.first_byte_at = self.gateway.clock()
        detour = self.detour
        if detour is not None:
            if not translated_at_once(self, detour, fields, body):
                self.relay = relay = Translated(self, detour, headers_of(fields, body))
                relay.body(body, None)
                relay.end()
            return
        found = decode_answer(body)
        if found is not None and not found.error and not self.lane.is_quoted(fields, body):
            self.answer_whole(200, fields, body, seen_of(found, body))
        else:
            Whole(self, 200, []).take(body, fields)

    def head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        now = self.gateway.clock()
        self._phase = "idle"
        self.deadline = min(self._total_at, now + self._on_way.idle_s)
        if status < 300 and self.detour is not None and self.detour.crossing is not None:
            self.relay = Translated(self, self.detour, headers)
        elif status >= 300 or not (self.stream or self.endpoint.passes):
            self.relay = Whole(self, status, headers)
        elif self.endpoint.passes:
            self.relay = Passage(self, status, headers)
        elif is_event_stream(headers):
            self.relay = Events(self, headers, hide_usage=not self.wants_usage)
        elif is_json(headers):
            self.relay = Whole(self, status, headers)  # an error, perhaps: OpenRouter's has status 200
        else:
            self.fail(invalid(self.lane, "a stream was asked for, and no stream of events came"), drop=True)
        if self.client.paused_since is not None:
            self.pause()  # it has not yet read the answer before

    def body(self, piece: bytes, framed: bytes | None) -> None:
        relay = self.relay
        if relay is None:
            return
        now = self.gateway.clock()
        if self.first_byte_at is None:
            self.first_byte_at = now
        deadline = now + self._idle_s
        self.deadline = deadline if deadline < self._total_at else self._total_at
        relay.body(piece, framed)

    def end(self) -> None:
        self.upstream = None
        if self.relay is not None and not self.recorded:
            self.relay.end()

    def lost(self, *, answered: bool, reused: bool, error: Exception | None) -> None:
        if self.recorded:
            return
        self.upstream = None
        if reused and not answered and self.sending is not None and self.sending.replayable:
            # The upstream closed an idle connection just as it was used again: that is no failed attempt, and other
            # idle connections are no better.
            self._open(self.lane, self.lane.pool or self.gateway.pool_of(self.lane), self.gateway.clock())
            return
        self.fail(cut(self.lane, "the connection was closed" if error is None else f"the connection broke ({error})"))

    def broken(self, reason: str) -> None:
        self.upstream = None
        if not self.recorded:
            self.fail(invalid(self.lane, f"not HTTP/1.1 ({reason})"))

    def refused_by_upstream(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes, *, drop: bool = False
    ) -> None:
        """Take note of an error status, or of an error in an answer's place."""
        wait = retry_after_in(headers, self.gateway.wall_clock())
        body = self.lane.scrub(body)
        crossing = self.detour.crossing if self.detour is not None else None
        dialect = crossing.upstream if crossing is not None else DIALECTS[self.endpoint.dialect]
        told = dialect.decode_error(body, headers)
        if told is None or crossing is None:
            fit = body if told is not None else None
            self.fail(of_status(self.lane, status, self.lane.scrub(passed_fields(headers)), fit, wait), drop=drop)
        else:
            self.fail(of_told(self.lane, status, told, wait), drop=drop)

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

    def _give_up(self) -> None:
        failure = self._failure
        if failure is None and self._full is not None:
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

    def expire(self, now: float) -> None:
        """Act on the deadline that has passed."""
        wait = self._stop_waiting()
        if wait is not None:
            self.refuse(wait.late(), "rejected")
            return
        phase: str = "total" if now >= self._total_at else self._phase
        way = self._on_way
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._give_up()
            return
        if self._task is not None:
            self._task.cancel()
            self._task = None
        seconds = way.first_byte_s if phase == "engine" else getattr(way.plan.timeouts, phase)
        self.fail(timed_out(self.lane, phase, seconds), drop=True)

    def interrupt(self, error: CallError) -> None:
        """End the call from this side, whatever it is about: the gateway stops, or the client's form proves wrong."""
        self._stop_waiting()
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.abandon()
        if upstream is not None or self._task is not None:
            self.lane.breaker.abandon()
            self.note(self.gateway.clock(), "cut", None, str(error))
        if self.relay is not None and self.relay.started:
            self.break_off(error)
        else:
            self.refuse(error, "rejected")

    def grant_time(self) -> None:
        """Have the upstream's time to answer begin anew: the request is still on its way to it."""
        if self._phase == "first_byte":
            self.deadline = min(self._total_at, self.gateway.clock() + self._first_byte_s)

    # The client's side (it is the client's service).

    def gone(self) -> None:
        self._stop_waiting()
        if self._task is not None:
            self._task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.abandon()
        relay, self.relay = self.relay, None
        if self.recorded or self.way is None:
            self.over()
            return
        seen = relay.glimpse() if relay is not None else Seen()
        if upstream is not None or self._task is not None:
            self.lane.breaker.abandon()
            self.note(self.gateway.clock(), "client_gone", None, None)
        started = relay is not None and relay.started
        if seen.usage is None and upstream is not None:
            seen.usage = self.estimate(0)
        try:
            self.keep(self.gateway.clock(), 200 if started else _CLIENT_GONE, "client_gone", seen, None)
        except StoreError as error:
            self.gateway.complain(str(error))
        self.over()

    def pause(self) -> None:
        if self.upstream is not None and self._phase == "idle":
            self.upstream.hold()
            self.deadline = self._total_at  # what does not come now is not the upstream's fault

    def resume(self) -> None:
        if self.upstream is not None and self._phase == "idle":
            self.upstream.release()
            self.deadline = min(self._total_at, self.gateway.clock() + self._idle_s)

    def more(self, piece: bytes) -> None:
        """Take a piece of the body: never, since this call began with the whole of it."""

    def no_more(self) -> None:
        """Take note of the body's end: known since the call began."""

    def pause_sending(self) -> None:
        """Take note that the upstream takes the body slowly: the transport holds what is left of it."""

    def resume_sending(self) -> None:
        """Take note that the upstream takes the body again: the transport sends what it held."""

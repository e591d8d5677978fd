"""One call: from the client's request, through the deployments of its plan, to the record and the answer."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, StoreError
from steelyard.dialects.openai import decode_answer
from steelyard.dialects.table import DIALECTS
from steelyard.gateway.answers import passed_fields
from steelyard.gateway.attempts import Attempts
from steelyard.gateway.failure import about, cut, invalid, of_status, of_told, timed_out
from steelyard.gateway.heads import request_head
from steelyard.gateway.hedge import Hedge
from steelyard.gateway.passage import Passage
from steelyard.gateway.relay import Events, Seen, Whole, is_event_stream, is_json, seen_of
from steelyard.gateway.retry_after import retry_after_in
from steelyard.gateway.subject import subject_of
from steelyard.gateway.tracing import traced
from steelyard.gateway.translated import Translated, headers_of, translated_at_once

if TYPE_CHECKING:
    from steelyard.gateway.departure import Wait
    from steelyard.gateway.extra import Extra
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.upstream import Upstream

__all__ = ["Call"]

_CLIENT_GONE = 499
"""The status on record of a call whose client left before the answer began (nginx's convention; never sent)."""


class Call(Attempts):
    """One call. It is the sink of its upstream and the service of its client."""

    wants_usage = False

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

    def _lines_up(self) -> bool:
        limiter, full = self.gateway.limiter, self._full
        if limiter is None or full is None:
            return False
        self._full = limiter.line_up(self, self._crowded, full)
        return self._full is None

    @property
    def waits(self) -> bool:
        """Say whether the call waits for something before its first attempt."""
        return self._wait is not None

    # An upstream is asked, and what it says.

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
        self.deadline = min(self._total_at, now + self.on_way.idle_s)
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
            if self.hedged and not (isinstance(relay, Whole) and relay.status >= 300):
                self.drop_hedge(now, "outrun")  # an error is no answer
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
            failure = of_status(self.lane, status, self.lane.scrub(passed_fields(headers)), fit, wait)
        else:
            failure = of_told(self.lane, status, told, wait)
        if told is not None and self.on_way.plan.fallback_on is not None:
            failure = about(failure, subject_of(status, told))
        self.fail(failure, drop=drop)

    # A second attempt beside the first.

    def _hedge_at(self, lane: Lane, extra: Extra, now: float) -> Hedge:
        return Hedge(self, lane, extra, now)

    def outrun(self, hedge: Hedge) -> Call:
        """Go on with the hedge, which has answered first."""
        sent = self.was_sent()
        self._take_place(hedge)
        hedge.sent = sent
        self.on_way.health.won += 1
        self.hedge = hedge
        self.drop_hedge(self.gateway.clock(), "outrun")
        return self

    def _promote(self, hedge: Hedge) -> None:
        self.hedge = None
        hedge.rest()
        hold, self.attempt_hold = self.attempt_hold, None
        if hold is not None:
            hold.settle(0, 0)
        hedge.extra.settle(hedge.lane, None)
        self._take_place(hedge)
        hedge.promoted = True
        if hedge.status:
            self.head(hedge.status, hedge.headers)

    def _take_place(self, hedge: Hedge) -> None:
        self.relay = None
        self.trade(hedge)
        timeouts, upstream = self.on_way.plan.timeouts, self.upstream
        if upstream is not None:
            upstream.sink = self
        if hedge.sent:
            self._phase = "first_byte"
        else:
            self._phase = "connect" if self.lane.target.engine is None else "engine"
        seconds = timeouts.connect if self._phase == "connect" else timeouts.first_byte
        self.deadline = min(self._total_at, self.gateway.clock() + seconds)

    # What ends the call from this side.

    def expire(self, now: float) -> None:
        """Act on the deadline that has passed."""
        wait = self._stop_waiting()
        if wait is not None:
            self.refuse(wait.late(), "rejected")
            return
        phase: str = "total" if now >= self._total_at else self._phase
        if phase == "idle" and self.client.paused_since is not None:
            self.deadline = self._total_at  # the upstream is held; its last bytes had come with those before
            return
        way = self.on_way
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
            self.gateway.notices.complain(str(error))
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

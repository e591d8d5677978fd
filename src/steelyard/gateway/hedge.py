"""A hedge: a second attempt beside a call's own, at another deployment, made when the first is silent for long.

The first to answer wins, and the other is closed at once (Dean and Barroso 2013, "The tail at scale", Communications of
the ACM 56(2), "hedged requests"). A hedge is never made once anything of an answer has come. It wins by the first byte
of a body whose status is 2xx; an error is no answer, and leaves the first attempt alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from steelyard.core.errors import CallError, EngineError
from steelyard.gateway.failure import Failure, cut, invalid, of_status, refused, timed_out
from steelyard.gateway.heads import request_head
from steelyard.gateway.tracing import traced

if TYPE_CHECKING:
    from steelyard.gateway.call import Call
    from steelyard.gateway.detour import Detour
    from steelyard.gateway.extra import Extra
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.upstream import Upstream
    from steelyard.limits import Hold

__all__ = ["Hedge"]


class Hedge:
    """The second attempt; the sink of its upstream. What belongs to one attempt lies in attributes that the call has,
    too: `Race.trade` has both change places.

    `extra` is what was reserved for whichever loses; `promoted`: the first attempt has failed, and this one has become
    the call's own."""

    __slots__ = (
        "_call",
        "_timer",
        "attempt_hold",
        "attempt_started",
        "detour",
        "extra",
        "headers",
        "lane",
        "promoted",
        "sent",
        "status",
        "takes_whole",
        "task",
        "upstream",
    )

    def __init__(self, call: Call, lane: Lane, extra: Extra, now: float) -> None:
        self._call = call
        self.lane = lane
        self.extra = extra
        self.attempt_started = now
        self.detour: Detour | None = None
        self.attempt_hold: Hold | None = None
        self.takes_whole = call.takes_whole
        self.upstream: Upstream | None = None
        self.task: asyncio.Task[None] | None = None
        self.sent = False
        self.promoted = False
        self._timer: asyncio.TimerHandle | None = None
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []

    # The way out.

    def begin(self) -> None:
        """Ask the deployment."""
        gateway, lane = self._call.gateway, self.lane
        pool = lane.pool or gateway.pool_of(lane)
        ready = lane.signer is None or lane.signer.ready()
        upstream = pool.take() if pool is not None and ready else None
        if upstream is not None:
            self._send(upstream)
        else:
            self._open()

    def _open(self) -> None:
        way = self._call.on_way
        self._wait("connect", way.plan.timeouts.connect if self.lane.target.engine is None else way.first_byte_s)
        self.task = self._call.gateway.loop.create_task(self._connect(self.lane))

    async def _connect(self, lane: Lane) -> None:
        # It begins a turn later, when this may have changed places with the call's own attempt.
        gateway = self._call.gateway
        pool = lane.pool or gateway.pool_of(lane)
        try:
            if lane.signer is not None:
                await lane.signer.prepare()
            upstream = await (pool.open() if pool is not None else gateway.open_engine(lane))
        except (OSError, CallError, EngineError, UnicodeError) as error:
            failure = refused(lane, error)
            if self.promoted:
                self._call.connected(None, failure)
            else:
                self._fail(failure)
            return
        if self.promoted:
            self._call.connected(upstream, None)
        else:
            self.task = None
            self._send(upstream)

    def _send(self, upstream: Upstream) -> None:
        call = self._call
        body = call.sending
        assert body is not None
        call.trade(self)  # the request is written as that of the call's own attempt
        head = request_head(call.lane, call.endpoint, call.incoming, call.detour, call.gateway)
        if call.gateway.traces:
            head = traced(head, call.incoming, call.id, len(call.attempts) + 1)
        written = body.begin(call, upstream, head)
        call.trade(self)
        self.upstream = upstream
        self.sent = True
        self._wait("first_byte", call.on_way.first_byte_s)
        upstream.send(self, written)

    def _wait(self, phase: Literal["connect", "first_byte"], seconds: float) -> None:
        self.rest()
        self._timer = self._call.gateway.loop.call_later(seconds, self._late, phase, seconds)

    def _late(self, phase: str, seconds: float) -> None:
        self._fail(timed_out(self.lane, phase, seconds))

    def rest(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Part from the upstream, at once."""
        self.rest()
        if self.task is not None:
            self.task.cancel()
            self.task = None
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.abandon()

    def _fail(self, failure: Failure) -> None:
        self._call.hedge_failed(self, failure)

    # What the upstream says.

    def whole(self, fields: bytes, body: bytes) -> None:
        self.upstream = None
        self._call.outrun(self).whole(fields, body)

    def head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status, self.headers = status, headers
        if status >= 300:
            self._fail(of_status(self.lane, status, b"", None, None))

    def body(self, piece: bytes, framed: bytes | None) -> None:
        call = self._call.outrun(self)
        call.head(self.status, self.headers)
        call.body(piece, framed)

    def end(self) -> None:
        self.upstream = None
        self._fail(invalid(self.lane, "an answer without a body"))

    def lost(self, *, answered: bool, reused: bool, error: Exception | None) -> None:
        self.upstream = None
        if reused and not answered:
            self._open()  # an idle connection that was closed just then: that is no failure
            return
        self._fail(cut(self.lane, "the connection was closed" if error is None else f"the connection broke ({error})"))

    def broken(self, reason: str) -> None:
        self.upstream = None
        self._fail(invalid(self.lane, f"not HTTP/1.1 ({reason})"))

    def pause_sending(self) -> None:
        """Take note that the upstream takes the body slowly: the transport holds what is left of it."""

    def resume_sending(self) -> None:
        """Take note that the upstream takes the body again: the transport sends what it held."""

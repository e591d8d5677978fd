"""What the client of a call is told: an answer, its beginning and its end, or an error; on record before it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, StoreError, Unavailable, UpstreamError
from steelyard.core.exchange import Exchange, Outcome
from steelyard.gateway.account import Account
from steelyard.gateway.answers import answer, error_answer, error_body, status_line, today
from steelyard.gateway.failure import Failure
from steelyard.gateway.limit_fields import headers_in_place
from steelyard.gateway.relay import Events, Seen, last_chunks
from steelyard.gateway.shelf import name_of
from steelyard.gateway.translated import Translated

if TYPE_CHECKING:
    from steelyard.gateway.upstream import Upstream

__all__ = ["Reply"]

_DRAIN_S = 2.0


class Reply(Account):
    """The client's side of a call."""

    upstream: Upstream | None = None
    started = False

    def answer_whole(self, status: int, fields: bytes, body: bytes, seen: Seen) -> None:
        """Record and send a complete answer."""
        self.learn_speed()
        if self.filters and self.withhold(fields, body, seen):
            return
        exchange = self._close_books(status, "ok", seen)
        cost = self.cost_text
        priced = f"x-steelyard-cost-usd: {cost}\r\n" if cost is not None else ""
        close = "" if self.incoming.keep_alive else "connection: close\r\n"
        if self.detour is not None:
            priced += self.detour.fields()
        if self.hold is not None:
            fields = headers_in_place(self, fields)
        own = f"{self._named()}{priced}{close}content-length: {len(body)}\r\n\r\n"
        parts = (status_line(status), self.gateway.date, self.lane.fields, fields, own.encode(), body)
        self._end_with(exchange, b"".join(parts))
        self.complete()

    def answer_again(self, kind: bytes, fields: bytes, seen: Seen) -> None:
        """Record and send an answer that the cache has given; `fields` are header lines."""
        body = seen.body
        assert body is not None
        if self.record_mode == "full" and self.endpoint.name == "responses":
            asked = self.sending.kept() if self.sending is not None else None
            self.kept_as = name_of(asked, body, stream=self.stream)
        exchange = self.close(self.gateway.clock(), 200, "ok", seen, None)
        fields = self._own_fields(kind) + fields
        if self.hold is not None:
            fields = headers_in_place(self, fields)
        if self.stream and self.chunked:
            close = b"" if self.incoming.keep_alive else b"connection: close\r\n"
            framing = b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n"
            whole = b"%b%b%b%b%b\r\n%b" % (status_line(200), today(), fields, framing, close, last_chunks(body))
        else:
            whole = answer(200, fields, body, keep_alive=self.incoming.keep_alive)
        self._end_with(exchange, whole)
        self.complete()

    def answer_here(self, body: bytes) -> None:
        """Record and send an answer of the gateway's own."""
        seen = Seen()
        seen.size, seen.body = len(body), body
        exchange = self.close(self.gateway.clock(), 200, "ok", seen, None)
        lost = self.detour.fields() if self.detour is not None else ""
        own = f"content-type: application/json\r\n{self._named()}{lost}"
        self._end_with(exchange, answer(200, own.encode(), body, keep_alive=self.incoming.keep_alive))
        self.complete()

    def withhold(self, fields: bytes, body: bytes, seen: Seen) -> bool:
        """Look for an answer elsewhere, if a content filter has withheld this one; say whether that is done."""
        raise NotImplementedError  # abstract: `Attempts` does

    def start_answer(self, status: int, fields: bytes, kind: bytes) -> None:
        """Send status and headers of an answer whose body follows."""
        self.started = True
        self.learn_speed()
        if not self.chunked:
            self.incoming.keep_alive = False
        framing = b"transfer-encoding: chunked\r\n" if self.chunked else b""
        close = b"" if self.incoming.keep_alive else b"connection: close\r\n"
        own = self._own_fields(kind)
        if self.hold is not None:
            fields = headers_in_place(self, fields)
        fresh = b"" if b"cache-control:" in fields.lower() else b"cache-control: no-cache\r\n"
        head = b"%b%b%b%b%b%b%b\r\n" % (status_line(status), today(), own, fresh, fields, framing, close)
        self.client.write(head)

    def _own_fields(self, kind: bytes) -> bytes:
        cost = b"x-steelyard-cost-usd: %b\r\n" % self.cost_text.encode() if self.cost_text is not None else b""
        more = self.detour.fields().encode() if self.detour is not None else b""
        return b"content-type: %b\r\n%b%b%b%b" % (kind, self._named().encode(), self.lane.named, cost, more)

    def _named(self) -> str:
        """Return the header lines with the exchange's id, where Anthropic's SDKs look for it, too (API reference,
        "Errors", "Request id"), and with what the cache had to say."""
        told = self.ticket.fields() if self.ticket is not None else ""
        if self.endpoint.dialect == "anthropic":
            return f"x-request-id: {self.id}\r\nrequest-id: {self.id}\r\n{told}"
        return f"x-request-id: {self.id}\r\n{told}"

    def end_answer(self, status: int, outcome: Outcome, seen: Seen, last: bytes) -> None:
        """Record an exchange whose answer has been relayed but for its `last` bytes, and then send those."""
        self._end_with(self._close_books(status, outcome, seen), last)
        self.complete()

    def _close_books(self, status: int, outcome: Outcome, seen: Seen) -> Exchange:
        """Return the exchange of a call that was answered, counted and priced."""
        breaker = self.lane.breaker
        if breaker.troubled:
            breaker.success()
        now = self.gateway.clock()
        if self.hedged:
            self.drop_hedge(now, "outrun")
        self.note(now, outcome, status, None)
        if self.record_mode == "full" and self.endpoint.name == "responses":
            asked = self.sending.kept() if self.sending is not None else None
            self.kept_as = name_of(asked, seen.body, stream=self.stream)
        exchange = self.close(now, status, outcome, seen, None)
        if self.ticket is not None:
            self.ticket.take(self, exchange, seen.body)
        return exchange

    def _end_with(self, exchange: Exchange, last: bytes) -> None:
        if self.record_mode != "none":
            self.gateway.outbox.settle(self.client, last, exchange, self)
        else:
            self.gateway.outbox.write(self.client, last)

    def unrecorded(self, error: StoreError) -> bytes:
        """Return what the client is told when its answer could not be recorded: it gets none, or no clean end."""
        self.gateway.notices.complain(str(error))
        if self.started and not self.stream:
            self.client.transport.abort()  # nothing else tells that arbitrary bytes are not to be taken for whole
            return b""
        if self.started:
            told = UpstreamError(f"The answer is complete, but could not be recorded: {error}")
            relay = self.relay
            assert isinstance(relay, Events | Translated)
            event = relay.failure(told)
            return last_chunks(event) if self.chunked else event
        lost = Unavailable(str(error), code="not_recorded", retry_after_s=1.0)
        return error_answer(lost, self.id, keep_alive=self.incoming.keep_alive, dialect=self.endpoint.dialect)

    def over(self) -> None:
        """Take note that the call is over, and part from what translated it: in a circle both would lie about, with all
        that they hold, until the garbage collector comes by."""
        self.gateway.release(self)
        self.detour = None
        ticket = self.ticket
        if ticket is not None:
            self.ticket = None
            ticket.over(self)

    def complete(self) -> None:
        """Take note that the answer has been sent to its end."""
        self.over()
        upstream = self.upstream
        if upstream is not None:
            self.upstream = None
            if self._fed_by(upstream):
                # The last bytes of the upstream's framing are on their way: keep the connection for them, briefly.
                upstream.release()
                self.gateway.loop.call_later(_DRAIN_S, self._let_go, upstream)
        self.client.answered(keep_alive=self.incoming.keep_alive)

    def _let_go(self, upstream: Upstream) -> None:
        if self._fed_by(upstream):
            upstream.abandon()

    def _fed_by(self, upstream: Upstream) -> bool:
        sink: object = upstream.sink
        return sink is self

    def refuse(self, error: CallError, outcome: Outcome) -> None:
        """Answer with an error, and record it."""
        seen = Seen()
        seen.body = error_body(error, self.endpoint.dialect, self.id)
        seen.size = len(seen.body)
        try:
            self.keep(self.gateway.clock(), error.status, outcome, seen, str(error))
        except StoreError as lost:
            self.gateway.notices.complain(str(lost))
        self.recorded = True
        self._send_error(error)

    def _send_error(self, error: CallError) -> None:
        self.over()
        fields = self.lane.named if self.attempts else b""
        if self.hold is not None:
            fields = headers_in_place(self, fields)
        keep_alive = self.incoming.keep_alive
        told = error_answer(error, self.id, keep_alive=keep_alive, dialect=self.endpoint.dialect, fields=fields)
        self.client.write(told)
        self.client.answered(keep_alive=keep_alive)

    def pass_on(self, failure: Failure) -> None:
        """Answer with the upstream's own error."""
        assert failure.status is not None
        assert failure.body is not None
        try:
            seen = Seen()
            seen.size, seen.body = len(failure.body), failure.body
            self.keep(self.gateway.clock(), failure.status, failure.outcome, seen, str(failure.error))
        except StoreError as lost:
            self.gateway.notices.complain(str(lost))
        self.recorded = True
        keep_alive = self.incoming.keep_alive
        passed = failure.fields if self.hold is None else headers_in_place(self, failure.fields)
        head = self._own_fields(b"application/json") + passed
        self.client.write(answer(failure.status, head, failure.body, keep_alive=keep_alive))
        self.complete()

    def break_off(self, error: CallError, outcome: Outcome = "cut") -> None:
        """End an answer that has begun and cannot be completed, so that no client takes it for whole."""
        relay = self.relay
        assert relay is not None
        relay.broken_off(error if isinstance(error, UpstreamError) else UpstreamError(str(error), code=error.code))
        if not self.recorded:
            try:
                self.keep(self.gateway.clock(), 200, outcome, relay.glimpse(), str(error))
            except StoreError as lost:
                self.gateway.notices.complain(str(lost))
        self.recorded = True
        self.relay = None
        self.over()
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.abandon()
        self.client.answered(keep_alive=False)

    def ended_by_error_event(self) -> None:
        """Take note that the upstream's stream ended with its own error event, which has been relayed."""
        relay = self.relay
        assert isinstance(relay, Events | Translated)
        self.lane.breaker.abandon()
        self.note(self.gateway.clock(), "error_event", 200, None)
        try:
            self.keep(
                self.gateway.clock(),
                200,
                "error_event",
                relay.glimpse(),
                "The stream carried an error.",
            )
        except StoreError as lost:
            self.gateway.notices.complain(str(lost))
        relay.end_after_error()
        self.relay = None
        self.incoming.keep_alive = False
        self.complete()

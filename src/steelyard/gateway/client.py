"""A client's connection: HTTP/1.1 as RFC 9112 has it, with limits on everything that a peer could make endless."""

from __future__ import annotations

import asyncio
from collections import deque
from types import SimpleNamespace
from typing import TYPE_CHECKING, Literal, Protocol

import httptools

from steelyard.core.errors import (
    BadRequest,
    CallError,
    HeadersTooLarge,
    MethodNotAllowed,
    RequestTimeout,
    TooLarge,
)
from steelyard.gateway.answers import error_answer
from steelyard.gateway.head import Head
from steelyard.gateway.incoming import Incoming
from steelyard.gateway.surface import dialect_of

if TYPE_CHECKING:
    from steelyard.gateway.gateway import Gateway

__all__ = ["Client", "Service"]

_MOST_PIPELINED = 16
_LINGER_S = 2.0
_LONGEST_LINGER_S = 30.0
"""How long what a client still sends is read and dropped after an error (nginx: lingering_timeout, lingering_time)."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SMALL_BODY = 64 * 1024
_MOST_LEARNED = 8
"""How many heads are learned on one connection: a client whose heads always differ is not worth the trouble."""
_NO_PARSER = httptools.HttpRequestParser(None)
"""Of connections that are gone."""


class Service(Protocol):
    """What answers one request of a client."""

    def gone(self) -> None:
        """Take note that the client has closed."""

    def pause(self) -> None:
        """Write no more for now: the client reads too slowly."""

    def resume(self) -> None:
        """Write on."""

    def more(self, piece: bytes) -> None:
        """Take a piece of the request's body, where the service was begun before its end."""

    def no_more(self) -> None:
        """Take note that the request's body is whole."""


class Client:
    """One connection. Requests are answered in their order; those that come early wait (RFC 9112, 9.3.2)."""

    __slots__ = (
        "_fed",
        "_gateway",
        "_head",
        "_outbox",
        "_parser",
        "_read",
        "_reading",
        "_to_learn",
        "_waiting",
        "closing_since",
        "deaf",
        "doom",
        "held_back",
        "incoming",
        "lingering",
        "open",
        "paused_since",
        "service",
        "since",
        "state",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._outbox = gateway.outbox
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Incoming] = deque()
        self._fed = 0
        self._read = b""
        self._head: Head | None = None
        self._to_learn = _MOST_LEARNED
        self._reading: Service | None = None
        self.incoming = Incoming()
        self.service: Service | None = None
        self.closing_since = 0.0
        self.deaf = False
        self.doom: CallError | None = None
        self.held_back = False
        self.lingering = False
        self.open = False
        self.paused_since: float | None = None
        self.since = 0.0
        self.state: Literal["idle", "headers", "body"] = "idle"

    # What follows is called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # uvloop's transport is no subclass of asyncio's
        self.open = True
        self.since = self._gateway.clock()
        self._gateway.welcome(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._waiting.clear()
        # A parser and who it calls hold each other: a circle, which would keep the last body for a long time.
        self._parser = _NO_PARSER
        self._gateway.farewell(self)
        service = self.service
        if service is not None:
            self.service = None
            service.gone()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self.paused_since = self._gateway.clock()
        if self.service is not None:
            self.service.pause()

    def resume_writing(self) -> None:
        self.paused_since = None
        if self.service is not None:
            self.service.resume()

    def data_received(self, data: bytes) -> None:
        if self.lingering or self.deaf:
            if self.lingering:
                self.since = self._gateway.clock()
            return
        head = self._head
        if head is not None and self.service is None and self.state == "idle" and not self._waiting:
            body = head.body_of(data)
            if body is not None:
                self._gateway.serve_again(self, head, body)
                return
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        if self.state == "idle":
            self.state = "headers"
            self.since = self._gateway.clock()
            self._fed = 0
            self._read = data
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse_bytes(error)
        self._read = b""
        if self._fed > self._gateway.max_header_bytes:
            self._check_overhead()

    def _refuse_bytes(self, error: Exception) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):
            raise error.__context__ or error from None  # a fault of ours: the loop reports it, and closes
        if self.lingering:
            return
        self.deaf = True  # where the next message would begin is not known
        self.refuse(BadRequest(f"This is not HTTP/1.1 as RFC 9112 has it: {error}.", code="malformed_http"))

    def _decline_upgrade(self, rest: bytes) -> None:
        # RFC 9110, 7.8: a server may ignore Upgrade; the request itself is answered, and the connection then closed.
        # Java's HttpClient asks for h2c with every first request, those with a body included; httptools takes such a
        # body for the other protocol, so that a parser of its own must read it.
        incoming = self.incoming
        if incoming.method == b"CONNECT":
            self.refuse(MethodNotAllowed("CONNECT is not served here: this is no proxy.", allow="GET, HEAD, POST"))
            return
        if self.lingering or self.deaf:
            return
        framing = b"transfer-encoding: chunked" if incoming.chunked else b"content-length: %d" % (incoming.length or 0)
        body = SimpleNamespace(on_body=self.on_body, on_message_complete=self.on_message_complete)
        self._parser = httptools.HttpRequestParser(body)
        self._feed(b"POST / HTTP/1.1\r\nconnection: close\r\n%b\r\n\r\n%b" % (framing, rest))

    def _check_overhead(self) -> None:
        # Chunk headers, extensions and trailers are no body; nor may they be endless (RFC 9112, 7.1.1).
        limit = self._gateway.max_header_bytes
        if self.state == "headers":
            self.refuse(HeadersTooLarge(f"The headers are over {limit} bytes. Send fewer or shorter ones."))
        elif self.state == "body" and self._fed - self.incoming.size > limit + 64 * 1024 + 16 * self.incoming.size:
            self.refuse(BadRequest("The body's chunks are nearly empty. Send larger ones.", code="malformed_http"))

    # What follows is called by the parser.

    def on_message_begin(self) -> None:
        self.incoming = Incoming()
        self._reading = None
        self.state = "headers"

    def on_url(self, piece: bytes) -> None:
        self.incoming.target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.state == "headers":
            self.incoming.add(name, value)

    def on_headers_complete(self) -> None:
        incoming = self.incoming
        self.state = "body"
        if self.lingering or self.deaf:
            return
        parser = self._parser
        incoming.method = parser.get_method()
        try:
            incoming.check(parser.get_http_version())
            if self._fed > self._gateway.max_header_bytes:
                self._measure_headers()
            if incoming.refusal is None:
                self._gateway.greet(incoming)
        except CallError as error:
            incoming.refusal = error
        length = incoming.length
        if length is None and not incoming.chunked:
            return
        if length is not None and length > self._gateway.max_body_bytes:
            self.refuse(self.too_large())
            return
        self._meet_body(incoming)

    def _meet_body(self, incoming: Incoming) -> None:
        """Refuse a body before it comes, or ask for it, or have it taken as it comes."""
        # An expectation of HTTP/1.0 is to be ignored (RFC 9110, 10.1.1).
        expects = incoming.headers.get(b"expect") if not incoming.old else None
        if expects is not None and expects.lower() != b"100-continue":
            incoming.refusal = BadRequest("Only Expect: 100-continue is understood.")
        at_once = self.service is None and not self._waiting
        if at_once and incoming.refusal is None:
            self._reading = self.service = self._gateway.begin_upload(self, incoming)
        if incoming.refusal is None:
            if at_once and expects is not None:
                self.write(_CONTINUE)
        elif incoming.length is None or incoming.length > _SMALL_BODY or expects is not None:
            self.refuse(incoming.refusal)

    def _measure_headers(self) -> None:
        limit = self._gateway.max_header_bytes
        incoming = self.incoming
        size = len(incoming.target) + sum(len(n) + len(v) + 4 for n, v in incoming.headers.items())
        if size + incoming.repeated > limit:
            raise HeadersTooLarge(f"The headers are over {limit} bytes. Send fewer or shorter ones.")

    def too_large(self) -> TooLarge:
        """Return the error that tells of a body over the limit."""
        limit = self._gateway.max_body_bytes
        return TooLarge(f"The body is over {limit} bytes. Send less, or raise [server] max_body_bytes.")

    def on_body(self, piece: bytes) -> None:
        incoming = self.incoming
        incoming.size += len(piece)
        if self.lingering or self.deaf:
            return
        if incoming.size > self._gateway.max_body_bytes:
            self.refuse(self.too_large())
        elif self._reading is not None:
            self._reading.more(piece)
        elif incoming.refusal is None:
            incoming.body.append(piece)

    def on_message_complete(self) -> None:
        if self.lingering or self.deaf or self._parser.should_upgrade():
            return
        incoming = self.incoming
        incoming.keep_alive = self._parser.should_keep_alive()
        self.state = "idle"
        self._fed = 0
        if self._reading is not None:
            self._reading.no_more()
        elif self.service is None and not self._waiting:
            if self._to_learn:
                self._to_learn -= 1
                self._head = self._gateway.learn(self._read, incoming)
            self._gateway.serve(self, incoming)
        elif len(self._waiting) >= _MOST_PIPELINED:
            self.refuse(BadRequest(f"Over {_MOST_PIPELINED} requests wait on this connection. Await their answers."))
        elif sum(one.size for one in self._waiting) + incoming.size > self._gateway.max_body_bytes:
            self.refuse(TooLarge("The requests that wait on this connection are too large. Await their answers."))
        else:
            self._waiting.append(incoming)

    # What follows is called by whoever answers.

    def answered(self, *, keep_alive: bool) -> None:
        """Take note that the present request is answered in full; go on to the next, or close."""
        self.service = None
        if not self.open:
            return
        if self.held_back:
            self.release()  # what the answered request held back is no longer needed; what follows is
        if not keep_alive or self._gateway.draining:
            self.hang_up()
        elif self._reading is not None and self.state == "body":
            self.hang_up()  # answered before the body was whole
        elif self._waiting:
            self._gateway.serve(self, self._waiting.popleft())
        elif self.doom is not None:
            self.refuse(self.doom)
        else:
            self.since = self._gateway.clock()
            if self.state == "body" and b"expect" in self.incoming.headers and not self.incoming.size:
                self.write(_CONTINUE)  # which could not be said while another answer was being written

    def write(self, piece: bytes) -> None:
        """Send bytes to the client."""
        self._outbox.write(self, piece)

    def flush(self) -> None:
        """Send now what waits for the end of this turn of the loop."""
        self._outbox.flush()

    def refuse(self, error: CallError) -> None:
        """Answer with an error, now or after the requests that are being answered, and close."""
        if self.lingering:
            return
        if self.service is not None and self.service is not self._reading:
            self.doom = error
            self.deaf = True
            return
        service, self.service = self.service, None
        if service is not None:
            service.gone()
        self._gateway.meter.refused(error)
        if self.open:
            dialect = dialect_of(self.incoming.target, self.incoming.headers)
            self.write(error_answer(error, self._gateway.next_id(), keep_alive=False, dialect=dialect))
        self.hang_up()

    def hang_up(self) -> None:
        """Close, but let the peer read what was written first: closing with unread input in the socket would reset the
        connection and destroy it (RFC 9112, 9.6)."""
        if not self.open or self.lingering:
            return
        self._gateway.outbox.flush()
        self.lingering = True
        self.since = self.closing_since = self._gateway.clock()
        if self.state == "idle" and not self.deaf:
            self.transport.close()
        else:
            self.transport.write_eof()
            if self.held_back:
                self.transport.resume_reading()

    def part(self, asked_before: float) -> None:
        """Close when nothing was asked since then. A request that crosses the close on its way finds a clean end
        without an answer, and may be sent again (RFC 9112, 9.3.1); closing both directions at once would reset it."""
        idle = self.state == "idle" and self.service is None and not self._waiting
        if idle and self.open and not self.lingering and self.since <= asked_before:
            self.lingering = True
            self.since = self.closing_since = self._gateway.clock()
            self.transport.write_eof()

    def hold(self) -> None:
        """Read no more for now: the upstream takes the body more slowly than it comes."""
        if not self.held_back and self.open:
            self.held_back = True
            self.transport.pause_reading()

    def release(self) -> None:
        """Read on; the time that we made the client wait is not held against it."""
        if self.held_back and self.open:
            self.held_back = False
            self.since = self._gateway.clock() - self._gateway.header_timeout_s
            self.transport.resume_reading()

    def sweep(self, now: float) -> None:
        """Act on whatever takes too long. Called every few hundred milliseconds."""
        gateway = self._gateway
        waited = now - self.since
        if self.lingering:
            if waited > _LINGER_S or now - self.closing_since > _LONGEST_LINGER_S:
                self.transport.abort()
        elif self.paused_since is not None and now - self.paused_since > gateway.write_timeout_s:
            self.transport.abort()
        elif self.state == "headers":
            if waited > gateway.header_timeout_s:
                self.refuse(RequestTimeout(f"The headers took over {gateway.header_timeout_s:g} s."))
        elif self.state == "body" and not self.held_back:
            if waited > gateway.header_timeout_s + gateway.body_timeout_s and self._starved(now):
                self.refuse(RequestTimeout(f"The body took over {gateway.body_timeout_s:g} s."))
        elif self.service is None and waited > gateway.keepalive_s:
            self.transport.close()

    def _starved(self, now: float) -> bool:
        # A large body may take its time as long as it comes at 16 kB/s or faster.
        return self.incoming.size < 16_384 * (now - self.since)

"""HTTP/1.1 from a client, read as RFC 9112 has it, with limits on everything that a peer could make endless."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING

import httptools

from steelyard.core.errors import BadRequest, CallError, HeadersTooLarge, MethodNotAllowed, TooLarge
from steelyard.gateway.client import CONTINUE, Client
from steelyard.gateway.head import Head
from steelyard.gateway.incoming import Incoming

if TYPE_CHECKING:
    from steelyard.gateway.gateway import Gateway

__all__ = ["Http11"]

_MOST_PIPELINED = 16
_SMALL_BODY = 64 * 1024
_MOST_LEARNED = 8
"""How many heads are learned on one connection: a client whose heads always differ is not worth the trouble."""
_NO_PARSER = httptools.HttpRequestParser(None)
"""Of connections that are gone."""


class Http11(Client):
    """One connection: llhttp takes its requests apart, unless their head is known from an earlier one."""

    __slots__ = ("_fed", "_head", "_parser", "_read", "_to_learn")

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._parser = httptools.HttpRequestParser(self)
        self._fed = 0
        self._read = b""
        self._head: Head | None = None
        self._to_learn = _MOST_LEARNED

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

    def data_received(self, data: bytes) -> None:
        if self.lingering or self.deaf:
            if self.lingering:
                self.since = self._gateway.clock()
            return
        head = self._head
        if head is not None and self.service is None and self.state == "idle" and not self._waiting:
            body = head.body_of(data)
            if body is not None:
                self._reception.serve_again(self, head, body)
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
                self._reception.greet(incoming)
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
            self._reading = self.service = self._reception.begin_upload(self, incoming)
        if incoming.refusal is None:
            if at_once and expects is not None:
                self.write(CONTINUE)
        elif incoming.length is None or incoming.length > _SMALL_BODY or expects is not None:
            self.refuse(incoming.refusal)

    def _measure_headers(self) -> None:
        limit = self._gateway.max_header_bytes
        incoming = self.incoming
        size = len(incoming.target) + sum(len(n) + len(v) + 4 for n, v in incoming.headers.items())
        if size + incoming.repeated > limit:
            raise HeadersTooLarge(f"The headers are over {limit} bytes. Send fewer or shorter ones.")

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
                self._head = self._reception.learn(self._read, incoming)
            self._reception.serve(self, incoming)
        elif len(self._waiting) >= _MOST_PIPELINED:
            self.refuse(BadRequest(f"Over {_MOST_PIPELINED} requests wait on this connection. Await their answers."))
        elif sum(one.size for one in self._waiting) + incoming.size > self._gateway.max_body_bytes:
            self.refuse(TooLarge("The requests that wait on this connection are too large. Await their answers."))
        else:
            self._waiting.append(incoming)

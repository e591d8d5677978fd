"""Connections to providers: one request at a time, kept alive, parsed by llhttp."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import httptools

from steelyard.gateway.outbox import Connection
from steelyard.gateway.plain_answer import whole_answer

if TYPE_CHECKING:
    from steelyard.gateway.pool import Pool

__all__ = ["Sink", "Upstream"]


class Sink(Protocol):
    """What takes an upstream's answer in."""

    takes_whole: bool
    """Whether an answer that came in one read may be given whole, by `whole`; else by `head`, `body` and `end`."""

    def whole(self, fields: bytes, body: bytes) -> None:
        """Take a whole answer of status 200: its header lines that go on to the client, and its body."""

    def head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Take status and headers."""

    def body(self, piece: bytes, framed: bytes | None) -> None:
        """Take a piece of the body; `framed` is the same piece in chunked coding, where it came as one chunk."""

    def end(self) -> None:
        """Take note that the answer is whole."""

    def lost(self, *, answered: bool, reused: bool, error: Exception | None) -> None:
        """Take note that the connection went away first. `answered`: bytes of an answer had come; `reused`: the
        connection had served another call before."""

    def broken(self, reason: str) -> None:
        """Take note that what came is not HTTP."""

    def pause_sending(self) -> None:
        """Stop sending the request's body for now."""

    def resume_sending(self) -> None:
        """Go on sending the request's body."""


class Upstream(Connection):
    """One connection to one origin. It does all that asyncio.Protocol names, which is no base of it: so it can be
    compiled."""

    __slots__ = (
        "_answered",
        "_between",
        "_ended",
        "_head_size",
        "_headers",
        "_held",
        "_in_head",
        "_lengthless",
        "_outbox",
        "_parser",
        "_pool",
        "_reusable",
        "_skip",
        "_spoilt",
        "_status",
        "calls",
        "idle_since",
        "sending",
        "sink",
    )

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool
        self._outbox = pool.outbox
        self._parser = httptools.HttpResponseParser(self)
        self.sink: Sink | None = None
        self.calls = 0
        self.idle_since = 0.0
        self.sending = False  # the request's body is still on its way, in pieces
        self._answered = False
        self._between = False  # the parser stands between two chunks of a body
        self._ended = False
        self._head_size = 0
        self._held = False
        self._in_head = False
        self._lengthless = False
        self._reusable = False
        self._skip = False
        self._spoilt = False  # more came than was asked for
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]  # uvloop's transport is no subclass of asyncio's
        self.open = True

    def send(self, sink: Sink, request: bytes) -> None:
        """Send a request, or its first part; the answer goes to `sink`."""
        self.sink = sink
        self.calls += 1
        self._answered = False
        self._ended = False
        self._between = False
        self._in_head = True
        self._head_size = 0
        self._lengthless = False
        self._headers = []
        self._outbox.write(self, request)

    def abandon(self) -> None:
        """Close at once: nobody waits for the answer any more."""
        self.sink = None
        self.open = False
        self.transport.abort()

    def hold(self) -> None:
        """Read no more for now: the client is slower than the upstream."""
        if not self._held and self.open:
            self._held = True
            self.transport.pause_reading()

    def release(self) -> None:
        """Read on."""
        if self._held and self.open:
            self._held = False
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        sink = self.sink
        if sink is None:
            # An answer that nobody asked for, or the rest of one that was let go.
            self.abandon()
            return
        if self._between:
            piece = _one_chunk(data)
            if piece is not None:
                sink.body(piece, data)
                return
        elif not self._answered and sink.takes_whole and data.startswith(_OK):
            found = whole_answer(data)
            if found is not None:
                self._answered = self._ended = True
                self.sink = None
                self._pool.put(self)
                sink.whole(found[0], found[1])
                return
        self._answered = True
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
            if self._between and data[-2:] != b"\r\n":
                self._between = False  # the beginning of the next chunk's size has come with it
            if self._ended:
                self._settle()
            elif self._in_head:
                self._head_size += len(data)
                if self._head_size > _MOST_HEAD_BYTES:
                    self._break(f"its head is over {_MOST_HEAD_BYTES} bytes")
        except httptools.HttpParserUpgrade:
            self._break("the upstream switched protocols")
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ or error from None  # a fault of ours, not of the upstream: the loop reports it
        except httptools.HttpParserError as error:
            if not self._ended:
                self._break(str(error))
            else:
                self.abandon()

    def _settle(self) -> None:
        """Keep the connection for another call, if that is safe, now that the answer and all that came with it is read.

        A second answer, or the rest of a request that was answered early, would be taken for another call's."""
        if self._reusable and not self.sending and not self._spoilt and self.open:
            self.release()
            self._pool.put(self)
        elif self.open:
            self.open = False
            self.transport.close()

    def _break(self, reason: str) -> None:
        sink = self.sink
        self.abandon()
        if sink is not None:
            sink.broken(reason)

    # What follows is called by the parser.

    def on_message_begin(self) -> None:
        self._spoilt = self._ended

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # trailer fields are of no use to anybody
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._status = status = self._parser.get_status_code()
        self._skip = status < 200  # interim answers (RFC 9110, 15.2) are not for the client
        if self._skip:
            self._headers = []
            return
        self._in_head = False
        sink = self.sink
        if sink is not None:
            headers = self._headers
            self._lengthless = not any(name in _FRAMING for name, _ in headers)
            sink.head(status, headers)

    def on_body(self, piece: bytes) -> None:
        sink = self.sink
        if sink is not None:
            sink.body(piece, None)

    def on_chunk_header(self) -> None:
        self._between = False

    def on_chunk_complete(self) -> None:
        self._between = not self._ended

    def on_message_complete(self) -> None:
        if self._skip:
            self._skip = False
            return
        self._ended = True
        self._between = False
        self._reusable = self._parser.should_keep_alive() and not self._lengthless
        sink = self.sink
        self.sink = None
        if sink is not None:
            sink.end()

    # What follows is called by the loop.

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._parser = _NO_PARSER  # which would keep this connection, and this the parser
        self._pool.forget(self)
        sink = self.sink
        if sink is None:
            return
        self.sink = None
        if self._lengthless and self._status >= 200 and exc is None:
            sink.end()  # RFC 9112, 6.3: an answer without framing ends with the connection
        else:
            sink.lost(answered=self._answered, reused=self.calls > 1, error=exc)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        if self.sink is not None:
            self.sink.pause_sending()

    def resume_writing(self) -> None:
        if self.sink is not None:
            self.sink.resume_sending()


_FRAMING = frozenset((b"content-length", b"transfer-encoding"))

_OK = b"HTTP/1.1 200 "
_HEX = b"0123456789abcdefABCDEF"
_MOST_SIZES = 4096
_SIZES: dict[bytes, int] = {}
"""Sizes of chunks as they were told, read once: the events of streams have few different sizes."""
_MOST_HEAD_BYTES = 256 * 1024
_NO_PARSER = httptools.HttpResponseParser(None)
"""Of connections that are gone."""


def _one_chunk(data: bytes) -> bytes | None:
    """Return the content of a read that is exactly one chunk, the last one excepted (RFC 9112, 7.1); else None."""
    at = data.find(b"\r\n", 1, 18)
    if at < 0:
        return None
    told = data[:at]
    size = _SIZES.get(told)
    if size is None:
        if told.strip(_HEX):
            return None
        size = int(told, 16)
        if len(_SIZES) >= _MOST_SIZES:
            _SIZES.clear()
        _SIZES[told] = size
    if not size or len(data) != at + size + 4 or data[-2:] != b"\r\n":
        return None
    return data[at + 2 : -2]

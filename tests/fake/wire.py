"""One accepted connection, down to its bytes."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import Callable, Coroutine
from typing import Any

from tests.fake.seen import ReceivedRequest, SeenConnection

__all__ = ["MalformedRequestError", "PeerClosedError", "Wire"]

# RFC 9110, section 5.6.2: token. Field values: visible ASCII, space, tab and obs-text (section 5.5).
_FIELD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")
_REQUEST_LINE = re.compile(rb"[A-Z]+ [\x21-\x7e]+ HTTP/1\.[01]")


class PeerClosedError(Exception):
    """The peer closed."""


class MalformedRequestError(Exception):
    """The peer sent what is not HTTP/1.1. The text says what."""


class Wire(asyncio.Protocol):
    """Read requests strictly, write anything, close in any way."""

    def __init__(
        self, seen: Callable[[str], SeenConnection], serve: Callable[["Wire"], Coroutine[Any, Any, None]]
    ) -> None:
        self._seen = seen
        self._serve = serve
        self._buffer = bytearray()
        self._changed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.gone = False
        self.read_pause_s = 0.0
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.connection = self._seen(str(transport.get_extra_info("peername")))
        self.task = asyncio.get_running_loop().create_task(self._serve(self))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._changed.set()

    def eof_received(self) -> bool:
        self._lost()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost()

    def _lost(self) -> None:
        self.gone = True
        self.connection.note_closed("peer")
        self._changed.set()
        self._writable.set()

    def left(self) -> bool:
        """Whether the peer closed."""
        return self.gone

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def more(self) -> None:
        """Wait until bytes arrive; raise PeerClosedError when none will."""
        if self.gone:
            raise PeerClosedError
        if self.read_pause_s:
            # A reader that pauses its transport lets the kernel's buffers fill, as a slow server does.
            self.transport.pause_reading()
            await asyncio.sleep(self.read_pause_s)
            if not self.transport.is_closing():
                self.transport.resume_reading()
        self._changed.clear()
        await self._changed.wait()
        if not self._buffer and self.left():
            raise PeerClosedError

    async def until_gone(self) -> None:
        """Wait until the peer closes."""
        while not self.gone:
            self._changed.clear()
            await self._changed.wait()

    async def head(self) -> ReceivedRequest:
        """Read one request's head."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            await self.more()
        raw = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        lines = raw.split(b"\r\n")
        if not _REQUEST_LINE.fullmatch(lines[0]):
            raise MalformedRequestError(f"request line {lines[0]!r}")
        for line in lines[1:]:
            if not _FIELD.fullmatch(line):
                raise MalformedRequestError(f"header line {line!r}")
        request = ReceivedRequest(raw, self.connection)
        self.connection.requests.append(request)
        return request

    async def body(self, request: ReceivedRequest) -> None:
        """Read the body into `request`, by Content-Length or by chunks (RFC 9112, section 6)."""
        length = request.header("content-length")
        coding = request.header("transfer-encoding")
        if length is not None and coding is not None:
            raise MalformedRequestError("both Content-Length and Transfer-Encoding")
        if coding is not None:
            if coding != "chunked":
                raise MalformedRequestError(f"Transfer-Encoding {coding!r}")
            await self._chunks(request)
        elif length is not None:
            if not length.isdecimal():
                raise MalformedRequestError(f"Content-Length {length!r}")
            request.body = await self._exactly(int(length))
        request.complete = True

    async def _chunks(self, request: ReceivedRequest) -> None:
        parts = []
        while True:
            line = await self._line()
            if not re.fullmatch(rb"[0-9a-fA-F]+", line):
                raise MalformedRequestError(f"chunk size {line!r}")
            size = int(line, 16)
            if size == 0:
                break
            parts.append(await self._exactly(size))
            if await self._line():
                raise MalformedRequestError("no CRLF after a chunk")
        while await self._line():
            pass
        request.body = b"".join(parts)

    async def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            await self.more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    async def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self.more()
        body = bytes(self._buffer[:count])
        del self._buffer[:count]
        return body

    async def some(self) -> bytes:
        """Return what arrived, at least a byte."""
        while not self._buffer:
            await self.more()
        content = bytes(self._buffer)
        self._buffer.clear()
        return content

    async def write(self, data: bytes) -> None:
        """Write, and wait while the peer is slow; raise PeerClosedError when it left."""
        if self.gone:
            raise PeerClosedError
        self.transport.write(data)
        await self._writable.wait()
        if self.gone:
            raise PeerClosedError
        if self.connection.requests:
            self.connection.requests[-1].sent_bytes += len(data)

    def close(self) -> None:
        """Send what is buffered, then FIN."""
        self.connection.note_closed("server")
        self.transport.close()

    def finish_sending(self) -> None:
        """Send FIN but keep reading, so that unread bytes of the peer cause no RST. TLS has no half-close: close."""
        self.connection.note_closed("server")
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def reset(self) -> None:
        """Send RST: SO_LINGER with time 0 (socket(7)) makes close() drop what is buffered."""
        self.connection.note_closed("server")
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    @property
    def tls(self) -> bool:
        return isinstance(self.transport.get_extra_info("ssl_object"), ssl.SSLObject)

"""An HTTP/1.1 client on a bare socket: sends any bytes, and reads answers as strictly as RFC 9112 is written."""

import json
import re
import socket
import struct
from collections.abc import Iterator
from typing import Any, Self
from urllib.parse import urlsplit

from msgspec import Struct

from tests.support import sse

__all__ = ["RawHTTP", "Response", "TornError"]

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\t\x20-\x7e]*")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")


class TornError(Exception):
    """The server closed in the middle of an answer. `received` is what came of the body (or of the head)."""

    def __init__(self, received: bytes) -> None:
        super().__init__(f"closed after {len(received)} bytes: {received[-200:]!r}")
        self.received = received


class Response(Struct, frozen=True):
    """An answer. `headers` in the order and spelling received."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)

    def payloads(self) -> list[str]:
        """Return the data of the body's events."""
        return list(sse.payloads([self.body]))

    @property
    def error_code(self) -> str | None:
        """The `code` of an error in OpenAI's shape; fails on any other body."""
        assert self.header("content-type") == "application/json", self
        body = self.json()["error"]
        assert set(body) >= {"message", "type", "param", "code"}, body
        code: str | None = body["code"]
        return code


class RawHTTP:
    """One connection to `url`. Every wait ends after `timeout_s`."""

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        place = urlsplit(url)
        self.host = place.netloc
        self.socket = socket.create_connection((place.hostname, place.port or 80), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, content: bytes) -> None:
        """Send exactly these bytes."""
        self.socket.sendall(content)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, **fields: Any
    ) -> Response:
        """Send a request and return its answer. `fields` become a JSON body."""
        self.begin(method, path, body, headers, **fields)
        return self.response()

    def chat(self, model: str, **fields: Any) -> Response:
        """Ask `/v1/chat/completions` a question."""
        self.begin_chat(model, **fields)
        return self.response()

    def begin_chat(self, model: str, key: str | None = None, **fields: Any) -> None:
        """Send the question without waiting for an answer."""
        fields.setdefault("messages", [{"role": "user", "content": "Hi there"}])
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.begin("POST", "/v1/chat/completions", None, headers, model=model, **fields)

    def begin(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, **fields: Any
    ) -> None:
        """Send a request without waiting for its answer."""
        every = {"Host": self.host, **(headers or {})}
        if fields:
            body = json.dumps(fields).encode()
            every.setdefault("Content-Type", "application/json")
        if body is not None:
            every["Content-Length"] = str(len(body))
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *(f"{key}: {value}" for key, value in every.items()), "", ""])
        self.send(head.encode("latin-1") + (body or b""))

    def response(self, method: str = "POST") -> Response:
        """Read one answer whole, interim answers (1xx) skipped."""
        head = self.head()
        while head.status < 200 and head.status != 101:
            head = self.head()
        body = b"".join(self.parts(head)) if method != "HEAD" else b""
        return Response(head.status, head.headers, body)

    def head(self) -> Response:
        """Read a status line and headers."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._more()
        lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        status = _STATUS_LINE.fullmatch(lines[0])
        assert status, f"not a status line: {lines[0]!r}"
        return Response(int(status[1]), tuple(_field(line) for line in lines[1:]))

    def parts(self, head: Response) -> Iterator[bytes]:
        """Yield the body as it arrives, without its transfer coding; raise TornError when it is not whole."""
        length = head.header("content-length")
        coding = head.header("transfer-encoding")
        assert length is None or coding is None, "both Content-Length and Transfer-Encoding"
        if head.status == 204 or head.status < 200:
            assert length is None, "RFC 9110, section 8.6: no Content-Length in 1xx and 204"
        elif coding is not None:
            assert coding == "chunked", coding
            yield from self._chunks()
        elif length is not None:
            yield from self._exactly(int(length))
        else:
            yield from self._rest()

    def payloads(self, head: Response) -> Iterator[str]:
        """Yield the data of each event as it arrives."""
        return sse.payloads(self.parts(head))

    def closed(self) -> bool:
        """Wait until the server closes; return whether it did so without sending anything more."""
        try:
            return not self._buffer and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Close with RST (socket(7), SO_LINGER)."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _more(self) -> None:
        try:
            content = self.socket.recv(65536)
        except ConnectionResetError:
            content = b""
        if not content:
            raise TornError(bytes(self._buffer))
        self._buffer += content

    def _chunks(self) -> Iterator[bytes]:
        while True:
            line = self._line()
            assert re.fullmatch(rb"[0-9a-fA-F]+(;.*)?", line), f"not a chunk size: {line!r}"
            size = int(line.partition(b";")[0], 16)
            if size == 0:
                break
            yield b"".join(self._exactly(size))
            assert self._line() == b"", "no CRLF after a chunk"
        while line := self._line():
            _field(line)

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _exactly(self, count: int) -> Iterator[bytes]:
        while count:
            if not self._buffer:
                self._more()
            part = bytes(self._buffer[:count])
            del self._buffer[:count]
            count -= len(part)
            yield part

    def _rest(self) -> Iterator[bytes]:
        while True:
            if self._buffer:
                yield bytes(self._buffer)
                self._buffer.clear()
            content = self.socket.recv(65536)
            if not content:
                return
            self._buffer += content


def _field(line: bytes) -> tuple[str, str]:
    field = _FIELD.fullmatch(line)
    assert field, f"not a header line: {line!r}"
    return field[1].decode("latin-1"), field[2].decode("latin-1")

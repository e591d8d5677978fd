"""A request as it came in, and what is asked for in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from steelyard.core.errors import BadRequest, CallError

if TYPE_CHECKING:
    from steelyard.keys.key import Key

__all__ = ["Incoming"]


class Incoming:
    """One HTTP request: filled by the parser, read by the gateway. Header names are lower case; where a header came
    twice the last value stands, but for those whose repetition is refused, and for lists that are joined."""

    __slots__ = (
        "body",
        "chunked",
        "forwarded",
        "headers",
        "keep_alive",
        "key",
        "length",
        "method",
        "old",
        "query",
        "refusal",
        "repeated",
        "size",
        "target",
    )

    def __init__(self) -> None:
        self.method = b""
        self.target = b""
        self.query = b""
        self.headers: dict[bytes, bytes] = {}
        self.body: list[bytes] = []
        self.forwarded: bytes | None = None
        self.size = 0
        self.length: int | None = None
        self.chunked = False
        self.keep_alive = True
        self.refusal: CallError | None = None
        self.repeated = 0  # bytes of header lines whose name had come before
        self.key: Key | None = None
        self.old = False  # HTTP/1.0: it knows no chunks

    def without_body(self) -> Incoming:
        """Return the same request with nothing in its body."""
        bare = Incoming()
        bare.method = self.method
        bare.target = self.target
        bare.headers = self.headers
        bare.key = self.key
        bare.old = self.old
        return bare

    def add(self, name: bytes, value: bytes) -> None:
        """Add a header line."""
        name = name.lower()
        headers = self.headers
        if name in headers:
            self.repeated += len(name) + len(headers[name]) + 4
            if name in _SINGLE:
                self.refusal = BadRequest(f"The header {name.decode('latin-1')} came twice. Send it once.")
            elif name == b"cache-control":
                value = headers[name] + b", " + value  # each line counts (RFC 9110, 5.3): one may say no-store
        headers[name] = value

    def check(self, version: str) -> None:
        """Check what llhttp lets pass and RFC 9112 does not. Raises BadRequest.

        Transfer codings other than chunked alone (6.1: a server that does not understand one must not guess), chunked
        in HTTP/1.0 (6.1), and a Host that is missing or is none (3.2).
        """
        headers = self.headers
        coding = headers.get(b"transfer-encoding")
        if coding is not None:
            self.chunked = True
            if coding.strip().lower() != b"chunked":
                raise BadRequest(
                    'Only "Transfer-Encoding: chunked" is understood. Send the body so, or with its length.'
                )
            if version != "1.1":
                raise BadRequest("HTTP/1.0 has no transfer codings. Send Content-Length.")
        host = headers.get(b"host")
        if host is not None and not _HOST.fullmatch(host):
            raise BadRequest("The Host header is no name and port. Send those, and nothing else.")
        if version == "1.1":
            if host is None:
                raise BadRequest("The request has no Host header. Send one.")
        elif version == "1.0":
            self.old = True
        else:
            raise BadRequest(f"HTTP/{version} is not spoken here. Use HTTP/1.1.")
        length = headers.get(b"content-length")
        if length is not None:
            self.length = int(length)

    @property
    def path(self) -> str:
        """The path without the query; both absolute-form and origin-form are understood (RFC 9112, 3.2)."""
        target = self.target
        if not target.startswith(b"/"):
            _, _, rest = target.partition(b"://")
            target = b"/" + rest.partition(b"/")[2]
        path, _, self.query = target.partition(b"?")
        return path.decode("latin-1")

    def text(self, name: bytes) -> str | None:
        """Return a header's value as text; None when it is absent."""
        value = self.headers.get(name)
        return value.decode("latin-1") if value is not None else None


# RFC 3986, 3.2.2 and 3.2.3: a name, an address, one of IPv6 in brackets; and a port.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Za-z:.~!$&'()*+,;=%_-]+\])(?::[0-9]*)?[ \t]*")

_SINGLE = frozenset(
    (
        b"host",
        b"authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"x-steelyard-strict",
        b"content-type",
        b"transfer-encoding",
    )
)

"""Answers as bytes: status lines, headers, errors."""

import time
from email.utils import formatdate
from http import HTTPStatus

from steelyard.core.errors import CallError
from steelyard.dialects.openai import encode_error
from steelyard.dialects.table import DIALECTS

__all__ = [
    "CHUNK_END",
    "NOT_PASSED",
    "answer",
    "bodiless",
    "chunk",
    "error_answer",
    "error_body",
    "passed_fields",
    "status_line",
    "today",
]

CHUNK_END = b"0\r\n\r\n"

_STATUS_LINES = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}

# Hop-by-hop fields (RFC 9110, 7.6.1), framing, what we set ourselves, and what speaks of the upstream's own site.
NOT_PASSED = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"content-length",
        b"content-encoding",
        b"content-type",
        b"date",
        b"server",
        b"set-cookie",
        b"alt-svc",
        b"strict-transport-security",
        b"access-control-allow-origin",
        b"request-id",
        b"x-request-id",
        b"x-steelyard-cache",
        b"x-steelyard-cost-usd",
        b"x-steelyard-deployment",
        b"x-steelyard-duties",
        b"x-steelyard-loss",
    )
)


class _Today:
    """The Date header (RFC 9110, 6.6.1), made once a second."""

    __slots__ = ("_line", "_second")

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def __call__(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._line = f"date: {formatdate(second, usegmt=True)}\r\n".encode()
        return self._line


today = _Today()


def status_line(status: int) -> bytes:
    """Return the status line, CR LF included."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status


def passed_fields(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the upstream's header lines that go on to the client: none that belong to the hop, by themselves or since
    Connection names them (RFC 9110, 7.6.1)."""
    ends_here = NOT_PASSED
    for name, value in headers:
        if name == b"connection" and b"," in value:
            ends_here |= {option.strip(b" \t") for option in value.lower().split(b",")}
    return b"".join([b"%b: %b\r\n" % pair for pair in headers if pair[0] not in ends_here])


def answer(status: int, fields: bytes, body: bytes, *, keep_alive: bool) -> bytes:
    """Return a whole answer with its length. `fields` are header lines, each with CR LF."""
    return b"%b%b%b%bcontent-length: %d\r\n\r\n%b" % (
        status_line(status),
        today(),
        fields,
        b"" if keep_alive else b"connection: close\r\n",
        len(body),
        body,
    )


def bodiless(whole: bytes) -> bytes:
    """Return an answer without its body, as HEAD is answered (RFC 9110, 9.3.2)."""
    return whole[: whole.index(b"\r\n\r\n") + 4]


def error_body(error: CallError, dialect: str, request_id: str) -> bytes:
    """Return the body that tells of an error in a client's dialect."""
    return encode_error(error) if dialect == "openai" else DIALECTS[dialect].encode_error(error, request_id)


def error_answer(
    error: CallError, request_id: str, *, keep_alive: bool, dialect: str = "openai", fields: bytes = b""
) -> bytes:
    """Return the answer that tells of an error, in the client's dialect."""
    more = b"request-id: %b\r\n" % request_id.encode() if dialect == "anthropic" else b""
    if error.retry_after_s is not None:
        more += b"retry-after: %d\r\n" % max(1, round(error.retry_after_s + 0.499))
    if error.should_retry is not None:
        more += b"x-should-retry: %b\r\n" % (b"true" if error.should_retry else b"false")
    if error.status == 401:
        more += b"www-authenticate: Bearer\r\n"  # RFC 9110, 15.5.2
    if error.allow is not None:
        more += b"allow: %b\r\n" % error.allow.encode()  # RFC 9110, 15.5.6
    head = b"content-type: application/json\r\nx-request-id: %b\r\n%b%b" % (request_id.encode(), more, fields)
    return answer(error.status, head, error_body(error, dialect, request_id), keep_alive=keep_alive)


def chunk(piece: bytes) -> bytes:
    """Return a piece in chunked transfer coding (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)

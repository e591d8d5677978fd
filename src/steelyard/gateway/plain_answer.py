"""A plain answer, taken apart without a parser: one read that holds a head of well-formed lines and a body of the
length that it names. Whatever is not exactly that is left to llhttp."""

import re
from typing import Final

from steelyard.gateway.answers import NOT_PASSED

__all__ = ["whole_answer"]

_TEXT: Final = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUS = re.compile(rb"HTTP/1\.1 200 [\t\x20-\x7e\x80-\xff]*")
_MOST_KNOWN: Final = 256
_LONGEST_KNOWN: Final = 512
_LONGEST_LENGTH: Final = 48
_CODINGS: Final = frozenset((b"transfer-encoding", b"content-encoding", b"trailer", b"upgrade"))
_known: dict[bytes, tuple[bytes, int]] = {}
"""Of a header line: what goes on to the client, CR LF included (nothing of some), and the body's length, where it names
one, or -1. Most lines are the same in every answer of a provider."""


def whole_answer(data: bytes) -> tuple[bytes, bytes] | None:
    """Return the header lines that go on to the client, and the body; None when `data` is no plain answer.

    Plain is: status 200, one Content-Length that is exactly met, no transfer or content coding, a connection that stays
    open, no folded or broken line (RFC 9112, 5 and 6.3).
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = data[:end].split(b"\r\n")
    status = lines[0]
    if status != b"HTTP/1.1 200 OK" and not _STATUS.fullmatch(status):
        return None
    lines[0] = b""
    known = _known
    size = -1
    for at in range(1, len(lines)):
        line = lines[at]
        found = known.get(line)
        if found is None:
            found = _read(line)
            if found is None:
                return None
        shown, length = found
        lines[at] = shown
        if length >= 0:
            if size >= 0:
                return None
            size = length
    body = data[end + 4 :]
    return (b"".join(lines), body) if len(body) == size else None


def _read(line: bytes) -> tuple[bytes, int] | None:
    """Return what is known of a header line; None of an unusual one."""
    name, colon, value = line.partition(b":")
    low = name.lower()
    if not colon or not _TOKEN.fullmatch(name) or low in _CODINGS or value.translate(None, _TEXT):
        return None  # folded, a bare CR or LF, a control character (RFC 9110, 5.5), not to be read plainly
    value = value.strip(b" \t")
    if low == b"connection" and value.lower() != b"keep-alive":
        return None
    length = -1
    if low == b"content-length":
        if len(line) > _LONGEST_LENGTH or not value.isdigit() or not int(value):
            return None
        length = int(value)
    found = (b"" if low in NOT_PASSED else line + b"\r\n", length)
    if len(line) <= _LONGEST_KNOWN:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[line] = found
    return found

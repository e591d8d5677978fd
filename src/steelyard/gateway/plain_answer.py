"""A plain answer, taken apart without a parser: one read that holds a head of well-formed lines and a body of the
length that it names. Whatever is not exactly that is left to llhttp."""

import re
from typing import Final

from steelyard.gateway.answers import NOT_PASSED

__all__ = ["whole_answer"]

_PASS: Final = 0
_DROP: Final = 1
_LENGTH: Final = 2
_UNUSUAL: Final = 3

_TEXT: Final = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MOST_KNOWN = 256
_CODINGS: Final = frozenset((b"transfer-encoding", b"content-encoding", b"trailer", b"upgrade"))
_known: dict[bytes, int] = {}
"""What to do with a header line: most are the same in every answer of a provider."""


def whole_answer(data: bytes) -> tuple[bytes, bytes] | None:
    """Return the header lines that go on to the client, and the body; None when `data` is no plain answer.

    Plain is: one Content-Length that is exactly met, no transfer or content coding, a connection that stays open, no
    folded or broken line (RFC 9112, 5 and 6.3).
    """
    end = data.find(b"\r\n\r\n")
    head = data[:end]
    lines = head.split(b"\r\n")
    if end < 0 or head.translate(None, _TEXT) != b"\r\n" * (len(lines) - 1):
        return None  # a bare CR or LF, or a control character (RFC 9110, 5.5)
    length = -1
    passed = []
    del lines[0]  # the status line
    for line in lines:
        kind = _known.get(line)
        if kind is None:
            kind = _learn(line)
        if kind == _PASS:
            passed.append(line)
        elif kind == _LENGTH:
            value = line[15:].strip(b" \t")  # behind the colon
            if length >= 0 or not value.isdigit():
                return None
            length = int(value)
        elif kind == _UNUSUAL:
            return None
    if len(data) - end - 4 != length:
        return None
    passed.append(b"")
    return b"\r\n".join(passed), data[end + 4 :]


def _learn(line: bytes) -> int:
    name, colon, value = line.partition(b":")
    low = name.lower()
    if not colon or not _TOKEN.fullmatch(name) or low in _CODINGS:
        kind = _UNUSUAL
    elif low == b"content-length":
        kind = _LENGTH
    elif low == b"connection":
        kind = _DROP if value.strip(b" \t").lower() == b"keep-alive" else _UNUSUAL
    else:
        kind = _DROP if low in NOT_PASSED else _PASS
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[line] = kind
    return kind

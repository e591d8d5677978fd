"""A plain answer, taken apart without a parser: one read that holds a head of well-formed lines and a body of the
length that it names. Whatever is not exactly that is left to llhttp."""

import re
from typing import Final

from steelyard.gateway.answers import NOT_PASSED

__all__ = ["whole_answer"]

_PASS: Final = 0
_DROP: Final = 1
_LENGTH: Final = 2
_CONNECTION: Final = 3
_UNUSUAL: Final = 4

_TEXT: Final = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MOST_KNOWN = 1024
_known: dict[bytes, int] = {}
"""What to do with a header line, by its name as it is spelt: providers spell theirs always the same."""


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
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        kind = _known.get(name) if colon else _UNUSUAL
        if kind is None:
            kind = _learn(name)
        if kind == _PASS:
            passed.append(line)
        elif kind == _LENGTH:
            value = value.strip(b" \t")
            if length >= 0 or not value.isdigit():
                return None
            length = int(value)
        elif kind == _UNUSUAL or (kind == _CONNECTION and value.strip(b" \t").lower() != b"keep-alive"):
            return None
    if len(data) - end - 4 != length:
        return None
    passed.append(b"")
    return b"\r\n".join(passed), data[end + 4 :]


def _learn(name: bytes) -> int:
    low = name.lower()
    if not _TOKEN.fullmatch(name) or low in (b"transfer-encoding", b"content-encoding", b"trailer", b"upgrade"):
        kind = _UNUSUAL
    elif low == b"content-length":
        kind = _LENGTH
    elif low == b"connection":
        kind = _CONNECTION
    else:
        kind = _DROP if low in NOT_PASSED else _PASS
    if len(_known) < _MOST_KNOWN:
        _known[name] = kind
    return kind

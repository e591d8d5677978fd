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
_lengths: dict[bytes, int] = {}
"""What lines that name the body's length say: those of `_Lines`, and no other."""


class _Lines(dict[bytes, bytes]):
    """What goes on to the client of a header line, CR LF included: nothing of some. Most lines are the same in every
    answer of a provider, and are looked up at the speed of a dictionary; raises KeyError for an unusual one."""

    def __missing__(self, line: bytes) -> bytes:
        name, colon, value = line.partition(b":")
        low = name.lower()
        if not colon or not _TOKEN.fullmatch(name) or low in _CODINGS or value.translate(None, _TEXT):
            raise KeyError(line)  # folded, a bare CR or LF, a control character (RFC 9110, 5.5), not to be read plainly
        value = value.strip(b" \t")
        if low == b"connection" and value.lower() != b"keep-alive":
            raise KeyError(line)
        if len(self) >= _MOST_KNOWN:
            self.clear()
            _lengths.clear()
            raise KeyError(line)  # what was known of the lines before this one is lost
        if low == b"content-length":
            if len(line) > _LONGEST_LENGTH or not value.isdigit() or not int(value):
                raise KeyError(line)
            _lengths[line] = int(value)
        shown = b"" if low in NOT_PASSED else line + b"\r\n"
        if len(line) <= _LONGEST_KNOWN:
            self[line] = shown
        return shown


_shown = _Lines().__getitem__
_length = _lengths.get


def whole_answer(data: bytes) -> tuple[bytes, bytes] | None:
    """Return the header lines that go on to the client, and the body; None when `data` is no plain answer.

    Plain is: status 200, one Content-Length that is exactly met, no transfer or content coding, a connection that stays
    open, no folded or broken line (RFC 9112, 5 and 6.3).
    """
    end = data.find(b"\r\n\r\n")
    lines = data[:end].split(b"\r\n")
    status = lines.pop(0)
    if end < 0 or (status != b"HTTP/1.1 200 OK" and not _STATUS.fullmatch(status)):
        return None
    try:
        fields = b"".join(map(_shown, lines))
    except KeyError:
        return None
    body = data[end + 4 :]
    # Of two equal lines each counts.
    if [*filter(None, map(_length, lines))] != [len(body)]:
        return None
    return fields, body

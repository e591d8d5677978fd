"""Amazon's event stream (Amazon Lex V2 Developer Guide, "Event stream encoding"; the same for Bedrock).

A message: its length and that of its headers (four bytes each, big-endian), a CRC-32 of these eight bytes, headers,
payload, a CRC-32 of all before. A header: length of its name, name, type of its value, value.
"""

import zlib
from collections.abc import Mapping
from struct import Struct as Layout
from struct import error as LayoutError  # noqa: N812 - an exception, whatever its name
from typing import Final, TypeAlias

__all__ = ["Frame", "Framer", "FramingError"]

Frame: TypeAlias = tuple[Mapping[str, str], bytes]
"""The headers of one message whose values are strings, and its payload."""

_PRELUDE: Final = Layout(">III")
_CHECKSUM: Final = Layout(">I")
_LENGTH: Final = Layout(">H")
_OVERHEAD: Final = 16
_MOST_MESSAGE_BYTES: Final = 64 * 1024 * 1024
_STRING: Final = 7
# Types 0 and 1 are true and false, 2 to 5 integers of 1, 2, 4, 8 bytes, 6 bytes and 7 a string, both behind their
# length, 8 a time, 9 a UUID.
_FIXED: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_BYTES: Final = 6
_MOST_REMEMBERED: Final = 64


class FramingError(ValueError):
    """A stream is none of Amazon's, or damaged. The text says how; nothing after it can be read."""


class Framer:
    """Cuts a stream into messages. `overflow` is set by a message of over 64 MiB."""

    __slots__ = ("_pending", "_remembered", "overflow")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._remembered: dict[bytes, Mapping[str, str]] = {}
        self.overflow = False

    def feed(self, data: bytes, found: list[Frame]) -> None:
        """Add the messages that `data` completes to `found`. Raises FramingError, after those before the damage."""
        pending = self._pending
        pending += data
        start = 0
        try:
            while len(pending) - start >= _OVERHEAD:
                length, header_length, checksum = _PRELUDE.unpack_from(pending, start)
                _check_prelude(pending[start : start + 8], length, header_length, checksum)
                if length > _MOST_MESSAGE_BYTES:
                    self.overflow = True
                    return
                if len(pending) - start < length:
                    return
                found.append(self._frame(bytes(pending[start : start + length]), header_length))
                start += length
        finally:
            del pending[:start]

    def rest(self) -> bool:
        """Say whether a message has begun that is not whole."""
        return bool(self._pending)

    def _frame(self, message: bytes, header_length: int) -> Frame:
        if zlib.crc32(message[:-4]) != _CHECKSUM.unpack_from(message, len(message) - 4)[0]:
            raise FramingError("the checksum of a message is wrong")
        end = 12 + header_length
        raw = message[12:end]
        # All messages of one kind have the same headers.
        headers = self._remembered.get(raw)
        if headers is None:
            headers = _headers(raw)
            if len(self._remembered) < _MOST_REMEMBERED:
                self._remembered[raw] = headers
        return headers, message[end:-4]


def _check_prelude(prelude: bytearray, length: int, header_length: int, checksum: int) -> None:
    if zlib.crc32(prelude) != checksum:
        raise FramingError("the checksum of a message's length is wrong")
    if header_length + _OVERHEAD > length:
        raise FramingError("the headers of a message are longer than the message")


def _headers(raw: bytes) -> dict[str, str]:
    found = {}
    at = 0
    try:
        while at < len(raw):
            name_end = at + 1 + raw[at]
            name = raw[at + 1 : name_end].decode()
            kind = raw[name_end]
            at = name_end + 1
            if kind in _FIXED:
                at += _FIXED[kind]
                continue
            if kind not in (_BYTES, _STRING):
                raise FramingError(f"a header has a value of the unknown type {kind}")
            end = at + 2 + _LENGTH.unpack_from(raw, at)[0]
            if end > len(raw):
                raise FramingError("a header is cut off")
            if kind == _STRING:
                found[name] = raw[at + 2 : end].decode()
            at = end
    except (IndexError, UnicodeDecodeError, LayoutError):
        raise FramingError("a header cannot be read") from None
    if at != len(raw):
        raise FramingError("a header is cut off")
    return found

"""The chunks of a stream: server-sent events (`alt=sse`), or a JSON array that grows, which is what
`streamGenerateContent` gives to clients that do not say `alt=sse` (Google APIs, "System parameters", `alt`)."""

import re

import msgspec

from steelyard.dialects.sse import EventFramer

__all__ = ["ChunkFramer"]

_OUTSIDE = re.compile(rb'["{}\]]')
_INSIDE = re.compile(rb'["\\]')
_MOST_CHUNK_BYTES = 64 * 1024 * 1024
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_BRACE, _END, _QUOTE = b"{"[0], b"}"[0], b'"'[0]


class _ArrayFramer:
    """Cuts the objects out of a growing array. `closed_at` is where in the stream its bracket closes."""

    __slots__ = ("_at", "_depth", "_dropped", "_inside", "_pending", "_start", "closed_at")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._at = 0
        self._start = 0
        self._depth = 0
        self._inside = False
        self._dropped = 0
        self.closed_at: int | None = None

    @property
    def size(self) -> int:
        return len(self._pending)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the objects that `data` completes."""
        if not self._depth and not self._pending:
            alone = _alone(data)
            if alone is not None:
                self._dropped += len(data)
                return [alone]
        pending = self._pending
        pending += data
        found: list[bytes] = []
        while self.closed_at is None:
            mark = (_INSIDE if self._inside else _OUTSIDE).search(pending, self._at)
            if mark is None:
                self._at = len(pending)
                break
            at = mark.start()
            if self._inside and pending[at] != _QUOTE:
                if at + 1 == len(pending):
                    self._at = at  # what the backslash escapes is still to come
                    break
                self._at = at + 2
                continue
            self._at = at + 1
            self._pass(pending[at], at, found)
        self._forget()
        return found

    def _pass(self, mark: int, at: int, found: list[bytes]) -> None:
        if mark == _QUOTE:
            self._inside = not self._inside
        elif mark == _BRACE:
            if self._depth == 0:
                self._start = at
            self._depth += 1
        elif mark == _END:
            self._depth -= 1
            if self._depth == 0:
                found.append(bytes(self._pending[self._start : at + 1]))
        elif self._depth == 0:
            self.closed_at = self._dropped + at

    def _forget(self) -> None:
        """Drop what is behind the last object that is complete."""
        done = self._start if self._depth else self._at
        del self._pending[:done]
        self._dropped += done
        self._at -= done
        self._start = 0


def _alone(data: bytes) -> bytes | None:
    """Return the one whole object that a read is, as Google writes them; None for any other."""
    found = data.lstrip(b"[, \r\n").rstrip()
    if found[:1] != b"{" or found[-1:] != b"}":
        return None
    try:
        _decode_raw(found)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found


class ChunkFramer:
    """Cuts a stream into the JSON of its chunks; whether it is one of events or an array, its first byte tells.
    `overflow` is set by a chunk of over 64 MiB."""

    __slots__ = ("_array", "_clean", "_events", "_told", "overflow")

    def __init__(self) -> None:
        self._events = EventFramer()
        self._array: _ArrayFramer | None = None
        self._told = False
        self._clean = True
        self.overflow = False

    @property
    def closed_at(self) -> int | None:
        """Where in the stream the array closes; None for events, and before."""
        return self._array.closed_at if self._array is not None else None

    @property
    def is_array(self) -> bool:
        return self._array is not None

    def feed(self, data: bytes) -> list[bytes]:
        """Return the chunks that `data` completes."""
        # Nearly every read is one event of one line. Google's own lines end in CR LF.
        if self._clean and data[:6] == b"data: ":
            if data[-4:] == b"\r\n\r\n" and data.count(b"\n") == 2:
                self._told = True
                return [data[6:-4]]
            if data[-2:] == b"\n\n" and data.count(b"\n") == 2 and b"\r" not in data:
                self._told = True
                return [data[6:-2]]
        if not self._told:
            self._tell(data)
        if self._array is not None:
            found = self._array.feed(data)
            self.overflow = self._array.size > _MOST_CHUNK_BYTES
            return found
        payloads = [payload for _, payload in self._events.feed(data)]
        self._clean = data[-2:] == b"\n\n" or data[-4:] == b"\r\n\r\n"
        self.overflow = self._events.overflow
        return payloads

    def _tell(self, data: bytes) -> None:
        beginning = data.lstrip()
        if beginning:
            self._told = True
            if beginning[:1] == b"[":
                self._array = _ArrayFramer()

    def rest(self) -> bytes:
        """Return what came behind the last event: an error that comes in mid-stream may stand there as bare JSON."""
        return b"" if self._array is not None else self._events.rest()

"""Server-sent events (WHATWG HTML, "Server-sent events"): lines end in CR LF, LF or CR; an empty line ends an event;
lines that begin with a colon are comments."""

import re

__all__ = ["EventFramer", "event"]

_EVENT_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_MOST_EVENT_BYTES = 64 * 1024 * 1024


class EventFramer:
    """Cuts a stream into events. `overflow` is set by an event of over 64 MiB."""

    __slots__ = ("_pending", "_scanned", "overflow")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._scanned = 0
        self.overflow = False

    def feed(self, data: bytes) -> list[tuple[bytes | None, bytes]]:
        """Return the events that `data` completes: name and data of each, comments and empty events left out."""
        if not self._pending and data.endswith(b"\n\n") and data.find(b"\r") < 0:
            # Nearly always: whole events, in lines that end in LF.
            found = [_taken(one.split(b"\n")) for one in data[:-2].split(b"\n\n")]
            return [one for one in found if one is not None]
        return self._feed_closely(data)

    def _feed_closely(self, data: bytes) -> list[tuple[bytes | None, bytes]]:
        pending = self._pending
        pending += data
        found = []
        start = 0
        at = self._scanned
        while (end := _EVENT_END.search(pending, at)) is not None:
            if end.end() == len(pending) and pending[-1:] == b"\r":
                break  # a line feed may follow that belongs to it
            at = end.end()
            taken = _taken(_LINE_END.split(bytes(pending[start : end.start()])))
            if taken is not None:
                found.append(taken)
            start = at
        del pending[:start]
        # An event's end may straddle two reads; it is four bytes long at most.
        self._scanned = max(0, len(pending) - 4)
        self.overflow = len(pending) > _MOST_EVENT_BYTES
        return found

    def rest(self) -> bytes:
        """Return what came after the last event: it is not complete, and not to be taken for one."""
        return bytes(self._pending)


def _taken(lines: list[bytes]) -> tuple[bytes | None, bytes] | None:
    name = None
    told = None
    for line in lines:
        if line.startswith(b"data:"):
            value = line[6:] if line[5:6] == b" " else line[5:]
            told = value if told is None else told + b"\n" + value
        elif line.startswith(b"event:"):
            name = line[7:] if line[6:7] == b" " else line[6:]
        elif line == b"data":
            told = b"" if told is None else told + b"\n"
        elif line.startswith(_BOM + b"data:"):  # before a stream's first line, and nowhere else
            told = line[len(_BOM) + 5 :].removeprefix(b" ")
    return (name, told) if told is not None else None


def event(data: bytes, name: bytes | None = None) -> bytes:
    """Return one event. `data` has no line ends, as JSON has none."""
    if name is None:
        return b"data: %b\n\n" % data
    return b"event: %b\ndata: %b\n\n" % (name, data)

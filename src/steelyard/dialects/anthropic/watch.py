"""A stream that is relayed untranslated ("Streaming messages")."""

import re

import msgspec
from msgspec import Raw, Struct

from steelyard.core.errors import CallError
from steelyard.core.usage import Usage
from steelyard.dialects import sse
from steelyard.dialects.anthropic.errors import encode_error
from steelyard.dialects.anthropic.usage import usage_of
from steelyard.dialects.anthropic.words import named

__all__ = ["Watching"]

_EVENT_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_MOST_EVENT_BYTES = 64 * 1024 * 1024


class _Message(Struct):
    model: str | None = None
    usage: Raw = Raw(b"")


class _Delta(Struct):
    stop_reason: str | None = None


class _Event(Struct):
    type: str | None = None
    message: _Message | None = None
    delta: _Delta | None = None
    usage: Raw = Raw(b"")
    error: Raw = Raw(b"")


_decode_event = msgspec.json.Decoder(_Event).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Watching:
    """Watches one stream: `feed` takes bytes as they come and returns what may be relayed at once, the bytes as they
    came. `message_stop` is withheld in `ending`."""

    __slots__ = (
        "_pending",
        "_scanned",
        "_used",
        "done",
        "ending",
        "error",
        "events",
        "finish_reason",
        "model",
        "overflow",
        "usage",
        "usage_raw",
    )

    def __init__(self) -> None:
        self._pending = bytearray()
        self._scanned = 0
        self._used: dict[str, object] = {}
        self.done = False
        self.ending = b""
        self.overflow = False
        self.error: bytes | None = None
        self.events = 0
        self.finish_reason: str | None = None
        self.model: str | None = None
        self.usage: Usage | None = None
        self.usage_raw: bytes | None = None

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the stream; return those to relay, which may be none."""
        # Nearly every read is whole events of which none is of the message or an error: it passes undecoded. A text
        # that has these words in it is only read more closely.
        if (
            data[-2:] == b"\n\n"
            and not self._pending
            and b"message_" not in data
            and b"error" not in data
            and b"\r" not in data
            and not self.done
        ):
            self.events += data.count(b"\n\n")
            return data
        return self._feed_closely(data)

    def finish(self) -> None:
        """Take note of the connection's end: a stream without `message_stop` was cut."""

    def fail(self, error: CallError, request_id: str) -> bytes:
        """Return the event that ends a stream which cannot be completed ("Streaming messages", "Error events")."""
        return sse.event(encode_error(error, request_id), b"error")

    def _feed_closely(self, data: bytes) -> bytes:
        if self.done:
            return b""
        pending = self._pending
        pending += data
        relayed = start = 0
        at = self._scanned
        while not self.done and (found := _EVENT_END.search(pending, at)):
            if found.end() == len(pending) and pending[-1:] == b"\r":
                break  # a line feed may follow that belongs to it
            at = found.end()
            event = bytes(pending[start:at])
            if self._ends(event):
                self.done, self.ending = True, event
            else:
                relayed = at
            start = at
        shown = data if relayed == len(data) == len(pending) else bytes(pending[:relayed])
        del pending[:start]
        # An event's end may straddle two reads; it is four bytes long at most.
        self._scanned = max(0, len(pending) - 4)
        self.overflow = len(pending) > _MOST_EVENT_BYTES
        return shown

    def _ends(self, event: bytes) -> bool:
        """Take note of what an event says; say whether it is the terminator."""
        lines = [line[5:].removeprefix(b" ") for line in _LINE_END.split(event) if line.startswith(b"data:")]
        if not lines:
            return False  # a comment
        self.events += 1
        payload = b"\n".join(lines)
        if b"message_" not in payload and b"error" not in payload:
            return False
        try:
            told = _decode_event(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False  # not ours to judge: unknown events are tolerated
        match told.type:
            case "message_start":
                if told.message is not None:
                    self.model = told.message.model or self.model
                    self._use(bytes(told.message.usage))
            case "message_delta":
                if told.delta is not None:
                    self.finish_reason = told.delta.stop_reason or self.finish_reason
                self._use(bytes(told.usage))
            case "error":
                self.error = bytes(told.error) or payload
        return told.type == "message_stop"

    def _use(self, raw: bytes) -> None:
        try:
            found = _decode(raw) if raw else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # what the event itself was not decoded for
        if not isinstance(found, dict):
            return
        # Cumulative: what comes later counts, and what it leaves out is as it was.
        self._used = {**self._used, **named(found)}
        self.usage = usage_of(self._used) or self.usage
        self.usage_raw = _encode(self._used)

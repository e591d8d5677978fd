"""A stream of OpenAI's dialect, read while it is relayed.

Framing: server-sent events (WHATWG HTML, "Server-sent events": lines end in CR LF, LF or CR; an empty line ends an
event; lines that begin with a colon are comments). Contents: OpenAI API reference, "The chat completion chunk object";
`data: [DONE]` ends a stream, and a stream that ends without it was cut.
"""

import re

from steelyard.core.errors import CallError
from steelyard.core.usage import Usage
from steelyard.dialects.openai import Chunk, decode_chunk, encode_error, usage_of, without_usage

__all__ = ["DONE", "StreamReader"]

DONE = b"data: [DONE]\n\n"

_EVENT_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_MAX_EVENT_BYTES = 64 * 1024 * 1024
_NULL = b"null"
_USAGE = b'"usage"'
_NULL_USAGE = b'],"usage":null'
_AFTER_NULL = len(_NULL_USAGE) - 2


class StreamReader:
    """Reads one stream: `feed` takes bytes as they come and returns what may be relayed at once.

    Whole events are relayed as the bytes they came in. The terminator is withheld (`done` is set): the gateway writes
    it after the exchange is on record. With `hide_usage`, usage that the client did not ask for is taken out.
    """

    __slots__ = (
        "_hide",
        "_pending",
        "_scanned",
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

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide = hide_usage
        self._pending = bytearray()
        self._scanned = 0
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
        # Nearly every read is one plain event, in one line, that does not end the answer and has no usage, or a null in
        # its place. It passes undecoded.
        # One search for a line's end tells of both: the first is the last but one. (`in` costs more than `find`, see
        # docs/design/hot-path.md.)
        if (
            data.find(b"\n") == len(data) - 2
            and data[-1:] == b"\n"
            and data.find(b'"finish_reason":null') >= 0
            and not self._pending
            and data[:5] == b"data:"
            and data.find(b"\r") < 0
        ):
            at = data.find(_USAGE)
            if at < 0:
                self.events += 1
                return data
            if _has_null_usage(data, at):
                self.events += 1
                return data.replace(_NULL_USAGE, b"]") if self._hide else data
        return self._feed_closely(data)

    def finish(self) -> None:
        """Change nothing: a stream that ends without `[DONE]` was cut."""

    def fail(self, error: CallError, request_id: str) -> bytes:
        """Return the event that ends a stream which cannot be completed: OpenAI's SDKs raise APIError on it."""
        return b"data: %b\n\n" % encode_error(error)

    def _feed_closely(self, data: bytes) -> bytes:
        pending = self._pending
        pending += data
        relayed = []
        start = 0
        at = self._scanned
        while not self.done and (found := _EVENT_END.search(pending, at)):
            at = end = found.end()
            shown = self._read(bytes(pending[start:end]))
            if shown:
                relayed.append(shown)
            start = end
        del pending[:start]
        # An event's end may straddle two reads; it is four bytes long at most.
        self._scanned = max(0, len(pending) - 3)
        self.overflow = len(pending) > _MAX_EVENT_BYTES
        return b"".join(relayed)

    def _read(self, event: bytes) -> bytes:
        payload = _payload(event)
        if payload is None:
            return event  # a comment (keep-alive), or an event without data
        if payload == b"[DONE]":
            self.done = True
            self.ending = event
            return b""
        chunk = decode_chunk(payload)
        if chunk is None:
            return event  # not ours to judge: unknown events are tolerated
        self.events += 1
        if chunk.model:
            self.model = chunk.model
        if chunk.error and bytes(chunk.error) != _NULL:
            self.error = bytes(chunk.error)
        self._note_end(chunk)
        return self._shown(event, payload, chunk)

    def _note_end(self, chunk: Chunk) -> None:
        for choice in chunk.choices or ():
            if choice.finish_reason:
                self.finish_reason = choice.finish_reason
        reported = chunk.reported_usage
        usage = usage_of(reported)
        if usage is not None:
            # Usage is cumulative wherever it comes more than once: the last one counts.
            self.usage = usage
            self.usage_raw = bytes(reported)

    def _shown(self, event: bytes, payload: bytes, chunk: Chunk) -> bytes:
        if not self._hide or not chunk.usage:
            return event
        if _has_null_usage(event, event.find(_USAGE)):
            return event.replace(_NULL_USAGE, b"]")
        if not chunk.choices and bytes(chunk.usage) != _NULL and not chunk.error:
            return b""  # the chunk that exists because the gateway asked for it
        return b"data: %b\n\n" % without_usage(payload)


def _has_null_usage(event: bytes, at: int) -> bool:
    """Say whether an event has a null for usage behind its choices, where providers put it, and no other usage: it can
    then be cut out, and all other bytes stay as they are. `at` is where the first usage is."""
    return at >= 2 and event[at - 2 : at + _AFTER_NULL] == _NULL_USAGE and event.find(_USAGE, at + 1) < 0


def _payload(event: bytes) -> bytes | None:
    """Return the data of one event, its lines joined; None when it has none."""
    lines = [line[5:].removeprefix(b" ") for line in _LINE_END.split(event) if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None

"""A stream that is relayed untranslated, watched: whole events pass as the bytes they came in, and deltas are known by
their names, undecoded."""

import re

import msgspec
from msgspec import Raw, Struct

from steelyard.core.errors import CallError
from steelyard.core.loose import JsonObject
from steelyard.core.usage import Usage
from steelyard.dialects import sse
from steelyard.dialects.dialect import Glance
from steelyard.dialects.responses.errors import failure
from steelyard.dialects.responses.names import response_id
from steelyard.dialects.responses.usage import usage_in

__all__ = ["StreamWatch", "glance"]

_EVENT_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE_END = re.compile(rb"\r\n|\n|\r")
# A delta's name stands in the event's first bytes: in its own line, or where OpenAI's own servers put it in the data.
_DELTA = re.compile(rb'(?:event: response\.[a-z_.]+\.delta\r?\n|data: \{"type": ?"response\.[a-z_.]+\.delta")')
_NUMBER = re.compile(rb'"sequence_number": ?([0-9]{1,15})')
_MOST_EVENT_BYTES = 64 * 1024 * 1024
_ABSENT = Raw()
_NULL = b"null"
_TERMINAL = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}


class _Content(Struct):
    type: str | None = None


class _Item(Struct):
    type: str | None = None
    content: list[_Content] | None = None


class _Why(Struct):
    reason: str | None = None


class _Response(Struct):
    model: str | None = None
    status: str | None = None
    output: list[_Item] | None = None
    incomplete_details: _Why | None = None
    usage: Raw = _ABSENT
    error: Raw = _ABSENT


class _Event(Struct):
    type: str | None = None
    response: _Response | None = None
    error: Raw = _ABSENT


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_response = msgspec.json.Decoder(_Response).decode


def _finish_reason(response: _Response) -> str | None:
    """Return why a response ended, in the words of `steelyard.core.answer.FinishReason`."""
    if response.status == "incomplete":
        return (
            _REASONS.get(response.incomplete_details.reason or "", "other") if response.incomplete_details else "other"
        )
    if response.status != "completed":
        return None
    items = response.output or []
    if any(one.type in ("function_call", "custom_tool_call") for one in items):
        return "tool_calls"
    refused = any(part.type == "refusal" for one in items for part in one.content or ())
    return "refusal" if refused else "stop"


def _told(raw: Raw) -> bytes | None:
    found = bytes(raw)
    return found if found and found != _NULL else None


def _begun(event: bytes) -> JsonObject | None:
    """Return the response that an event begins with; None where what it holds cannot be read."""
    try:
        response = msgspec.json.decode(event).get("response")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return response if isinstance(response, dict) else None


def glance(body: bytes) -> Glance | None:
    """Return what is to be known of a whole answer; None when it is none of this dialect."""
    try:
        response = _decode_response(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    error = _told(response.error)
    if response.output is None and error is None:
        return None
    usage = usage_in(response.usage)
    raw = _told(response.usage) if usage is not None else None
    return Glance(response.model, _finish_reason(response), usage, raw, error is not None)


class StreamWatch:
    """Watches one stream. The terminator is withheld: `done` is set, and its bytes are in `ending`."""

    __slots__ = (
        "_created",
        "_last",
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

    def __init__(self) -> None:
        self._created = b""  # the first event's data: the response as it began
        self._last = b""
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
        if not self._pending and not self.done and data.endswith(b"\n\n") and data.find(b"\n\n") == len(data) - 2:
            # Nearly always: one whole event, and nearly always a delta.
            if _DELTA.match(data) is not None:
                self._last = data
                self.events += 1
                return data
            return data if self._read(data) else b""
        return self._feed_closely(data)

    def finish(self) -> None:
        """Take note of the connection's end: without a terminator the stream was cut."""

    def fail(self, error: CallError, request_id: str) -> bytes:
        """Return `response.failed`, with the next sequence number: a stream that cannot be completed ends so."""
        begun = _begun(self._created) if self._created else None
        response = begun if begun is not None else {"id": response_id(request_id), "object": "response"}
        numbers = _NUMBER.findall(self._last)
        told = failure(str(error), error.status, error.code)
        event = {
            "type": "response.failed",
            "sequence_number": int(numbers[-1]) + 1 if numbers else 0,
            "response": {**response, "status": "failed", "error": told},
        }
        return sse.event(msgspec.json.encode(event), b"response.failed")

    def _feed_closely(self, data: bytes) -> bytes:
        pending = self._pending
        pending += data
        start = 0
        at = self._scanned
        shown = 0
        while not self.done and (found := _EVENT_END.search(pending, at)):
            if found.end() == len(pending) and pending[-1:] == b"\r":
                break  # a line feed may follow that belongs to it
            at = found.end()
            if self._read(bytes(pending[start:at])):
                shown = at
            start = at
        relayed = bytes(pending[:shown])
        del pending[:start]
        # An event's end may straddle two reads; it is four bytes long at most.
        self._scanned = max(0, len(pending) - 4)
        self.overflow = len(pending) > _MOST_EVENT_BYTES
        return relayed

    def _read(self, event: bytes) -> bool:
        """Take note of an event; say whether it may be relayed."""
        self._last = event
        if _DELTA.match(event) is not None:
            self.events += 1
            return True
        lines = [line[5:].removeprefix(b" ") for line in _LINE_END.split(event) if line.startswith(b"data:")]
        if not lines:
            return True  # a comment (keep-alive), or an event without data
        payload = b"\n".join(lines)
        try:
            told = _decode_event(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return True  # not ours to judge: unknown events are tolerated
        self.events += 1
        if told.type == "error":
            self.error = _told(told.error) or payload
        if told.response is not None:
            self._created = self._created or payload
            self._note(told.response)
        if told.type not in _TERMINAL:
            return True
        self.done = True
        self.ending = event
        return False

    def _note(self, response: _Response) -> None:
        self.model = response.model or self.model
        self.finish_reason = _finish_reason(response)
        self.error = _told(response.error) or self.error
        usage = usage_in(response.usage)
        if usage is not None:
            self.usage = usage
            self.usage_raw = bytes(response.usage)

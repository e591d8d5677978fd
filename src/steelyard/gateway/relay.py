"""How an upstream's answer reaches the client: whole, or as a stream of events (`passage`: as the bytes that come)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, UpstreamError
from steelyard.core.exchange import Outcome
from steelyard.core.usage import Usage
from steelyard.dialects.dialect import Glance
from steelyard.dialects.openai import Answer, decode_answer, usage_of
from steelyard.dialects.stream import StreamReader
from steelyard.dialects.table import DIALECTS
from steelyard.gateway.answers import CHUNK_END, chunk, passed_fields
from steelyard.gateway.coding import CODINGS, MOST_ANSWER_BYTES, decoded, expansion_of, header
from steelyard.gateway.counting import is_count
from steelyard.gateway.failure import cut, invalid

if TYPE_CHECKING:
    from steelyard.dialects.dialect import Watch
    from steelyard.gateway.call import Call

__all__ = [
    "Carrier",
    "Events",
    "Relay",
    "Seen",
    "Whole",
    "description",
    "is_event_stream",
    "is_json",
    "last_chunks",
    "seen_of",
]


class Seen:
    """What was seen of an answer, for the record."""

    size = 0
    usage: Usage | None = None
    usage_raw: bytes | None = None
    finish_reason: str | None = None
    model: str | None = None
    body: bytes | None = None
    error = False
    """It is an error in an answer's place."""


def seen_of(found: Answer, body: bytes) -> Seen:
    """Return what a complete answer shows."""
    seen = Seen()
    seen.size = len(body)
    seen.body = body
    seen.model = found.model
    choices, usage, error = found.choices, found.usage, found.error
    if choices:
        seen.finish_reason = choices[0].finish_reason
    if usage:
        seen.usage = usage_of(usage)
        seen.usage_raw = bytes(usage)
    if error:
        seen.error = bytes(error) != b"null" and not choices
    return seen


def seen_in(glance: Glance, body: bytes) -> Seen:
    """Return what a complete answer of another dialect than OpenAI's shows."""
    seen = Seen()
    seen.size = len(body)
    seen.body = body
    seen.model = glance.model
    seen.finish_reason = glance.finish_reason
    seen.usage = glance.usage
    seen.usage_raw = glance.usage_raw
    seen.error = glance.error
    return seen


class Relay:
    """One way to bring an answer to the client. Once it has received something of it (`started`), nothing may be tried
    again.

    A class, and no protocol: for a call of its methods mypyc then needs no look-up by name."""

    __slots__ = ("seen", "started")

    def __init__(self) -> None:
        self.seen = Seen()
        self.started = False

    def body(self, piece: bytes, framed: bytes | None) -> None:
        """Take a piece of the answer."""
        raise NotImplementedError  # abstract: each way does

    def end(self) -> None:
        """Take note that the upstream's answer is whole, as far as HTTP can tell."""
        raise NotImplementedError  # abstract: each way does

    def broken_off(self, error: UpstreamError) -> None:
        """End what has been started so that no client can take it for complete."""
        raise NotImplementedError  # abstract: each way does

    def glimpse(self) -> Seen:
        """Return what was seen so far, though the answer is not complete."""
        return self.seen


class Whole(Relay):
    """An answer that is read whole, understood, and passed on as the bytes that came."""

    __slots__ = ("_call", "_headers", "_parts", "_size", "status")

    def __init__(self, call: Call, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        super().__init__()
        self._call = call
        self.status = status
        self._headers = headers
        self._parts: list[bytes] = []
        self._size = 0

    def body(self, piece: bytes, framed: bytes | None) -> None:
        self._parts.append(piece)
        self._size += len(piece)
        if self._size > MOST_ANSWER_BYTES:
            self._call.fail(invalid(self._call.lane, f"over {MOST_ANSWER_BYTES} bytes"), drop=True)

    def end(self) -> None:
        call = self._call
        call.relay = None  # a circle would keep the answer until the garbage collector comes by
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        try:
            body = decoded(body, self._headers)
        except ValueError as error:
            call.fail(invalid(call.lane, str(error)))
            return
        if self.status >= 300:
            call.refused_by_upstream(self.status, self._headers, body)
        else:
            self.take(body, None)

    def take(self, body: bytes, fields: bytes | None) -> None:
        """Take the whole body of an answer of status 2xx; `fields` are the header lines to pass on, where known."""
        call = self._call
        body = call.lane.scrub(body)
        seen = self._seen_in(body)
        if seen is None:
            call.fail(invalid(call.lane, description(self._headers, body)))
            return
        if seen.error:
            call.refused_by_upstream(502, self._headers if fields is None else _parsed(fields), body)
            return
        if call.stream:
            call.fail(invalid(call.lane, "a stream was asked for, and no stream of events came"))
            return
        self.seen = seen
        fields = call.lane.scrub(passed_fields(self._headers) if fields is None else fields)
        call.answer_whole(self.status, fields, body, self.seen)

    def _seen_in(self, body: bytes) -> Seen | None:
        endpoint = self._call.endpoint
        dialect = endpoint.dialect
        if endpoint.counts:
            return seen_in(Glance(), body) if is_count(body) else None
        if dialect != "openai":
            glance = DIALECTS[dialect].glance(body)
            return seen_in(glance, body) if glance is not None else None
        found = decode_answer(body)
        return seen_of(found, body) if found is not None else None

    def broken_off(self, error: UpstreamError) -> None:
        raise AssertionError("a whole answer is never begun before it is complete")


class Carrier(Relay):
    """What brings the answer of one call piece by piece, and lets go of the call when it is over: a circle would keep
    both until the garbage collector comes by."""

    __slots__ = ("_held",)

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._held: Call | None = call

    @property
    def _call(self) -> Call:
        assert self._held is not None, "the call is over"
        return self._held


class Events(Carrier):
    """A stream of events, relayed one by one; its end is told only once the exchange is on record."""

    __slots__ = (
        "_bare",
        "_client",
        "_expand",
        "_fields",
        "_finished",
        "_id",
        "_kept",
        "_most_kept",
        "_outbox",
        "_plain",
        "_reader",
    )

    def __init__(self, call: Call, headers: list[tuple[bytes, bytes]], *, hide_usage: bool) -> None:
        super().__init__(call)
        self._id = call.id
        self._fields = call.lane.scrub(passed_fields(headers))
        self._expand = expansion_of(headers)
        dialect = call.endpoint.dialect
        self._plain = StreamReader(hide_usage=hide_usage) if dialect == "openai" else None
        self._reader: StreamReader | Watch = self._plain or DIALECTS[dialect].watch(hide_usage=hide_usage)
        self._finished = False
        self._bare = not call.chunked
        self._most_kept = call.most_held()
        self._kept: list[bytes] | None = [] if self._most_kept else None
        self._outbox = call.gateway.outbox
        self._client = call.client

    def body(self, piece: bytes, framed: bytes | None) -> None:
        if self._finished:
            return
        if self._expand is not None:
            piece, framed = self._expanded(piece), None
        plain = self._plain
        if plain is None:
            self._relayed(self._reader.feed(piece), piece, framed)
            return
        shown = plain.feed(piece)
        if shown is piece and self.started and framed is not None and not self._bare and plain.error is None:
            # Nearly every chunk: an event that tells nothing new, relayed as it came, its framing too.
            self._outbox.write(self._client, framed)
            self._note_shown(shown)
        else:
            self._relayed(shown, piece, framed)

    def _relayed(self, shown: bytes, piece: bytes, framed: bytes | None) -> None:
        reader = self._reader
        if shown:
            if reader.error is not None:
                shown = self._call.lane.scrub(shown)
            if not self.started:
                if reader.error is not None:
                    self._refused(reader.error)
                    return
                self.started = True
                self._call.start_answer(200, self._fields, b"text/event-stream; charset=utf-8")
            if shown is piece and framed is not None and not self._bare:
                self._write(framed)
            else:
                self._write(shown if self._bare else b"%x\r\n%b\r\n" % (len(shown), shown))
            self._note_shown(shown)
        if reader.done or reader.overflow:
            self._finish()

    def _write(self, piece: bytes) -> None:
        self._outbox.write(self._client, piece)

    def _expanded(self, piece: bytes) -> bytes:
        """Return a piece without its content coding: nothing, where that cannot be had and the attempt has failed."""
        assert self._expand is not None
        try:
            return self._expand(piece)
        except ValueError as error:
            self._call.fail(invalid(self._call.lane, str(error)), drop=True)
            return b""

    def _note_shown(self, shown: bytes) -> None:
        self.seen.size += len(shown)
        if self._kept is not None:
            self._hold(shown)

    def _hold(self, shown: bytes) -> None:
        """Hold what was shown, for the record and the cache; nothing of an answer that is too large for the cache."""
        assert self._kept is not None
        self._kept.append(shown)
        if self.seen.size > self._most_kept:
            self._kept = None

    def _refused(self, error: bytes) -> None:
        self._finished = True
        # Anthropic API, "Errors": the object around an error has a type.
        kind = b'"type":"error",' if self._call.endpoint.dialect == "anthropic" else b""
        self._call.refused_by_upstream(502, [], b'{%b"error":%b}' % (kind, error), drop=True)

    def _finish(self) -> None:
        call = self._call
        reader = self._reader
        if not reader.done:
            call.fail(invalid(call.lane, "an event of its stream is over 64 MiB"), drop=True)
            return
        self._finished = True
        ending = reader.ending
        self._note_shown(ending)
        seen = self.glimpse()
        if not self.started:
            self.started = True
            call.start_answer(200, self._fields, b"text/event-stream; charset=utf-8")
        outcome: Outcome = "ok" if reader.error is None else "error_event"
        call.end_answer(200, outcome, seen, ending if self._bare else last_chunks(ending))
        self._held = None

    def end(self) -> None:
        if self._finished:
            return
        self._reader.finish()
        if self._reader.done:
            self._finish()
            return
        error = self._reader.error
        if error is not None and self.started:
            self._finished = True
            self._call.ended_by_error_event()
        else:
            self._call.fail(cut(self._call.lane, "the stream ended without its last event"))

    def broken_off(self, error: UpstreamError) -> None:
        self._finished = True
        event = self.failure(error)
        self._note_shown(event)
        self._write(event if self._bare else chunk(event) + CHUNK_END)

    def failure(self, error: CallError) -> bytes:
        """Return the event that ends the stream because of an error."""
        return self._reader.fail(error, self._id)

    def end_after_error(self) -> None:
        """End the client's stream whose last event was the upstream's own error."""
        if not self._bare:
            self._write(CHUNK_END)

    def glimpse(self) -> Seen:
        seen, reader = self.seen, self._reader
        seen.finish_reason = reader.finish_reason
        seen.model = reader.model
        seen.usage = reader.usage
        seen.usage_raw = self._call.lane.scrub(reader.usage_raw) if reader.usage_raw is not None else None
        if reader.events and (reader.usage is None or not (reader.done or reader.finish_reason)):
            seen.usage = self._call.so_far(reader.usage, reader.events)
        if self._kept is not None:
            seen.body = b"".join(self._kept)
        return seen


def is_event_stream(headers: list[tuple[bytes, bytes]]) -> bool:
    """Say whether headers announce a stream of events. A coding that cannot be read makes it something else."""
    kind = (header(headers, b"content-type") or b"").lower()
    coding = (header(headers, b"content-encoding") or b"identity").lower()
    return kind.startswith(b"text/event-stream") and (coding == b"identity" or coding in CODINGS)


def is_json(headers: list[tuple[bytes, bytes]]) -> bool:
    """Say whether headers announce JSON."""
    return (header(headers, b"content-type") or b"").lower().startswith(b"application/json")


def _parsed(fields: bytes) -> list[tuple[bytes, bytes]]:
    pairs = [line.partition(b":") for line in fields.split(b"\r\n") if line]
    return [(name.lower(), value.strip(b" \t")) for name, _, value in pairs]


def last_chunks(ending: bytes) -> bytes:
    """Return the last bytes of an answer in chunks, and the last chunk (RFC 9112, 7.1)."""
    return chunk(ending) + CHUNK_END if ending else CHUNK_END


def description(headers: list[tuple[bytes, bytes]], body: bytes) -> str:
    kind = (header(headers, b"content-type") or b"").decode("latin-1")
    what = "a web page" if body.lstrip()[:1] == b"<" else "no JSON object of its dialect"
    return f"{what} ({len(body)} bytes{f', {kind}' if kind else ''})"

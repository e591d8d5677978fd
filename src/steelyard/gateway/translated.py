"""An answer that is translated on its way to the client: whole or as a stream, whichever way the upstream gives it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, UpstreamError
from steelyard.core.events import Added, Began, Ended, Event, Failed, Finished, PartBegan, Used
from steelyard.core.fold import Fold
from steelyard.dialects.dialect import Told
from steelyard.dialects.unreadable import UNREADABLE
from steelyard.gateway.answers import CHUNK_END, chunk, passed_fields
from steelyard.gateway.coding import MOST_ANSWER_BYTES, decoded, expansion_of, header
from steelyard.gateway.failure import cut, invalid, of_told
from steelyard.gateway.relay import Carrier, Seen, description, last_chunks

if TYPE_CHECKING:
    from steelyard.dialects.dialect import EventWriter
    from steelyard.gateway.call import Call
    from steelyard.gateway.detour import Detour

__all__ = ["Translated", "headers_of", "translated_at_once"]

_STREAMS = (b"text/event-stream", b"application/vnd.amazon.eventstream")
_EVENTS = (b"data:", b"event:", b"id:", b"retry:", b":")


def translated_at_once(call: Call, detour: Detour, fields: bytes, body: bytes) -> bool:
    """Answer a call that wants no stream with an upstream's answer that came in one read; `fields` are the header lines
    to pass on. Returns False, and has done nothing, where that takes a closer look: `Translated` has it."""
    crossing = detour.crossing
    assert crossing is not None
    if call.lane.is_quoted(fields, body):
        return False
    events = crossing.upstream.decode_answer(body)
    if not events or type(events[-1]) is not Ended:
        return False
    fold, seen = Fold(crossing.upstream.name), Seen()
    for event in events:
        if type(event) is Failed:
            return False
        _note(seen, event)
        fold.take(event)
    body = crossing.client.encode_answer(fold.answer(), detour.asked, detour.losses)
    seen.size, seen.body = len(body), body
    call.gateway.outbox.keep_pace()
    call.answer_whole(200, fields, body, seen)
    if call.recorded:
        call.detour = None
    return True


def headers_of(fields: bytes, body: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that came in one read. Only those lines were kept that are passed on: the kind of
    its body is told by how it begins."""
    pairs = (line.partition(b":") for line in fields.split(b"\r\n") if line)
    kind = b"text/event-stream" if body.startswith(_EVENTS) else b"application/json"
    return [(b"content-type", kind), *((name.lower(), value.strip()) for name, _, value in pairs)]


def _note(seen: Seen, event: Event) -> None:
    """Take note of what goes on record; of usage as the upstream wrote it."""
    kind = type(event)
    if kind is Used:
        assert isinstance(event, Used)
        seen.usage = event.usage or seen.usage
        seen.usage_raw = event.raw or seen.usage_raw
    elif kind is Finished:
        assert isinstance(event, Finished)
        seen.finish_reason = event.finish.native or event.finish.reason
    elif kind is Began:
        assert isinstance(event, Began)
        seen.model = event.model or seen.model


class Translated(Carrier):
    """One answer in events: read from the upstream's stream or its whole answer, written to the client's stream or
    folded to a whole answer."""

    __slots__ = (
        "_detoured",
        "_expand",
        "_finished",
        "_fold",
        "_headers",
        "_kept",
        "_kind",
        "_most_kept",
        "_parts",
        "_reader",
        "_said",
        "_size",
        "_unended",
        "_whole",
        "_writer",
        "events",
    )

    def __init__(self, call: Call, detour: Detour, headers: list[tuple[bytes, bytes]]) -> None:
        crossing = detour.crossing
        assert crossing is not None
        super().__init__(call)
        self._detoured: Detour | None = detour
        self._headers = headers
        streams = (header(headers, b"content-type") or b"").lower().startswith(_STREAMS)
        self._reader = crossing.upstream.reader() if streams else None
        self._expand = expansion_of(headers) if streams else None
        self._parts: list[bytes] = []
        self._size = 0
        self._writer: EventWriter | None = None
        self._unended: EventWriter | None = None
        self._whole = False
        self._kind = b"application/json"
        if call.stream:
            self._writer, self._kind = detour.writer()
        self._fold = Fold(crossing.upstream.name) if not call.stream else None
        self._most_kept = call.most_held()
        self._kept: list[bytes] | None = [] if self._most_kept else None
        self._finished = False
        self._said = False  # more, since usage was told last
        self.events = 0

    @property
    def _detour(self) -> Detour:
        assert self._detoured is not None, "the call is over"
        return self._detoured

    # From the upstream.

    def body(self, piece: bytes, framed: bytes | None) -> None:
        if self._finished:
            return
        reader = self._reader
        if reader is None:
            if self._has_room(piece):
                self._parts.append(piece)
            return
        if self._expand is not None:
            try:
                piece = self._expand(piece)
            except ValueError as error:
                self._fail_invalid(str(error))
                return
        if self._fold is not None and not self._has_room(piece):
            return
        self._take(reader.feed(piece))
        if reader.overflow and not self._finished:
            self._fail_invalid("an event of its stream is over 64 MiB")

    def _has_room(self, piece: bytes) -> bool:
        """Count what is held until the answer is whole; fail the attempt when that is too much."""
        self._size += len(piece)
        if self._size > MOST_ANSWER_BYTES:
            self._fail_invalid(f"over {MOST_ANSWER_BYTES} bytes")
            return False
        return True

    def _fail_invalid(self, reason: str) -> None:
        self._finished = True
        self._call.fail(invalid(self._call.lane, reason), drop=True)

    def end(self) -> None:
        if self._finished:
            return
        call = self._call
        if self._reader is not None:
            self._take(self._reader.finish())
        else:
            events = self._whole_events()
            if events is not None:
                self._take(events)
        if not self._finished:
            self._finished = True
            call.fail(cut(call.lane, "the stream ended without its last event"))

    def _whole_events(self) -> list[Event] | None:
        """Return the events of an answer that came whole; None where it cannot be read and the attempt has failed."""
        call, crossing = self._call, self._detour.crossing
        assert crossing is not None
        try:
            body = call.lane.scrub(decoded(b"".join(self._parts), self._headers))
        except ValueError as error:
            self._fail_invalid(str(error))
            return None
        events = crossing.upstream.decode_answer(body)
        if events is None:
            told = crossing.upstream.decode_error(body, self._headers)
            if told is None:
                self._fail_invalid(description(self._headers, body))
            else:
                self._finished = True
                call.refused_by_upstream(502, self._headers, body)
            return None
        if not events or type(events[-1]) is not Ended:
            events.append(Ended())
        return events

    # To the client.

    def _take(self, events: list[Event]) -> None:
        out: list[bytes] = []
        for event in events:
            kind = type(event)
            if kind is Ended:
                self._send(b"".join(out))
                self._complete()
                return
            if isinstance(event, Failed):
                self._send(b"".join(out))
                self._failed(event)
                return
            if kind is Added or kind is PartBegan:
                self._said = True
            elif kind is Used or kind is Finished or kind is Began:
                _note(self.seen, event)
                if kind is Used:
                    self._said = False
                    if self.seen.usage_raw:
                        self.seen.usage_raw = self._call.lane.scrub(self.seen.usage_raw)
            self.events += 1
            if self._writer is not None:
                out.append(self._writer.write(event))
            elif self._fold is not None:
                self._fold.take(event)
        self._send(b"".join(out))

    def _send(self, shown: bytes) -> None:
        if not shown:
            return
        call = self._call
        if not self.started:
            self.started = True
            call.start_answer(200, self._passed(), self._kind)
        self._note_shown(shown)
        call.client.write(chunk(shown) if call.chunked else shown)

    def _passed(self) -> bytes:
        return self._call.lane.scrub(passed_fields(self._headers))

    def _note_shown(self, shown: bytes) -> None:
        self.seen.size += len(shown)
        if self._kept is not None:
            self._kept.append(shown)
            if self.seen.size > self._most_kept:
                self._kept = None  # too large for the cache

    def _complete(self) -> None:
        self._finished = self._whole = True
        call = self._call
        if self._writer is None:
            self._answer()
            return
        self._unended = copy(self._writer)
        ending = self._writer.write(Ended())
        if not self.started:
            self.started = True
            call.start_answer(200, self._passed(), self._kind)
        self._note_shown(ending)
        call.end_answer(200, "ok", self.glimpse(), last_chunks(ending) if call.chunked else ending)
        self._part()

    def _answer(self) -> None:
        call, crossing, fold = self._call, self._detour.crossing, self._fold
        assert crossing is not None
        assert fold is not None
        body = crossing.client.encode_answer(fold.answer(), self._detour.asked, self._detour.losses)
        seen = self.glimpse()
        seen.size, seen.body = len(body), body
        call.gateway.outbox.keep_pace()
        call.answer_whole(200, self._passed(), body, seen)
        self._part()

    def _part(self) -> None:
        """Part from the call, which is over: in a circle, the request and the answer would lie about until the garbage
        collector comes by, and each call would be written to memory that no cache holds."""
        if self._call.recorded:
            self._call.detour = None
        self._held = self._detoured = None

    def _failed(self, event: Failed) -> None:
        if event.code == UNREADABLE:
            self._fail_invalid(self._scrubbed(event.message).removesuffix("."))
            return
        self._finished = True
        call = self._call
        told = Told(self._scrubbed(event.message), self._scrubbed(event.kind), self._scrubbed(event.code))
        failure = of_told(call.lane, event.status, told, None)
        if not self.started:
            call.fail(failure, drop=True)
            return
        error = failure.error
        self._note_shown(shown := self.failure(error))
        call.client.write(chunk(shown) if call.chunked else shown)
        call.ended_by_error_event()

    def _scrubbed(self, told: str | None) -> str:
        return self._call.lane.scrub((told or "").encode()).decode(errors="replace")

    def failure(self, error: CallError) -> bytes:
        """Return what ends the stream because of an error: in place of the end that it had, but for a record."""
        writer = self._unended or self._writer
        assert writer is not None
        return writer.fail(error)

    def broken_off(self, error: UpstreamError) -> None:
        self._finished = True
        self._note_shown(shown := self.failure(error))
        self._call.client.write(last_chunks(shown) if self._call.chunked else shown)

    def end_after_error(self) -> None:
        """End the client's stream whose last event was the upstream's own error."""
        if self._call.chunked:
            self._call.client.write(CHUNK_END)

    def glimpse(self) -> Seen:
        seen = self.seen
        ended = self._whole or seen.finish_reason is not None
        if self.events and self._reader is not None and (seen.usage is None or (self._said and not ended)):
            seen.usage = self._call.so_far(seen.usage, self.events)
        if self._kept:
            seen.body = b"".join(self._kept)
        return seen

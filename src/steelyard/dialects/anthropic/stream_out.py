"""A stream, written ("Streaming messages"): `message_start`; blocks, each with its start, fragments and stop, one after
the other under indexes without gaps; `message_delta`; `message_stop`.

Clients break on blocks that overlap, so of parts that come interleaved one is written and the others wait for it.
"""

from collections import deque

import msgspec

from steelyard.core.answer import Finish
from steelyard.core.errors import CallError
from steelyard.core.events import (
    Added,
    Began,
    Cited,
    Ended,
    Event,
    Failed,
    Finished,
    Logged,
    PartBegan,
    PartEnded,
    Pinged,
    Sealed,
    Strange,
    Used,
)
from steelyard.core.losses import Losses
from steelyard.core.parts import Fields, Part
from steelyard.dialects.anthropic.answer_out import message_id, report_extra, report_usage, stop_of
from steelyard.dialects.anthropic.errors import body_of
from steelyard.dialects.anthropic.stream_blocks import AFTER
from steelyard.dialects.anthropic.stream_parts import PartWriter, part_writer
from steelyard.dialects.anthropic.usage import usage_out
from steelyard.dialects.anthropic.words import NAME, STATUSES, error_type
from steelyard.dialects.dialect import Asked
from steelyard.dialects.sse import event as framed

__all__ = ["Writer"]

_encode = msgspec.json.Encoder().encode
_PING = framed(b'{"type":"ping"}', b"ping")

# The events that make the message: an upstream's unknown ones may not pass for them.
_OURS = frozenset(
    {
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
        "ping",
    }
)


class Writer:
    """Writes one stream. `message_start` waits for the first event after the upstream's own beginning, so that it can
    tell the input's tokens where they are known so early."""

    __slots__ = (
        "_asked",
        "_began",
        "_finish",
        "_index",
        "_late",
        "_losses",
        "_now",
        "_over",
        "_own",
        "_parts",
        "_seen",
        "_started",
        "_used",
        "_waiting",
    )

    def __init__(self, asked: Asked, losses: Losses) -> None:
        self._asked = asked
        self._losses = losses
        self._began = Began()
        self._late: Fields = {}
        self._started = False
        self._over = False
        self._own = False
        self._parts: dict[int, PartWriter] = {}
        self._now: PartWriter | None = None
        self._waiting: deque[PartWriter] = deque()
        self._index = 0
        self._seen: set[type[Part]] = set()
        self._finish: Finish | None = None
        self._used = Used(None)

    def write(self, event: Event) -> bytes:
        """Return what an event makes the client read."""
        if isinstance(event, Added):
            part = self._parts.get(event.part)
            if part is None:
                return b""
            if part.before is not None and event.text:
                return part.before + _encode(event.text) + AFTER
            return part.add(event.text)
        if self._over:
            return b""
        match event:
            case PartBegan():
                return self._begin_part(event)
            case PartEnded():
                return self._end_part(event)
            case Sealed():
                part = self._parts.get(event.part)
                return part.seal(event) if part is not None else b""
            case Cited():
                part = self._parts.get(event.part)
                return part.cite(event.citation, self._losses) if part is not None else b""
        return self._write_rest(event)

    def fail(self, error: CallError) -> bytes:
        """Return the event that ends a stream which cannot be completed."""
        if self._over:
            return b""
        self._end()
        return framed(_encode(body_of(error)), b"error")

    def _write_rest(self, event: Began | Finished | Used | Logged | Pinged | Strange | Failed | Ended) -> bytes:
        match event:
            case Began():
                self._begin(event)
            case Used():
                return self._use(event)
            case Finished() if event.choice == 0:
                self._finish = event.finish
                return self._end_parts()
            case Ended():
                return self._stop()
            case Pinged():
                return _PING
            case Strange():
                return self._pass_on(event)
            case Failed():
                return self._broken(event)
            case Logged():
                self._losses.dropped("answer.logprobs", "Anthropic tells no log probabilities")
        return b""

    def _begin(self, event: Began) -> None:
        began = self._began
        if self._started:
            self._late.update(event.extra)
        else:
            extra = {**began.extra, **event.extra}
            self._began = Began(event.id or began.id, event.model or began.model, extra=extra)
            self._own = self._own or event.dialect == NAME

    def _use(self, event: Used) -> bytes:
        self._used = event
        return b"" if self._began.model is None else self._start()

    def _start(self) -> bytes:
        if self._started:
            return b""
        self._started = True
        began = self._began
        if not self._own:
            report_extra(began.extra, "answer", self._losses)
        message = {
            "id": message_id(began.id, self._asked),
            "type": "message",
            "role": "assistant",
            "model": began.model or self._asked.request.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_out(self._used.usage, self._used.extra if self._own else {}),
            **(began.extra if self._own else {}),
        }
        return framed(_encode({"type": "message_start", "message": message}), b"message_start")

    def _begin_part(self, event: PartBegan) -> bytes:
        if event.choice != 0:
            self._losses.dropped(f"answer.choices[{event.choice}]", "Anthropic's answers are one message")
            return b""
        found = self._start()
        self._seen.add(type(event.value))
        part = part_writer(event, self._own, self._losses)
        if part is None:
            return found
        self._parts[event.part] = part
        if self._now is not None:
            self._waiting.append(part)
            return found
        self._now = part
        return found + part.open(self._index)

    def _end_part(self, event: PartEnded) -> bytes:
        part = self._parts.pop(event.part, None)
        if part is None:
            return b""
        part.end(event)
        return self._go_on() if part is self._now else b""

    def _end_parts(self) -> bytes:
        for part in self._parts.values():
            part.ended = True
        self._parts.clear()
        return self._go_on()

    def _go_on(self) -> bytes:
        """Close the part that has ended, and write those that waited, up to one that goes on."""
        found = b""
        while self._now is not None and self._now.ended:
            found += self._now.close()
            self._index = self._now.index
            self._now = self._waiting.popleft() if self._waiting else None
            if self._now is not None:
                found += self._now.open(self._index)
        return found

    def _stop(self) -> bytes:
        found = self._start() + self._end_parts()
        self._end()
        if self._used.usage is None:
            report_usage(self._losses)
        if not self._own:
            report_extra(self._used.extra, "answer.usage", self._losses)
            report_extra(self._late, "answer", self._losses)
            self._late = {}
        beside = {name: self._late.pop(name) for name in ("context_management",) if name in self._late}
        delta = {**stop_of(self._finish, self._seen, self._losses), **self._late}
        usage = usage_out(self._used.usage, self._used.extra if self._own else {})
        ending = {"type": "message_delta", "delta": delta, "usage": usage, **beside}
        return found + framed(_encode(ending), b"message_delta") + framed(b'{"type":"message_stop"}', b"message_stop")

    def _pass_on(self, event: Strange) -> bytes:
        if event.dialect != NAME or event.event is None or event.event in _OURS:
            return b""
        return self._start() + framed(event.data, event.event.encode())

    def _broken(self, event: Failed) -> bytes:
        self._end()
        kind = event.kind if event.kind in STATUSES else error_type(event.status)
        return framed(_encode({"type": "error", "error": {"type": kind, "message": event.message}}), b"error")

    def _end(self) -> None:
        self._over = True
        self._parts.clear()

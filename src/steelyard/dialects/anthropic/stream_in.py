"""A stream, read ("Streaming messages": `message_start`, blocks one after the other, `message_delta`, `message_stop`;
`ping` and `error` anywhere; events that are not known are to be tolerated)."""

from typing import Any

import msgspec
from msgspec import Struct

from steelyard.core.errors import BadRequest
from steelyard.core.events import (
    Added,
    Began,
    Cited,
    Ended,
    Event,
    Failed,
    Finished,
    PartBegan,
    PartEnded,
    PartKind,
    Pinged,
    Sealed,
    Strange,
    Used,
)
from steelyard.core.parts import Fields, Opaque, Part, Text, Thinking, ToolCall
from steelyard.dialects.anthropic.answer_in import finish_of
from steelyard.dialects.anthropic.blocks_in import answered_part, citation_of
from steelyard.dialects.anthropic.errors import told_of
from steelyard.dialects.anthropic.usage import extra_of, usage_of
from steelyard.dialects.anthropic.words import NAME, STATUSES, named
from steelyard.dialects.sse import EventFramer
from steelyard.dialects.unreadable import unreadable

__all__ = ["Reader"]


class _Text(Struct, tag_field="type", tag="text_delta"):
    text: str


class _Json(Struct, tag_field="type", tag="input_json_delta"):
    partial_json: str


class _Thinking(Struct, tag_field="type", tag="thinking_delta"):
    thinking: str


class _Signature(Struct, tag_field="type", tag="signature_delta"):
    signature: str


class _BlockDelta(Struct, tag_field="type", tag="content_block_delta"):
    index: int
    delta: _Text | _Json | _Thinking | _Signature


_decode_delta = msgspec.json.Decoder(_BlockDelta).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class _Block:
    """A block that is open."""

    __slots__ = ("fragments", "part", "value")

    def __init__(self, part: int, value: Part) -> None:
        self.part = part
        self.value = value
        self.fragments: list[str] = []


class Reader:
    """Reads one stream. Blocks that only this API has come as a whole, once they have ended."""

    __slots__ = ("_ended", "_framer", "_open", "_parts", "_used", "overflow")

    def __init__(self) -> None:
        self._framer = EventFramer()
        self._open: dict[int, _Block] = {}
        self._parts = 0
        self._used: Fields = {}
        self._ended = False
        self.overflow = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that `data` completes."""
        found: list[Event] = []
        for name, payload in self._framer.feed(data):
            if self._ended:
                break
            # All but a few events of a stream are fragments of a known kind.
            if name == b"content_block_delta" or (name is None and b"content_block_delta" in payload):
                try:
                    delta = _decode_delta(payload)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    found += self._read(name, payload)
                else:
                    self._fragment(delta, payload, found)
            else:
                found += self._read(name, payload)
        self.overflow = self._framer.overflow
        return found

    def finish(self) -> list[Event]:
        """Return nothing: a stream without its `message_stop` was cut."""
        return []

    def _fragment(self, event: _BlockDelta, payload: bytes, found: list[Event]) -> None:
        block = self._open.get(event.index)
        delta = event.delta
        if block is None:
            found.append(Strange(NAME, "content_block_delta", payload))
        elif isinstance(delta, _Text) and isinstance(block.value, Text):
            found.append(Added(block.part, delta.text))
        elif isinstance(delta, _Json) and isinstance(block.value, ToolCall | Opaque):
            block.fragments.append(delta.partial_json)
            if isinstance(block.value, ToolCall) and delta.partial_json:
                found.append(Added(block.part, delta.partial_json))
        elif isinstance(delta, _Thinking) and isinstance(block.value, Thinking):
            found.append(Added(block.part, delta.thinking))
        elif isinstance(delta, _Signature) and isinstance(block.value, Thinking):
            found.append(Sealed(block.part, delta.signature or None))
        else:
            found.append(Strange(NAME, "content_block_delta", payload))

    def _read(self, name: bytes | None, payload: bytes) -> list[Event]:
        try:
            event = _decode(payload)
            if not isinstance(event, dict):
                return [Strange(NAME, _word(name), payload)]
            kind = event.get("type") or _word(name)
            return self._event(kind, event, payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadRequest) as error:
            failure = unreadable(payload, error)
            return [failure if failure is not None else Strange(NAME, _word(name), payload)]

    def _event(self, kind: Any, event: Fields, payload: bytes) -> list[Event]:
        match kind:
            case "content_block_start":
                return self._start(event)
            case "content_block_delta":
                return self._other_delta(event, payload)
            case "content_block_stop":
                return self._stop(_index(event))
            case "message_start":
                return self._begin(event)
            case "message_delta":
                return self._delta(event)
            case "message_stop":
                self._ended = True
                return [*self._stop_all(), Ended()]
            case "ping":
                return [Pinged()]
            case "error":
                told = told_of({"type": "error", "error": event.get("error")})
                message = told.message if told is not None else "The provider broke the answer off without a reason."
                kind = told.kind if told is not None else None
                return [Failed(message, STATUSES.get(kind or "", 502), kind, told.code if told is not None else None)]
        return [Strange(NAME, kind if isinstance(kind, str) else None, payload)]

    def _begin(self, event: Fields) -> list[Event]:
        message = event.get("message")
        if not isinstance(message, dict):
            return []
        extra = named(message)
        answered_id, model = extra.pop("id", None), extra.pop("model", None)
        for name in ("type", "role", "content", "stop_reason", "stop_sequence"):
            extra.pop(name, None)
        usage = extra.pop("usage", None)
        return [Began(answered_id, model, extra=extra, dialect=NAME), *self._use(usage)]

    def _use(self, usage: Any) -> list[Event]:
        # "The token counts shown in the usage field of the message_delta event are cumulative"; some back ends report
        # cached tokens only there.
        if not isinstance(usage, dict):
            return []
        self._used = {**self._used, **named(usage)}
        return [Used(usage_of(self._used), _encode(self._used), extra_of(self._used))]

    def _delta(self, event: Fields) -> list[Event]:
        found: list[Event] = []
        delta = event.get("delta")
        extra: Fields = dict(delta) if isinstance(delta, dict) else {}
        finish = finish_of(extra)
        extra.update({name: value for name, value in event.items() if name not in ("type", "delta", "usage")})
        extra = named(extra)
        if extra:
            found.append(Began(extra=extra, dialect=NAME))
        found += self._use(event.get("usage"))
        if finish is not None:
            found = [*self._stop_all(), *found, Finished(finish)]
        return found

    def _start(self, event: Fields) -> list[Event]:
        index = _index(event)
        native = event.get("content_block")
        if not isinstance(native, dict):
            return []
        found = self._stop(index)  # one that nobody ended, if there is one: its index is taken
        if native.get("type") == "tool_use" and not isinstance(native.get("input"), dict):
            native = {**native, "input": {}}
        value = answered_part(native, f"answer.content[{self._parts}]")
        block = self._open[index] = _Block(self._parts, value)
        if isinstance(value, ToolCall):
            # What stands here is whole only where no fragments follow.
            block.value = msgspec.structs.replace(value, arguments="")
            found.append(PartBegan(block.part, "tool_call", block.value))
            block.value = value
        elif not isinstance(value, Opaque):
            kind: PartKind = "text" if isinstance(value, Text) else "thinking"
            found.append(PartBegan(block.part, kind, value))
        self._parts += 1
        return found

    def _other_delta(self, event: Fields, payload: bytes) -> list[Event]:
        block = self._open.get(_index(event))
        delta = event.get("delta")
        if block is None or not isinstance(delta, dict):
            return [Strange(NAME, "content_block_delta", payload)]
        if delta.get("type") == "citations_delta" and isinstance(block.value, Text):
            return [Cited(block.part, citation_of(delta.get("citation"), block.value.at))]
        if isinstance(block.value, Opaque):
            native = _grown(block.value.native, delta)
            block.value = Opaque(NAME, block.value.kind, native, block.value.at)
            return []
        return [Strange(NAME, "content_block_delta", payload)]

    def _stop(self, index: int) -> list[Event]:
        block = self._open.pop(index, None)
        if block is None:
            return []
        value = block.value
        if isinstance(value, Opaque):
            if block.fragments and (text := "".join(block.fragments)):
                value = Opaque(NAME, value.kind, {**value.native, "input": _decode(text)}, value.at)
            return [PartBegan(block.part, "whole", value), PartEnded(block.part)]
        if isinstance(value, ToolCall) and not any(block.fragments):
            return [Added(block.part, value.arguments), PartEnded(block.part)]
        return [PartEnded(block.part)]

    def _stop_all(self) -> list[Event]:
        return [event for index in sorted(self._open) for event in self._stop(index)]


def _index(event: Fields) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else -1


def _grown(native: Fields, delta: Fields) -> Fields:
    """Return a block with a fragment of it added: texts grow, all else is set."""
    grown = dict(native)
    for name, value in delta.items():
        if name == "type":
            continue
        old = grown.get(name)
        grown[name] = old + value if isinstance(old, str) and isinstance(value, str) else value
    return grown


def _word(name: bytes | None) -> str | None:
    return name.decode(errors="replace") if name is not None else None

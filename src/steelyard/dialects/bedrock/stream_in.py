"""A stream of ConverseStream (Amazon Bedrock API reference, "ConverseStream", "ConverseStreamOutput").

messageStart, then for each block contentBlockStart (of tools and images only), contentBlockDelta and contentBlockStop,
then messageStop, then metadata with the usage. messageStop is what makes an answer whole.
"""

from base64 import b64decode, b64encode
from binascii import Error as _Base64Error
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

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
    Sealed,
    Strange,
)
from steelyard.core.parts import Fields, Opaque, Part, Text, Thinking, ToolCall
from steelyard.dialects.bedrock.answer_in import NAME, Source, citation_of, finish_of, image_of
from steelyard.dialects.bedrock.errors import STATUSES, shape_name
from steelyard.dialects.bedrock.framing import Frame, Framer, FramingError
from steelyard.dialects.bedrock.usage import used_of

__all__ = ["Reader"]

_ABSENT: Final = Raw()


class _ToolDelta(Struct):
    input: str = ""


class _Reasoning(Struct):
    text: str | None = None
    signature: str | None = None
    redactedContent: str | None = None  # noqa: N815 - the wire's name, as all below


class _Delta(Struct):
    text: str | None = None
    toolUse: _ToolDelta | None = None  # noqa: N815
    reasoningContent: _Reasoning | None = None  # noqa: N815
    citation: Fields | None = None
    image: Fields | None = None
    toolResult: list[Any] | None = None  # noqa: N815


class _BlockDelta(Struct):
    contentBlockIndex: int  # noqa: N815
    delta: _Delta


class _BlockStart(Struct):
    contentBlockIndex: int  # noqa: N815
    start: Fields


class _ToolStart(Struct):
    toolUseId: str  # noqa: N815
    name: str
    type: str | None = None


class _ImageDelta(Struct):
    source: Source | None = None


class _BlockStop(Struct):
    contentBlockIndex: int  # noqa: N815


class _MessageStop(Struct):
    stopReason: str  # noqa: N815
    additionalModelResponseFields: Any = None  # noqa: N815


class _Metadata(Struct):
    usage: Raw = _ABSENT
    trace: Any = None
    serviceTier: Any = None  # noqa: N815
    performanceConfig: Any = None  # noqa: N815


_decode_delta: Final = msgspec.json.Decoder(_BlockDelta).decode
_decode_start: Final = msgspec.json.Decoder(_BlockStart).decode
_decode_stop: Final = msgspec.json.Decoder(_BlockStop).decode
_decode_message_stop: Final = msgspec.json.Decoder(_MessageStop).decode
_decode_metadata: Final = msgspec.json.Decoder(_Metadata).decode
_decode_fields: Final = msgspec.json.Decoder(dict[str, Any]).decode


class _Block:
    """A block while it comes. One of a kind that comes at once (`whole`: an image, a tool of the provider) is held
    until its end."""

    __slots__ = ("held", "kind", "part", "sealed", "whole")

    def __init__(self, part: int, kind: PartKind, whole: tuple[str, Fields] | None = None) -> None:
        self.part = part
        self.kind = kind
        self.whole = whole
        self.held: list[Any] = []
        self.sealed = ""


class Reader:
    """Reads a stream, in pieces cut anywhere. After a failure nothing more is read."""

    __slots__ = ("_blocks", "_called", "_failed", "_framer", "_parts", "_stopped", "_used", "overflow")

    def __init__(self) -> None:
        self.overflow = False
        self._framer = Framer()
        self._blocks: dict[int, _Block] = {}
        self._parts = 0
        self._called = False
        self._stopped = False
        self._used = False
        self._failed = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that `data` completes."""
        if self._failed:
            return []
        frames: list[Frame] = []
        damage = None
        try:
            self._framer.feed(data, frames)
        except FramingError as error:
            damage = str(error)
        self.overflow = self._framer.overflow
        events: list[Event] = []
        for headers, payload in frames:
            if not self._failed:
                self._take(headers, payload, events)
        if damage is not None and not self._failed:
            self._fail(events, f"The provider's event stream is damaged: {damage}.")
        return events

    def finish(self) -> list[Event]:
        """Return what the end of the connection completes: the end, where the usage did not come."""
        if self._stopped and not self._used and not self._failed and not self._framer.rest():
            self._used = True
            return [Ended()]
        return []

    def _take(self, headers: Mapping[str, str], payload: bytes, events: list[Event]) -> None:
        kind = headers.get(":message-type")
        if kind != "event":
            self._failed = True
            events.append(_failure(headers, payload))
            return
        name = headers.get(":event-type", "")
        try:
            if name == "contentBlockDelta":
                self._delta(_decode_delta(payload), payload, events)
            else:
                self._take_rest(name, payload, events)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, _Base64Error):
            self._fail(events, f"The provider's event {name or 'without a name'} cannot be read.")

    def _take_rest(self, name: str, payload: bytes, events: list[Event]) -> None:
        match name:
            case "contentBlockStart":
                self._start(_decode_start(payload), events)
            case "contentBlockStop":
                self._end(_decode_stop(payload).contentBlockIndex, events)
            case "messageStart":
                events.append(Began())
            case "messageStop":
                self._message_stop(_decode_message_stop(payload), events)
            case "metadata":
                self._metadata(_decode_metadata(payload), events)
            case _:
                _decode_fields(payload)  # is it JSON?
                events.append(Strange(NAME, name, payload))

    def _start(self, event: _BlockStart, events: list[Event]) -> None:
        index = event.contentBlockIndex
        for kind, value in event.start.items():
            if kind == "toolUse":
                tool = msgspec.convert(value, _ToolStart)
                if tool.type is None:
                    self._called = True
                    self._begin(index, "tool_call", ToolCall(tool.toolUseId, tool.name, ""), events)
                    return
            self._end(index, events)
            self._blocks[index] = _Block(-1, "whole", (kind, msgspec.convert(value, dict[str, Any])))
            return

    def _delta(self, event: _BlockDelta, payload: bytes, events: list[Event]) -> None:
        delta = event.delta
        index = event.contentBlockIndex
        block = self._blocks.get(index)
        if block is not None and block.kind == "whole":
            block.held.append(_decode_fields(payload)["delta"])
        elif delta.text is not None:
            if block is None or block.kind != "text":
                block = self._begin(index, "text", Text(""), events)
            events.append(Added(block.part, delta.text))
        elif delta.toolUse is not None:
            if block is None or block.kind != "tool_call":
                self._fail(events, "The provider sent arguments of a tool's call that had not begun.")
            elif delta.toolUse.input:
                events.append(Added(block.part, delta.toolUse.input))
        elif delta.reasoningContent is not None:
            self._reasoning(index, delta.reasoningContent, events)
        elif delta.citation is not None:
            if block is None or block.kind != "text":
                block = self._begin(index, "text", Text(""), events)
            events.append(Cited(block.part, citation_of(delta.citation)))
        else:
            events.append(Strange(NAME, "contentBlockDelta", payload))

    def _reasoning(self, index: int, said: _Reasoning, events: list[Event]) -> None:
        block = self._blocks.get(index)
        if block is None or block.kind != "thinking":
            block = self._begin(index, "thinking", Thinking("", NAME), events)
        if said.text:
            events.append(Added(block.part, said.text))
        if said.signature is not None:
            events.append(Sealed(block.part, signature=said.signature))
        if said.redactedContent is not None:
            block.sealed = _joined(block.sealed, said.redactedContent)
            events.append(Sealed(block.part, sealed=block.sealed))

    def _begin(self, index: int, kind: PartKind, value: Part, events: list[Event]) -> _Block:
        self._end(index, events)
        block = self._blocks[index] = _Block(self._parts, kind)
        self._parts += 1
        events.append(PartBegan(block.part, kind, value))
        return block

    def _end(self, index: int, events: list[Event]) -> None:
        block = self._blocks.pop(index, None)
        if block is None:
            return
        if block.whole is not None:
            block.part = self._parts
            self._parts += 1
            events.append(PartBegan(block.part, "whole", _whole(*block.whole, block.held)))
        events.append(PartEnded(block.part))

    def _message_stop(self, event: _MessageStop, events: list[Event]) -> None:
        for index in list(self._blocks):
            self._end(index, events)
        if event.additionalModelResponseFields is not None:
            events.append(Began(extra={"additionalModelResponseFields": event.additionalModelResponseFields}))
        finish = finish_of(event.stopReason, event.additionalModelResponseFields, called=self._called)
        events.append(Finished(finish))
        self._stopped = True
        if self._used:
            events.append(Ended())

    def _metadata(self, event: _Metadata, events: list[Event]) -> None:
        extra = {
            name: value
            for name in ("trace", "serviceTier", "performanceConfig")
            if (value := getattr(event, name)) is not None
        }
        if extra:
            events.append(Began(extra=extra))
        used = used_of(bytes(event.usage)) if event.usage else None
        if used is None:
            return  # one with metrics alone: usage may still come
        events.append(used)
        if self._stopped and not self._used:
            events.append(Ended())
        self._used = True

    def _fail(self, events: list[Event], message: str) -> None:
        self._failed = True
        events.append(Failed(message))


def _joined(before: str, more: str) -> str:
    """Return what two pieces of bytes are together, in base64."""
    return b64encode(b64decode(before) + b64decode(more)).decode() if before else more


def _whole(kind: str, start: Fields, deltas: list[Fields]) -> Part:
    """Return a part that came in pieces and is told as one."""
    pieces = [delta[kind] for delta in deltas if delta.get(kind) is not None]
    if kind == "image":
        sources = [source for one in msgspec.convert(pieces, list[_ImageDelta]) if (source := one.source) is not None]
        if sources:
            told = ""
            for source in sources:
                told = _joined(told, source.bytes or "")
            return image_of(str(start.get("format")), Source(told or None, sources[-1].s3Location))
    if kind == "toolUse":
        text = "".join(one.input for one in msgspec.convert(pieces, list[_ToolDelta]))
        return Opaque(NAME, kind, {kind: {**start, "input": msgspec.json.decode(text) if text else {}}})
    if kind == "toolResult":
        content = [one for piece in msgspec.convert(pieces, list[list[Any]]) for one in piece]
        return Opaque(NAME, kind, {kind: {**start, "content": content}})
    return Opaque(NAME, kind, {kind: {**start, "deltas": pieces}})


def _failure(headers: Mapping[str, str], payload: bytes) -> Failed:
    """Return what an exception (of the API's) or an error (of the transport's) says."""
    try:
        fields = _decode_fields(payload) if payload else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        fields = {}
    told = shape_name(headers.get(":exception-type") or headers.get(":error-code") or "InternalServerException")
    name = told[:1].upper() + told[1:]
    message = next(
        (one for key in ("message", "Message", "originalMessage") if isinstance(one := fields.get(key), str) and one),
        None,
    )
    return Failed(
        message or headers.get(":error-message") or f"The provider gave up with {name}.", STATUSES.get(name, 502), name
    )

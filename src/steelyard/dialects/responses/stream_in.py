"""An upstream's stream, read (API reference, "Streaming events").

Items are read as they grow; what an item is as a whole (`response.output_item.done`, or the last event's output where a
server leaves that out) settles what deltas did not say. Items and events of hosted tools are passed on as they are.
"""

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from steelyard.core.events import (
    Added,
    Began,
    Cited,
    Event,
    Failed,
    Logged,
    PartBegan,
    PartEnded,
    Pinged,
    Sealed,
    Strange,
)
from steelyard.core.parts import Fields, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.dialects.responses.answer_in import Seen, began, ending, failure, kind_of, logprobs_in, parts_of
from steelyard.dialects.responses.content_in import citation
from steelyard.dialects.responses.names import NAME, genuine
from steelyard.dialects.responses.thoughts import BREAK
from steelyard.dialects.sse import EventFramer

__all__ = ["StreamReader"]

_ABSENT = Raw()
_NO_LOGPROBS = (b"", b"[]", b"null")


class _Wire(Struct):
    """One event; what most do not have is absent."""

    type: str = ""
    output_index: int = -1  # llama.cpp leaves it out (github.com/ggml-org/llama.cpp/issues/20607)
    content_index: int = 0
    summary_index: int = 0
    delta: str = ""
    logprobs: Raw = _ABSENT
    item_id: str | None = None
    item: Raw = _ABSENT
    part: Raw = _ABSENT
    annotation: Raw = _ABSENT
    response: Raw = _ABSENT


_decode_event = msgspec.json.Decoder(_Wire).decode
_decode_fields = msgspec.json.Decoder(Fields).decode
_decode = msgspec.json.Decoder().decode

_Key = int | str
_SUMMARY, _CONTENT, _WHOLE = "summary", "content", "whole"


class _Growing:
    """A part of an item so far: its number, whether anything was said of it, and the piece that is being said."""

    __slots__ = ("number", "piece", "said")

    def __init__(self, number: int) -> None:
        self.number = number
        self.said = False
        self.piece = 0


class _Item:
    """An item so far, and its parts by what tells them apart in it."""

    __slots__ = ("id", "kind", "parts", "phase")

    def __init__(self, kind: str, item_id: str | None) -> None:
        self.kind = kind
        self.id = item_id
        self.phase: str | None = None
        self.parts: dict[_Key, _Growing] = {}


class StreamReader:
    """Reads one stream, in pieces cut anywhere."""

    def __init__(self) -> None:
        self._framer = EventFramer()
        self._items: dict[int, _Item] = {}
        self._settled: set[int] = set()
        self._indexes: dict[str, int] = {}
        self._latest = 0
        self._number = 0
        self._seen = Seen()
        self._began = Began()
        self._over = False
        self._failed = False
        self.overflow = False
        self._handlers: dict[str, Callable[[_Wire], list[Event]]] = {
            "response.output_text.delta": self._text_delta,
            "response.refusal.delta": self._refusal_delta,
            "response.function_call_arguments.delta": self._call_delta,
            "response.custom_tool_call_input.delta": self._call_delta,
            "response.reasoning_summary_text.delta": self._summary_delta,
            "response.reasoning_text.delta": self._reasoning_delta,
            "response.output_item.added": self._item_added,
            "response.output_item.done": self._item_done,
            "response.content_part.added": self._part_added,
            "response.output_text.annotation.added": self._annotated,
            "response.created": self._created,
            "response.completed": self._ended,
            "response.incomplete": self._ended,
            "response.failed": self._ended,
            "response.cancelled": self._ended,
            **dict.fromkeys(_SAID_TWICE, _nothing),
        }

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that `data` completes."""
        found: list[Event] = []
        for name, told in self._framer.feed(data):
            if not self._over:
                found.extend(self._read(name, told))
        self.overflow = self._framer.overflow
        return found

    def finish(self) -> list[Event]:
        """Return nothing: the dialect has terminators, and a stream without one was cut."""
        return []

    def _read(self, name: bytes | None, told: bytes) -> list[Event]:
        try:
            event = _decode_event(told)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._read_strange(name, told)
        handler = self._handlers.get(event.type)
        if handler is not None:
            return handler(event)
        return self._read_strange(name, told)

    def _read_strange(self, name: bytes | None, told: bytes) -> list[Event]:
        try:
            fields = _decode(told)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []  # `data: [DONE]`, which some servers write, or no JSON at all
        kind = fields.get("type") if isinstance(fields, dict) else None
        # Undocumented, but sent where nothing else is for long (github.com/openai/openai-node/issues/1964).
        if kind in ("keepalive", "ping") or name in (b"keepalive", b"ping"):
            return [Pinged()]
        if kind == "error" or (kind is None and isinstance(fields, dict) and fields.get("error")):
            return self._error(fields)
        return [Strange(NAME, name.decode(errors="replace") if name is not None else None, told)]

    def _error(self, fields: Fields) -> list[Event]:
        if self._failed:
            return []
        self._failed = True
        inner = fields.get("error")
        return [failure(inner if isinstance(inner, dict) else fields, "an error")]

    # Deltas

    def _text_delta(self, event: _Wire) -> list[Event]:
        found: list[Event] = []
        part = self._part(event, event.content_index, found, Text(""))
        logprobs = event.logprobs
        if logprobs is not _ABSENT and bytes(logprobs) not in _NO_LOGPROBS:
            found.append(Logged(logprobs_in(_decode(logprobs))))
        part.said = True
        found.append(Added(part.number, event.delta))
        return found

    def _refusal_delta(self, event: _Wire) -> list[Event]:
        found: list[Event] = []
        part = self._part(event, event.content_index, found, Refusal(""))
        part.said = True
        found.append(Added(part.number, event.delta))
        return found

    def _call_delta(self, event: _Wire) -> list[Event]:
        part = self._item(event).parts.get(_WHOLE)
        if part is None:
            return []  # of no call that is known: the item as a whole will say
        part.said = True
        return [Added(part.number, event.delta)]

    def _summary_delta(self, event: _Wire) -> list[Event]:
        return self._thought_delta(event, _SUMMARY, event.summary_index)

    def _reasoning_delta(self, event: _Wire) -> list[Event]:
        return self._thought_delta(event, _CONTENT, event.content_index)

    def _thought_delta(self, event: _Wire, key: str, piece: int) -> list[Event]:
        found: list[Event] = []
        part = self._part(event, key, found, Thinking("", NAME, summary=key == _SUMMARY))
        while part.piece < piece:
            part.piece += 1
            found.append(Added(part.number, BREAK))
        part.said = True
        if event.delta == BREAK:
            # A break alone begins a piece, for the writer of this dialect; these are two line ends in one.
            found.extend((Added(part.number, BREAK[:1]), Added(part.number, BREAK[1:])))
        else:
            found.append(Added(part.number, event.delta))
        return found

    def _part(self, event: _Wire, key: _Key, found: list[Event], empty: Part) -> _Growing:
        """Return the part that an event is about; it begins, if it has not."""
        item = self._item(event)
        part = item.parts.get(key)
        if part is None:
            part = self._begin(item, key, _named(empty, item), found)
        return part

    def _item(self, event: _Wire) -> _Item:
        """Return the item that an event is about."""
        item = self._items.get(event.output_index)
        if item is not None:
            return item
        index = self._index(event, {})
        return self._items.setdefault(index, _Item("", event.item_id))

    def _index(self, event: _Wire, wire: Fields) -> int:
        """Return the place of the item that an event is about; where it is not said, that of the item's id, else of
        the latest item."""
        if event.output_index >= 0:
            return event.output_index
        for name in (event.item_id, wire.get("id"), wire.get("call_id")):
            if isinstance(name, str) and name in self._indexes:
                return self._indexes[name]
        return self._latest

    def _begin(self, item: _Item, key: _Key, value: Part, found: list[Event]) -> _Growing:
        part = item.parts[key] = _Growing(self._number)
        self._number += 1
        self._seen.take(value)
        found.append(PartBegan(part.number, kind_of(value), value))
        return part

    # Items

    def _created(self, event: _Wire) -> list[Event]:
        self._began = began(_fields(event.response))
        return [self._began]

    def _item_added(self, event: _Wire) -> list[Event]:
        wire = _fields(event.item)
        given = wire.get("id")
        item = _Item(str(wire.get("type")), given if isinstance(given, str) else None)
        index = self._latest = event.output_index if event.output_index >= 0 else len(self._items)
        self._items[index] = item
        self._indexes.update({name: index for name in (given, wire.get("call_id")) if isinstance(name, str)})
        if item.kind == "message":
            phase = wire.get("phase")
            item.phase = phase if isinstance(phase, str) else None
            return []
        if item.kind == "reasoning":
            return []  # what kind of thought it is, its first words say
        found: list[Event] = []
        self._begin(item, _WHOLE, _begun(parts_of(wire)[0]), found)
        return found

    def _part_added(self, event: _Wire) -> list[Event]:
        found: list[Event] = []
        match _fields(event.part).get("type"):
            case "output_text":
                self._part(event, event.content_index, found, Text(""))
            case "refusal":
                self._part(event, event.content_index, found, Refusal(""))
        return found

    def _annotated(self, event: _Wire) -> list[Event]:
        found: list[Event] = []
        native = _fields(event.annotation)
        if native:
            part = self._part(event, event.content_index, found, Text(""))
            found.append(Cited(part.number, citation(native)))
        return found

    def _item_done(self, event: _Wire) -> list[Event]:
        found: list[Event] = []
        wire = _fields(event.item)
        self._settle(self._index(event, wire), wire, found)
        return found

    def _settle(self, index: int, wire: Fields, found: list[Event]) -> None:
        """End an item's parts, each as the whole item has it."""
        if index in self._settled or not wire:
            return
        self._settled.add(index)
        item = self._items.get(index)
        if item is None:
            item = self._items[index] = _Item(str(wire.get("type")), None)
        for number, value in enumerate(parts_of(wire)):
            key = _key(value, number)
            part = item.parts.pop(key, None)
            if part is None:
                part = self._begin(item, key, value, found)
                del item.parts[key]
                found.append(PartEnded(part.number))
                continue
            text = _words(value)
            if text and not part.said:
                found.append(Added(part.number, text))
            if isinstance(value, Thinking) and (value.sealed or value.signature):
                found.append(Sealed(part.number, value.signature, value.sealed))
            found.append(PartEnded(part.number, value))
        self._end(item, found)

    def _end(self, item: _Item, found: list[Event]) -> None:
        found.extend([PartEnded(part.number) for part in item.parts.values()])
        item.parts.clear()

    def _ended(self, event: _Wire) -> list[Event]:
        response = _fields(event.response)
        if event.type in ("response.failed", "response.cancelled"):
            response.setdefault("status", event.type.removeprefix("response."))
        found: list[Event] = []
        for index, wire in enumerate(response.get("output") or ()):
            if isinstance(wire, dict):
                self._settle(self._indexes.get(str(wire.get("id")), index), wire, found)
        for item in self._items.values():
            self._end(item, found)
        said = began(response)
        if said != self._began:
            found.append(said)
        self._over = True
        ends = ending(response, self._seen)
        if self._failed:
            ends = [one for one in ends if not isinstance(one, Failed)]
        return [*found, *ends]


def _named(value: Part, item: _Item) -> Part:
    """Return the beginning of a part with what its item says of it."""
    extra = {"phase": item.phase} if item.phase is not None else {}
    match value:
        case Text():
            return Text("", item_id=item.id, extra=extra)
        case Refusal():
            return Refusal("", item_id=item.id, extra=extra)
        case Thinking():
            return Thinking("", NAME, summary=value.summary, item_id=genuine(item.id))
    return value


def _begun(value: Part) -> Part:
    """Return a part without its words: they come."""
    if isinstance(value, ToolCall):
        return msgspec.structs.replace(value, arguments="", extra={})
    return value


def _key(value: Part, number: int) -> _Key:
    match value:
        case Text() | Refusal():
            return number
        case Thinking():
            return _SUMMARY if value.summary else _CONTENT
        case Opaque() | ToolCall():
            return _WHOLE
    return number


def _words(value: Part) -> str:
    match value:
        case Text() | Refusal() | Thinking():
            return value.text
        case ToolCall():
            return value.arguments
    return ""


def _fields(raw: Raw) -> Fields:
    try:
        return _decode_fields(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _nothing(event: _Wire) -> list[Event]:
    return []


_SAID_TWICE = (
    "response.queued",
    "response.in_progress",
    "response.output_text.done",
    "response.refusal.done",
    "response.content_part.done",
    "response.function_call_arguments.done",
    "response.custom_tool_call_input.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.done",
    "response.reasoning_text.done",
)
"""Events that say again what others said, or will say."""

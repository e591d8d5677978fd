"""An upstream's stream, read (API reference, "Streaming events").

Items are read as they grow; what an item is as a whole (`response.output_item.done`, or the last event's output where a
server leaves that out) settles what deltas did not say. Items and events of hosted tools are passed on as they are.
"""

from collections.abc import Callable

import msgspec

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
from steelyard.core.parts import Fields, Part, Refusal, Text, Thinking
from steelyard.dialects.responses.answer_in import Seen, began, ending, failure, kind_of, logprobs_in, parts_of
from steelyard.dialects.responses.content_in import citation
from steelyard.dialects.responses.growing import (
    ABSENT,
    CONTENT,
    NO_LOGPROBS,
    SUMMARY,
    WHOLE,
    Growing,
    GrowingItem,
    Key,
    Wire,
    begun,
    decode_event,
    fields_of,
    key_of,
    named,
    words_of,
)
from steelyard.dialects.responses.names import NAME
from steelyard.dialects.responses.thoughts import BREAK
from steelyard.dialects.sse import EventFramer
from steelyard.dialects.unreadable import unreadable

__all__ = ["StreamReader"]

_decode = msgspec.json.Decoder().decode


class StreamReader:
    """Reads one stream, in pieces cut anywhere."""

    def __init__(self) -> None:
        self._framer = EventFramer()
        self._items: dict[int, GrowingItem] = {}
        self._settled: set[int] = set()
        self._indexes: dict[str, int] = {}
        self._latest = 0
        self._number = 0
        self._seen = Seen()
        self._began = Began()
        self._over = False
        self._failed = False
        self.overflow = False
        self._handlers: dict[str, Callable[[Wire], list[Event]]] = {
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
            event = decode_event(told)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._read_strange(name, told)
        handler = self._handlers.get(event.type)
        if handler is not None:
            return handler(event)
        return self._read_strange(name, told)

    def _read_strange(self, name: bytes | None, told: bytes) -> list[Event]:
        try:
            fields = _decode(told)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            damage = unreadable(told, error)
            if damage is None or self._failed:
                return []  # `data: [DONE]`, which some servers write
            self._failed = self._over = True
            return [damage]
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

    def _text_delta(self, event: Wire) -> list[Event]:
        found: list[Event] = []
        part = self._part(event, event.content_index, found, Text(""))
        logprobs = event.logprobs
        if logprobs is not ABSENT and bytes(logprobs) not in NO_LOGPROBS:
            found.append(Logged(logprobs_in(_decode(logprobs))))
        part.said = True
        found.append(Added(part.number, event.delta))
        return found

    def _refusal_delta(self, event: Wire) -> list[Event]:
        found: list[Event] = []
        part = self._part(event, event.content_index, found, Refusal(""))
        part.said = True
        found.append(Added(part.number, event.delta))
        return found

    def _call_delta(self, event: Wire) -> list[Event]:
        part = self._item(event).parts.get(WHOLE)
        if part is None:
            return []  # of no call that is known: the item as a whole will say
        part.said = True
        return [Added(part.number, event.delta)]

    def _summary_delta(self, event: Wire) -> list[Event]:
        return self._thought_delta(event, SUMMARY, event.summary_index)

    def _reasoning_delta(self, event: Wire) -> list[Event]:
        return self._thought_delta(event, CONTENT, event.content_index)

    def _thought_delta(self, event: Wire, key: str, piece: int) -> list[Event]:
        found: list[Event] = []
        part = self._part(event, key, found, Thinking("", NAME, summary=key == SUMMARY))
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

    def _part(self, event: Wire, key: Key, found: list[Event], empty: Part) -> Growing:
        """Return the part that an event is about; it begins, if it has not."""
        item = self._item(event)
        part = item.parts.get(key)
        if part is None:
            part = self._begin(item, key, named(empty, item), found)
        return part

    def _item(self, event: Wire) -> GrowingItem:
        """Return the item that an event is about."""
        item = self._items.get(event.output_index)
        if item is not None:
            return item
        index = self._index(event, {})
        return self._items.setdefault(index, GrowingItem("", event.item_id))

    def _index(self, event: Wire, wire: Fields) -> int:
        """Return the place of the item that an event is about; where it is not said, that of the item's id, else of
        the latest item."""
        if event.output_index >= 0:
            return event.output_index
        for name in (event.item_id, wire.get("id"), wire.get("call_id")):
            if isinstance(name, str) and name in self._indexes:
                return self._indexes[name]
        return self._latest

    def _begin(self, item: GrowingItem, key: Key, value: Part, found: list[Event]) -> Growing:
        part = item.parts[key] = Growing(self._number)
        self._number += 1
        self._seen.take(value)
        found.append(PartBegan(part.number, kind_of(value), value))
        return part

    # Items

    def _created(self, event: Wire) -> list[Event]:
        self._began = began(fields_of(event.response))
        return [self._began]

    def _item_added(self, event: Wire) -> list[Event]:
        wire = fields_of(event.item)
        given = wire.get("id")
        item = GrowingItem(str(wire.get("type")), given if isinstance(given, str) else None)
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
        self._begin(item, WHOLE, begun(parts_of(wire)[0]), found)
        return found

    def _part_added(self, event: Wire) -> list[Event]:
        found: list[Event] = []
        match fields_of(event.part).get("type"):
            case "output_text":
                self._part(event, event.content_index, found, Text(""))
            case "refusal":
                self._part(event, event.content_index, found, Refusal(""))
        return found

    def _annotated(self, event: Wire) -> list[Event]:
        found: list[Event] = []
        native = fields_of(event.annotation)
        if native:
            part = self._part(event, event.content_index, found, Text(""))
            found.append(Cited(part.number, citation(native)))
        return found

    def _item_done(self, event: Wire) -> list[Event]:
        found: list[Event] = []
        wire = fields_of(event.item)
        self._settle(self._index(event, wire), wire, found)
        return found

    def _settle(self, index: int, wire: Fields, found: list[Event]) -> None:
        """End an item's parts, each as the whole item has it."""
        if index in self._settled or not wire:
            return
        self._settled.add(index)
        item = self._items.get(index)
        if item is None:
            item = self._items[index] = GrowingItem(str(wire.get("type")), None)
        for number, value in enumerate(parts_of(wire)):
            key = key_of(value, number)
            part = item.parts.pop(key, None)
            if part is None:
                part = self._begin(item, key, value, found)
                del item.parts[key]
                found.append(PartEnded(part.number))
                continue
            text = words_of(value)
            if text and not part.said:
                found.append(Added(part.number, text))
            if isinstance(value, Thinking) and (value.sealed or value.signature):
                found.append(Sealed(part.number, value.signature, value.sealed))
            found.append(PartEnded(part.number, value))
        self._end(item, found)

    def _end(self, item: GrowingItem, found: list[Event]) -> None:
        found.extend([PartEnded(part.number) for part in item.parts.values()])
        item.parts.clear()

    def _ended(self, event: Wire) -> list[Event]:
        response = fields_of(event.response)
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


def _nothing(event: Wire) -> list[Event]:
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

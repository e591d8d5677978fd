"""What a stream of the Responses API has told of its items so far, and the events that tell it."""

import msgspec
from msgspec import Raw, Struct

from steelyard.core.parts import Fields, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.dialects.responses.names import NAME, genuine

__all__ = [
    "ABSENT",
    "CONTENT",
    "NO_LOGPROBS",
    "SUMMARY",
    "WHOLE",
    "Growing",
    "GrowingItem",
    "Key",
    "Wire",
    "begun",
    "decode_event",
    "fields_of",
    "key_of",
    "named",
    "words_of",
]

ABSENT = Raw()
NO_LOGPROBS = (b"", b"[]", b"null")


class Wire(Struct):
    """One event; what most do not have is absent."""

    type: str = ""
    output_index: int = -1  # llama.cpp leaves it out (github.com/ggml-org/llama.cpp/issues/20607)
    content_index: int = 0
    summary_index: int = 0
    delta: str = ""
    logprobs: Raw = ABSENT
    item_id: str | None = None
    item: Raw = ABSENT
    part: Raw = ABSENT
    annotation: Raw = ABSENT
    response: Raw = ABSENT


decode_event = msgspec.json.Decoder(Wire).decode
_decode_fields = msgspec.json.Decoder(Fields).decode

Key = int | str
SUMMARY, CONTENT, WHOLE = "summary", "content", "whole"


class Growing:
    """A part of an item so far: its number, whether anything was said of it, and the piece that is being said."""

    __slots__ = ("number", "piece", "said")

    def __init__(self, number: int) -> None:
        self.number = number
        self.said = False
        self.piece = 0


class GrowingItem:
    """An item so far, and its parts by what tells them apart in it."""

    __slots__ = ("id", "kind", "parts", "phase")

    def __init__(self, kind: str, item_id: str | None) -> None:
        self.kind = kind
        self.id = item_id
        self.phase: str | None = None
        self.parts: dict[Key, Growing] = {}


def named(value: Part, item: GrowingItem) -> Part:
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


def begun(value: Part) -> Part:
    """Return a part without its words: they come."""
    if isinstance(value, ToolCall):
        return msgspec.structs.replace(value, arguments="", extra={})
    return value


def key_of(value: Part, number: int) -> Key:
    """Return what tells a part apart in its item. `number` is its place there."""
    match value:
        case Text() | Refusal():
            return number
        case Thinking():
            return SUMMARY if value.summary else CONTENT
        case Opaque() | ToolCall():
            return WHOLE
    return number


def words_of(value: Part) -> str:
    """Return what a part says: its text, or its arguments."""
    match value:
        case Text() | Refusal() | Thinking():
            return value.text
        case ToolCall():
            return value.arguments
    return ""


def fields_of(raw: Raw) -> Fields:
    """Return an object's members; none for what is no object."""
    try:
        return _decode_fields(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}

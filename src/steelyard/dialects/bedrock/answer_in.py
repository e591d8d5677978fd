"""A whole answer of Converse (Amazon Bedrock API reference, "Converse", "Response Syntax"), and what its parts share
with those of a stream."""

from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from steelyard.core.answer import Answer, Choice, Finish, FinishReason
from steelyard.core.events import Event, Used
from steelyard.core.fold import unfold
from steelyard.core.parts import Citation, Fields, Media, Opaque, Part, Text, Thinking, ToolCall
from steelyard.dialects.bedrock.usage import used_of

__all__ = ["NAME", "Source", "citation_of", "decode_answer", "finish_of", "image_of"]

NAME: Final = "bedrock"

_REASONS: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "refusal",  # not in the reference; Claude's own word
}


class _Message(Struct):
    content: list[Raw]


class _Output(Struct):
    message: _Message


class _Whole(Struct):
    output: _Output
    stopReason: str  # noqa: N815 - the wire's name, as all below
    usage: Raw = Raw()
    additionalModelResponseFields: Any = None  # noqa: N815
    trace: Any = None
    serviceTier: Any = None  # noqa: N815
    performanceConfig: Any = None  # noqa: N815


class _ToolUse(Struct):
    toolUseId: str  # noqa: N815
    name: str
    input: dict[str, Any] | None = None
    type: str | None = None


class _ReasoningText(Struct):
    text: str
    signature: str | None = None


class _Reasoning(Struct):
    reasoningText: _ReasoningText | None = None  # noqa: N815
    redactedContent: str | None = None  # noqa: N815


class _Generated(Struct):
    text: str = ""


class _Cited(Struct):
    content: list[_Generated] = []
    citations: list[Fields] = []


class _Object(Struct):
    uri: str


class Source(Struct):
    """Where the bytes of an image are."""

    bytes: str | None = None
    s3Location: _Object | None = None  # noqa: N815


class _Image(Struct):
    format: str
    source: Source | None = None


class _Block(Struct):
    text: str | None = None
    toolUse: _ToolUse | None = None  # noqa: N815
    reasoningContent: _Reasoning | None = None  # noqa: N815
    citationsContent: _Cited | None = None  # noqa: N815
    image: _Image | None = None


class _Web(Struct):
    url: str | None = None


class _Location(Struct):
    web: _Web | None = None


class _Citation(Struct):
    title: str | None = None
    source: str | None = None
    sourceContent: list[_Generated] = []  # noqa: N815
    location: _Location | None = None


_EXTRAS: Final = ("additionalModelResponseFields", "trace", "serviceTier", "performanceConfig")
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Whole).decode
_decode_block: Final = msgspec.json.Decoder(_Block).decode
_decode_fields: Final = msgspec.json.Decoder(dict[str, Any]).decode


def decode_answer(body: bytes) -> list[Event] | None:
    """Return the events of an answer; None when it is none (of the metrics, which are about the call, nothing)."""
    try:
        whole = _decode(body)
        parts = tuple(_part(block) for block in whole.output.message.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    called = any(isinstance(part, ToolCall) for part in parts)
    choice = Choice(parts, finish_of(whole.stopReason, whole.additionalModelResponseFields, called=called))
    used = (used_of(bytes(whole.usage)) if whole.usage else None) or Used(None)
    extra = {name: value for name in _EXTRAS if (value := getattr(whole, name)) is not None}
    return list(unfold(Answer(NAME, (choice,), None, None, None, used.usage, used.raw, used.extra, extra)))


def _part(raw: Raw) -> Part:
    """Return the part that a block is; an opaque one for what has no name here."""
    block = _decode_block(raw)
    if block.text is not None:
        return Text(block.text)
    if block.toolUse is not None and block.toolUse.type is None:
        return ToolCall(block.toolUse.toolUseId, block.toolUse.name, _encode(block.toolUse.input or {}).decode())
    thought = block.reasoningContent
    if thought is not None and thought.redactedContent is not None:
        return Thinking("", NAME, sealed=thought.redactedContent)
    if thought is not None and thought.reasoningText is not None:
        return Thinking(thought.reasoningText.text, NAME, signature=thought.reasoningText.signature)
    if block.citationsContent is not None:
        text = "".join(one.text for one in block.citationsContent.content)
        return Text(text, tuple(citation_of(one) for one in block.citationsContent.citations))
    if block.image is not None and block.image.source is not None:
        return image_of(block.image.format, block.image.source)
    fields = _decode_fields(raw)
    return Opaque(NAME, next(iter(fields), ""), fields)


def image_of(format_: str, source: Source) -> Media:
    """Return an image that a model made."""
    found = source.s3Location
    return Media("image", f"image/{format_}", source.bytes, found.uri if found is not None else None)


def citation_of(native: Fields) -> Citation:
    """Return a citation (API reference, "Citation", "CitationsDelta"). Its location is one in the source, so `start`
    and `end`, which are in the answer, stay unknown. Raises msgspec.ValidationError for another shape."""
    told = msgspec.convert(native, _Citation)
    url = told.location.web.url if told.location is not None and told.location.web is not None else None
    if url is None and told.source is not None and told.source.startswith(("https://", "http://")):
        url = told.source
    return Citation(NAME, native, url, told.title, "".join(one.text for one in told.sourceContent) or None)


def finish_of(native: str, fields: Any, *, called: bool) -> Finish:
    """Return why an answer ended. `fields` are those that the model adds, among them the stop sequence; `called`: a
    tool is to be called, whatever the reason says."""
    reason = _REASONS.get(native, "other")
    if called and reason == "stop":
        reason = "tool_calls"
    sequence = fields.get("stop_sequence") if isinstance(fields, dict) else None
    return Finish(reason, sequence if isinstance(sequence, str) else None, NAME, native)

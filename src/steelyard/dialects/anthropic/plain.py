"""Conversations of nothing but texts, thoughts, calls of tools and their results, read at once.

That is nearly every request, and the longest ones: typed decoding takes a third of the time that reading member by
member does. Whatever it does not know, or finds wrong, is read again by `blocks_in`, which says what and where.
"""

from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from steelyard.core.parts import Cache, Fields, Part, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message, Tool
from steelyard.dialects.anthropic.borrowed import returned, thought
from steelyard.dialects.paths import contents, numbered

__all__ = ["Plain", "plain_body", "plain_members"]


class _Cache(Struct, forbid_unknown_fields=True, gc=False):
    type: str
    ttl: str | None = None


class _Text(Struct, tag_field="type", tag="text", forbid_unknown_fields=True, gc=False):
    text: str
    cache_control: _Cache | None = None


class _Thinking(Struct, tag_field="type", tag="thinking", forbid_unknown_fields=True, gc=False):
    thinking: str
    signature: str


class _Call(Struct, tag_field="type", tag="tool_use", forbid_unknown_fields=True, gc=False):
    id: str
    name: str
    input: Raw
    cache_control: _Cache | None = None


class _Result(Struct, tag_field="type", tag="tool_result", forbid_unknown_fields=True, gc=False):
    tool_use_id: str
    content: str | list[_Text] | None = None
    is_error: bool | None = None
    cache_control: _Cache | None = None


class _Message(Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "assistant"]
    content: str | list[_Text | _Thinking | _Call | _Result]


class _Tool(Struct, forbid_unknown_fields=True, gc=False):
    name: str
    input_schema: Fields
    description: str | None = None
    cache_control: _Cache | None = None
    type: Literal["custom"] | None = None
    strict: bool | None = None


class _Body(Struct, forbid_unknown_fields=True, gc=False):
    messages: list[_Message]
    max_tokens: int
    model: str | None = None
    system: str | list[_Text] | None = None
    tools: list[_Tool] | None = None
    stream: bool | None = None
    temperature: int | float | None = None
    top_p: int | float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tool_choice: Fields | None = None
    thinking: Fields | None = None
    metadata: Fields | None = None


class Plain(Struct, gc=False):
    """A request of plain members only: `wire` holds its settings, as they came."""

    wire: _Body
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]


class _NotPlain(Exception):
    pass


_WRONG = (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, _NotPlain)
_decode_body = msgspec.json.Decoder(_Body).decode
_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_messages = msgspec.json.Decoder(list[_Message]).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_decode = msgspec.json.Decoder().decode


def plain_body(body: bytes) -> Plain | None:
    """Return a request all of which is plain; None for others."""
    try:
        wire = _decode_body(body)
        if not wire.messages or wire.max_tokens < 0:
            return None
        messages = _conversation(wire.messages)
    except _WRONG:
        return None
    system = wire.system
    if system:
        said = (Text(system, at="system"),) if type(system) is str else _texts(system, "system")
        messages.insert(0, Message("system", said, at="system"))
    given = wire.tools
    tools = [_tool(one, at) for one, at in zip(given, numbered("tools", len(given)), strict=False)] if given else ()
    return Plain(wire, tuple(messages), tuple(tools))


def plain_members(body: bytes) -> tuple[Fields, list[Message]] | None:
    """Return the members of a request without its messages, and its messages; None where they are to be read
    closely."""
    try:
        members = _decode_members(body)
        messages = _conversation(_decode_messages(members.pop("messages")))
        return {name: _decode(raw) for name, raw in members.items()}, messages
    except _WRONG:
        return None


def _conversation(messages: list[_Message]) -> list[Message]:
    calls: set[str] = set()
    found = []
    for message, (at, content_at) in zip(messages, contents(len(messages)), strict=False):
        content = message.content
        if type(content) is str:
            found.append(Message(message.role, (Text(content, at=content_at),), at=at))
        else:
            found.append(Message(message.role, _parts(content, content_at, calls), at=at))
    return found


def _parts(content: Any, at: str, calls: set[str]) -> tuple[Part, ...]:
    """Return the parts of a message. `calls` are the ids of the tools' calls so far."""
    parts: list[Part] = []
    borrowed = False
    for block, here in zip(content, numbered(at, len(content)), strict=False):
        kind = type(block)
        if kind is _Text:
            cache = block.cache_control
            parts.append(Text(block.text, at=here) if cache is None else _text(block, here))
        elif kind is _Call:
            calls.add(block.id)
            parts.append(_call(block, here))
        elif kind is _Result:
            if block.tool_use_id not in calls:
                raise _NotPlain
            parts.append(_result(block, here))
        else:
            borrowed = True
            parts.append(_thought(block, here))
    return returned(parts) if borrowed else tuple(parts)


def _call(block: _Call, at: str) -> ToolCall:
    _decode_object(block.input)  # what is skipped is not checked
    return ToolCall(block.id, block.name, str(block.input, "utf-8"), cache=_cache(block.cache_control), at=at)


def _result(block: _Result, at: str) -> ToolResult:
    content, inner = block.content, at + ".content"
    texts = (Text(content, at=inner),) if type(content) is str else _texts(content, inner)
    return ToolResult(block.tool_use_id, texts, error=block.is_error, cache=_cache(block.cache_control), at=at)


def _texts(blocks: Any, at: str) -> tuple[Text, ...]:
    if not blocks:
        return ()
    return tuple([_text(one, here) for one, here in zip(blocks, numbered(at, len(blocks)), strict=False)])


def _text(block: _Text, at: str) -> Text:
    return Text(block.text, cache=_cache(block.cache_control), at=at)


def _thought(block: _Thinking, at: str) -> Thinking:
    if not block.signature:
        raise _NotPlain
    return thought(block.thinking, block.signature, at)


def _tool(tool: _Tool, at: str) -> Tool:
    cache = _cache(tool.cache_control)
    return Tool(tool.name, tool.description, tool.input_schema, tool.strict, cache, at=at)


def _cache(told: _Cache | None) -> Cache | None:
    return None if told is None else Cache(told.type, told.ttl)

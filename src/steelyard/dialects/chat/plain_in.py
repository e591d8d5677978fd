"""Requests of nothing but texts, calls of functions and their results, with settings that need no second look, read at
once by a typed decoding. Whatever it does not know, or finds wrong, is read again member by member, which says what and
where."""

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from steelyard.core.parts import Fields, Part, Text, ToolCall, ToolResult
from steelyard.core.request import Message, Tool
from steelyard.dialects.paths import contents, numbered

__all__ = ["PlainBody", "plain_body", "plain_messages", "plain_tools"]


class _Text(Struct, tag_field="type", tag="text", forbid_unknown_fields=True, gc=False):
    text: str


class _System(Struct, tag_field="role", tag="system", forbid_unknown_fields=True, gc=False):
    content: str | list[_Text]


class _Developer(Struct, tag_field="role", tag="developer", forbid_unknown_fields=True, gc=False):
    content: str | list[_Text]


class _User(Struct, tag_field="role", tag="user", forbid_unknown_fields=True, gc=False):
    content: str | list[_Text]


class _Function(Struct, forbid_unknown_fields=True, gc=False):
    name: str
    arguments: str


class _Call(Struct, tag_field="type", tag="function", forbid_unknown_fields=True, gc=False):
    id: str
    function: _Function


class _Assistant(Struct, tag_field="role", tag="assistant", forbid_unknown_fields=True, gc=False):
    content: str | None = None
    tool_calls: list[_Call] | None = None
    refusal: None = None


class _Result(Struct, tag_field="role", tag="tool", forbid_unknown_fields=True, gc=False):
    tool_call_id: str
    content: str | list[_Text]


class _Schema(Struct, forbid_unknown_fields=True, gc=False):
    name: str
    description: str | None = None
    parameters: Fields | None = None
    strict: bool | None = None


class _Tool(Struct, tag_field="type", tag="function", forbid_unknown_fields=True, gc=False):
    function: _Schema


class _StreamOptions(Struct, forbid_unknown_fields=True, gc=False):
    include_usage: bool | None = None


_Message: TypeAlias = _System | _Developer | _User | _Assistant | _Result
_Number: TypeAlias = int | float | None


class PlainBody(Struct, forbid_unknown_fields=True, gc=False):
    """A request's plain members; a null counts as absent."""

    model: str
    messages: list[_Message]
    tools: list[_Tool] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: _Number = None
    top_p: _Number = None
    presence_penalty: _Number = None
    frequency_penalty: _Number = None
    seed: int | None = None
    n: int | None = None
    stop: str | list[str] | None = None
    user: str | None = None
    store: bool | None = None
    service_tier: str | None = None
    metadata: Fields | None = None
    parallel_tool_calls: bool | None = None
    tool_choice: Any = None


_decode = msgspec.json.Decoder(PlainBody).decode
_ROLES: dict[type, Literal["system", "developer", "user"]] = {
    _System: "system",
    _Developer: "developer",
    _User: "user",
}


def plain_body(body: bytes) -> PlainBody | None:
    """Return a request all of which is plain; None for others."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if found.max_tokens is not None and found.max_completion_tokens is not None else found


def plain_messages(messages: list[_Message]) -> tuple[Message, ...]:
    """Return the messages of a plain request."""
    found = []
    for message, (at, content_at) in zip(messages, contents(len(messages)), strict=False):
        if type(message) is _Assistant:
            found.append(Message("assistant", _said(message, at, content_at), at=at))
        elif type(message) is _Result:
            said = _texts(message.content, content_at)
            found.append(Message("tool", (ToolResult(message.tool_call_id, said, at=at),), at=at))
        else:
            found.append(Message(_ROLES[type(message)], _texts(message.content, content_at), at=at))
    return tuple(found)


def plain_tools(tools: list[_Tool]) -> tuple[Tool, ...]:
    """Return the tools of a plain request."""
    found = []
    for tool, at in zip(tools, numbered("tools", len(tools)), strict=False):
        one = tool.function
        found.append(Tool(one.name, one.description, one.parameters, one.strict, at=at))
    return tuple(found)


def _texts(content: Any, at: str) -> tuple[Text, ...]:
    if type(content) is str:
        return (Text(content, at=at),)
    return tuple([Text(one.text, at=here) for one, here in zip(content, numbered(at, len(content)), strict=False)])


def _said(message: _Assistant, at: str, content_at: str) -> tuple[Part, ...]:
    content, calls = message.content, message.tool_calls
    if not calls:
        return () if content is None else (Text(content, at=content_at),)
    # Many clients write "" where a message has no text: no other dialect takes it for one.
    parts: list[Part] = [Text(content, at=content_at)] if content else []
    for call, here in zip(calls, numbered(at + ".tool_calls", len(calls)), strict=False):
        parts.append(ToolCall(call.id, call.function.name, call.function.arguments, at=here))
    return tuple(parts)

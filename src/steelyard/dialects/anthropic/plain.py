"""Conversations of nothing but texts, thoughts, calls of tools and their results, read at once.

That is nearly every request, and the longest ones: typed decoding takes a third of the time that reading member by
member does. Whatever it does not know, or finds wrong, is read again by `blocks_in`, which says what and where.
"""

from typing import Literal

import msgspec
from msgspec import Raw, Struct

from steelyard.core.parts import Cache, Fields, Part, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message
from steelyard.dialects.anthropic.borrowed import returned, thought

__all__ = ["plain_body"]


class _Cache(Struct, forbid_unknown_fields=True):
    type: str
    ttl: str | None = None


class _Text(Struct, tag_field="type", tag="text", forbid_unknown_fields=True):
    text: str
    cache_control: _Cache | None = None


class _Thinking(Struct, tag_field="type", tag="thinking", forbid_unknown_fields=True):
    thinking: str
    signature: str


class _Call(Struct, tag_field="type", tag="tool_use", forbid_unknown_fields=True):
    id: str
    name: str
    input: Raw
    cache_control: _Cache | None = None


class _Result(Struct, tag_field="type", tag="tool_result", forbid_unknown_fields=True):
    tool_use_id: str
    content: str | list[_Text] | None = None
    is_error: bool | None = None
    cache_control: _Cache | None = None


class _Message(Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant"]
    content: str | list[_Text | _Thinking | _Call | _Result]


class _NotPlain(Exception):
    pass


_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_messages = msgspec.json.Decoder(list[_Message]).decode
_decode = msgspec.json.Decoder().decode


def plain_body(body: bytes) -> tuple[Fields, list[Message]] | None:
    """Return the members of a request without its messages, and its messages; None where they are to be read
    closely."""
    try:
        members = _decode_members(body)
        messages = _decode_messages(members.pop("messages"))
        found = [_message(one, f"messages[{number}]") for number, one in enumerate(messages)]
        return {name: _decode(raw) for name, raw in members.items()}, found
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, _NotPlain):
        return None


def _message(message: _Message, at: str) -> Message:
    content = message.content
    if isinstance(content, str):
        return Message(message.role, (Text(content, at=f"{at}.content"),), at=at)
    parts = [_part(block, f"{at}.content[{number}]") for number, block in enumerate(content)]
    return Message(message.role, returned(parts), at=at)


def _part(block: _Text | _Thinking | _Call | _Result, at: str) -> Part:
    if isinstance(block, _Text):
        return _text(block, at)
    if isinstance(block, _Call):
        given = bytes(block.input)
        if not given.startswith(b"{"):
            raise _NotPlain
        _decode(given)  # what is skipped is not checked
        return ToolCall(block.id, block.name, given.decode(), cache=_cache(block.cache_control), at=at)
    if isinstance(block, _Result):
        content = block.content
        texts = (
            (Text(content, at=f"{at}.content"),)
            if isinstance(content, str)
            else tuple(_text(one, f"{at}.content[{number}]") for number, one in enumerate(content or ()))
        )
        cache = _cache(block.cache_control)
        return ToolResult(block.tool_use_id, texts, error=block.is_error, cache=cache, at=at)
    return _thought(block, at)


def _text(block: _Text, at: str) -> Text:
    return Text(block.text, (), _cache(block.cache_control), at=at)


def _thought(block: _Thinking, at: str) -> Thinking:
    if not block.signature:
        raise _NotPlain
    return thought(block.thinking, block.signature, at)


def _cache(told: _Cache | None) -> Cache | None:
    return None if told is None else Cache(told.type, told.ttl)

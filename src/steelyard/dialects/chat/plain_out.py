"""Messages of the forms that nearly all have, written without looking for more: one text, one result of one text, an
assistant's text and calls of tools, with nothing beside them."""

from steelyard.core.parts import Fields, Part, Text, ToolCall, ToolResult
from steelyard.core.request import Message
from steelyard.dialects.chat.tools import write_call

__all__ = ["is_bare", "plain_message"]

_ANYWHERE = frozenset(("system", "user"))


def plain_message(message: Message) -> Fields | None:
    """Return a message of one of these forms; None for others."""
    parts = message.parts
    if not parts or message.extra or message.name is not None:
        return None
    if message.role == "assistant":
        return _assistant(parts)
    if len(parts) == 1:
        part = parts[0]
        if type(part) is ToolResult:
            return _result(part)
        if type(part) is Text and message.role in _ANYWHERE and is_bare(part):
            return {"role": message.role, "content": part.text}
    return None


def is_bare(part: Text) -> bool:
    """Say whether a text is nothing but text."""
    return part.cache is None and not part.extra and not part.citations and not part.signature


def _assistant(parts: tuple[Part, ...]) -> Fields | None:
    content = None
    first = parts[0]
    if type(first) is Text:
        if not is_bare(first):
            return None
        content = first.text
        parts = parts[1:]
        if not parts:
            return {"role": "assistant", "content": content}
    calls = []
    for one in parts:
        if type(one) is not ToolCall or one.cache is not None or one.extra or one.signature:
            return None
        calls.append(write_call(one))
    return {"role": "assistant", "content": content, "tool_calls": calls}


def _result(part: ToolResult) -> Fields | None:
    if len(part.content) != 1 or part.error or part.cache is not None or part.extra or part.name:
        return None
    said = part.content[0]
    if type(said) is Text and is_bare(said):
        return {"role": "tool", "tool_call_id": part.call_id, "content": said.text}
    return None

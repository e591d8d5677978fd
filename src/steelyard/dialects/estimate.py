"""Tokens of an input, estimated where nobody counts them."""

import msgspec

from steelyard.core.parts import Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Request

__all__ = ["estimated_tokens", "uncounted"]

_BYTES_PER_TOKEN = 4
"""OpenAI help centre, "What are tokens and how to count them?": a token is about four characters of English text."""

_PER_MESSAGE = 3
"""What frames a message in most chat templates: its role, and two marks."""

_encode = msgspec.json.Encoder().encode


def estimated_tokens(request: Request) -> int:
    """Return about how many tokens a request's text takes; images and other media count nothing (see `uncounted`)."""
    size = sum(_size(part) for message in request.messages for part in message.parts)
    for tool in request.tools:
        size += len(tool.name) + len(tool.description or "") + len(_encode(tool.parameters or {}))
    return -(-size // _BYTES_PER_TOKEN) + _PER_MESSAGE * len(request.messages)


def uncounted(request: Request) -> list[str]:
    """Return the paths of what an estimate leaves out."""
    return [part.at for one in request.messages for part in one.parts if isinstance(part, Media) and part.text is None]


def _size(part: Part) -> int:
    match part:
        case Text() | Thinking() | Refusal():
            return len(part.text.encode())
        case ToolCall():
            return len(part.name) + len(part.arguments.encode())
        case ToolResult():
            return sum(_size(one) for one in part.content)
        case Media():
            return len((part.text or "").encode())
        case Opaque():
            return len(_encode(part.native))

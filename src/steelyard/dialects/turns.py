"""Messages as turns: dialects differ in how many messages one side may send in a row."""

from collections.abc import Sequence

from msgspec import structs

from steelyard.core.parts import ToolCall
from steelyard.core.request import Message

__all__ = ["instructions", "merged", "tool_names"]


def instructions(messages: Sequence[Message]) -> tuple[list[Message], list[Message], list[Message]]:
    """Return system and developer messages in front of all others, the conversation without any of them, and those
    that stand in the middle of it: dialects with one field for instructions hoist these, and say so."""
    first = 0
    while first < len(messages) and messages[first].role in ("system", "developer"):
        first += 1
    rest = list(messages[first:])
    late = [one for one in rest if one.role in ("system", "developer")]
    if late:
        rest = [one for one in rest if one.role not in ("system", "developer")]
    return list(messages[:first]), rest, late


def merged(messages: Sequence[Message]) -> list[Message]:
    """Return messages with those that follow each other on one side made one: of the assistant, or of the user with
    the results of tools, which come as messages of their own in some dialects. Roles are `user` and `assistant` then;
    name, path and extra fields are the first one's."""
    turns: list[Message] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        if turns and turns[-1].role == role:
            turns[-1] = structs.replace(turns[-1], parts=turns[-1].parts + message.parts)
        else:
            turns.append(message if message.role == role else structs.replace(message, role=role))
    return turns


def tool_names(messages: Sequence[Message]) -> dict[str, str]:
    """Return the name of the tool that each call of a conversation called, by the call's id."""
    return {part.id: part.name for one in messages for part in one.parts if isinstance(part, ToolCall)}

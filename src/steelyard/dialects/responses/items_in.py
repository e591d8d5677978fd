"""A request's input from the wire: each item is a message of its own (API reference, "Create a model response",
`input`)."""

from collections.abc import Callable
from typing import Any, cast

from msgspec import structs

from steelyard.core.parts import Media, Opaque, Part, Role, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message
from steelyard.dialects.members import Members, wrong
from steelyard.dialects.responses.content_in import below, contents, left
from steelyard.dialects.responses.names import HOSTED, NAME, genuine
from steelyard.dialects.responses.thoughts import CALL, CALLED, seal_of, thoughts

__all__ = ["call", "custom_call", "message", "messages"]

_ROLES = ("user", "assistant", "system", "developer")


def messages(value: Any, at: str) -> tuple[Message, ...]:
    """Return the messages of an input, which is a string or an array of items. Raises BadRequest."""
    if isinstance(value, str):
        return (Message("user", (Text(value, at=at),), at=at),)
    if not isinstance(value, list):
        raise wrong(at, "expected a string or an array of items", "invalid_type")
    found: list[Message] = []
    pending: str | None = None
    for number, item in enumerate(value):
        path = f"{at}[{number}]"
        seal = seal_of(item) if isinstance(item, dict) and item.get("type") == "reasoning" else None
        if seal is not None:
            pending = _put(seal, found, path) or pending
            continue
        one = _message(item, path)
        if pending is not None and isinstance(one.parts[0] if one.parts else None, ToolCall):
            called = cast(ToolCall, one.parts[0])
            one = structs.replace(one, parts=(structs.replace(called, signature=pending),))
            pending = None
        found.append(one)
    if pending is not None:
        found.append(_lonely(pending, at))
    return tuple(found)


def _put(seal: tuple[str, str], found: list[Message], at: str) -> str | None:
    """Put a seal on what it seals. Return one for the call that is yet to come."""
    what, text = seal
    if what == CALL:
        return text
    kind = ToolCall if what == CALLED else Text
    for number in range(len(found) - 1, -1, -1):
        part = found[number].parts[-1] if found[number].parts else None
        if isinstance(part, kind) and found[number].role == "assistant":
            parts = (*found[number].parts[:-1], structs.replace(part, signature=text))
            found[number] = structs.replace(found[number], parts=parts)
            return None
    found.append(_lonely(text, at))
    return None


def _lonely(seal: str, at: str) -> Message:
    """Return a seal whose call or text the client left out: only its provider can say what it is worth."""
    return Message("assistant", (Thinking("", "gemini", signature=seal, at=at),), at=at)


def _message(item: Any, at: str) -> Message:
    members = Members(item, at)
    kind = item.get("type")
    if isinstance(kind, str):
        members.any("type")
    else:
        members.text("type")
        kind = "message" if "role" in members else "item_reference" if "id" in members else "message"
    read = _READERS.get(kind)
    if read is not None:
        return read(members)
    role = HOSTED.get(kind)
    if role is None:
        raise wrong(
            at, f'unknown type of item "{kind}". Known are {", ".join([*_READERS, *HOSTED])}.', "unknown_content"
        )
    return Message(role, (Opaque(NAME, kind, item, at),), at=at)


def message(members: Members) -> Message:
    """Return a message item's message."""
    at = members.at
    role = members.needed_text("role")
    if role not in _ROLES:
        raise wrong(members.path("role"), f'unknown role "{role}". Use {", ".join(_ROLES)}.', "invalid_role")
    content = members.any("content")
    if content == [] and role != "assistant":
        raise wrong(members.path("content"), "is empty. Give at least one content part.", "empty_content")
    parts = contents(content, below(at, ".content"))
    if not members.rest():
        return Message(cast(Role, role), parts, at=at)
    item_id = genuine(members.text("id"))
    _drop_status(members)
    return Message(cast(Role, role), parts, at=at, extra=left(members), item_id=item_id)


def _drop_status(members: Members) -> None:
    # "Populated when items are returned via API": that an item is complete says nothing to a model.
    rest = members.rest()
    if rest.get("status") == "completed":
        del rest["status"]


def call(members: Members) -> ToolCall:
    """Return a function call item's call."""
    _drop_status(members)
    name = members.needed_text("name")
    arguments = members.needed_text("arguments")
    call_id = members.needed_text("call_id")
    item_id = genuine(members.text("id"))
    return ToolCall(call_id, name, arguments, item_id=item_id, at=members.at, extra=left(members))


def custom_call(members: Members) -> ToolCall:
    """Return a custom tool's call."""
    _drop_status(members)
    name = members.needed_text("name")
    given = members.needed_text("input")
    call_id = members.needed_text("call_id")
    item_id = genuine(members.text("id"))
    return ToolCall(call_id, name, given, custom=True, item_id=item_id, at=members.at, extra=left(members))


def _result(members: Members, *, custom: bool) -> Message:
    at = members.at
    _drop_status(members)
    call_id = members.needed_text("call_id")
    parts: tuple[Part, ...] = contents(members.any("output"), below(at, ".output"))
    for part in parts:
        if not isinstance(part, Text | Media | Opaque):
            raise wrong(part.at, "a tool's output is made of input_text, input_image and input_file", "unknown_content")
    result = ToolResult(
        call_id,
        cast("tuple[Text | Media | Opaque, ...]", parts),
        members.text("name"),
        custom=custom,
        at=at,
        item_id=genuine(members.text("id")),
        extra=left(members),
    )
    return Message("tool", (result,), at=at)


def _thought(members: Members) -> Message:
    _drop_status(members)
    return Message("assistant", thoughts(members, members.at), at=members.at)


def _of_call(read: Callable[[Members], ToolCall]) -> Callable[[Members], Message]:
    return lambda members: Message("assistant", (read(members),), at=members.at)


_READERS: dict[str, Callable[[Members], Message]] = {
    "message": message,
    "function_call": _of_call(call),
    "function_call_output": lambda members: _result(members, custom=False),
    "custom_tool_call": _of_call(custom_call),
    "custom_tool_call_output": lambda members: _result(members, custom=True),
    "reasoning": _thought,
}

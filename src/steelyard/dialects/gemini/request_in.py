"""A request, from Gemini's words (Gemini API reference, "models.generateContent", "Content")."""

from functools import partial
from typing import Any

from steelyard.core.parts import Part, Role, Text, ToolCall, ToolResult
from steelyard.core.request import Message, Request
from steelyard.dialects.gemini.calls import Calls, placed_id
from steelyard.dialects.gemini.parts_in import part_of
from steelyard.dialects.gemini.proto import Proto
from steelyard.dialects.gemini.settings_in import choice_of, settings_of
from steelyard.dialects.gemini.thoughts import gathered, joined
from steelyard.dialects.gemini.tools_in import tools_of
from steelyard.dialects.members import decode_object, wrong

__all__ = ["decode_request"]

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "tool"}
"""`function` is what results of functions were sent as before they moved to `user`; both are still taken."""


def decode_request(body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
    """Return what a client asks: a body of `generateContent`, `streamGenerateContent`, or `countTokens` in either of
    its forms (reference, "models.countTokens": `contents`, or `generateContentRequest` with all that a request has).

    The model's name and whether to stream stand in the path. Raises BadRequest with the path of the mistake.
    """
    members = Proto(decode_object(body))
    whole = members.message("generateContentRequest")
    if whole is not None:
        if "contents" in members:
            raise wrong("generateContentRequest", "stands beside contents. Give one of them.")
        members = Proto(whole.rest())
    named = (members.text("model") or "").removeprefix("models/")
    cached = members.text("cachedContent")
    messages = _system(members) + _conversation(members, partial=cached is not None)
    settings, extra = settings_of(members)
    tools = tools_of(members)
    choice = choice_of(members, extra)
    if cached is not None:
        extra["cachedContent"] = cached
    extra.update(members.rest())
    return Request(
        dialect="gemini",
        model=model if model is not None else named,
        messages=tuple(messages),
        stream=bool(stream),
        include_usage=True,  # every chunk of Gemini's tells it
        tools=tools,
        tool_choice=choice,
        extra=extra,
        **settings,
    )


def _system(members: Proto) -> list[Message]:
    """Return the instructions. Their role says nothing and is not kept."""
    value = members.any("systemInstruction")
    if value is None:
        return []
    at = "systemInstruction"
    if isinstance(value, str):  # as Google's clients take it, and some send it
        value = {"parts": [{"text": value}]}
    content = Proto(value, at)
    content.any("role")
    parts = _parts(content, 0)
    for part in parts:
        if isinstance(part, ToolCall | ToolResult):
            raise wrong(part.at, "instructions take no calls of functions and no results.")
    return [Message("system", tuple(parts), at=at, extra=content.rest())] if parts or content.rest() else []


def _conversation(members: Proto, *, partial: bool) -> list[Message]:
    contents = members.many("contents")
    if not contents:
        raise wrong("contents", "is empty. Send at least one content of the user.", "missing_field")
    calls = Calls(partial=partial)
    found: list[Message] = []
    for number, value in enumerate(contents):
        content = Proto(value, f"contents[{number}]")
        role = content.text("role") or "user"
        if role not in _ROLES:
            raise wrong(content.path("role"), f'"{role}" is no role. Use user or model.', "invalid_role")
        parts = _parts(content, number)
        matched = [_matched(part, calls, placed_id(number, place)) for place, part in enumerate(parts)]
        parts = [part for part in matched if not _says_nothing(part)] or matched
        whole = gathered(found, joined(parts)) if role == "model" else parts
        found.append(Message(_ROLES[role], tuple(whole), at=content.at, extra=content.rest()))
    return found


def _says_nothing(part: Part) -> bool:
    """Say whether a part is an empty text: the last chunk of a stream has one, and clients send it back."""
    return isinstance(part, Text) and not part.text and part.signature is None and not part.extra


def _parts(content: Proto, place: int) -> list[Part]:
    values: list[Any] = content.many("parts") or []
    return [
        part_of(value, f"{content.at}.parts[{number}]", partial(placed_id, place, number))
        for number, value in enumerate(values)
    ]


def _matched(part: Part, calls: Calls, place: str) -> Part:
    if isinstance(part, ToolCall):
        calls.called(part)
    elif isinstance(part, ToolResult):
        return calls.answered(part, place)
    return part

"""What no dialect can send, found before anything is sent."""

from collections.abc import Iterator
from typing import Any

import msgspec

from steelyard.core.errors import BadRequest
from steelyard.core.parts import Media, Opaque, Part, Text, ToolCall, ToolResult
from steelyard.core.request import Message, Request
from steelyard.dialects.members import wrong

__all__ = ["check", "demand"]

_KINDS = {"image": "images", "document": "documents", "audio": "audio", "video": "video"}
_INSTRUCTIONS = frozenset(("system", "developer"))
_WRITTEN = frozenset(("anthropic", "gemini"))
"""Dialects in which the arguments of a call are an object: their text is ours."""
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def check(request: Request) -> None:
    """Raise BadRequest, with `param` set to the path, for a conversation that no provider takes.

    That is: no messages but instructions, a message without content, arguments of a call that are no JSON object, a
    result without its call before it, and two results for one call. A result whose call may stand where we cannot see
    it (a stored answer that is continued, an item of the dialect's own) is let through.
    """
    waiting: set[str] = set()
    answered: set[str] = set()
    hidden = request.previous_id is not None
    written = request.dialect in _WRITTEN
    _check_said(request)
    for message in request.messages:
        if not message.parts:
            raise wrong(message.at, "the message has no content. Give it some, or leave it out.", "empty_content")
        for part in message.parts:
            kind = type(part)
            if kind is Text:
                continue
            if isinstance(part, ToolCall):
                if not written:
                    _check_arguments(part)
                waiting.add(part.id)
                answered.discard(part.id)  # some servers count their calls anew in each answer
            elif isinstance(part, ToolResult):
                _check_result(part, waiting, answered, hidden=hidden)
                waiting.discard(part.call_id)
                answered.add(part.call_id)
            elif kind is Opaque:
                hidden = True


def _check_said(request: Request) -> None:
    for message in request.messages:
        if message.role not in _INSTRUCTIONS:
            return
    path = request.path_of("messages")
    raise wrong(path, "holds no message of a user or an assistant. Say something.", "empty_messages")


def _check_arguments(call: ToolCall) -> None:
    if call.custom or not call.arguments or call.arguments == "{}":
        return
    try:
        _decode(call.arguments)
    except (msgspec.DecodeError, RecursionError) as error:
        text = f'the arguments of the call of "{call.name}" are no JSON object: {error}.'
        raise wrong(call.at, text, "invalid_arguments") from None


def _check_result(result: ToolResult, waiting: set[str], answered: set[str], *, hidden: bool) -> None:
    if result.call_id in waiting:
        return
    if result.call_id in answered:
        text = f'a second result for the tool call "{result.call_id}". Give one.'
        raise wrong(result.at, text, "repeated_tool_result")
    if not hidden:
        text = f'a result for the tool call "{result.call_id}", which no message before it makes.'
        raise wrong(result.at, text, "unknown_tool_call")


def demand(request: Request, lacks: frozenset[str]) -> None:
    """Raise BadRequest, with the path of the first thing that a model lacks. `lacks` holds words: "images",
    "documents", "audio", "video", "tools", "json_schema", "thinking"."""
    for word, path in _demands(request):
        if word in lacks:
            raise BadRequest(
                f"{path}: the model {request.model} has no {word}. Leave it out, or ask another model.",
                code="capability_missing",
                param=path,
            )


def _demands(request: Request) -> Iterator[tuple[str, str]]:
    for message in request.messages:
        yield from _held(message)
    if request.tools:
        yield "tools", request.tools[0].at or request.path_of("tools")
    if request.output is not None and request.output.kind == "schema":
        yield "json_schema", request.path_of("output")
    reasoning = request.reasoning
    if reasoning is not None and reasoning.effort != "none" and reasoning.budget != 0:
        wanted = reasoning.effort is not None or reasoning.budget is not None or reasoning.adaptive
        if wanted:
            yield "thinking", request.path_of("reasoning")


def _held(message: Message) -> Iterator[tuple[str, str]]:
    for part in message.parts:
        held: tuple[Part, ...] = part.content if isinstance(part, ToolResult) else (part,)
        for one in held:
            if isinstance(one, Media):
                yield _KINDS[one.kind], one.at

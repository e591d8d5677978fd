"""A request, in Gemini's words (Gemini API reference, "models.generateContent")."""

from collections.abc import Sequence

import msgspec

from steelyard.core.errors import BadRequest
from steelyard.core.losses import Losses
from steelyard.core.parts import Fields, Part, Text, ToolResult
from steelyard.core.request import Message, Request
from steelyard.dialects.dialect import Facts
from steelyard.dialects.gemini.generations import is_third
from steelyard.dialects.gemini.parts_out import Sending, sent
from steelyard.dialects.gemini.proto import spread
from steelyard.dialects.gemini.settings_out import config_json, tier_of
from steelyard.dialects.gemini.tools_out import choice_json, tools_json
from steelyard.dialects.members import wrong
from steelyard.dialects.turns import instructions, merged, tool_names

__all__ = ["encode_request"]

_UNSIGNED = "skip_thought_signature_validator"
"""What Google documents for calls that come from elsewhere (Gemini API, "Thought signatures", FAQ)."""

_encode = msgspec.json.Encoder().encode


def encode_request(request: Request, facts: Facts, losses: Losses) -> bytes:
    """Return the body that asks a model the same; the model's name and whether to stream stand in the path.

    Raises BadRequest, with the client's path, for content that would be lost.
    """
    own = request.dialect == "gemini"
    third = is_third(facts.model)
    to = Sending(own, own or third, tool_names(request.messages), losses)
    system, conversation = _system(request, to)
    contents = _contents(conversation, to)
    if not contents:
        raise wrong(request.path_of("messages"), "has nothing that Gemini could answer. Send a message of the user.")
    if third and not own:
        _sign(contents, losses)
    body: Fields = {"contents": [content for content, _ in contents]}
    if system:
        body["systemInstruction"] = system
    tools = tools_json(request, losses)
    if tools:
        body["tools"] = tools
    choice = choice_json(request, losses)
    if choice is not None:
        body["toolConfig"] = {"functionCallingConfig": choice}
    config = config_json(request, facts.model, losses)
    if config:
        body["generationConfig"] = config
    tier = tier_of(request, losses)
    if tier is not None:
        body["serviceTier"] = tier
    _rest(request, body, losses)
    return _encode(body)


def _rest(request: Request, body: Fields, losses: Losses) -> None:
    if request.dialect == "gemini":
        if request.store is not None:
            body["store"] = request.store
        spread(request.extra, body)
        return
    if request.store is not None:
        losses.dropped(request.path_of("store"), "Gemini stores no answers that could be asked for")
    for path in request.extra:
        losses.dropped(path, "Gemini has no such setting")


def _system(request: Request, to: Sending) -> tuple[Fields | None, list[Message]]:
    """Return the instructions and the conversation without them: Gemini has one field, in front of all."""
    first, conversation, late = instructions(request.messages)
    for message in late:
        to.losses.approximated(message.at, "Gemini takes instructions in front only: they are sent there")
    parts: list[Fields] = []
    found: Fields = {}
    for message in (*first, *late):
        _named(message, found, to)
        for part in message.parts:
            if not isinstance(part, Text) and not to.own:
                raise BadRequest(
                    f"{part.at}: Gemini's instructions are text only. Send this in a message of the user.",
                    code="unsupported_content",
                    param=part.at,
                )
            parts += sent(part, to)
    if parts:
        found["parts"] = parts
    return found or None, conversation


def _contents(conversation: Sequence[Message], to: Sending) -> list[tuple[Fields, str]]:
    """Return the contents, each with the path of its message."""
    found = []
    for message in conversation if to.own else _merged(conversation, to):
        parts = [each for part in _results_first(message.parts, to) for each in sent(part, to)]
        if not parts and not to.own:
            if message.role == "assistant" or not any(isinstance(part, Text) for part in message.parts):
                continue
            parts = [{"text": ""}]  # the user's turn, in which nothing was said
        content: Fields = {"role": "model" if message.role == "assistant" else "user", "parts": parts}
        _named(message, content, to)
        found.append((content, message.at))
    return found


def _merged(conversation: Sequence[Message], to: Sending) -> list[Message]:
    """Return the messages as turns (consecutive results are one content); what merging hides is reported before."""
    for message in conversation:
        _named(message, {}, to)
    return merged(conversation)


def _results_first(parts: Sequence[Part], to: Sending) -> Sequence[Part]:
    """Return parts with results of functions in front: they must follow the calls that they answer at once."""
    if to.own or not any(isinstance(part, ToolResult) for part in parts):
        return parts
    return sorted(parts, key=lambda part: not isinstance(part, ToolResult))


def _named(message: Message, content: Fields, to: Sending) -> None:
    if to.own:
        spread(message.extra, content)
        return
    if message.name is not None:
        to.losses.dropped(f"{message.at}.name", "Gemini has no names of speakers")
    for name in message.extra:
        to.losses.dropped(f"{message.at}.{name}", "Gemini has no such field")


def _sign(contents: Sequence[tuple[Fields, str]], losses: Losses) -> None:
    """Give the first call of each step of the present turn a signature, where the client did not keep the model's own:
    without one the provider refuses the turn (Gemini API, "Thought signatures", "Validation")."""
    for content, path in reversed(contents):
        parts = content["parts"]
        if content["role"] == "user":
            if not any("functionResponse" in part for part in parts):
                return  # the turn began here
            continue
        call = next((part for part in parts if "functionCall" in part), None)
        if call is not None and "thoughtSignature" not in call:
            call["thoughtSignature"] = _UNSIGNED
            losses.added(path, "the model wants its thought's signature back, and none came: validation is skipped")

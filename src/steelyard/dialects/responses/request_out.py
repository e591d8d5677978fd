"""A request onto the wire (API reference, "Create a model response")."""

from typing import Any

import msgspec

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields, Text
from steelyard.core.request import Message, OutputFormat, Reasoning, Request
from steelyard.dialects.dialect import Facts
from steelyard.dialects.effort import effort_of
from steelyard.dialects.responses.items_out import input_items
from steelyard.dialects.responses.names import NAME
from steelyard.dialects.responses.request_in import LOGPROBS, SEALED
from steelyard.dialects.responses.tools import choice_out, tools_out

__all__ = ["encode_request", "format_out", "instructions_of"]

_encode = msgspec.json.Encoder().encode

# "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16" is what smaller ones get.
_FEWEST_TOKENS = 16

# API reference, `safety_identifier`: "with a maximum length of 128 characters".
_LONGEST_USER = 128

_ABSENT_HERE = ("top_k", "presence_penalty", "frequency_penalty", "seed")

# Fields of Chat Completions that the Responses have under another name, or under the same.
_CHAT_TWINS = {
    "verbosity": "text.verbosity",
    "prompt_cache_retention": "prompt_cache_retention",
    "prompt_cache_options": "prompt_cache_options",
    "safety_identifier": "safety_identifier",
    "moderation": "moderation",
}


def encode_request(request: Request, facts: Facts, losses: Losses) -> bytes:
    """Return the body that asks an upstream the same as a request. Raises BadRequest for what would be missed."""
    body: Fields = {"model": facts.model}
    instructions, messages = instructions_of(request)
    if instructions is not None:
        body["instructions"] = instructions
    body["input"] = input_items(messages, request.dialect, losses)
    if request.stream:
        body["stream"] = True
    tools = tools_out(request, losses)
    if tools:
        body["tools"] = tools
    include: list[str] = []
    _settings(body, request, losses)
    _output(body, request, losses)
    _reasoning(body, include, request, losses)
    _not_here(request, losses)
    if request.logprobs:
        include.append(LOGPROBS)
    if include:
        body["include"] = include
    _extra(body, request, losses)
    return _encode(body)


def instructions_of(request: Request) -> tuple[str | None, tuple[Message, ...]]:
    """Return what is to stand in `instructions`, and the messages without it. Of another dialect's request this is the
    first message, where it is the system's and plain text."""
    first = request.messages[0] if request.messages else None
    if first is None or first.role != "system" or len(first.parts) != 1 or first.name is not None or first.extra:
        return None, request.messages
    text = first.parts[0]
    fits = isinstance(text, Text) and text.cache is None and not text.extra
    if not fits or (request.dialect == NAME and first.at != "instructions"):
        return None, request.messages
    assert isinstance(text, Text)
    return text.text, request.messages[1:]


def _settings(body: Fields, request: Request, losses: Losses) -> None:
    plain: tuple[tuple[str, Any], ...] = (
        ("tool_choice", choice_out(request, losses)),
        ("parallel_tool_calls", request.parallel_tools),
        ("max_output_tokens", _tokens(request, losses)),
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("top_logprobs", request.top_logprobs),
        ("service_tier", request.service_tier),
        ("metadata", request.metadata),
        ("previous_response_id", request.previous_id),
        ("prompt_cache_key", request.cache_key),
        # Only this API stores unless it is told not to ("Defaults to true when omitted").
        ("store", request.store if request.store is not None or request.dialect == NAME else False),
    )
    body.update({name: value for name, value in plain if value is not None})
    if request.user is not None:
        name = "user" if request.path_of("user") == "user" else "safety_identifier"
        if name == "safety_identifier" and len(request.user) > _LONGEST_USER and request.dialect != NAME:
            losses.dropped(request.path_of("user"), f"OpenAI takes no identifier of over {_LONGEST_USER} characters")
        else:
            body[name] = request.user


def _tokens(request: Request, losses: Losses) -> int | None:
    tokens = request.max_tokens
    if tokens is not None and 0 < tokens < _FEWEST_TOKENS and request.dialect != NAME:
        losses.approximated(request.path_of("max_tokens"), f"OpenAI takes no less than {_FEWEST_TOKENS}")
        return _FEWEST_TOKENS
    return tokens


def format_out(output: OutputFormat) -> Fields:
    """Return what `text.format` says of an output."""
    if output.kind == "json":
        return {"type": "json_object", **output.extra}
    wire: Fields = {"type": "json_schema", "name": output.name or "answer"}
    if output.description is not None:
        wire["description"] = output.description
    wire["schema"] = output.schema
    if output.strict is not None:
        wire["strict"] = output.strict
    return {**wire, **output.extra}


def _output(body: Fields, request: Request, losses: Losses) -> None:
    output = request.output
    if output is None:
        return
    if request.dialect != NAME:
        for name in output.extra:
            losses.dropped(f"{request.path_of('output')}.{name}", "the Responses API has no such field")
        # Unsaid is not strict elsewhere, and a strict schema must require every property: see `tools`.
        output = msgspec.structs.replace(output, strict=output.strict is True, extra={})
    body["text"] = {"format": format_out(output)}


def _reasoning(body: Fields, include: list[str], request: Request, losses: Losses) -> None:
    reasoning = request.reasoning
    if request.sealed_thoughts:
        include.append(SEALED)
    if reasoning is None:
        return
    wire = _thinking(reasoning, request, losses)
    if wire:
        body["reasoning"] = wire
    # Without a store of theirs, thoughts go on only if they come sealed. Models that do not reason refuse the wish.
    if request.dialect != NAME and wire.get("effort", "none") != "none" and SEALED not in include:
        include.append(SEALED)


def _thinking(reasoning: Reasoning, request: Request, losses: Losses) -> Fields:
    wire: Fields = {}
    effort = reasoning.effort
    at = request.path_of("reasoning")
    if effort is None and reasoning.budget is not None:
        effort = effort_of(reasoning.budget)
        losses.approximated(at, "a budget of tokens is sent as the nearest effort")
    if effort is not None:
        wire["effort"] = effort
    elif reasoning.adaptive:
        losses.dropped(at, "models decide by themselves how much to think, as effort is left out")
    summary = reasoning.summary
    if summary is None and request.dialect != NAME and _wants_thoughts(reasoning, request.dialect):
        summary = "auto"
    if summary is not None:
        wire["summary"] = summary
    if request.dialect == NAME:
        wire.update(reasoning.extra)
    else:
        for name in reasoning.extra:
            losses.dropped(f"{at}.{name}", "the Responses API has no such field")
    return wire


def _wants_thoughts(reasoning: Reasoning, dialect: str) -> bool:
    """Say whether the client expects to see thoughts. Asking for them costs: organisations that OpenAI has not verified
    are refused for it, so it is done only for who wants them."""
    if reasoning.shown is None:
        # Anthropic shows thoughts to whoever asks for thinking, unless told not to (Messages API, `thinking.display`).
        return dialect == "anthropic" and (reasoning.adaptive or bool(reasoning.budget))
    return reasoning.shown


def _not_here(request: Request, losses: Losses) -> None:
    for name in _ABSENT_HERE:
        if getattr(request, name) is not None:
            losses.dropped(request.path_of(name), "the Responses API has no such field")
    if request.stop:
        losses.dropped(request.path_of("stop"), "the Responses API has no stop sequences")
    if request.n is not None and request.n != 1:
        losses.dropped(request.path_of("n"), "the Responses API gives one answer")
    if request.cache is not None:
        losses.dropped(request.path_of("cache"), "OpenAI caches prompts by itself")


def _extra(body: Fields, request: Request, losses: Losses) -> None:
    for path, value in request.extra.items():
        if request.dialect == NAME:
            _put(body, path, value)
        elif request.dialect == "openai" and path in _CHAT_TWINS:
            _put(body, _CHAT_TWINS[path], value)
        else:
            losses.dropped(path, "the Responses API has no such field")


def _put(body: Fields, path: str, value: Any) -> None:
    if path == "include":
        body["include"] = [*body.get("include", ()), *value]
        return
    whole, dot, below = path.partition(".")
    if dot and whole == "text":
        body["text"] = {**body.get("text", {}), below: value}
    else:
        body[path] = value

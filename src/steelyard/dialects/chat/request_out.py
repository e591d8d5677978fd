"""A request as an upstream reads it (API reference, "Create chat completion")."""

import msgspec

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.core.request import OutputFormat, Request
from steelyard.dialects.chat.content import with_extra, write_cache
from steelyard.dialects.chat.messages_out import MessageWriter
from steelyard.dialects.chat.names import is_openai
from steelyard.dialects.chat.thoughts import NAME
from steelyard.dialects.chat.tools import write_choice, write_tools
from steelyard.dialects.dialect import Facts
from steelyard.dialects.effort import effort_of
from steelyard.dialects.members import wrong

__all__ = ["encode_request"]

_encode = msgspec.json.Encoder().encode

_PLAIN = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "n",
    "logprobs",
    "top_logprobs",
    "user",
)
_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")
_NO_FIELD = "the dialect has no such field"
_NOT_FOREIGN = {
    "top_k": "OpenAI's API has no top_k",  # Groq and Mistral refuse it too
    "cache": "the dialect has no cache breakpoints",
    # "The 'metadata' parameter is only allowed when 'store' is enabled" (OpenAI's error text).
    "metadata": "it goes only with answers that the upstream stores",
    "sealed_thoughts": _NO_FIELD,
    "store": "the upstream is not to store what a client of another dialect asks",
}
"""Settings that other dialects' clients may make, and why they are not sent."""


def encode_request(request: Request, facts: Facts, losses: Losses) -> bytes:
    """Return the body that asks an upstream the same."""
    same = request.dialect == NAME
    own = is_openai(facts.model)
    if request.previous_id is not None and not same:
        path = request.path_of("previous_id")
        raise wrong(path, "an upstream of this dialect cannot continue a stored answer.", "unsupported_content")
    wire: Fields = {
        "model": facts.model,
        "messages": MessageWriter(request, losses, facts.model).write(request.messages),
    }
    if request.stream:
        wire["stream"] = True
    _write_tool_settings(request, wire, losses, same=same, own=own)
    if request.output is not None:
        wire["response_format"] = _output(request, request.output, losses, same=same)
    _write_limit(request, wire, same=same, own=own)
    for name in _PLAIN:
        value = getattr(request, name)
        if value is not None:
            wire[name] = value
    if request.stop:
        wire["stop"] = request.stop
    if same:
        _write_own(request, wire)
    else:
        _write_foreign(request, wire, losses, own=own)
    _write_stream_options(request, facts, wire)
    return _encode(wire)


def _write_tool_settings(request: Request, wire: Fields, losses: Losses, *, same: bool, own: bool) -> None:
    if request.tools:
        tools = write_tools(request, losses)
        if tools:
            wire["tools"] = tools
    choice = write_choice(request, losses, knows_allowed=same or own)
    parallel = request.parallel_tools
    if same or "tools" in wire:
        if choice is not None:
            wire["tool_choice"] = choice
        if parallel is not None:
            wire["parallel_tool_calls"] = parallel
        return
    # OpenAI refuses both without tools ("'tool_choice' is only allowed when 'tools' are specified").
    for field, value in (("tool_choice", choice), ("parallel_tools", parallel)):
        if value is not None:
            losses.dropped(request.path_of(field), "there are no tools")


def _output(request: Request, output: OutputFormat, losses: Losses, *, same: bool) -> Fields:
    wire: Fields
    if output.kind == "json":
        wire = {"type": "json_object"}
    else:
        inner: Fields = {"name": output.name or "answer"}  # the API demands a name
        for name in ("description", "schema", "strict"):
            value = getattr(output, name)
            if value is not None:
                inner[name] = value
        wire = {"type": "json_schema", "json_schema": inner}
    if same:
        return with_extra(wire, output.extra)
    for name in output.extra:
        losses.dropped(f"{request.path_of('output')}.{name}", _NO_FIELD)
    return wire


def _write_limit(request: Request, wire: Fields, *, same: bool, own: bool) -> None:
    if request.max_tokens is not None:
        name = request.path_of("max_tokens") if same else "max_completion_tokens" if own else "max_tokens"
        wire[name] = request.max_tokens


def _write_own(request: Request, wire: Fields) -> None:
    for name in ("top_k", "service_tier", "metadata", "store"):
        value = getattr(request, name)
        if value is not None:
            wire[name] = value
    if request.cache_key is not None:
        wire["prompt_cache_key"] = request.cache_key
    write_cache(wire, request.cache)
    _write_own_reasoning(request, wire)
    for name, value in request.extra.items():
        holder, _, member = name.partition(".")
        if holder == "stream_options" and member:
            wire.setdefault(holder, {})[member] = value
        elif holder == "cache_control" and member and holder in wire:
            wire[holder][member] = value
        else:
            wire[name] = value


def _write_own_reasoning(request: Request, wire: Fields) -> None:
    reasoning = request.reasoning
    if reasoning is None:
        return
    field = request.path_of("reasoning")
    if field == "thinking":
        kind = "adaptive" if reasoning.adaptive else "disabled" if reasoning.budget == 0 else "enabled"
        told: Fields = {"type": kind}
        if reasoning.budget is not None and reasoning.budget > 0:
            told["budget_tokens"] = reasoning.budget
        wire["thinking"] = {**told, **reasoning.extra}
    elif field == "reasoning":
        hidden = None if reasoning.shown is None else not reasoning.shown
        named = (("effort", reasoning.effort), ("max_tokens", reasoning.budget), ("exclude", hidden))
        wire["reasoning"] = {**{name: one for name, one in named if one is not None}, **reasoning.extra}
    elif reasoning.effort is not None:
        wire["reasoning_effort"] = reasoning.effort


def _write_foreign(request: Request, wire: Fields, losses: Losses, *, own: bool) -> None:
    _write_foreign_reasoning(request, wire, losses)
    if own and request.service_tier in _TIERS:
        wire["service_tier"] = request.service_tier
    elif request.service_tier is not None:
        losses.dropped(request.path_of("service_tier"), "the upstream has no such tier")
    if own and request.cache_key is not None:
        wire["prompt_cache_key"] = request.cache_key
    elif request.cache_key is not None:
        losses.dropped(request.path_of("cache_key"), _NO_FIELD)
    for name, reason in _NOT_FOREIGN.items():
        if getattr(request, name):
            losses.dropped(request.path_of(name), reason)
    for name in request.extra:
        losses.dropped(name, _NO_FIELD)


def _write_foreign_reasoning(request: Request, wire: Fields, losses: Losses) -> None:
    reasoning = request.reasoning
    if reasoning is None:
        return
    path = request.path_of("reasoning")
    if reasoning.effort is not None:
        wire["reasoning_effort"] = reasoning.effort
        if reasoning.budget is not None:
            losses.dropped(path, "the effort stands for the budget")
    elif reasoning.budget is not None and (effort := effort_of(reasoning.budget)) is not None:
        wire["reasoning_effort"] = effort
        losses.approximated(path, f'a budget of {reasoning.budget} tokens is the effort "{effort}"')
    elif reasoning.budget is not None or reasoning.adaptive:
        losses.dropped(path, "the model thinks as much as it likes by itself")
    if reasoning.shown is not None or reasoning.summary is not None:
        losses.dropped(request.at.get("shown", path), "the dialect cannot ask for thoughts, or against them")
    for name in reasoning.extra:
        losses.dropped(f"{path}.{name}", _NO_FIELD)


def _write_stream_options(request: Request, facts: Facts, wire: Fields) -> None:
    """Ask for usage in a stream: it comes in a last chunk without choices (API reference, `stream_options`)."""
    if not request.stream:
        return
    options = wire.get("stream_options", {})
    if facts.tells_usage:
        options = {**options, "include_usage": True}
    if options:
        wire["stream_options"] = options

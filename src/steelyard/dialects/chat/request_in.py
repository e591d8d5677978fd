"""A client's request (API reference, "Create chat completion")."""

from typing import Any

from steelyard.core.errors import BadRequest
from steelyard.core.parts import Fields
from steelyard.core.request import OutputFormat, Reasoning, Request, ToolChoice
from steelyard.dialects.chat.content import cache_of
from steelyard.dialects.chat.messages_in import MessageReader
from steelyard.dialects.chat.plain_in import PlainBody, plain_body, plain_messages, plain_tools
from steelyard.dialects.chat.thoughts import NAME
from steelyard.dialects.chat.tools import read_choice, read_functions, read_tools
from steelyard.dialects.members import Members, decode_object, wrong

__all__ = ["decode_request"]

_AT = {
    "parallel_tools": "parallel_tool_calls",
    "output": "response_format",
    "reasoning": "reasoning_effort",
    "cache_key": "prompt_cache_key",
    "cache": "cache_control",
    "include_usage": "stream_options.include_usage",
}
_AT_COMPLETION = {**_AT, "max_tokens": "max_completion_tokens"}
_NUMBERS = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
_INTEGERS = ("top_k", "seed", "n", "top_logprobs")
_FLAGS = ("logprobs", "store")
_TEXTS = ("service_tier", "user")
_SETTINGS = frozenset((*_NUMBERS, *_INTEGERS, *_FLAGS, *_TEXTS, "stop", "metadata", "prompt_cache_key"))


def decode_request(body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
    """Return what a client asks. `model` and `stream` go before what the body says."""
    plain = plain_body(body)
    if plain is not None:
        return _plain(plain, model, stream)
    members = Members(decode_object(body))
    at = dict(_AT)
    said = members.text("model")
    messages = members.array("messages")
    if messages is None:
        raise wrong("messages", "is missing. Give an array of messages.", "missing_field")
    if model is None and said is None:
        raise _no_model()
    fields: dict[str, Any] = {"stream": bool(members.flag("stream"))}
    if stream is not None:
        fields["stream"] = stream
    _read_tool_settings(members, fields, at)
    _read_output(members, fields, at)
    _read_settings(members, fields)
    extra = _stream_options(members, fields)
    left = members.rest()
    return Request(
        dialect=NAME,
        model=model if model is not None else said or "",
        messages=MessageReader().read(messages),
        at=at,
        extra={**{name: value for name, value in left.items() if value is not None}, **extra},
        **fields,
    )


def _plain(wire: PlainBody, model: str | None, stream: bool | None) -> Request:
    most, stop, options = wire.max_completion_tokens, wire.stop, wire.stream_options
    return Request(
        dialect=NAME,
        model=wire.model if model is None else model,
        messages=plain_messages(wire.messages),
        stream=bool(wire.stream) if stream is None else stream,
        include_usage=options is not None and bool(options.include_usage),
        tools=plain_tools(wire.tools) if wire.tools else (),
        tool_choice=read_choice(wire.tool_choice, "tool_choice"),
        parallel_tools=wire.parallel_tool_calls,
        max_tokens=wire.max_tokens if most is None else most,
        temperature=wire.temperature,
        top_p=wire.top_p,
        presence_penalty=wire.presence_penalty,
        frequency_penalty=wire.frequency_penalty,
        seed=wire.seed,
        n=wire.n,
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        user=wire.user,
        store=wire.store,
        service_tier=wire.service_tier,
        metadata=wire.metadata,
        at=_AT if most is None else _AT_COMPLETION,
    )


def _no_model() -> BadRequest:
    return wrong("model", "is missing. Name a route or a deployment; GET /v1/models lists them.", "missing_field")


def _read_tool_settings(members: Members, fields: Fields, at: dict[str, str]) -> None:
    if "functions" in members and "tools" not in members:
        # A client of this age can be told one call only.
        at["tools"], fields["tools"] = "functions", read_functions(members.array("functions") or [])
        fields["parallel_tools"] = False
    elif "tools" in members:
        fields["tools"] = read_tools(members.array("tools") or [])
    if "function_call" in members and "tool_choice" not in members:
        at["tool_choice"], fields["tool_choice"] = "function_call", _legacy_choice(members.any("function_call"))
    elif "tool_choice" in members:
        fields["tool_choice"] = read_choice(members.any("tool_choice"), "tool_choice")
    if "parallel_tool_calls" in members:
        fields["parallel_tools"] = members.flag("parallel_tool_calls")


def _legacy_choice(value: Any) -> ToolChoice | None:
    return read_choice(value, "function_call")


def _read_output(members: Members, fields: Fields, at: dict[str, str]) -> None:
    if "response_format" in members:
        output = _output(members)
        if output is not None:
            fields["output"] = output
    for name, read in (("reasoning_effort", _effort), ("reasoning", _reasoning), ("thinking", _thinking)):
        if name in members:
            reasoning = read(members)
            if reasoning is not None:
                at["reasoning"], fields["reasoning"] = name, reasoning
                break
    if "max_completion_tokens" in members:
        at["max_tokens"], fields["max_tokens"] = "max_completion_tokens", members.integer("max_completion_tokens")
    elif "max_tokens" in members:
        fields["max_tokens"] = members.integer("max_tokens")


def _output(members: Members) -> OutputFormat | None:
    value = members.object("response_format")
    told = Members(value, "response_format")
    kind = told.needed_text("type")
    if kind == "text":
        return None
    if kind == "json_object":
        return OutputFormat("json", extra=told.rest())
    if kind != "json_schema":
        members.rest()["response_format"] = value  # a grammar, or another form of a compatible server's own
        return None
    inner = Members(told.any("json_schema"), "response_format.json_schema")
    name, description = inner.text("name"), inner.text("description")
    schema, strict = inner.object("schema"), inner.flag("strict")
    extra = {**told.rest(), **{f"json_schema.{key}": one for key, one in inner.rest().items()}}
    return OutputFormat("schema", name, description, schema, strict, extra)


def _effort(members: Members) -> Reasoning | None:
    return Reasoning(members.text("reasoning_effort"))


def _reasoning(members: Members) -> Reasoning | None:
    """OpenRouter docs, "Reasoning Tokens": `{"effort" | "max_tokens", "exclude", "enabled"}`."""
    told = Members(members.any("reasoning"), "reasoning")
    effort, budget, hidden = told.text("effort"), told.integer("max_tokens"), told.flag("exclude")
    shown = None if hidden is None else not hidden
    return Reasoning(effort, budget, shown=shown, extra=told.rest())


def _thinking(members: Members) -> Reasoning | None:
    """Anthropic's field, as LiteLLM, DeepSeek and Moonshot have it in this dialect: `{"type", "budget_tokens"}`."""
    value = members.object("thinking")
    told = Members(value, "thinking")
    kind, budget = told.text("type"), told.integer("budget_tokens")
    if kind == "enabled":
        return Reasoning(budget=-1 if budget is None else budget, extra=told.rest())
    if kind == "disabled":
        return Reasoning(budget=0, extra=told.rest())
    if kind == "adaptive":
        return Reasoning(adaptive=True, extra=told.rest())
    members.rest()["thinking"] = value
    return None


def _read_settings(members: Members, fields: Fields) -> None:
    if "cache_control" in members:
        fields["cache"] = cache_of(members)
    left = members.rest()
    for name in _SETTINGS.intersection(left):
        if left[name] is not None:
            fields["cache_key" if name == "prompt_cache_key" else name] = _setting(members, name)


def _setting(members: Members, name: str) -> Any:
    if name in _NUMBERS:
        return members.number(name)
    if name in _INTEGERS:
        return members.integer(name)
    if name in _FLAGS:
        return members.flag(name)
    if name == "stop":
        return members.texts(name)
    return members.object(name) if name == "metadata" else members.text(name)


def _stream_options(members: Members, fields: Fields) -> Fields:
    if "stream_options" not in members:
        return {}
    options = Members(members.any("stream_options"), "stream_options")
    fields["include_usage"] = bool(options.flag("include_usage"))
    return {f"stream_options.{name}": value for name, value in options.rest().items()}

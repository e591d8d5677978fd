"""A request from the wire (API reference, "Create a model response")."""

from collections.abc import Mapping, Sequence
from typing import Any

from steelyard.core.parts import Fields, Opaque, Text, ToolCall, ToolResult
from steelyard.core.request import Message, OutputFormat, Reasoning, Request
from steelyard.dialects.members import Members, decode_object, wrong
from steelyard.dialects.responses.content_in import left
from steelyard.dialects.responses.items_in import messages
from steelyard.dialects.responses.names import NAME
from steelyard.dialects.responses.tools import choice_in, tools_in

__all__ = ["LOGPROBS", "SEALED", "decode_request", "stored_elsewhere"]

LOGPROBS = "message.output_text.logprobs"
SEALED = "reasoning.encrypted_content"

_AT: Mapping[str, str] = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "parallel_tools": "parallel_tool_calls",
    "output": "text.format",
    "shown": "reasoning.summary",
    "previous_id": "previous_response_id",
    "cache_key": "prompt_cache_key",
    "logprobs": "include",
    "sealed_thoughts": "include",
}
_AT_IDENTIFIED: Mapping[str, str] = {**_AT, "user": "safety_identifier"}

_STORED = ("conversation", "prompt")


def decode_request(body: bytes, model: str | None, stream: bool | None) -> Request:
    """Return what a body asks. Raises BadRequest."""
    members = Members(decode_object(body))
    if members.flag("background"):
        raise wrong("background", "responses in the background are not served here. Leave it out.", "unsupported_field")
    given = members.text("model")
    name = model if model is not None else given
    if name is None:
        raise wrong("model", "is missing. Name a route or a deployment; GET /v1/models lists them.", "missing_field")
    streamed = members.flag("stream")
    extra: Fields = {}
    include = members.texts("include")
    _rest_of_include(include, extra)
    identifier = members.text("safety_identifier")
    user = members.text("user")
    if identifier is not None and user is not None:
        extra["user"] = user
    # Its default says nothing ("disabled": too long an input is an error).
    if members.rest().get("truncation") == "disabled":
        members.any("truncation")
    output = _text_settings(members.object("text"), extra)
    previous_id = members.text("previous_response_id")
    return Request(
        dialect=NAME,
        model=name,
        messages=_conversation(members, previous_id),
        stream=stream if stream is not None else streamed is True,
        include_usage=True,
        tools=tools_in(members.array("tools")),
        tool_choice=choice_in(members.any("tool_choice")),
        parallel_tools=members.flag("parallel_tool_calls"),
        output=output,
        reasoning=_reasoning(members.object("reasoning")),
        max_tokens=members.integer("max_output_tokens"),
        temperature=members.number("temperature"),
        top_p=members.number("top_p"),
        logprobs=True if LOGPROBS in include else None,
        top_logprobs=members.integer("top_logprobs"),
        service_tier=members.text("service_tier"),
        metadata=members.object("metadata"),
        user=identifier if identifier is not None else user,
        store=members.flag("store"),
        previous_id=previous_id,
        cache_key=members.text("prompt_cache_key"),
        sealed_thoughts=True if SEALED in include else None,
        at=_AT_IDENTIFIED if identifier is not None else _AT,
        extra={**left(members), **extra},
    )


def _rest_of_include(include: Sequence[str], extra: Fields) -> None:
    rest = [one for one in include if one not in (LOGPROBS, SEALED)]
    if rest:
        extra["include"] = rest


def _conversation(members: Members, previous_id: str | None) -> tuple[Message, ...]:
    instructions = members.any("instructions")
    given = members.any("input")
    found: tuple[Message, ...] = ()
    if isinstance(instructions, str):
        found = (Message("system", (Text(instructions, at="instructions"),), at="instructions"),)
    elif instructions is not None:
        raise wrong("instructions", "expected a string", "invalid_type")
    # A stored conversation or prompt brings messages of its own.
    elsewhere = previous_id is not None or any(name in members for name in _STORED)
    if given is None and not elsewhere:
        raise wrong("input", "is missing. Give a string, or an array of items.", "missing_field")
    said = messages(given, "input") if given is not None else ()
    if not elsewhere:
        _check_results(said)
    return (*found, *said)


def _check_results(said: tuple[Message, ...]) -> None:
    """Raise BadRequest for a result whose call is nowhere, unless an item stands for what is stored elsewhere."""
    called: set[str] = set()
    for message in said:
        for part in message.parts:
            match part:
                case ToolCall():
                    called.add(part.id)
                case ToolResult() if part.call_id not in called:
                    raise wrong(
                        f"{part.at}.call_id",
                        f'no call before it has the id "{part.call_id}". Send the call\'s item in front of its output.',
                        "unknown_tool_call",
                    )
                case Opaque() if part.kind in ("item_reference", "compaction"):
                    return
                case _:
                    continue


def _text_settings(text: Fields | None, extra: Fields) -> OutputFormat | None:
    if text is None:
        return None
    members = Members(text, "text")
    form = members.object("format")
    extra.update({f"text.{name}": value for name, value in left(members).items()})
    return _format(Members(form, "text.format")) if form is not None else None


def _format(form: Members) -> OutputFormat | None:
    kind = form.needed_text("type")
    if kind == "text":
        return None
    if kind == "json_object":
        return OutputFormat("json", extra=left(form))
    if kind != "json_schema":
        raise wrong(
            form.path("type"), f'unknown format "{kind}". Use text, json_object or json_schema.', "invalid_value"
        )
    schema = form.object("schema")
    if schema is None:
        raise wrong(form.path("schema"), "is missing. Give a JSON Schema.", "missing_field")
    return OutputFormat(
        "schema",
        form.needed_text("name"),
        form.text("description"),
        schema,
        form.flag("strict"),
        left(form),
    )


def _reasoning(given: Any) -> Reasoning | None:
    if given is None:
        return None
    members = Members(given, "reasoning")
    effort = members.text("effort")
    summary = members.text("summary")
    if effort is None and summary is None and not left(members):
        return None
    return Reasoning(effort, shown=True if summary is not None else None, summary=summary, extra=left(members))


def stored_elsewhere(request: Request) -> str | None:
    """Return the path of the first thing in a request that stands for what OpenAI stores: a previous response, a
    conversation, a prompt, a referenced item. No other upstream could know what is meant."""
    if request.previous_id is not None:
        return request.path_of("previous_id")
    for name in _STORED:
        if name in request.extra:
            return name
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, Opaque) and part.kind == "item_reference":
                return part.at
    return None

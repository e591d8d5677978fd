"""A whole answer from the wire (API reference, "The response object"). The same functions read what a stream says of
items as a whole, so that both give one answer."""

from typing import Any

import msgspec
from msgspec import structs

from steelyard.core.answer import Finish, FinishReason, TokenLogprob
from steelyard.core.errors import BadRequest
from steelyard.core.events import Began, Ended, Event, Failed, Finished, Logged, PartBegan, PartEnded, PartKind, Used
from steelyard.core.parts import Fields, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.dialects.members import Members
from steelyard.dialects.responses.items_in import call, custom_call, message
from steelyard.dialects.responses.names import NAME
from steelyard.dialects.responses.thoughts import seal_of, thoughts
from steelyard.dialects.responses.usage import usage_in

__all__ = ["Seen", "began", "decode_answer", "ending", "failure", "kind_of", "logprobs_in", "parts_of"]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

# What says nothing of the answer but what has a name, or repeats the request.
_KNOWN = frozenset(
    {
        "background",
        "completed_at",
        "conversation",
        "created_at",
        "error",
        "frequency_penalty",
        "id",
        "incomplete_details",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "object",
        "output",
        "output_text",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "status",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "usage",
        "user",
    }
)
_KNOWN_USAGE = frozenset(
    {"input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details", "total_tokens"}
)

_INCOMPLETE: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}

# HTTP statuses for codes of `error` (API reference, "The response object", `error.code`).
_STATUSES = {
    "rate_limit_exceeded": 429,
    "server_error": 502,
    "vector_store_timeout": 504,
    "invalid_prompt": 400,
    "data_residency_mismatch": 403,
    "bio_policy": 400,
    "misalignment_policy_violation": 400,
    "empty_image_file": 400,
    "failed_to_download_image": 400,
    "unsupported_image_media_type": 400,
}


class Seen:
    """What an answer has had so far that its end depends on."""

    __slots__ = ("called", "refused")

    def __init__(self) -> None:
        self.called = False
        self.refused = False

    def take(self, part: Part) -> None:
        """Take note of a part."""
        self.called = self.called or isinstance(part, ToolCall)
        self.refused = self.refused or isinstance(part, Refusal)


def kind_of(part: Part) -> PartKind:
    """Return the kind of a part in events."""
    match part:
        case Text():
            return "text"
        case Refusal():
            return "refusal"
        case Thinking():
            return "thinking"
        case ToolCall():
            return "tool_call"
    return "whole"


def parts_of(item: Fields) -> tuple[Part, ...]:
    """Return the parts that an output item is. An item that is not known, or not as it is documented, is opaque."""
    kind = item.get("type")
    try:
        if kind == "message":
            return _of_message(item)
        if kind == "function_call":
            return (call(_untyped(item)),)
        if kind == "custom_tool_call":
            return (custom_call(_untyped(item)),)
        if kind == "reasoning" and seal_of(item) is None:
            return thoughts(_untyped(item), "")
    except BadRequest:
        """Not as it is documented."""
    return (Opaque(NAME, str(kind), item),)


def _untyped(item: Fields) -> Members:
    """Return an item's members, but for its type, which is known, and the status of one that is complete."""
    return Members(
        {name: one for name, one in item.items() if name != "type" and (name != "status" or one != "completed")}
    )


def _of_message(item: Fields) -> tuple[Part, ...]:
    content = [_without_logprobs(one) for one in item.get("content") or ()]
    said = message(_untyped({**item, "content": content, "role": "assistant"}))
    # Whether an item is complete is what the whole answer says.
    extra = {name: value for name, value in said.extra.items() if name != "status"}
    parts: list[Part] = []
    for part in said.parts:
        if isinstance(part, Text | Refusal):
            parts.append(structs.replace(part, item_id=item.get("id"), extra={**part.extra, **extra}))
        else:
            parts.append(part)
    return tuple(parts)


def _without_logprobs(content: Any) -> Any:
    if isinstance(content, dict) and "logprobs" in content:
        return {name: value for name, value in content.items() if name != "logprobs"}
    return content


def logprobs_in(value: Any) -> tuple[TokenLogprob, ...]:
    """Return log probabilities from the wire; none from what is not as it is documented."""
    return tuple([_logprob(one) for one in value or () if isinstance(one, dict) and "token" in one])


def _logprob(one: Fields) -> TokenLogprob:
    given = one.get("bytes")
    logprob = one.get("logprob")
    return TokenLogprob(
        str(one["token"]),
        float(logprob) if isinstance(logprob, int | float) else 0.0,
        tuple(given) if isinstance(given, list) else None,
        logprobs_in(one.get("top_logprobs")),
    )


def began(response: Fields) -> Began:
    """Return what a response object says of the answer as a whole."""
    extra = {name: value for name, value in response.items() if name not in _KNOWN and value is not None}
    created = response.get("created_at")
    return Began(
        _text(response.get("id")),
        _text(response.get("model")),
        int(created) if isinstance(created, int | float) else None,
        extra,
        NAME,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def ending(response: Fields, seen: Seen) -> list[Event]:
    """Return how an answer ends: why, what it used, and that it is whole; or that it failed."""
    used = _used(response.get("usage"))
    status = response.get("status")
    if status in ("failed", "cancelled"):
        return [*used, failure(response.get("error"), str(status))]
    if status in ("in_progress", "queued"):
        return used
    return [Finished(_finish(response, seen)), *used, Ended()]


def _finish(response: Fields, seen: Seen) -> Finish:
    if response.get("status") != "incomplete":
        reason: FinishReason = "tool_calls" if seen.called else "refusal" if seen.refused else "stop"
        return Finish(reason, dialect=NAME, native="completed")
    details = response.get("incomplete_details")
    native = details.get("reason") if isinstance(details, dict) else None
    return Finish(_INCOMPLETE.get(str(native), "other"), dialect=NAME, native=_text(native))


def _used(usage: Any) -> list[Event]:
    if not isinstance(usage, dict):
        return []
    raw = _encode(usage)
    return [Used(usage_in(raw), raw, {name: value for name, value in usage.items() if name not in _KNOWN_USAGE})]


def failure(error: Any, otherwise: str) -> Failed:
    """Return what an error object says."""
    told = error if isinstance(error, dict) else {}
    code = _text(told.get("code"))
    text = _text(told.get("message")) or f"The response ended as {otherwise}."
    client = code is not None and ("image" in code or code.startswith("invalid_"))
    return Failed(text, _STATUSES.get(code or "", 400 if client else 502), _text(told.get("type")), code)


def decode_answer(body: bytes) -> list[Event] | None:
    """Return the events of a whole answer; None when it is none of this dialect."""
    try:
        response = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(response, dict) or not isinstance(response.get("output"), list):
        return None
    seen = Seen()
    events: list[Event] = [began(response)]
    number = 0
    for item in response["output"]:
        if not isinstance(item, dict):
            continue
        events.extend(_logged(item))
        for part in parts_of(item):
            seen.take(part)
            events.append(PartBegan(number, kind_of(part), part))
            events.append(PartEnded(number))
            number += 1
    events.extend(ending(response, seen))
    return events


def _logged(item: Fields) -> list[Event]:
    if item.get("type") != "message":
        return []
    found = [logprobs_in(one.get("logprobs")) for one in item.get("content") or () if isinstance(one, dict)]
    return [Logged(one) for one in found if one]

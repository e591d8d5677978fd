"""An upstream's whole answer (API reference, "The chat completion object"), read with patience: what compatible servers
leave out or add is no error."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import structs

from steelyard.core.answer import Finish, FinishReason, TokenLogprob
from steelyard.core.errors import BadRequest
from steelyard.core.events import (
    Began,
    Ended,
    Event,
    Failed,
    Finished,
    Logged,
    PartBegan,
    PartEnded,
    PartKind,
    Used,
)
from steelyard.core.parts import Citation, Fields, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.dialects.chat.content import read_content
from steelyard.dialects.chat.plain_answer_in import plain_answer
from steelyard.dialects.chat.thoughts import FIELD, NAME, read_thoughts
from steelyard.dialects.chat.tools import call_of, signature_of
from steelyard.dialects.members import Members
from steelyard.dialects.openai import usage_of

__all__ = [
    "Numbers",
    "began",
    "citation_of",
    "decode_answer",
    "failed",
    "finish_of",
    "images_of",
    "logprobs_of",
    "made_id",
    "used",
]


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_KNOWN = frozenset(("id", "object", "created", "model", "choices", "usage"))
_KNOWN_CHOICE = frozenset(("index", "message", "delta", "finish_reason", "logprobs", "stop_reason", "usage"))
_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",  # Mistral
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class Numbers:
    """Numbers the parts of an answer."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> int:
        """Return the next number."""
        number = self._next
        self._next = number + 1
        return number


def decode_answer(body: bytes) -> list[Event] | None:
    """Return the events of a whole answer; None when it is no JSON of this dialect."""
    plain = plain_answer(body)
    if plain is not None:
        return plain
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    if answer.get("error"):
        return [failed(answer["error"])]
    choices = answer.get("choices")
    if not isinstance(choices, list):
        return None
    events: list[Event] = [began(answer)]
    numbers = Numbers()
    try:
        for place, choice in enumerate(choices):
            events += _choice(choice, place, answer.get("id"), numbers)
    except BadRequest:
        return None  # a content that no server documents
    usage = used(answer.get("usage"))
    if usage is not None:
        events.append(usage)
    events.append(Ended())
    return events


def began(chunk: Fields) -> Began:
    """Return the beginning that an answer, or a chunk of one, tells."""
    told, model, created = chunk.get("id"), chunk.get("model"), chunk.get("created")
    extra = {name: chunk[name] for name in chunk.keys() - _KNOWN if chunk[name] is not None}
    return Began(
        told if isinstance(told, str) and told else None,
        model if isinstance(model, str) and model else None,
        int(created) if isinstance(created, int | float) and created else None,
        extra,
        NAME,
    )


def failed(error: Any) -> Failed:
    """Return the failure that an `error` tells: an object, or a string."""
    if not isinstance(error, dict):
        return Failed(error if isinstance(error, str) else "The upstream failed and did not say how.")
    code, kind, message = error.get("code"), error.get("type"), error.get("message")
    # OpenRouter and llama.cpp put the HTTP status there.
    status = code if isinstance(code, int) and 400 <= code <= 599 else 502
    return Failed(
        message if isinstance(message, str) else "The upstream failed and did not say how.",
        status,
        kind if isinstance(kind, str) else None,
        str(code) if code is not None else None,
    )


def used(usage: Any) -> Used | None:
    """Return the usage that an object tells; None when it is none."""
    if not isinstance(usage, dict):
        return None
    raw = _encode(usage)
    counted = usage_of(raw)
    return Used(counted, raw) if counted is not None else None


def _choice(choice: Any, place: int, answer_id: Any, numbers: Numbers) -> Iterator[Event]:
    """Give the events of one choice."""
    if not isinstance(choice, dict):
        return
    index = choice["index"] if isinstance(choice.get("index"), int) else place
    logged = logprobs_of(choice.get("logprobs"))
    if logged:
        yield Logged(logged, index)
    parts, left = _parts(choice.get("message"), index, answer_id)
    for part in parts:
        number = numbers.take()
        yield PartBegan(number, _kind(part), part, index)
        yield PartEnded(number)
    kinds = {type(one) for one in parts}
    finish = finish_of(choice, calls=ToolCall in kinds, refused=Refusal in kinds, left=left)
    if finish is not None:
        yield Finished(finish, index)


def _kind(part: Part) -> PartKind:
    kinds: dict[type, PartKind] = {Text: "text", Thinking: "thinking", ToolCall: "tool_call", Refusal: "refusal"}
    return kinds.get(type(part), "whole")


def _parts(value: Any, index: int, answer_id: Any) -> tuple[list[Part], Fields]:
    """Return a message's parts, and what has no name here."""
    if not isinstance(value, dict):
        return [], {}
    plain = _plain_parts(value)
    if plain is not None:
        return plain, {}
    message = Members(value)
    message.any("role")
    parts: list[Part] = []
    thoughts, left = read_thoughts(message, foreign=False)
    parts += [_own(one) if "thinking_blocks[" in one.at else one for one in thoughts]
    content = message.any("content")
    said = [one for one in read_content(content, "content") if not (isinstance(one, Text) and not one.text)]
    signature = signature_of(message) if "extra_content" in message else None
    cited = tuple(citation_of(one) for one in message.array("annotations") or () if isinstance(one, dict))
    parts += _text_with(said, cited, signature)
    refusal = message.text("refusal")
    if refusal:
        parts.append(Refusal(refusal))
    parts += images_of(message.array("images"))
    audio = message.object("audio")
    if audio is not None:
        parts.append(Opaque(NAME, "audio", audio))
    parts += _calls(message, index, answer_id)
    left = {**{f"message.{name}": one for name, one in message.rest().items() if one is not None}, **left}
    return [structs.replace(one, at="") if one.at else one for one in parts], left


def _plain_parts(message: Fields) -> list[Part] | None:
    """Return the parts of a message of the form that nearly all have, text and calls; None for others."""
    parts: list[Part] = []
    for name, value in message.items():
        if name == "content" and (value is None or type(value) is str):
            if value:
                parts.insert(0, Text(value))
        elif name == "tool_calls" and type(value) is list and all(_is_plain_call(one) for one in value):
            parts += [call_of(one, "") for one in value]
        elif name != "role" and value is not None and value != []:
            return None
    return parts


def _is_plain_call(call: Any) -> bool:
    return type(call) is dict and len(call) == 3 and bool(call.get("id")) and call.get("type") == "function"


def _own(thought: Thinking) -> Thinking:
    """Take a thought in one of Anthropic's blocks for this dialect's: the server wants it back where it put it."""
    mark = f"{FIELD}thinking_blocks:"
    sealed = mark + thought.sealed if thought.sealed else None
    return structs.replace(thought, dialect=NAME, signature=mark + (thought.signature or ""), sealed=sealed)


def _text_with(said: list[Part], cited: tuple[Citation, ...], signature: str | None) -> list[Part]:
    """Put an answer's citations and signature on its text."""
    if not cited and signature is None:
        return said
    for place, one in enumerate(said):
        if isinstance(one, Text):
            said[place] = structs.replace(one, citations=cited, signature=signature)
            return said
    return [*said, Text("", cited, signature=signature)]


def citation_of(annotation: Fields) -> Citation:
    """Return the citation of an annotation (API reference: `{"type": "url_citation", "url_citation": {"start_index",
    "end_index", "title", "url"}}`)."""
    told = annotation.get("url_citation")
    fields = told if isinstance(told, dict) else {}
    url, title, quoted = fields.get("url"), fields.get("title"), fields.get("content")
    start, end = fields.get("start_index"), fields.get("end_index")
    return Citation(
        NAME,
        annotation,
        url if isinstance(url, str) else None,
        title if isinstance(title, str) else None,
        quoted if isinstance(quoted, str) else None,  # OpenRouter docs, "Web Search"
        start if isinstance(start, int) else None,
        end if isinstance(end, int) else None,
    )


def images_of(images: list[Any] | None) -> list[Media]:
    """Return images that a model made (OpenRouter docs, "Image Generation": `images` of `image_url` parts)."""
    found = []
    for one in images or ():
        if isinstance(one, dict):
            one = {name: value for name, value in one.items() if name != "index"}
            found += [part for part in read_content([one], "images") if isinstance(part, Media)]
    return found


def _calls(message: Members, index: int, answer_id: Any) -> list[ToolCall]:
    calls = []
    for place, one in enumerate(message.array("tool_calls") or ()):
        if isinstance(one, dict):
            one = {name: value for name, value in one.items() if name != "index"}
            if not one.get("id"):
                one["id"] = made_id(answer_id, index, place)
            calls.append(call_of(one, f"tool_calls[{place}]"))
    legacy = message.object("function_call")
    if legacy is not None and isinstance(legacy.get("name"), str):
        calls.append(ToolCall(made_id(answer_id, index, 0), legacy["name"], str(legacy.get("arguments") or "")))
    return calls


def made_id(answer_id: Any, index: int, place: int) -> str:
    """Return an id for a call that came without one: the same for the same answer."""
    told = answer_id if isinstance(answer_id, str) and answer_id else "0"
    return f"call_{told}_{index}_{place}"


def finish_of(choice: Fields, *, calls: bool, refused: bool, left: Fields) -> Finish | None:
    """Return why a choice ended: what its parts say goes before what the server says, since some say `stop` behind
    tool calls (github.com/googleapis/python-genai/issues/2868)."""
    native = choice.get("finish_reason")
    if not isinstance(native, str):
        return None
    extra = {name: choice[name] for name in choice.keys() - _KNOWN_CHOICE if choice[name] is not None}
    stop = choice.get("stop_reason")  # vLLM's: the stop sequence that came, or the number of a token
    reason: FinishReason = _REASONS.get(native, "other")
    if reason in ("stop", "tool_calls"):
        reason = "tool_calls" if calls else "refusal" if refused else "stop"
    if reason == "stop" and isinstance(stop, str):
        return Finish("stop_sequence", stop, NAME, native, {**extra, **left})
    if stop is not None:
        extra["stop_reason"] = stop
    return Finish(reason, None, NAME, native, {**extra, **left})


def logprobs_of(value: Any) -> tuple[TokenLogprob, ...]:
    """Return the log probabilities of tokens of content or refusal."""
    if not isinstance(value, dict):
        return ()
    found: list[TokenLogprob] = []
    for name in ("content", "refusal"):
        entries = value.get(name)
        if isinstance(entries, list):
            found += [_logprob(one) for one in entries if isinstance(one, dict)]
    return tuple(found)


def _logprob(entry: Fields) -> TokenLogprob:
    octets = entry.get("bytes")
    top = entry.get("top_logprobs")
    return TokenLogprob(
        str(entry.get("token", "")),
        float(entry.get("logprob") or 0.0),
        tuple(octets) if isinstance(octets, list) else None,
        tuple(_logprob(one) for one in top if isinstance(one, dict)) if isinstance(top, list) else (),
    )

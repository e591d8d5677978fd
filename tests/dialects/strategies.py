"""Hypothesis strategies for what dialects are tested with: requests, answers, and the events of streams.

A request of `requests` says only what at least two dialects have words for, so that it can be encoded into each and
come back with paths and natives of that dialect; `answers` likewise. `streams` tells an answer as any upstream could:
parts cut into fragments, fragments interleaved.
"""

import json
from itertools import pairwise
from typing import Any, Literal

from hypothesis import strategies as st

from steelyard.core.answer import Answer, Choice, Finish, FinishReason, TokenLogprob
from steelyard.core.events import Added, Began, Ended, Event, Finished, Logged, PartBegan, PartEnded, PartKind, Used
from steelyard.core.parts import Cache, Fields, Media, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from steelyard.core.usage import Usage

__all__ = [
    "answers",
    "arguments",
    "conversations",
    "cuts",
    "json_values",
    "logprobs",
    "names",
    "requests",
    "schemas",
    "streams",
    "texts",
    "usages",
]

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.text(characters, min_size=1, max_size=16).filter(str.strip) | st.sampled_from(
    ["data: [DONE]\n\n", "a\r\n\r\nb", '"finish_reason":null', "größer 😀", "</tool>", "{", "a\u2028b"]
)
"""Texts that are not blank: Anthropic takes no others (Messages API, "text content blocks must be non-empty")."""

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
numbers = st.integers(-1000, 1000) | st.sampled_from([0.5, -2.25])
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | st.text(characters, max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=4,
)
arguments = st.dictionaries(names, json_values, max_size=3).map(lambda one: json.dumps(one, ensure_ascii=False))
base64s = st.sampled_from(["AAAA", "aGVsbG8=", "iVBORw0KGgo="])


def _schema(properties: dict[str, str]) -> Fields:
    return {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": sorted(properties),
        "additionalProperties": False,
    }


schemas = st.dictionaries(names, st.sampled_from(["string", "integer", "boolean"]), min_size=1, max_size=3).map(_schema)


@st.composite
def medias(draw: st.DrawFn) -> Media:
    """Draw an image, or a document."""
    kind: Literal["image", "document"] = draw(st.sampled_from(["image", "image", "document"]))
    if kind == "document":
        return Media(kind, "application/pdf", draw(base64s), name="a.pdf")
    if draw(st.booleans()):
        return Media(kind, url="https://example.com/a.png")
    return Media(kind, draw(st.sampled_from(["image/png", "image/jpeg"])), draw(base64s))


caches = st.sampled_from([None, None, None, Cache(), Cache(ttl="1h")])
seals = st.sampled_from(["c2VhbGVk", "QUJD"])


@st.composite
def thoughts(draw: st.DrawFn, dialect: str) -> Thinking:
    """Draw a thought that a client gives back: of the dialect's provider, or of another's."""
    whose = draw(st.sampled_from([dialect, "anthropic", "gemini", "openai-responses"]))
    if whose == "openai-responses":
        return Thinking(draw(texts), whose, sealed=draw(seals), summary=True)
    return Thinking(draw(texts), whose, draw(seals))


@st.composite
def conversations(draw: st.DrawFn, dialect: str = "openai", *, media: bool = True) -> tuple[Message, ...]:
    """Draw messages that any provider takes: instructions in front, the user first and last, each call answered."""
    cached = caches if dialect in ("openai", "anthropic") else st.none()
    said = st.builds(Text, texts, cache=cached)
    messages = [Message("system", (draw(said),)) for _ in range(draw(st.integers(0, 2)))]
    calls = 0
    shown: st.SearchStrategy[Part] = said | medias() if media else said
    for _ in range(draw(st.integers(0, 2))):
        messages.append(Message("user", tuple(draw(st.lists(shown, min_size=1, max_size=2)))))
        made = tuple(
            ToolCall(f"call_{calls + i}", draw(names), draw(arguments)) for i in range(draw(st.integers(0, 2)))
        )
        calls += len(made)
        spoken = tuple(draw(st.lists(said, min_size=0 if made else 1, max_size=1)))
        thought = tuple(draw(st.lists(thoughts(dialect), max_size=1)))
        messages.append(Message("assistant", thought + spoken + made))
        for call in made:
            failed = draw(st.sampled_from([None, None, True])) if dialect == "anthropic" else None
            result = ToolResult(call.id, tuple(draw(st.lists(said, min_size=1, max_size=2))), call.name, failed)
            messages.append(Message("tool", (result,)))
    messages.append(Message("user", tuple(draw(st.lists(shown, min_size=1, max_size=2)))))
    return tuple(messages)


@st.composite
def tools(draw: st.DrawFn) -> tuple[Tool, ...]:
    """Draw tools of distinct names."""
    told = draw(st.lists(names, max_size=3, unique=True))
    maybe = st.none() | texts
    strict = st.sampled_from([None, None, True, False])
    return tuple(Tool(name, draw(maybe), draw(schemas), draw(strict)) for name in told)


def _choices(told: tuple[Tool, ...]) -> st.SearchStrategy[ToolChoice | None]:
    modes = st.sampled_from([None, ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")])
    return modes | st.sampled_from([ToolChoice("named", (one.name,)) for one in told]) if told else st.none()


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


outputs = st.builds(OutputFormat, st.just("json")) | st.builds(
    OutputFormat, st.just("schema"), names, st.none() | texts, schemas, st.sampled_from([None, True])
)
reasonings = st.builds(Reasoning, st.sampled_from(["low", "medium", "high"])) | st.builds(
    Reasoning, st.none(), st.sampled_from([1024, 8192])
)


@st.composite
def requests(draw: st.DrawFn, dialect: str = "openai", *, media: bool = True) -> Request:
    """Draw a request of a dialect, without paths: encode it into that dialect and decode it to have them."""
    told = draw(tools())
    settings = {
        "tool_choice": _choices(told),
        "parallel_tools": _maybe(st.booleans()) if told else st.none(),
        "output": _maybe(outputs),
        "reasoning": _maybe(reasonings),
        "max_tokens": _maybe(st.integers(16, 4000)),
        "temperature": _maybe(st.sampled_from([0.0, 0.5, 1.0])),
        "top_p": _maybe(st.sampled_from([0.1, 0.9])),
        "top_k": _maybe(st.integers(1, 50)),
        "presence_penalty": _maybe(st.sampled_from([-0.5, 0.25])),
        "frequency_penalty": _maybe(st.sampled_from([-0.5, 0.25])),
        "seed": _maybe(st.integers(0, 1000)),
        "stop": st.lists(names, max_size=2).map(tuple),
        "n": _maybe(st.just(2)),
        "user": _maybe(names),
        "service_tier": _maybe(st.sampled_from(["auto", "priority"])),
    }
    # Few at a time: a request that says everything hides what one of them does.
    said = draw(st.lists(st.sampled_from(sorted(settings)), max_size=4, unique=True))
    return Request(
        dialect=dialect,
        model="model",
        messages=draw(conversations(dialect, media=media)),
        stream=draw(st.booleans()),
        tools=told,
        **{name: draw(settings[name]) for name in said},
    )


usages = st.builds(
    lambda fresh, cached, wrote, output, reasoning: Usage(
        fresh + cached + wrote, output + reasoning, cached, wrote, reasoning
    ),
    *[st.integers(0, 10_000)] * 5,
)


@st.composite
def _parts(draw: st.DrawFn, dialect: str) -> tuple[Part, ...]:
    """Draw the parts of a choice in the order that all dialects have: thoughts, text, calls."""
    parts: list[Part] = []
    if draw(st.booleans()):
        parts.append(Thinking(draw(texts), dialect))
    if draw(st.integers(0, 9)) == 0:
        return (*parts, Refusal(draw(texts)))
    calls = draw(st.integers(0, 3))
    if not calls or draw(st.booleans()):
        parts.append(Text(draw(texts)))
    parts += [ToolCall(f"call_{i}", draw(names), draw(arguments)) for i in range(calls)]
    return tuple(parts)


def _reason(parts: tuple[Part, ...]) -> st.SearchStrategy[FinishReason]:
    if any(isinstance(one, ToolCall) for one in parts):
        return st.just("tool_calls")
    if any(isinstance(one, Refusal) for one in parts):
        return st.just("refusal")
    reasons: list[FinishReason] = ["stop", "length", "content_filter"]
    return st.sampled_from(reasons)


@st.composite
def answers(draw: st.DrawFn, dialect: str = "openai", *, choices: int = 1) -> Answer:
    """Draw a whole answer of a dialect."""
    told = []
    for _ in range(draw(st.integers(1, choices))):
        parts = draw(_parts(dialect))
        told.append(Choice(parts, Finish(draw(_reason(parts)))))
    return Answer(dialect, tuple(told), "answer-1", "model-1", 1_700_000_000, draw(usages))


def _kind(part: Part) -> PartKind:
    kinds: dict[type, PartKind] = {Text: "text", Thinking: "thinking", ToolCall: "tool_call", Refusal: "refusal"}
    return kinds.get(type(part), "whole")


def _split(part: Part) -> tuple[Part, str]:
    """Return a part without its text, and the text."""
    match part:
        case ToolCall():
            return ToolCall(part.id, part.name, "", part.custom, part.signature), part.arguments
        case Thinking():
            return Thinking("", part.dialect, part.signature, part.sealed, part.summary), part.text
        case Refusal():
            return Refusal(""), part.text
        case Text():
            return Text("", part.citations, signature=part.signature), part.text
    return part, ""


@st.composite
def cuts(draw: st.DrawFn, length: int) -> list[int]:
    """Draw places, in order, at which something of that length is cut; the first is 0, the last its length."""
    inner = draw(st.lists(st.integers(0, length), max_size=6))
    return [0, *sorted(inner), length]


@st.composite
def streams(draw: st.DrawFn, answer: Answer, *, interleaved: bool = True) -> list[Event]:
    """Draw a stream that tells an answer: any cut into fragments, and any order that keeps each part's own and begins
    parts in theirs."""
    waiting: list[list[Event]] = []
    number = 0
    for index, choice in enumerate(answer.choices):
        for part in choice.parts:
            bare, text = _split(part)
            places = draw(cuts(len(text)))
            pieces = [text[a:b] for a, b in pairwise(places) if a < b]
            added = [Added(number, piece) for piece in pieces]
            waiting.append([PartBegan(number, _kind(part), bare, index), *added, PartEnded(number)])
            number += 1
    told = _interleaved(draw, waiting) if interleaved else [event for part in waiting for event in part]
    ends: list[Event] = [Finished(one.finish, i) for i, one in enumerate(answer.choices) if one.finish is not None]
    logged: list[Event] = [Logged(one.logprobs, i) for i, one in enumerate(answer.choices) if one.logprobs]
    began = Began(answer.id, answer.model, answer.created, answer.extra, answer.dialect)
    return [began, *logged, *told, *ends, Used(answer.usage, answer.usage_raw, answer.usage_extra), Ended()]


def _interleaved(draw: st.DrawFn, waiting: list[list[Event]]) -> list[Event]:
    told: list[Event] = []
    begun = 0
    while any(waiting):
        ready = [i for i, one in enumerate(waiting) if one and i <= begun]
        chosen = draw(st.sampled_from(ready))
        if chosen == begun:
            begun += 1
        told.append(waiting[chosen].pop(0))
    return told


logprobs = st.lists(st.builds(TokenLogprob, texts, st.sampled_from([-0.5, -1.25])), min_size=1, max_size=2).map(tuple)

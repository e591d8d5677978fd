"""Laws of every pair of dialects: nothing is lost in silence.

A request is drawn, written in the client's dialect and read again, so that it has that dialect's paths. Written for
another upstream it is either refused, with a path that stands in the client's body, or what the upstream reads differs
from it only where the loss report says, and each loss that is told is one. Answers likewise.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from steelyard.core.answer import Answer
from steelyard.core.errors import BadRequest
from steelyard.core.events import Event, Pinged
from steelyard.core.fold import Fold, unfold
from steelyard.core.losses import Loss, Losses
from steelyard.core.parts import Media, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message, Request
from steelyard.dialects.check import check
from steelyard.dialects.dialect import Asked, Dialect, Facts, UpstreamDialect
from steelyard.dialects.table import DIALECTS, UPSTREAM_DIALECTS
from steelyard.dialects.turns import instructions, merged
from tests.dialects.strategies import answers, cuts, requests, streams

PAIRS = [(one, other) for one in DIALECTS for other in DIALECTS]
OTHERS = [(one, other) for one, other in PAIRS if one != other]
FACTS = Facts("claude-sonnet-4-5")
some = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SETTINGS = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "stop",
    "n",
    "user",
    "service_tier",
    "parallel_tools",
    "tool_choice",
    "reasoning",
    "output",
)


def spoken(dialect: Dialect, request: Request) -> tuple[Any, Request]:
    """Write a request in a client's dialect, and read it as the gateway does: with its paths."""
    if dialect.name in ("anthropic", "gemini"):
        # Theirs are turns: results of tools are the user's.
        first, rest, _ = instructions(request.messages)
        request = structs.replace(request, messages=(*first, *merged(rest)))
    body = dialect.encode_request(structs.replace(request, dialect=dialect.name), FACTS, Losses())
    return json.loads(body), dialect.decode_request(body, model="model", stream=request.stream)


def written(upstream: UpstreamDialect, asked: Request, losses: Losses) -> tuple[bytes | None, str]:
    """Return what an upstream is sent, or nothing and the path of what it cannot be told."""
    try:
        return upstream.encode_request(asked, FACTS, losses), ""
    except BadRequest as refused:
        return None, refused.param or "no path"


def assert_found_in(body: Any, losses: tuple[Loss, ...]) -> None:
    for loss in losses:
        assert loss.reason
        assert loss.how == "added" or stands(body, loss.path), f"{loss} does not stand in {body}"


def stands(body: Any, path: str) -> bool:
    """Say whether a path stands in a body."""
    found = body
    # Gemini says the form of an answer in two fields, of which the first may stand alone.
    path = path.replace("responseJsonSchema", "responseMimeType")
    for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if number:
            if not isinstance(found, list) or int(number) >= len(found):
                return False
            found = found[int(number)]
        elif isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, dict) and name in found.get("function", ()):
            found = found["function"][name]  # a tool's own field, in OpenAI's chat
        else:
            return False
    return True


def told_at(losses: tuple[Loss, ...], path: str) -> bool:
    """Say whether a loss is told of what stands at a path, inside it, or around it."""
    return any(
        loss.path == path or loss.path.startswith((f"{path}.", f"{path}[")) or path.startswith(f"{loss.path}.")
        for loss in losses
    )


def core_of(part: Part, calls: dict[str, int]) -> Any:
    """Return what a part says, without what only one dialect has beside it. Calls are told by their order: some
    dialects give them ids of their own."""
    match part:
        case Text():
            return ("text", part.text)
        case Refusal():
            return ("text", part.text)
        case Media():
            return (part.kind, part.media_type if part.data else None, part.data, part.url)
        case ToolCall():
            return ("call", calls.setdefault(part.id, len(calls)), part.name, json.loads(part.arguments or "{}"))
        case ToolResult():
            told = [one.text if isinstance(one, Text) else repr(core_of(one, calls)) for one in part.content]
            return ("result", calls.get(part.call_id), "\n".join(told))
        case Thinking():
            return ("thought", part.text)
    return ("opaque", part.kind)


def turns_of(request: Request) -> list[tuple[str, list[Part]]]:
    """Return instructions and turns, as every dialect can tell them."""
    first, rest, late = instructions(request.messages)
    told = [part for one in (*first, *late) for part in one.parts]
    return [("system", told), *((one.role, list(one.parts)) for one in merged(rest))]


def conversation_of(request: Request, losses: tuple[Loss, ...]) -> list[Any]:
    """Return what is said, turn by turn, but for what the losses name."""
    calls: dict[str, int] = {}
    told = []
    for role, parts in turns_of(request):
        said = [(core_of(part, calls), part) for part in parts]
        told.append((role, [core for core, part in said if not (part.at and told_at(losses, part.at))]))
    return [one for one in told if one[1]]


def setting_of(request: Request, name: str) -> Any:
    value = getattr(request, name)
    if name == "reasoning" and value is not None:
        return (value.effort, value.budget)
    if name == "output" and value is not None:
        schema = value.schema or {}
        # Anthropic's formats have no name of their own: it stands in the schema.
        return (value.kind, {key: one for key, one in schema.items() if key not in ("title", "description")})
    if name == "tool_choice" and value is not None:
        # To be free is what all are without it; Gemini's VALIDATED is to be free, with strict tools.
        return (value.mode, value.names) if value.mode not in ("auto", "native") else None
    if (name, value) in (("service_tier", "auto"), ("parallel_tools", True)):
        return None  # what all are without it
    return value


def assert_same_request(asked: Request, sent: Request, losses: tuple[Loss, ...]) -> None:
    assert conversation_of(asked, losses) == conversation_of(sent, ()) or any(
        told_at(losses, part.at) for _, parts in turns_of(asked) for part in parts
    )
    assert_same_beside(asked, sent, losses)
    for name in SETTINGS:
        path = asked.path_of(name)
        before, after = setting_of(asked, name), setting_of(sent, name)
        if before != after:
            made_up = any(one.how == "added" and one.path == name for one in losses)
            assert made_up or told_at(losses, path), (
                f"{name} was {before}, became {after}, and {path} is not in the report"
            )
        elif before is not None:
            dropped = [one for one in losses if one.path == path and one.how == "dropped"]
            assert not dropped, f"{name} is told to be dropped, and is sent"
    assert_same_tools(asked, sent, losses)


def assert_same_beside(asked: Request, sent: Request, losses: tuple[Loss, ...]) -> None:
    """Check what parts have beside what they say: each part that was asked is looked up where it was sent."""
    calls: dict[str, int] = {}
    sent_calls: dict[str, int] = {}
    found = [(repr(core_of(part, sent_calls)), part) for _, parts in turns_of(sent) for part in parts]
    place = 0
    for part in [one for _, parts in turns_of(asked) for one in parts]:
        core = repr(core_of(part, calls))
        at = next((i for i in range(place, len(found)) if found[i][0] == core), None)
        if at is None:
            assert told_at(losses, part.at), f"{part} is not sent, and not in the report"
            continue
        place = at + 1
        for field in ("cache", "error", "signature", "sealed", "dialect"):
            was, became = getattr(part, field, None), getattr(found[at][1], field, None)
            assert was == became or told_at(losses, part.at), f"{part.at}: {field} was {was}, became {became}"


def assert_same_tools(asked: Request, sent: Request, losses: tuple[Loss, ...]) -> None:
    assert [one.name for one in asked.tools] == [one.name for one in sent.tools]
    # Gemini is strict with all tools or with none, by the mode of its choice.
    fields = ("description", "parameters", "strict") if sent.dialect != "gemini" else ("description", "parameters")
    for before, after in zip(asked.tools, sent.tools, strict=True):
        for field in fields:
            was, became = getattr(before, field), getattr(after, field)
            if field == "strict":
                was, became = bool(was), bool(became)  # said by some, meant by others
            assert was == became or told_at(losses, before.at), f"{before.at}.{field} was {was}, became {became}"


@pytest.mark.parametrize("name", DIALECTS)
@some
@given(st.data())
def test_a_request_comes_back_the_same_from_its_own_dialect(name: str, data: st.DataObject) -> None:
    dialect = DIALECTS[name]
    body, asked = spoken(dialect, data.draw(requests(name)))
    losses = Losses()
    again = dialect.encode_request(asked, FACTS, losses)
    assert losses.all() == ()
    assert dialect.decode_request(again, model="model", stream=asked.stream) == asked
    assert json.loads(again) == {**body, **({"model": FACTS.model} if "model" in body else {})}


@pytest.mark.parametrize(("name", "other"), OTHERS)
@some
@given(st.data())
def test_a_request_differs_only_where_its_losses_say(name: str, other: str, data: st.DataObject) -> None:
    client, upstream = DIALECTS[name], DIALECTS[other]
    body, asked = spoken(client, data.draw(requests(name)))
    check(asked)
    losses = Losses()
    sent, path = written(upstream, asked, losses)
    if sent is None:
        assert stands(body, path), f"{path} does not stand in {body}"
        return
    found = losses.all()
    assert_found_in(body, found)
    assert_same_request(asked, upstream.decode_request(sent, model="model", stream=asked.stream), found)


@pytest.mark.parametrize("name", DIALECTS)
@some
@given(st.data())
def test_what_bedrock_is_not_told_stands_in_the_request(name: str, data: st.DataObject) -> None:
    body, asked = spoken(DIALECTS[name], data.draw(requests(name)))
    losses = Losses()
    sent, path = written(UPSTREAM_DIALECTS["bedrock"], asked, losses)
    assert_found_in(body, losses.all())
    assert sent is not None or stands(body, path), f"{path} does not stand in {body}"


@pytest.mark.parametrize("name", DIALECTS)
@some
@given(st.data())
def test_every_part_says_where_it_stands(name: str, data: st.DataObject) -> None:
    body, asked = spoken(DIALECTS[name], data.draw(requests(name)))
    for path in paths_of(asked.messages):
        assert stands(body, path), f"{path} does not stand in {body}"
    for tool in asked.tools:
        assert stands(body, tool.at)
    for field in SETTINGS:
        if getattr(asked, field) not in (None, ()):
            assert stands(body, asked.path_of(field)), f"{asked.path_of(field)} does not stand in {body}"


def paths_of(messages: tuple[Message, ...]) -> Iterator[str]:
    for message in messages:
        yield message.at
        for part in message.parts:
            yield part.at
            if isinstance(part, ToolResult):
                yield from (one.at for one in part.content)


def asked_in(name: str) -> Asked:
    messages = (Message("user", (Text("Hi"),)),)
    return Asked(
        Request(dialect=name, model="model", messages=messages, stream=True, include_usage=True), "0123456789", 1
    )


def folded(name: str, events: list[Event]) -> Answer:
    fold = Fold(name)
    fold.take_all(events)
    assert fold.ended
    assert fold.failed is None
    return fold.answer()


def relayed(dialect: Dialect, events: list[Event]) -> tuple[bytes, tuple[Loss, ...]]:
    losses = Losses()
    writer = dialect.writer(asked_in(dialect.name), losses)
    return b"".join([writer.write(event) for event in events]), losses.all()


def read(dialect: Dialect, stream: bytes, places: list[int]) -> list[Event]:
    reader = dialect.reader()
    found = [event for a, b in pairwise(places) for event in reader.feed(stream[a:b])]
    return [one for one in [*found, *reader.finish()] if not isinstance(one, Pinged)]


def told_in(answer: Answer) -> list[Any]:
    """Return what an answer says: its text and thoughts joined, its calls, why it ended, and its usage."""
    told: list[Any] = []
    for choice in answer.choices:
        text = "".join(part.text for part in choice.parts if isinstance(part, Text | Refusal))
        thoughts = "".join(part.text for part in choice.parts if isinstance(part, Thinking))
        calls = [(one.name, json.loads(one.arguments or "{}")) for one in choice.parts if isinstance(one, ToolCall)]
        told.append((text, thoughts, calls, choice.finish.reason if choice.finish else None))
    usage = answer.usage
    return [told, (usage.input, usage.output) if usage else None]


def same_reason(before: str, after: str) -> bool:
    """Say whether a reason is the other, or the nearest that a dialect has: a refusal may be a filter's doing."""
    return before == after or {before, after} <= {"refusal", "content_filter", "stop"}


def assert_same_answer(answer: Answer, again: Answer) -> None:
    (before, used), (after, used_again) = told_in(answer), told_in(again)
    assert used == used_again
    for (text, thoughts, calls, reason), (text2, thoughts2, calls2, reason2) in zip(before, after, strict=True):
        assert (text, thoughts, calls) == (text2, thoughts2, calls2)
        assert same_reason(reason, reason2), f"{reason} became {reason2}"


@pytest.mark.parametrize(("name", "other"), PAIRS)
@some
@given(st.data())
def test_an_answer_says_the_same_in_each_dialect(name: str, other: str, data: st.DataObject) -> None:
    answer = data.draw(answers(other))
    losses = Losses()
    body = DIALECTS[name].encode_answer(answer, asked_in(name), losses)
    events = DIALECTS[name].decode_answer(body)
    assert events is not None
    assert_same_answer(answer, folded(name, events))


@pytest.mark.parametrize(("name", "other"), PAIRS)
@some
@given(st.data())
def test_a_stream_says_the_same_in_each_dialect(name: str, other: str, data: st.DataObject) -> None:
    answer = data.draw(answers(other))
    stream, _ = relayed(DIALECTS[name], data.draw(streams(answer)))
    assert_same_answer(answer, folded(name, read(DIALECTS[name], stream, [0, len(stream)])))


@pytest.mark.parametrize("name", DIALECTS)
@some
@given(st.data())
def test_a_stream_cut_anywhere_is_the_same_stream(name: str, data: st.DataObject) -> None:
    dialect = DIALECTS[name]
    stream, _ = relayed(dialect, data.draw(streams(data.draw(answers(name)))))
    whole = read(dialect, stream, [0, len(stream)])
    assert read(dialect, stream, data.draw(cuts(len(stream)))) == whole
    assert folded(name, read(dialect, stream, list(range(len(stream) + 1)))) == folded(name, whole)


@pytest.mark.parametrize("name", DIALECTS)
@some
@given(st.data())
def test_a_stream_that_is_cut_off_never_ends(name: str, data: st.DataObject) -> None:
    dialect = DIALECTS[name]
    stream, _ = relayed(dialect, data.draw(streams(data.draw(answers(name)))))
    fold = Fold(name)
    fold.take_all(read(dialect, stream, [0, data.draw(st.integers(0, len(stream) // 2))]))
    assert not fold.ended


@pytest.mark.parametrize(("name", "other"), PAIRS)
@some
@given(st.data())
def test_a_whole_answer_is_told_as_its_stream_is(name: str, other: str, data: st.DataObject) -> None:
    answer = data.draw(answers(other))
    dialect = DIALECTS[name]
    stream, _ = relayed(dialect, list(unfold(answer)))
    body = dialect.encode_answer(answer, asked_in(name), Losses())
    assert_same_answer(
        folded(name, dialect.decode_answer(body) or []), folded(name, read(dialect, stream, [0, len(stream)]))
    )

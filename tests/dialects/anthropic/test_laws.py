"""Laws: nothing is lost on the way through; a stream's cuts do not matter; a stream says what the whole answer says."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from steelyard.core.answer import Answer, Finish
from steelyard.core.errors import UpstreamError
from steelyard.core.events import Added, Began, Ended, Event, Finished, Logged, PartBegan, PartEnded, Sealed, Used
from steelyard.core.fold import Fold
from steelyard.core.losses import Losses
from steelyard.core.parts import Media, Opaque, Refusal, Text, Thinking, ToolCall
from steelyard.core.request import Request
from steelyard.core.usage import Usage
from steelyard.dialects.anthropic import ANTHROPIC
from steelyard.dialects.dialect import Asked, Facts
from tests.dialects.anthropic.drawn import answers, cut, requests, stream_of
from tests.dialects.anthropic.legality import accumulated

few = settings(max_examples=50, deadline=None)
ASKED = Asked(Request(dialect="anthropic", model="alias", messages=()), "exchange-1", 1)


def same(value: Any) -> Any:
    """Return JSON in one of the forms that mean the same: content as blocks, null as absent, a tool's type unsaid."""
    if isinstance(value, list):
        return [same(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: same(one) for name, one in value.items() if one is not None}
    for name in ("content", "system"):
        if isinstance(found.get(name), str):
            found[name] = [{"type": "text", "text": found[name]}]
    if found.get("type") == "custom":
        del found["type"]
    return found


def folded(events: list[Event]) -> Answer:
    fold = Fold("anthropic")
    fold.take_all(events)
    assert fold.ended
    return fold.answer()


@given(requests)
@few
def test_a_request_goes_through_the_core_and_loses_nothing(request: dict[str, Any]) -> None:
    losses = Losses()
    decoded = ANTHROPIC.decode_request(json.dumps(request).encode())
    written = json.loads(ANTHROPIC.encode_request(decoded, Facts(request["model"]), losses))
    assert same(written) == same(request)
    assert losses.all() == ()


@given(answers)
@few
def test_an_answer_goes_through_the_core_and_loses_nothing(answer: dict[str, Any]) -> None:
    losses = Losses()
    events = ANTHROPIC.decode_answer(json.dumps(answer).encode())
    assert events is not None
    written = json.loads(ANTHROPIC.encode_answer(folded(events), ASKED, losses))
    assert same(written) == same(answer)
    assert losses.all() == ()


@given(answers, st.integers(1, 5))
@few
def test_the_fold_of_a_stream_is_the_whole_answer(answer: dict[str, Any], pieces: int) -> None:
    whole = ANTHROPIC.decode_answer(json.dumps(answer).encode())
    assert whole is not None
    streamed = folded(ANTHROPIC.reader().feed(stream_of(answer, pieces)))
    assert structs.replace(streamed, usage_raw=None) == structs.replace(folded(whole), usage_raw=None)
    assert json.loads(streamed.usage_raw or b"") == answer["usage"]


@given(answers, st.lists(st.integers(1, 40), min_size=1, max_size=6), st.booleans())
@few
def test_the_cuts_of_a_stream_do_not_matter(answer: dict[str, Any], sizes: list[int], other_ends: bool) -> None:
    stream = stream_of(answer)
    if other_ends:
        stream = stream.replace(b"\n", b"\r\n")
    whole, pieces = ANTHROPIC.reader(), ANTHROPIC.reader()
    assert [event for piece in cut(stream, sizes) for event in pieces.feed(piece)] == whole.feed(stream)
    assert whole.finish() == pieces.finish() == []


@given(answers, st.lists(st.integers(1, 200), min_size=1, max_size=6))
@few
def test_a_stream_goes_through_the_core_and_loses_nothing(answer: dict[str, Any], sizes: list[int]) -> None:
    losses = Losses()
    reader, writer = ANTHROPIC.reader(), ANTHROPIC.writer(ASKED, losses)
    events = [event for piece in cut(stream_of(answer), sizes) for event in reader.feed(piece)]
    assert same(accumulated(b"".join(writer.write(event) for event in events))) == same(answer)
    assert losses.all() == ()


@given(answers, st.lists(st.integers(1, 60), min_size=1, max_size=6))
@few
def test_a_watch_relays_every_byte_however_they_are_cut(answer: dict[str, Any], sizes: list[int]) -> None:
    stream = stream_of(answer)
    watch = ANTHROPIC.watch(hide_usage=True)
    relayed = b"".join(watch.feed(piece) for piece in cut(stream, sizes))
    assert relayed + watch.ending == stream
    assert watch.done
    assert watch.events == stream.count(b"\n\n")
    assert watch.finish_reason == answer["stop_reason"]
    assert json.loads(watch.usage_raw or b"") == answer["usage"]
    events = ANTHROPIC.decode_answer(json.dumps(answer).encode())
    assert events is not None
    assert watch.usage == folded(events).usage


values = st.sampled_from(
    [
        ("text", Text("")),
        ("text", Text("said", signature="sig")),
        ("refusal", Refusal("")),
        ("thinking", Thinking("", "openai")),
        ("thinking", Thinking("", "openai-responses", sealed="gAAA", item_id="rs_1", summary=True)),
        ("thinking", Thinking("", "gemini", signature="sig")),
        ("thinking", Thinking("", "anthropic")),
        ("tool_call", ToolCall("call_1", "look", "")),
        ("tool_call", ToolCall("call_2", "look", "", signature="sig")),
        ("tool_call", ToolCall("call_3", "say", "", custom=True)),
        (
            "whole",
            Opaque(
                "anthropic",
                "server_tool_use",
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}},
            ),
        ),
        ("whole", Opaque("gemini", "executableCode", {"code": "1"})),
        ("whole", Media("image", "image/png", data="AAAA")),
    ]
)


@st.composite
def interleaved(draw: st.DrawFn) -> list[Event]:
    """Draw the events of parts that all dialects' readers may interleave."""
    begun = draw(st.lists(st.tuples(values, st.integers(0, 3), st.sampled_from([0, 0, 0, 1])), max_size=5))
    lines: list[list[Event]] = []
    for number, ((kind, value), fragments, choice) in enumerate(begun):
        told = ["{", '"a":1', "}"] if kind == "tool_call" else ["Grüße ", '"quoted"\n', "😀"]
        line: list[Event] = [PartBegan(number, kind, value, choice)]  # type: ignore[arg-type]
        if kind != "whole":
            count = 3 if kind == "tool_call" and fragments else fragments
            line += [Added(number, piece) for piece in told[:count]]
            if draw(st.booleans()) and kind != "refusal":
                line.append(Sealed(number, signature="late"))
        if draw(st.booleans()):
            line.append(PartEnded(number))
        lines.append(line)
    events: list[Event] = [Began("chatcmpl-1", "gpt"), *draw(st.sampled_from([[], [Used(Usage(5, 1))]]))]
    waiting = list(range(len(lines)))
    open_lines: list[int] = []
    while waiting or open_lines:
        if waiting and (not open_lines or draw(st.booleans())):
            open_lines.append(waiting.pop(0))
            number = open_lines[-1]
        else:
            number = draw(st.sampled_from(open_lines))
        events.append(lines[number].pop(0))
        if not lines[number]:
            open_lines.remove(number)
    return [*events, Logged(()), Finished(Finish("stop")), Used(Usage(5, 9, cached=2)), Ended()]


@given(interleaved())
@settings(max_examples=50, deadline=None)
def test_a_written_stream_is_legal_whatever_the_order_of_events(events: list[Event]) -> None:
    writer = ANTHROPIC.writer(ASKED, Losses())
    stream = b"".join(writer.write(event) for event in events)
    message = accumulated(stream)
    fold = Fold("openai")
    fold.take_all(events)
    choices = fold.answer().choices
    parts = choices[0].parts if choices else ()
    assert joined(message["content"], "text") == [
        part.text for part in parts if isinstance(part, Text | Refusal) if part.text
    ]
    assert [b["name"] for b in message["content"] if b["type"] == "tool_use"] == [
        part.name for part in parts if isinstance(part, ToolCall)
    ]
    assert message["usage"]["input_tokens"] == 3
    assert writer.write(Added(0, "late")) == b""


@given(interleaved(), st.integers(0, 30))
@settings(max_examples=30, deadline=None)
def test_a_stream_may_break_off_anywhere_and_stays_legal(events: list[Event], after: int) -> None:
    writer = ANTHROPIC.writer(ASKED, Losses())
    stream = b"".join(writer.write(event) for event in events[:after])
    broken = writer.fail(UpstreamError("The provider hung up."))
    accumulated(stream + broken)
    assert writer.fail(UpstreamError("again")) == b""
    assert bool(broken) == (after < len(events))


def joined(content: list[dict[str, Any]], kind: str) -> list[str]:
    return [block[kind] for block in content if block["type"] == kind and block[kind]]

"""A stream of OpenAI's dialect is read alike however its bytes were cut, and relayed without a change but for usage."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from steelyard.core.usage import Usage
from steelyard.dialects.stream import StreamReader
from tests.support import sse

DONE = b"data: [DONE]\n\n"
Cuts = list[int]


class Read(Struct, frozen=True):
    """What a reader made of a stream."""

    relayed: bytes
    done: bool
    usage: Usage | None
    finish_reason: str | None
    error: bytes | None


def read(stream: bytes, cuts: Cuts, *, hide_usage: bool = False) -> Read:
    """Feed a stream in pieces that end at `cuts`."""
    reader = StreamReader(hide_usage=hide_usage)
    places = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
    relayed = b"".join(reader.feed(stream[a:b]) for a, b in pairwise(places))
    return Read(relayed, reader.done, reader.usage, reader.finish_reason, reader.error)


def by_event(events: list[bytes], *, hide_usage: bool = False) -> Read:
    """Feed one event at a time, as most providers send them."""
    reader = StreamReader(hide_usage=hide_usage)
    relayed = b"".join(reader.feed(event) for event in events)
    return Read(relayed, reader.done, reader.usage, reader.finish_reason, reader.error)


def event(value: Any, end: bytes = b"\n") -> bytes:
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + end + end


def chunk(content: str = "Hi", finish: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]
    return {"id": "c-1", "model": "m-1", "choices": choices, **more}


USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
contents = texts | st.sampled_from(
    ['"usage":null', '],"usage":null', "data: [DONE]", "\n\n", "\r\n", '"finish_reason":null', "\\", " "]
)
usages = st.none() | st.builds(
    lambda a, b: {"prompt_tokens": a, "completion_tokens": b}, st.integers(0, 99), st.integers(0, 99)
)
chunks = st.builds(chunk, contents, st.none() | st.just("stop")) | st.builds(
    lambda content, usage, rest: chunk(content, usage=usage, **rest),
    contents,
    usages,
    st.sampled_from([{}, {"obfuscation": "x"}, {"x": {"usage": {"a": 1}}}, {"x_groq": {"l": [], "usage": None}}]),
)
last_chunks = st.builds(lambda usage: {"id": "c-1", "choices": [], "usage": usage}, usages)


@st.composite
def events_of(draw: st.DrawFn, ends: st.SearchStrategy[bytes]) -> list[bytes]:
    """Draw the events of a whole stream, each with line ends of its own."""
    found = []
    for value in draw(st.lists(chunks | last_chunks, max_size=6)):
        end = draw(ends)
        text = json.dumps(value, separators=draw(st.sampled_from([(",", ":"), (", ", ": ")])), ensure_ascii=False)
        lines = draw(st.sampled_from([[], [b": ping"], [b"event: chunk", b"id: 7"], [b"retry: 5"]]))
        colon = draw(st.sampled_from([b"data: ", b"data:"]))
        found.append(end.join([*lines, colon + text.encode()]) + end + end)
        if draw(st.booleans()):
            found.append(
                draw(st.sampled_from([b": keep-alive", b"event: ping", b"data: {}", b"data: what?"])) + end + end
            )
    end = draw(ends)
    return [*found, b"data: [DONE]" + end + end]


any_end = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(events_of(any_end), st.lists(st.integers(0), max_size=30))
def test_bytes_pass_unchanged_however_they_were_cut(events: list[bytes], cuts: Cuts) -> None:
    seen = read(b"".join(events), cuts)
    # The terminator is withheld; of CR LF CR LF that was cut before its last LF, this LF belongs to what comes after.
    assert seen.relayed.rstrip(b"\n") == b"".join(events[:-1]).rstrip(b"\n")
    assert seen.done


@given(events_of(any_end), st.lists(st.integers(0), max_size=30), st.booleans())
def test_any_cutting_tells_the_same_as_event_by_event(events: list[bytes], cuts: Cuts, hide: bool) -> None:
    whole, cut = by_event(events, hide_usage=hide), read(b"".join(events), cuts, hide_usage=hide)
    assert (cut.done, cut.usage, cut.finish_reason) == (whole.done, whole.usage, whole.finish_reason)
    assert list(sse.payloads([cut.relayed])) == list(sse.payloads([whole.relayed]))


@given(events_of(st.just(b"\n")), st.lists(st.integers(0), max_size=30), st.booleans())
def test_with_line_feeds_any_cutting_gives_the_very_same_bytes(events: list[bytes], cuts: Cuts, hide: bool) -> None:
    assert read(b"".join(events), cuts, hide_usage=hide) == by_event(events, hide_usage=hide)


@given(events_of(any_end), st.lists(st.integers(0), max_size=30))
def test_hidden_usage_is_hidden_and_nothing_else(events: list[bytes], cuts: Cuts) -> None:
    expected = []
    for text in sse.payloads([b"".join(events[:-1])]):
        try:
            value = json.loads(text)
        except ValueError:
            expected.append(text)
            continue
        if value.get("usage") is not None and value["choices"] == []:
            continue
        value.pop("usage", None)
        expected.append(value)
    shown = read(b"".join(events), cuts, hide_usage=True).relayed
    assert [json.loads(text) if text != "what?" else text for text in sse.payloads([shown])] == expected


@given(events_of(any_end))
def test_the_last_usage_and_the_last_finish_reason_count(events: list[bytes]) -> None:
    values = [json.loads(text) for text in sse.payloads([b"".join(events[:-1])]) if text != "what?"]
    usages = [value["usage"] for value in values if value.get("usage")]
    finishes = [one["finish_reason"] for value in values for one in value.get("choices", ()) if one["finish_reason"]]
    seen = by_event(events)
    last = Usage(usages[-1]["prompt_tokens"], usages[-1]["completion_tokens"]) if usages else None
    assert seen.usage == last
    assert seen.finish_reason == (finishes[-1] if finishes else None)


def test_usage_so_far_is_known_of_a_stream_that_was_cut() -> None:
    seen = by_event([event(chunk("a", usage={**USAGE, "completion_tokens": i})) for i in range(1, 4)])
    assert seen.usage == Usage(7, 3)
    assert not seen.done


def test_a_null_for_usage_is_cut_out_and_every_other_byte_stays() -> None:
    plain = b'data: {"id":"c-1", "choices":[{"finish_reason":null}],"usage":null,"n": 1.50}\n\n'
    for cuts in ([], [20], list(range(len(plain)))):
        assert read(plain, cuts, hide_usage=True).relayed == plain.replace(b',"usage":null', b"")
        assert read(plain, cuts).relayed == plain


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_data_over_several_lines_is_one_event(end: bytes) -> None:
    text = end.join(
        [b'data: {"choices": [],', b'data:  "usage": {"prompt_tokens": 7,', b'data: "completion_tokens": 5}}']
    )
    stream = text + end + end + DONE
    for cuts in ([], list(range(len(stream)))):
        assert read(stream, cuts).usage == Usage(7, 5)
        assert read(stream, cuts, hide_usage=True).relayed.strip(b"\n") == b""


def test_a_huge_event_is_relayed_whole_and_read_in_linear_time() -> None:
    huge = event(chunk("x" * 8_000_000, "stop", usage=USAGE))
    seen = read(huge + DONE, list(range(0, len(huge), 4096)))
    assert seen.relayed == huge
    assert (seen.usage, seen.done) == (Usage(7, 5), True)


def test_an_event_without_an_end_overflows() -> None:
    reader = StreamReader(hide_usage=False)
    piece = b"x" * (8 * 1024 * 1024)
    assert reader.feed(b"data: ") == b""
    for _ in range(9):
        assert reader.feed(piece) == b""
    assert reader.overflow


def test_what_follows_the_terminator_is_dropped() -> None:
    seen = read(event(chunk()) + DONE + event(chunk("late")), [])
    assert seen.relayed == event(chunk())


def test_a_stream_without_its_terminator_is_not_done() -> None:
    assert not read(event(chunk("a", "stop")), []).done
    assert not read(event(chunk()) + b"data: [DONE]\n", []).done
    assert not read(b"data: [DONE] not\n\n" + b": [DONE]\n\n", []).done


def test_an_error_event_is_noticed_and_relayed() -> None:
    error = event({"error": {"message": "overloaded", "code": None}})
    for cuts in ([], [3, 30]):
        seen = read(event(chunk()) + error, cuts, hide_usage=True)
        assert seen.relayed.endswith(error)
        assert json.loads(seen.error or b"null")["message"] == "overloaded"
    assert read(event({**chunk(), "error": None}), []).error is None


def test_finish_reasons_of_a_word_are_not_taken_from_its_text() -> None:
    tricky = event(chunk('"finish_reason":"stop"')) + event(chunk('{"usage":{"prompt_tokens":1}}'))
    seen = by_event([tricky, event(chunk("end", "length"))], hide_usage=True)
    assert (seen.finish_reason, seen.usage) == ("length", None)
    assert seen.relayed == tricky + event(chunk("end", "length"))

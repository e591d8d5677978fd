"""Server-sent events are the same events however their bytes were cut, with lines that end in any of three ways."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.dialects import sse
from steelyard.dialects.sse import EventFramer, event

Told = list[tuple[bytes | None, bytes]]

ENDS = [b"\n", b"\r\n", b"\r"]
payloads = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=8), min_size=1, max_size=3
)
event_names = st.none() | st.sampled_from([b"message_start", b"response.completed"])


def framed(stream: bytes, places: list[int]) -> Told:
    framer = EventFramer()
    bounds = [0, *sorted({one % (len(stream) + 1) for one in places}), len(stream)]
    return [one for a, b in pairwise(bounds) for one in framer.feed(stream[a:b])]


@st.composite
def written(draw: st.DrawFn) -> tuple[bytes, Told]:
    """Draw a stream, and the events that it tells. It ends in LF: behind a lone CR one would wait for more."""
    stream, told = b"", []
    for lines in draw(st.lists(payloads, min_size=1, max_size=4)):
        end, name = draw(st.sampled_from(ENDS)), draw(event_names)
        space = draw(st.sampled_from([b"", b" "]))
        data = [one.encode() for one in lines]
        shown = [b"data:" + (space or (b" " if one.startswith(b" ") else b"")) + one for one in data]
        if name is not None:
            shown.insert(draw(st.sampled_from([0, len(shown)])), b"event:" + space + name)
        if draw(st.booleans()):
            shown.insert(0, b": a comment")
        stream += end.join(shown) + end + end
        told.append((name, b"\n".join(data)))
    return stream + b":\n\n", told


@settings(max_examples=50, deadline=None)
@given(written(), st.lists(st.integers(0, 500), max_size=8))
def test_any_cut_gives_the_same_events(stream: tuple[bytes, Told], places: list[int]) -> None:
    assert framed(stream[0], places) == stream[1]


@settings(max_examples=20, deadline=None)
@given(written())
def test_byte_by_byte_is_the_same_as_at_once(stream: tuple[bytes, Told]) -> None:
    assert framed(stream[0], list(range(500))) == framed(stream[0], []) == stream[1]


@pytest.mark.parametrize("end", ENDS)
def test_lines_end_in_cr_lf_or_both(end: bytes) -> None:
    stream = end.join([b"event: a", b"data: 1", b"data: 2", b"", b"data:3", b"", b":", b"", b""])
    assert framed(stream, []) == [(b"a", b"1\n2"), (None, b"3")]


def test_a_carriage_return_at_the_end_waits_for_its_line_feed() -> None:
    framer = EventFramer()
    assert framer.feed(b"data: 1\r\n\r") == []
    assert framer.feed(b"\ndata: 2\r\n\r\n") == [(None, b"1"), (None, b"2")]


def test_comments_and_events_without_data_are_left_out() -> None:
    assert framed(b": ping\n\nevent: lonely\n\nid: 7\n\ndata: 1\n\n", []) == [(None, b"1")]


def test_empty_data_is_data() -> None:
    assert framed(b"data:\n\ndata\n\n", []) == [(None, b""), (None, b"")]


def test_fields_that_only_begin_alike_are_others() -> None:
    assert framed(b"database: 1\nevents: 2\ndata: 3\n\n", []) == [(None, b"3")]


def test_a_byte_order_mark_in_front_is_none_of_the_data() -> None:
    assert framed(b"\xef\xbb\xbfdata: 1\n\n", [1, 2]) == [(None, b"1")]


def test_what_is_not_complete_is_kept_apart() -> None:
    framer = EventFramer()
    assert framer.feed(b"data: 1\n\ndata: 2\n") == [(None, b"1")]
    assert framer.rest() == b"data: 2\n"


def test_an_event_that_never_ends_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_MOST_EVENT_BYTES", 1000)
    framer = EventFramer()
    framer.feed(b"data: " + b"x" * 900)
    assert not framer.overflow
    framer.feed(b"x" * 100)
    assert framer.overflow


def test_an_event_is_written_with_or_without_a_name() -> None:
    assert event(b"{}") == b"data: {}\n\n"
    assert event(b"{}", b"ping") == b"event: ping\ndata: {}\n\n"
    assert framed(event(b"{}", b"ping"), [3]) == [(b"ping", b"{}")]

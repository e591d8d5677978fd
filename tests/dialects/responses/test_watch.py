"""A stream that is relayed untranslated: bytes untouched, the terminator withheld, what is recorded read."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.answer import Finish
from steelyard.core.fold import Fold
from steelyard.core.usage import Usage
from steelyard.dialects.responses import RESPONSES
from tests.dialects.responses.upstream import responses, sse, stream_of

Json = dict[str, Any]


@given(responses(), st.data(), st.booleans(), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=50, deadline=None)
def test_all_but_the_terminator_is_relayed_as_it_came(
    response: Json, data: st.DataObject, named: bool, end: str
) -> None:
    events = stream_of(response)
    stream = sse(events, named=named, end=end)
    ending = stream[len(sse(events[:-1], named=named, end=end)) :]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    watch = RESPONSES.watch(hide_usage=True)

    relayed = b"".join(watch.feed(stream[a:b]) for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True))

    assert relayed + watch.ending == stream
    assert (watch.done, watch.ending) == (True, ending)
    assert (watch.events, watch.model) == (len(events), "gpt-x-2026")
    assert watch.usage == Usage(9, 7, 4, 1, 2)
    assert json.loads(watch.usage_raw or b"") == response["usage"]
    assert watch.finish_reason == _finish(response).reason
    assert watch.error is None


def _finish(response: Json) -> Finish:
    fold = Fold("x")
    fold.take_all(RESPONSES.decode_answer(json.dumps(response).encode()) or ())
    found = fold.answer().choices[0].finish
    assert found is not None
    return found


@given(responses())
@settings(max_examples=30, deadline=None)
def test_a_glance_sees_what_a_watch_sees(response: Json) -> None:
    glance = RESPONSES.glance(json.dumps(response).encode())
    watch = RESPONSES.watch(hide_usage=False)
    watch.feed(sse(stream_of(response)))
    assert glance is not None
    assert (glance.model, glance.finish_reason, glance.usage) == (watch.model, watch.finish_reason, watch.usage)
    assert not glance.error


def test_a_delta_is_relayed_as_the_very_bytes_that_came() -> None:
    watch = RESPONSES.watch(hide_usage=False)
    for named in (True, False):
        delta = sse([{"type": "response.output_text.delta", "delta": "response.completed"}], named=named)
        assert watch.feed(delta) is delta
    assert watch.events == 2


def test_several_events_in_one_read_are_all_seen() -> None:
    watch = RESPONSES.watch(hide_usage=False)
    delta = sse([{"type": "response.output_text.delta", "delta": "x"}])
    end = sse([{"type": "response.completed", "response": {"status": "completed", "output": []}}])
    assert watch.feed(delta + delta + end + b"data: [DONE]\n\n") == delta + delta
    assert (watch.done, watch.ending) == (True, end)
    assert watch.feed(b"data: more\n\n") == b""


def test_a_failed_response_ends_a_stream_and_says_why() -> None:
    watch = RESPONSES.watch(hide_usage=False)
    error = {"code": "server_error", "message": "Boom."}
    stream = sse([{"type": "response.failed", "response": {"status": "failed", "error": error, "output": []}}])
    assert watch.feed(stream) == b""
    assert (watch.done, watch.ending) == (True, stream)
    assert json.loads(watch.error or b"") == error
    assert watch.finish_reason is None


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"type": "error", "message": "Boom."}, {"type": "error", "message": "Boom.", "sequence_number": 0}),
        ({"type": "error", "error": {"message": "Boom."}}, {"message": "Boom."}),
    ],
)
def test_an_error_event_is_relayed_and_noted(told: Json, error: Json) -> None:
    watch = RESPONSES.watch(hide_usage=False)
    stream = sse([told])
    assert watch.feed(stream) == stream
    assert json.loads(watch.error or b"") == error
    assert not watch.done


def test_what_is_not_understood_is_relayed() -> None:
    watch = RESPONSES.watch(hide_usage=False)
    stream = b': ping\n\ndata: {"type":5}\n\ndata: not json\n\nevent: keepalive\ndata: {"type":"keepalive"}\n\n'
    assert watch.feed(stream) == stream
    watch.finish()
    assert not watch.done


def test_an_error_in_an_answer_s_place_is_seen() -> None:
    glance = RESPONSES.glance(b'{"error":{"message":"x"}}')
    assert glance is not None
    assert glance.error
    assert RESPONSES.glance(b'{"choices":[]}') is None
    assert RESPONSES.glance(b"no") is None


def test_an_event_without_an_end_overflows_at_64_mib() -> None:
    watch = RESPONSES.watch(hide_usage=False)
    watch.feed(b"x" * (65 * 1024 * 1024))
    assert watch.overflow

"""Streams and answers of Gemini's that are relayed untranslated."""

from typing import Any

import msgspec
import pytest

from steelyard.core.usage import Usage
from steelyard.dialects.dialect import Glance
from steelyard.dialects.gemini import GEMINI
from tests.dialects.gemini.wire import encode, streamed

TEXT: dict[str, Any] = {
    "candidates": [{"content": {"parts": [{"text": "a"}], "role": "model"}, "index": 0}],
    "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3},
    "modelVersion": "gemini-9",
}
LAST: dict[str, Any] = {
    "candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
    "modelVersion": "gemini-9",
}


def test_a_stream_is_relayed_as_the_very_bytes_that_came() -> None:
    watch = GEMINI.watch(hide_usage=True)
    for chunk in (TEXT, TEXT, LAST):
        wire = streamed([chunk])
        assert watch.feed(wire) is wire
    assert not watch.done
    watch.finish()
    assert (watch.done, watch.ending, watch.events) == (True, b"", 3)
    assert (watch.model, watch.finish_reason, watch.usage) == ("gemini-9", "STOP", Usage(3, 2))
    assert watch.usage_raw == encode(LAST["usageMetadata"])


def test_a_stream_without_a_reason_was_cut() -> None:
    watch = GEMINI.watch(hide_usage=False)
    watch.feed(streamed([TEXT]))
    watch.finish()
    assert not watch.done
    assert watch.usage == Usage(3, 0)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_an_array_s_closing_bracket_is_withheld(size: int) -> None:
    wire = b"[" + encode(TEXT) + b"\n,\r\n" + encode({**TEXT, "odd": '}]\\"['}) + b"\n,\r\n" + encode(LAST) + b"\n]\n"
    watch = GEMINI.watch(hide_usage=False)
    relayed = b"".join(watch.feed(wire[at : at + size]) for at in range(0, len(wire), size))
    watch.finish()
    assert relayed + watch.ending == wire
    assert watch.ending == b"]\n"
    assert (watch.done, watch.events, watch.finish_reason, watch.usage) == (True, 3, "STOP", Usage(3, 2))


def test_an_array_as_google_writes_it_is_relayed_as_it_came() -> None:
    watch = GEMINI.watch(hide_usage=False)
    for wire in (b"[" + encode(TEXT) + b"\n", b",\r\n" + encode(TEXT) + b"\n", b",\r\n" + encode(LAST) + b"\n"):
        assert watch.feed(wire) is wire
    assert not watch.done
    assert (watch.feed(b"]"), watch.ending, watch.done, watch.events) == (b"", b"]", True, 3)


def test_an_array_that_is_cut_is_not_done() -> None:
    watch = GEMINI.watch(hide_usage=False)
    watch.feed(b"[" + encode(LAST))
    watch.finish()
    assert not watch.done


@pytest.mark.parametrize("framing", [b"data: %b\n\n", b"%b"])
def test_an_error_in_the_stream_is_noted(framing: bytes) -> None:
    watch = GEMINI.watch(hide_usage=False)
    error = {"code": 503, "message": "m", "status": "UNAVAILABLE"}
    watch.feed(streamed([TEXT]))
    watch.feed(framing % encode({"error": error}))
    watch.finish()
    assert watch.error is not None
    assert msgspec.json.decode(watch.error) == error
    assert not watch.done


def test_a_blocked_prompt_is_a_reason() -> None:
    watch = GEMINI.watch(hide_usage=False)
    watch.feed(streamed([{"promptFeedback": {"blockReason": "SAFETY"}}]))
    watch.finish()
    assert (watch.finish_reason, watch.done) == ("SAFETY", True)


def test_an_answer_is_seen_at_a_glance() -> None:
    raw = encode(LAST["usageMetadata"])
    expected = Glance("gemini-9", "STOP", Usage(3, 2), raw)
    assert GEMINI.glance(encode(LAST)) == expected
    assert GEMINI.glance(encode([TEXT, LAST])) == expected


def test_an_error_in_an_answer_s_place_is_seen() -> None:
    found = GEMINI.glance(b'{"error":{"code":400}}')
    assert found is not None
    assert found.error

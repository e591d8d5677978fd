"""Errors, counts and watches of Chat Completions."""

import json
from typing import Any

import pytest

from steelyard.core.errors import BadRequest, TooMany
from steelyard.dialects.chat import CHAT
from steelyard.dialects.dialect import Told
from tests.dialects.chat.wire import chunk


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}, Told("m", "t", "c", "p")),
        ({"error": {"message": "m", "code": 400}}, Told("m", None, "400")),
        ({"error": "words"}, Told("words")),
        ({"object": "error", "message": "m", "type": "t", "param": None, "code": 3000}, Told("m", "t", "3000")),
        ({"detail": "Not Found"}, Told("Not Found")),
        ({"detail": [{"loc": ["body"]}]}, Told('[{"loc":["body"]}]')),
        (
            [{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}],
            Told("m", "INVALID_ARGUMENT", "400"),
        ),
    ],
)
def test_trap_17_errors_of_compatible_servers_are_read(value: Any, told: Told) -> None:
    assert CHAT.decode_error(json.dumps(value).encode(), []) == told


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"1", b"{}", b'{"error": 7}', b'{"error": {}}'])
def test_what_is_no_error_is_none(body: bytes) -> None:
    assert CHAT.decode_error(body, []) is None


def test_an_error_is_told_in_openais_words() -> None:
    error = BadRequest("tools[0]: is no tool.", code="invalid_tool", param="tools[0]")
    assert json.loads(CHAT.encode_error(error, "r")) == {
        "error": {
            "message": "tools[0]: is no tool.",
            "type": "invalid_request_error",
            "param": "tools[0]",
            "code": "invalid_tool",
        }
    }
    assert json.loads(CHAT.encode_error(TooMany("Slow down."), "r"))["error"]["type"] == "rate_limit_error"


def test_an_error_that_is_told_is_read_again() -> None:
    told = CHAT.decode_error(CHAT.encode_error(TooMany("Slow down."), "r"), [])
    assert told == Told("Slow down.", "rate_limit_error", "rate_limit_exceeded")


def test_a_count_is_told() -> None:
    assert json.loads(CHAT.encode_count(42)) == {"object": "response.input_tokens", "input_tokens": 42}


def test_a_watch_withholds_the_terminator() -> None:
    watch = CHAT.watch(hide_usage=False)
    hello = chunk({"content": "Hi"})
    assert watch.ending == b""
    assert watch.feed(hello) == hello
    assert watch.feed(b"data: [DO") == b""
    assert not watch.done
    assert watch.feed(b"NE]\n\n") == b""
    assert (watch.done, watch.ending) == (True, b"data: [DONE]\n\n")


def test_a_watched_stream_that_is_cut_is_not_done() -> None:
    watch = CHAT.watch(hide_usage=False)
    watch.feed(chunk({"content": "Hi"}, "stop"))
    watch.finish()
    assert (watch.done, watch.finish_reason) == (False, "stop")

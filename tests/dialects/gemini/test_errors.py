"""Errors in Gemini's words."""

from typing import Any

import msgspec
import pytest

from steelyard.core.errors import (
    BadRequest,
    CallError,
    Forbidden,
    NotFound,
    TooLarge,
    TooMany,
    Unauthorized,
    Unavailable,
    UpstreamError,
    UpstreamTimeout,
)
from steelyard.dialects.dialect import Told
from steelyard.dialects.gemini import GEMINI


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (BadRequest, "INVALID_ARGUMENT"),
        (Unauthorized, "UNAUTHENTICATED"),
        (Forbidden, "PERMISSION_DENIED"),
        (NotFound, "NOT_FOUND"),
        (TooLarge, "INVALID_ARGUMENT"),
        (TooMany, "RESOURCE_EXHAUSTED"),
        (CallError, "INTERNAL"),
        (UpstreamError, "UNAVAILABLE"),
        (Unavailable, "UNAVAILABLE"),
        (UpstreamTimeout, "DEADLINE_EXCEEDED"),
    ],
)
def test_trap_17_every_status_has_its_word(kind: type[CallError], word: str) -> None:
    error = msgspec.json.decode(GEMINI.encode_error(kind("what happened"), "req_1"))["error"]
    assert (error["code"], error["message"], error["status"]) == (kind.status, "what happened", word)


def test_details_name_code_field_delay_and_request() -> None:
    error = TooMany("slow down", param="contents[0]", retry_after_s=1.5)
    details = msgspec.json.decode(GEMINI.encode_error(error, "req_1"))["error"]["details"]
    assert [one["@type"].rpartition(".")[2] for one in details] == [
        "ErrorInfo",
        "BadRequest",
        "RetryInfo",
        "RequestInfo",
    ]
    assert details[0]["reason"] == "RATE_LIMIT_EXCEEDED"
    assert details[1]["fieldViolations"][0]["field"] == "contents[0]"
    assert (details[2]["retryDelay"], details[3]["requestId"]) == ("1.5s", "req_1")


def test_an_error_that_is_written_is_read_again() -> None:
    wire = GEMINI.encode_error(BadRequest("no", code="circular_schema", param="tools[0]"), "req_1")
    assert GEMINI.decode_error(wire, []) == Told("no", "INVALID_ARGUMENT", "CIRCULAR_SCHEMA", "tools[0]")
    assert GEMINI.decode_error(b"[" + wire + b"]", []) == GEMINI.decode_error(wire, [])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": {"message": "m"}}, Told("m")),
        ({"error": "m"}, Told("m")),
        ({"error": {"message": 7, "details": [7, {"fieldViolations": [7]}]}}, Told("")),
        ({"error": 7}, None),
        ([], None),
        ({}, None),
    ],
)
def test_errors_of_other_shapes_are_read_as_far_as_they_go(body: Any, told: Told | None) -> None:
    assert GEMINI.decode_error(msgspec.json.encode(body), []) == told


def test_what_is_no_json_is_no_error_of_gemini_s() -> None:
    assert GEMINI.decode_error(b"<html>", []) is None

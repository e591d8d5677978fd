"""What a gateway answers, read."""

import json
from typing import Any

import pytest

from steelyard.weigh.calls.answer import Answered, Failed, read_answer, read_failure


def completion(message: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}], **more}).encode()


def test_parts_of_text_are_joined_and_thoughts_left_out() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Four."}]
    read = read_answer(completion({"content": parts}))
    assert read == Answered("Four.", (), "stop", None, None)


@pytest.mark.parametrize("message", [{"content": None}, {"content": ""}, {}])
def test_a_model_that_says_nothing_answered_nothing(message: dict[str, Any]) -> None:
    read = read_answer(completion(message))
    assert isinstance(read, Answered)
    assert read.text == ""


def test_usage_that_is_not_told_is_unknown() -> None:
    read = read_answer(completion({"content": "4"}, usage={"prompt_tokens": 3}))
    assert isinstance(read, Answered)
    assert (read.input_tokens, read.output_tokens) == (3, None)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"choices": []}', b'{"choices": [{}]}', b"[" * 20_000])
def test_what_is_no_completion_is_a_failure(body: bytes) -> None:
    assert isinstance(read_answer(body), Failed)


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error": {"message": "No.", "code": "policy_denied"}}', "HTTP 403 policy_denied: No.", "policy_denied"),
        (b'{"error": {"message": "No."}}', "HTTP 403: No.", None),
        (b'{"error": "No."}', "HTTP 403: No.", None),
        (b"<h1>No.</h1>", "HTTP 403: <h1>No.</h1>", None),
        (b"", "HTTP 403", None),
    ],
)
def test_a_failure_says_what_the_body_says(body: bytes, message: str, code: str | None) -> None:
    assert read_failure(403, body) == Failed(message, code)

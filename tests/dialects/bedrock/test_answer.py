"""Whole answers of Converse, read."""

import json
from typing import Any

import pytest

from steelyard.core.answer import Answer, Finish
from steelyard.core.fold import Fold
from steelyard.core.parts import Media, Opaque, Text, Thinking, ToolCall
from steelyard.core.usage import Usage
from steelyard.dialects.bedrock import BEDROCK


def body(*content: object, stop: str = "end_turn", **more: object) -> bytes:
    answer = {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": stop,
        "usage": {"inputTokens": 30, "outputTokens": 6, "totalTokens": 36},
        "metrics": {"latencyMs": 1551},
        **more,
    }
    return json.dumps(answer).encode()


def read(body: bytes) -> Answer:
    events = BEDROCK.decode_answer(body)
    assert events is not None
    fold = Fold("bedrock")
    fold.take_all(events)
    assert fold.ended
    return fold.answer()


def test_every_block_is_a_part() -> None:
    server: Any = {"toolUse": {"toolUseId": "s", "name": "search", "input": {}, "type": "server_tool_use"}}
    cited = {
        "content": [{"text": "So "}, {"text": "it is."}],
        "citations": [{"title": "R", "source": "https://a.example"}],
    }
    answer = read(
        body(
            {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s=="}}},
            {"reasoningContent": {"redactedContent": "YWI="}},
            {"text": "Hello"},
            {"citationsContent": cited},
            {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": [1, 2.50]}}},
            {"toolUse": {"toolUseId": "t2", "name": "g", "input": None}},
            {"image": {"format": "png", "source": {"bytes": "YWI="}}},
            server,
            {"hologram": {"x": 1}},
            stop="tool_use",
        )
    )
    parts = answer.choices[0].parts
    assert parts[:3] == (
        Thinking("Hm.", "bedrock", signature="s=="),
        Thinking("", "bedrock", sealed="YWI="),
        Text("Hello"),
    )
    assert isinstance(parts[3], Text)
    assert parts[3].text == "So it is."
    assert (parts[3].citations[0].url, parts[3].citations[0].title) == ("https://a.example", "R")
    assert parts[4:] == (
        ToolCall("t1", "f", '{"a":[1,2.5]}'),
        ToolCall("t2", "g", "{}"),
        Media("image", "image/png", "YWI="),
        Opaque("bedrock", "toolUse", server),
        Opaque("bedrock", "hologram", {"hologram": {"x": 1}}),
    )
    assert answer.choices[0].finish == Finish("tool_calls", None, "bedrock", "tool_use")
    assert answer.usage == Usage(30, 6)


def test_what_has_no_name_is_kept() -> None:
    more: dict[str, object] = {
        "trace": {"guardrail": {}},
        "serviceTier": {"type": "flex"},
        "additionalModelResponseFields": {"stop_sequence": "X"},
    }
    answer = read(body({"text": "a"}, stop="stop_sequence", **more))
    assert answer.extra == more
    assert answer.choices[0].finish == Finish("stop_sequence", "X", "bedrock", "stop_sequence")


def test_a_null_sequence_of_the_model_is_none() -> None:
    finish = read(body({"text": "a"}, additionalModelResponseFields={"stop_sequence": None})).choices[0].finish
    assert finish == Finish("stop", None, "bedrock", "end_turn")


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}',
        body({"text": 7}),
        body({"toolUse": {"name": "f"}}),
        body("text"),
        json.dumps({"output": {"message": {"content": []}}}).encode(),
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_is_none(other: bytes) -> None:
    assert BEDROCK.decode_answer(other) is None


def test_an_answer_without_usage_has_none() -> None:
    whole = json.dumps({"output": {"message": {"content": [{"text": "a"}]}}, "stopReason": "end_turn"}).encode()
    assert read(whole).usage is None

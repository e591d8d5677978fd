"""Which answers may be kept, by what they say of themselves, in each dialect."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from steelyard.gateway.keepable import is_keepable
from steelyard.gateway.surface import ENDPOINTS, endpoint_of
from tests.cache.entries import entry

CHAT, MESSAGES, RESPONSES = (ENDPOINTS[f"/v1/{name}"] for name in ("chat/completions", "messages", "responses"))
GEMINI = endpoint_of(b"/v1beta/models/m:generateContent")
CITED = [{"type": "url_citation", "url_citation": {"url": "https://a.example", "start_index": 0, "end_index": 1}}]
CALL = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


def chat(*choices: tuple[dict[str, Any], Any]) -> bytes:
    listed = [
        {"index": at, "message": {"role": "assistant", **message}, "finish_reason": finish}
        for at, (message, finish) in enumerate(choices)
    ]
    return json.dumps({"id": "a", "object": "chat.completion", "model": "m", "choices": listed}).encode()


def message(*content: dict[str, Any], end: str | None = "end_turn") -> bytes:
    usage = {"input_tokens": 1, "output_tokens": 1}
    fields = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content}
    return json.dumps({**fields, "stop_reason": end, "stop_sequence": None, "usage": usage}).encode()


def gemini(finish: str | None, **candidate: Any) -> bytes:
    content = {"content": {"role": "model", "parts": [{"text": "hi"}]}, "index": 0, **candidate}
    return json.dumps({"candidates": [{**content, **({"finishReason": finish} if finish else {})}]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        chat(({"content": "hi"}, "stop")),
        chat(({"content": None, "tool_calls": CALL}, "tool_calls")),
        chat(({"content": "a", "refusal": None, "annotations": []}, "stop"), ({"content": "b"}, "stop")),
    ],
)
def test_complete_chats_may_be_kept(body: bytes) -> None:
    assert is_keepable(CHAT, entry(body))


@pytest.mark.parametrize("beside", ["citations", "search_results"])
@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_that_lists_beside_its_choices_what_was_found_may_not_be_kept(beside: str, streamed: bool) -> None:
    def told(found: list[Any]) -> bytes:
        said = {"role": "assistant", "content": '{"citations": ["a string is none"]}'}
        kind = {"delta": said} if streamed else {"message": said}
        choices = [{"index": 0, **kind, "finish_reason": "stop"}]
        body = json.dumps({"id": "a", "model": "m", "choices": choices, beside: found}).encode()
        return b"data: " + body + b"\n\ndata: [DONE]\n\n" if streamed else body

    assert not is_keepable(CHAT, replace(entry(told(["https://a.example"])), stream=streamed))
    assert is_keepable(CHAT, replace(entry(told([])), stream=streamed))


@pytest.mark.parametrize(
    "body",
    [
        chat(({"content": "hi"}, "length")),
        chat(({"content": "hi"}, "content_filter")),
        chat(({"content": "hi"}, None)),
        chat(({"content": "hi"}, "something new")),
        chat(({"content": None, "refusal": "No."}, "stop")),
        chat(({"content": "hi", "annotations": CITED}, "stop")),
        chat(({"content": "a"}, "stop"), ({"content": "b"}, "length")),
        chat(),
        b'{"error": {"message": "no"}}',
        b"[]",
        b"",
        b"\xff",
    ],
)
def test_other_chats_may_not(body: bytes) -> None:
    assert not is_keepable(CHAT, entry(body))


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (message({"type": "text", "text": "hi"}), True),
        (message({"type": "tool_use", "id": "t", "name": "f", "input": {}}, end="tool_use"), True),
        (message({"type": "text", "text": "hi"}, end="max_tokens"), False),
        (message({"type": "text", "text": "hi"}, end="refusal"), False),
        (message({"type": "text", "text": "hi"}, end="pause_turn"), False),
        (message({"type": "server_tool_use", "id": "t", "name": "web_search", "input": {}}), False),
        (message({"type": "web_search_tool_result", "tool_use_id": "t", "content": []}), False),
    ],
)
def test_messages(body: bytes, kept: bool) -> None:
    assert is_keepable(MESSAGES, entry(body)) is kept


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (gemini("STOP"), True),
        (gemini("MAX_TOKENS"), False),
        (gemini("SAFETY"), False),
        (gemini(None), False),
        (gemini("STOP", content={"role": "model", "parts": [{"executableCode": {"code": "1"}}]}), False),
    ],
)
def test_answers_of_gemini(body: bytes, kept: bool) -> None:
    assert GEMINI is not None
    assert is_keepable(GEMINI, entry(body)) is kept


@pytest.mark.parametrize(
    ("status", "output", "kept"),
    [
        ("completed", "message", True),
        ("incomplete", "message", False),
        ("failed", "message", False),
        ("completed", "web_search_call", False),
        ("completed", "code_interpreter_call", False),
        ("completed", "mcp_call", False),
    ],
)
def test_responses(status: str, output: str, kept: bool) -> None:
    text = {"type": "output_text", "text": "hi", "annotations": []}
    said = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
    items = [said] if output == "message" else [{"type": output, "id": "x_1", "status": "completed"}, said]
    body: dict[str, Any] = {"id": "resp_1", "object": "response", "model": "m", "status": status, "output": items}
    if status == "incomplete":
        body["incomplete_details"] = {"reason": "max_output_tokens"}
    assert is_keepable(RESPONSES, entry(json.dumps(body).encode())) is kept

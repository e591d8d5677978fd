"""The fake provider refuses in each dialect what its provider refuses, in the provider's words."""

import json
from typing import Any

import pytest

from tests.fake import FakeProvider
from tests.fake.eventstream import frame, frames
from tests.support import RawHTTP, Response

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"
GEMINI = "/v1beta/models/scene:plain:generateContent"
CONVERSE = "/model/scene%3Aplain/converse"

_KEYS = {
    CHAT: {"Authorization": "Bearer any"},
    RESPONSES: {"Authorization": "Bearer any"},
    MESSAGES: {"x-api-key": "any", "anthropic-version": "2023-06-01"},
    GEMINI: {"x-goog-api-key": "any"},
    CONVERSE: {"Authorization": "Bearer any"},
}
USER = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_LEGAL: dict[str, dict[str, Any]] = {
    CHAT: {"model": "scene:plain", "messages": [USER]},
    RESPONSES: {"model": "scene:plain", "input": "Hi"},
    MESSAGES: {"model": "scene:plain", "max_tokens": 100, "messages": [USER]},
    GEMINI: {"contents": [{"parts": [{"text": "Hi"}]}]},
    CONVERSE: {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]},
}


def post(provider: FakeProvider, path: str, headers: dict[str, str] | None = None, **fields: Any) -> Response:
    with RawHTTP(provider.url) as http:
        return http.request("POST", path, None, _KEYS[path] if headers is None else headers, **fields)


def _chat_calls(*ids: str) -> dict[str, Any]:
    calls = [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _uses(*ids: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": one, "name": "f", "input": {}} for one in ids]}


def _results(*ids: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": one, "content": "x"} for one in ids]}


def _said(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text, **more}]}


def _model(*names: str, **more: Any) -> dict[str, Any]:
    return {"role": "model", "parts": [{"functionCall": {"name": one, "args": {}}, **more} for one in names]}


def _answers(*names: str) -> dict[str, Any]:
    parts = [{"functionResponse": {"name": one, "response": {"output": "x"}}} for one in names]
    return {"role": "user", "parts": parts}


_STAND_IN = "skip_thought_signature_validator"
_OPEN = {"type": "json_schema", "schema": SCHEMA}
_THINKING = {"type": "enabled", "budget_tokens": 1024}
_FUNCTION = {"type": "function", "name": "f", "parameters": SCHEMA}
_CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
_OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
_REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
_REF = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}
_TOOL_USE = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}]}
_CONFIG = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}}}]}

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (CHAT, {"top_k": 5}, "Unknown parameter: 'top_k'."),
    (
        CHAT,
        {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
        "Invalid value: 'image'. Supported values",
    ),
    (
        CHAT,
        {"messages": [USER, _chat_calls("a", "b"), {"role": "tool", "tool_call_id": "a", "content": "x"}]},
        "ids did not have response messages: b",
    ),
    (
        CHAT,
        {"messages": [USER, {"role": "tool", "tool_call_id": "a", "content": "x"}]},
        "must be a response to a preceeding message",
    ),
    (CHAT, {"messages": [USER, _chat_calls("a" * 41)]}, "maximum length 40"),
    (CHAT, {"stop": ["a", "b", "c", "d", "e"]}, "Invalid 'stop': array too long"),
    (CHAT, {"stream_options": {"include_usage": True}}, "only allowed when 'stream' is enabled"),
    (CHAT, {"parallel_tool_calls": False}, "only allowed when 'tools' are specified"),
    (
        CHAT,
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}}},
        "'additionalProperties' is required to be supplied and to be false",
    ),
    (RESPONSES, {"messages": []}, "Unknown parameter: 'messages'."),
    (RESPONSES, {"stop": ["a"]}, "Unknown parameter: 'stop'."),
    (RESPONSES, {"max_output_tokens": 15}, "Expected a value >= 16"),
    (RESPONSES, {"tools": [_FUNCTION]}, "'additionalProperties' is required to be supplied and to be false"),
    (RESPONSES, {"input": [USER, _CALL]}, "No tool output found for function call call_1."),
    (RESPONSES, {"input": [USER, _OUTPUT]}, "No tool call found for function call output with call_id call_1."),
    (RESPONSES, {"input": [USER, _CALL, _OUTPUT, _OUTPUT]}, "Duplicate function call output"),
    (RESPONSES, {"input": [{**_CALL, "id": "call_1"}, _OUTPUT]}, "Expected an ID that begins with 'fc'."),
    (RESPONSES, {"input": [USER, _REASONING]}, "without its required following item"),
    (
        RESPONSES,
        {"input": [USER, {**_REASONING, "encrypted_content": "gAAAforged"}, _CALL, _OUTPUT]},
        "could not be verified",
    ),
    (
        RESPONSES,
        {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
        "Invalid value: 'input_text'",
    ),
    (MESSAGES, {"frequency_penalty": 1}, "frequency_penalty: Extra inputs are not permitted"),
    (
        MESSAGES,
        {"messages": [USER, _uses("t1", "t2"), _results("t1")]},
        "without `tool_result` blocks immediately after: t2",
    ),
    (MESSAGES, {"messages": [USER, _uses("t1"), _results("t1", "t1")]}, "each tool_use must have a single result"),
    (MESSAGES, {"messages": [USER, _results("t1")]}, "messages.1.content.0: unexpected `tool_use_id` found"),
    (
        MESSAGES,
        {"messages": [USER, _uses("t1"), USER, _results("t1")]},
        "without `tool_result` blocks immediately after: t1",
    ),
    (
        MESSAGES,
        {"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]},
        "text content blocks must be non-empty",
    ),
    (
        MESSAGES,
        {
            "messages": [
                USER,
                {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": ""}]},
                USER,
            ]
        },
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    (
        MESSAGES,
        {"messages": [USER, {"role": "assistant", "content": [{"type": "thinking", "thinking": "x"}]}, USER]},
        "thinking.signature: Field required",
    ),
    (
        MESSAGES,
        {"max_tokens": 2000, "thinking": _THINKING, "messages": [USER, _uses("t1"), _results("t1")]},
        "Expected `thinking` or `redacted_thinking`, but found `tool_use`",
    ),
    (MESSAGES, {"max_tokens": 2000, "thinking": _THINKING, "temperature": 0.5}, "`temperature` may only be set to 1"),
    (MESSAGES, {"thinking": _THINKING}, "must be greater than `thinking.budget_tokens`"),
    (MESSAGES, {"output_config": {"format": _OPEN}}, "'additionalProperties' must be explicitly set to false"),
    (GEMINI, {"messages": []}, 'Unknown name "messages": Cannot find field.'),
    (
        GEMINI,
        {"generationConfig": {"responseMimeType": "application/json", "responseSchema": _REF}},
        "at 'generation_config.response_schema': Cannot find field.",
    ),
    (
        GEMINI,
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {**SCHEMA, "additionalProperties": False}}]}]},
        "Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters'",
    ),
    (
        GEMINI,
        {"contents": [_said("Hi"), _model("f"), _answers("f")]},
        "missing a thought_signature in functionCall parts",
    ),
    (
        GEMINI,
        {"contents": [_said("Hi"), _model("f", thoughtSignature="Zm9yZ2Vk"), _answers("f")]},
        "Corrupted thought signature",
    ),
    (
        GEMINI,
        {"contents": [_said("Hi"), _model("f", "g", thoughtSignature=_STAND_IN), _answers("f")]},
        "is equal to the number of function call parts",
    ),
    (GEMINI, {"contents": [_said("Hi"), _answers("f")]}, "function response turn comes immediately after"),
    (
        GEMINI,
        {"contents": [_said("Hi", inlineData={"mimeType": "image/png", "data": ""})]},
        "required oneof field 'data'",
    ),
    (CONVERSE, {"top_k": 1}, "top_k: Extra inputs are not permitted"),
    (
        CONVERSE,
        {"toolConfig": _CONFIG, "messages": [*_LEGAL[CONVERSE]["messages"], _TOOL_USE]},
        "Expected toolResult blocks at messages.2.content for the following Ids: t1",
    ),
    (CONVERSE, {"messages": [*_LEGAL[CONVERSE]["messages"], _TOOL_USE]}, "toolConfig field must be defined"),
    (CONVERSE, {"messages": [_TOOL_USE]}, "must start with a user message"),
]


@pytest.mark.parametrize(("path", "change", "message"), REFUSED, ids=[f"{row[0]}-{row[2][:40]}" for row in REFUSED])
def test_what_a_provider_refuses_is_refused_in_its_words(
    provider: FakeProvider, path: str, change: dict[str, Any], message: str
) -> None:
    assert post(provider, path, **_LEGAL[path]).status == 200
    refusal = post(provider, path, **{**_LEGAL[path], **change})
    assert refusal.status == 400, refusal
    body = refusal.json()
    assert message in (body["message"] if path == CONVERSE else body["error"]["message"])


@pytest.mark.parametrize(
    ("path", "headers", "status", "kind"),
    [
        (MESSAGES, {"anthropic-version": "2023-06-01"}, 401, "authentication_error"),
        (MESSAGES, {"x-api-key": "any"}, 400, "invalid_request_error"),
        (GEMINI, {}, 403, "PERMISSION_DENIED"),
        (CONVERSE, {}, 403, ""),
        ("/openai/v1/chat/completions", {}, 401, ""),
    ],
)
def test_calls_without_a_key_or_a_version_are_refused(
    provider: FakeProvider, path: str, headers: dict[str, str], status: int, kind: str
) -> None:
    refusal = post(provider, path, headers, **_LEGAL.get(path, _LEGAL[CHAT]))
    assert refusal.status == status
    assert kind in json.dumps(refusal.json())


def test_a_schema_with_references_is_legal_where_gemini_takes_json_schema(provider: FakeProvider) -> None:
    config = {"responseMimeType": "application/json", "responseJsonSchema": _REF}
    path = "/v1beta/models/scene:json-schema:generateContent"
    answer = post(provider, path, _KEYS[GEMINI], contents=[_said("Hi")], generationConfig=config).json()
    assert json.loads(answer["candidates"][0]["content"]["parts"][0]["text"]) == {"a": "text"}


def test_google_s_stream_is_one_array_unless_events_are_asked_for(provider: FakeProvider) -> None:
    path = "/v1beta/models/scene:plain:streamGenerateContent"
    response = post(provider, path, _KEYS[GEMINI], **_LEGAL[GEMINI])
    assert response.header("content-type") == "application/json; charset=UTF-8"
    texts = [one["candidates"][0]["content"]["parts"][0]["text"] for one in response.json()]
    assert "".join(texts) == "Hello from the loopback provider."


def test_gemini_says_stop_in_a_chunk_after_the_function_call(provider: FakeProvider) -> None:
    tools = [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}]
    path = "/v1beta/models/scene:tools:streamGenerateContent?alt=sse"
    response = post(provider, path, _KEYS[GEMINI], **_LEGAL[GEMINI], tools=tools)
    *_, called, last = [json.loads(event)["candidates"][0] for event in response.payloads()]
    assert "functionCall" in called["content"]["parts"][0]
    assert "finishReason" not in called
    assert last["finishReason"] == "STOP"


VERTEX = "/v1/projects/p/locations/europe-west1/publishers"


def test_claude_on_vertex_is_asked_with_its_version_in_the_body(provider: FakeProvider) -> None:
    path = f"{VERTEX}/anthropic/models/scene:plain:rawPredict"
    body: dict[str, Any] = {"max_tokens": 10, "messages": [USER]}
    headers = {"Authorization": "Bearer ya29"}
    assert post(provider, path, headers, **body).status == 400
    assert post(provider, path, headers, **body, anthropic_version="vertex-2023-10-16", model="x").status == 400
    answer = post(provider, path, headers, **body, anthropic_version="vertex-2023-10-16")
    assert answer.json()["content"][0]["text"] == "Hello from the loopback provider."
    streamed = post(
        provider, path.replace("rawP", "streamRawP"), headers, **body, anthropic_version="vertex-2023-10-16"
    )
    assert json.loads(streamed.payloads()[-1]) == {"type": "message_stop"}


def test_gemini_on_vertex_wants_a_token_that_its_signed_assertion_buys(provider: FakeProvider) -> None:
    path = f"{VERTEX}/google/models/scene:plain:generateContent"
    assert post(provider, path, {}, **_LEGAL[GEMINI]).status == 401
    form = b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    with RawHTTP(provider.url) as http:
        token = http.request("POST", "/token", form, kind).json()["access_token"]
        assert http.request("POST", "/token", b"grant_type=x", kind).status == 400
    answer = post(provider, path, {"Authorization": f"Bearer {token}"}, **_LEGAL[GEMINI])
    assert answer.json()["candidates"][0]["finishReason"] == "STOP"


def test_azure_s_deployments_need_an_api_version(provider: FakeProvider) -> None:
    path = "/openai/deployments/scene:plain/chat/completions"
    assert post(provider, path, {"api-key": "any"}, messages=[USER]).status == 404
    answer = post(provider, f"{path}?api-version=2024-10-21", {"api-key": "any"}, messages=[USER]).json()
    assert answer["choices"][0]["content_filter_results"]["hate"]["filtered"] is False


def test_frames_carry_both_checksums() -> None:
    whole = frame({":event-type": "messageStart"}, b"{}") + frame({":event-type": "messageStop"}, b"")
    assert list(frames(whole)) == [({":event-type": "messageStart"}, b"{}"), ({":event-type": "messageStop"}, b"")]
    for at in (2, 9, len(whole) // 2 - 1):
        with pytest.raises(AssertionError, match="CRC"):
            list(frames(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]))


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES, GEMINI, CONVERSE])
@pytest.mark.parametrize("model", ["words:3", "tool-call", "refusal", "content-filter"])
def test_behaviours_answer_in_every_dialect(provider: FakeProvider, path: str, model: str) -> None:
    fields = {**_LEGAL[path], **({"model": model} if "model" in _LEGAL[path] else {})}
    assert (
        post(provider, path.replace("scene:plain", model).replace("scene%3Aplain", model), _KEYS[path], **fields).status
        == 200
    )


def test_a_lenient_provider_reads_what_others_refuse() -> None:
    with FakeProvider(lenient=True) as provider:
        answer = post(provider, MESSAGES, **{**_LEGAL[MESSAGES], "x_new": 1})
    assert answer.json()["content"][0]["text"] == "Hello from the loopback provider."


def test_anthropic_s_newest_version_refuses_what_it_took_away(provider: FakeProvider) -> None:
    fields = {**_LEGAL[MESSAGES], "temperature": 1.0}
    assert post(provider, MESSAGES, **fields).status == 200
    refusal = post(provider, MESSAGES, {**_KEYS[MESSAGES], "anthropic-version": "2026-10-21"}, **fields)
    assert refusal.json()["error"]["message"] == "temperature: Extra inputs are not permitted"

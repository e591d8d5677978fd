"""The official SDKs, unmodified, read what the fake provider says in every dialect."""

import functools
import gc
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from openai import AzureOpenAI, OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response as ResponseObject
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from tests.fake import SCENES, FakeProvider
from tests.fake.sigv4 import signed
from tests.support import RawHTTP

PLAIN = "Hello from the loopback provider."
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CALM = sorted(SCENES.keys() - {"mid-stream-error", "cut-stream", "rate-limited"})
"""The scenes in which nothing goes wrong."""


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def strictly(kind: Any, value: Any) -> None:
    """Validate without coercion, which the SDKs themselves do not do."""
    _adapter(kind).validate_json(json.dumps(value), strict=True)


@pytest.fixture
def openai(provider: FakeProvider) -> Iterator[OpenAI]:
    with OpenAI(base_url=provider.base_url, api_key="any", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("scene", CALM)
def test_chat_completions_read_as_openai_s_types(provider: FakeProvider, scene: str) -> None:
    fields: dict[str, Any] = {
        "model": f"scene:{scene}",
        "messages": [{"role": "user", "content": "Hi"}],
        "reasoning_effort": "low",
    }
    tools = [{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}]
    with RawHTTP(provider.url) as http:
        strictly(ChatCompletion, http.request("POST", "/v1/chat/completions", **fields, tools=tools).json())
        *events, last = http.request("POST", "/v1/chat/completions", **fields, tools=tools, stream=True).payloads()
    assert last == "[DONE]"
    for event in events:
        strictly(ChatCompletionChunk, json.loads(event))


@pytest.mark.parametrize("scene", [scene for scene in CALM if scene != "pings"])
def test_responses_read_as_openai_s_types(provider: FakeProvider, scene: str) -> None:
    reasoning = {"effort": "low", "summary": "auto"}
    tools = [{"type": "function", "name": "look", "parameters": SCHEMA, "strict": False}]
    fields: dict[str, Any] = {"model": f"scene:{scene}", "input": "Hi", "reasoning": reasoning, "tools": tools}
    with RawHTTP(provider.url) as http:
        strictly(ResponseObject, http.request("POST", "/v1/responses", **fields).json())
        for event in http.request("POST", "/v1/responses", **fields, stream=True).payloads():
            strictly(ResponseStreamEvent, json.loads(event))


def test_openai_s_sdk_accumulates_a_stream_of_responses(openai: OpenAI) -> None:
    tools: Any = [{"type": "function", "name": "look", "parameters": SCHEMA, "strict": False}]
    with openai.responses.stream(model="scene:tools", input="Hi", tools=tools) as stream:
        response = stream.get_final_response()
    assert response.output_text == "Let me look."
    calls: Any = [item for item in response.output if item.type == "function_call"]
    assert json.loads(calls[0].arguments) == {"city": "Paris"}


def test_azure_s_sdk_is_answered_at_a_deployment_s_address(provider: FakeProvider) -> None:
    with AzureOpenAI(azure_endpoint=provider.url, api_key="any", api_version="2024-10-21") as client:
        messages: Any = [{"role": "user", "content": "Hi"}]
        answer = client.chat.completions.create(model="scene:plain", messages=messages)
        assert answer.choices[0].message.content == PLAIN
        chunks = list(client.chat.completions.create(model="scene:plain", messages=messages, stream=True))
    assert chunks[0].choices == []
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == PLAIN


def test_anthropic_s_sdk_accumulates_thoughts_and_calls(provider: FakeProvider) -> None:
    anthropic: Any = pytest.importorskip("anthropic", reason="the anthropic SDK is not installed")
    tools = [{"name": "look", "input_schema": SCHEMA}]
    with anthropic.Anthropic(base_url=provider.url, api_key="any", max_retries=0) as client:
        fields: dict[str, Any] = {
            "max_tokens": 4096,
            "tools": tools,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        }
        question = {"role": "user", "content": "Hi"}
        with client.messages.stream(model="scene:thinking-tools", messages=[question], **fields) as stream:
            first = stream.get_final_message()
        assert [block.type for block in first.content] == ["thinking", "tool_use"]
        assert first.content[1].input == {"city": "Paris"}
        assert (first.usage.input_tokens, first.usage.output_tokens) == (21, 43)
        result = {"type": "tool_result", "tool_use_id": first.content[1].id, "content": "18 degrees"}
        turns = [question, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
        second = client.messages.create(model="scene:thinking-tools", messages=turns, **fields)
        assert second.content[0].text == "The tools say: 18 degrees. Thoughts kept: 1."
        counted = client.messages.count_tokens(model="scene:plain", messages=[question])
        assert counted.input_tokens > 0


def test_google_s_sdk_reads_streams_calls_and_counts(provider: FakeProvider, request: pytest.FixtureRequest) -> None:
    genai: Any = pytest.importorskip("google.genai", reason="the google-genai SDK is not installed")
    client = genai.Client(api_key="any", http_options={"base_url": provider.url})
    request.addfinalizer(client.close)
    assert client.models.generate_content(model="scene:plain", contents="Hi").text == PLAIN
    declared = {"name": "look", "parameters_json_schema": SCHEMA}
    config: Any = {"tools": [{"function_declarations": [declared]}], "thinking_config": {"include_thoughts": True}}
    config["automatic_function_calling"] = {"disable": True}
    chat = client.chats.create(model="scene:parallel-tools", config=config)
    calls = [call for chunk in chat.send_message_stream("Hi") for call in chunk.function_calls or ()]
    assert [call.args for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    parts = [
        genai.types.Part(
            function_response=genai.types.FunctionResponse(id=call.id, name=call.name, response={"output": "mild"})
        )
        for call in calls
    ]
    assert chat.send_message(parts).text == "The tools say: mild; mild. Thoughts kept: 1."
    assert client.models.count_tokens(model="scene:plain", contents="one two").total_tokens > 0


@pytest.fixture
def bedrock(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    session: Any = pytest.importorskip("botocore.session", reason="the extra bedrock is not installed")
    for name in ("AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    client = session.Session().create_client(
        "bedrock-runtime",
        region_name="eu-central-1",
        endpoint_url=provider.url,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
    )
    try:
        yield client
    finally:
        client.close()
        gc.collect()  # a stream that broke holds its socket in a circle


def test_amazon_s_sdk_reads_answers_frames_and_exceptions(bedrock: Any) -> None:
    question = {"role": "user", "content": [{"text": "Hi"}]}
    tools = {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": SCHEMA}}}]}
    whole = bedrock.converse(modelId="scene:parallel-tools", messages=[question], toolConfig=tools)
    calls = [block["toolUse"] for block in whole["output"]["message"]["content"]]
    assert [call["input"] for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    results = [{"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "mild"}]}} for call in calls]
    turns = [question, whole["output"]["message"], {"role": "user", "content": results}]
    second = bedrock.converse(modelId="scene:parallel-tools", messages=turns, toolConfig=tools)
    assert second["output"]["message"]["content"][0]["text"].startswith("The tools say: mild; mild.")
    with closing(bedrock.converse_stream(modelId="scene:plain", messages=[question])["stream"]) as stream:
        told = list(stream)
    deltas = [one["contentBlockDelta"]["delta"]["text"] for one in told if "contentBlockDelta" in one]
    assert "".join(deltas) == PLAIN
    assert told[-1]["metadata"]["usage"]["outputTokens"] == 13
    errors = pytest.importorskip("botocore.exceptions")
    broken = bedrock.converse_stream(modelId="scene:mid-stream-error", messages=[question])["stream"]
    with closing(broken), pytest.raises(errors.EventStreamError, match="modelStreamErrorException"):
        list(broken)
    with pytest.raises(bedrock.exceptions.ValidationException, match="must alternate"):
        bedrock.converse(modelId="scene:plain", messages=[question, question])


def test_signatures_of_amazon_s_sdk_are_checked_down_to_the_body(provider: FakeProvider, bedrock: Any) -> None:
    bedrock.converse(modelId="scene:plain", messages=[{"role": "user", "content": [{"text": "Grüße"}]}])
    (request,) = provider.requests
    assert signed(request, "secret")
    assert not signed(request, "other")
    request.body += b" "
    assert not signed(request, "secret")

"""The fake provider says what OpenAI's own types can read, in the right order."""

import json
from typing import Any

import pytest
from openai.types import Completion, CreateEmbeddingResponse, ImagesResponse, Model
from openai.types.audio import Transcription
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from tests.fake import TEXT, FakeProvider
from tests.support import RawHTTP, Response


def strictly(kind: type[BaseModel], value: Any) -> Any:
    """Validate without coercion, which the SDK itself does not do."""
    return kind.model_validate_json(json.dumps(value), strict=True)


def ask(provider: FakeProvider, model: str, **fields: Any) -> Response:
    with RawHTTP(provider.base_url) as http:
        return http.chat(model, **fields)


def chunks(provider: FakeProvider, model: str, **fields: Any) -> list[dict[str, Any]]:
    response = ask(provider, model, stream=True, **fields)
    assert response.header("content-type") == "text/event-stream; charset=utf-8"
    *events, last = response.payloads()
    assert last == "[DONE]"
    return [json.loads(event) for event in events]


def text_of(found: list[dict[str, Any]]) -> str:
    return "".join(c["delta"].get("content") or "" for chunk in found for c in chunk["choices"])


def test_a_completion_reads_as_the_sdk_s_type(provider: FakeProvider) -> None:
    completion = strictly(ChatCompletion, ask(provider, "ok").json())
    assert completion.choices[0].message.content == " ".join(TEXT)
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + len(TEXT)


def test_chunks_read_as_the_sdk_s_type_and_join_to_the_same_text(provider: FakeProvider) -> None:
    found = chunks(provider, "ok")
    for chunk in found:
        strictly(ChatCompletionChunk, chunk)
        assert "usage" not in chunk
    assert text_of(found) == " ".join(TEXT)
    assert found[-1]["choices"][0]["finish_reason"] == "stop"


def test_usage_comes_only_when_asked_and_then_as_openai_sends_it(provider: FakeProvider) -> None:
    *others, last = chunks(provider, "ok", stream_options={"include_usage": True})
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in others)
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == len(TEXT)


@pytest.mark.parametrize(
    ("model", "where"), [("usage-always", [-1]), ("usage-in-last-choice", [-1]), ("no-usage", []), ("ok", [])]
)
def test_other_providers_ways_with_usage(provider: FakeProvider, model: str, where: list[int]) -> None:
    found = chunks(provider, model)
    with_usage = [i - len(found) for i, chunk in enumerate(found) if chunk.get("usage")]
    assert with_usage == where


def test_running_totals_rise_with_every_chunk(provider: FakeProvider) -> None:
    totals = [chunk["usage"]["completion_tokens"] for chunk in chunks(provider, "usage-every-chunk")]
    assert totals == sorted(totals)
    assert totals[-1] > totals[0]


def test_n_choices_logprobs_and_max_tokens_are_obeyed(provider: FakeProvider) -> None:
    fields = {"n": 2, "logprobs": True, "top_logprobs": 2, "max_tokens": 3}
    completion = strictly(ChatCompletion, ask(provider, "ok", **fields).json())
    assert [choice.index for choice in completion.choices] == [0, 1]
    assert completion.choices[1].finish_reason == "length"
    assert len(completion.choices[0].logprobs.content[2].top_logprobs) == 2
    assert {c["index"] for chunk in chunks(provider, "ok", **fields) for c in chunk["choices"]} == {0, 1}


def test_a_tool_call_streams_in_fragments_of_its_arguments(provider: FakeProvider) -> None:
    tools = [{"type": "function", "function": {"name": "locate"}}]
    found = [strictly(ChatCompletionChunk, chunk) for chunk in chunks(provider, "tool-call", tools=tools)]
    calls = [call for chunk in found for call in chunk.choices[0].delta.tool_calls or []]
    assert calls[0].function.name == "locate"
    assert json.loads("".join(call.function.arguments for call in calls)) == {"location": "Boston, MA"}
    assert found[-1].choices[0].finish_reason == "tool_calls"
    whole = strictly(ChatCompletion, ask(provider, "tool-call", tools=tools).json())
    assert whole.choices[0].message.tool_calls[0].function.name == "locate"


def test_reasoning_and_cached_tokens_are_parts_of_their_wholes(provider: FakeProvider) -> None:
    usage = ask(provider, "reasoning:100").json()["usage"]
    assert usage["completion_tokens"] == len(TEXT) + 100
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 100
    usage = ask(provider, "cached:64").json()["usage"]
    assert usage["prompt_tokens"] >= usage["prompt_tokens_details"]["cached_tokens"] == 64


def post(provider: FakeProvider, path: str, **fields: Any) -> Any:
    with RawHTTP(provider.base_url) as http:
        response = http.request("POST", path, **fields)
        assert response.status == 200, response
        return response.json()


def test_the_other_endpoints_read_as_the_sdk_s_types(provider: FakeProvider) -> None:
    assert strictly(Completion, post(provider, "/v1/completions", model="ok", prompt="Say")).choices[0].text
    vectors = strictly(CreateEmbeddingResponse, post(provider, "/v1/embeddings", model="ok", input=["a", "b"]))
    assert vectors.data[1].embedding == [1.0, 0.25, -1.0]
    assert strictly(ImagesResponse, post(provider, "/v1/images/generations", model="ok", prompt="p")).data
    documents = ["a dog runs", "the cat sat"]
    ranked = post(provider, "/v1/rerank", model="ok", query="the cat", documents=documents, top_n=1)
    assert [row["index"] for row in ranked["results"]] == [1]


def test_a_transcription_says_what_file_arrived(provider: FakeProvider) -> None:
    form = (
        b'--xyz\r\nContent-Disposition: form-data; name="model"\r\n\r\nok\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        b"RIFF\x00\xff\r\n\r\n\r\n--xyz--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=xyz"}
    with RawHTTP(provider.base_url) as http:
        answer = http.request("POST", "/v1/audio/transcriptions", form, headers).json()
    assert answer["received"]["bytes"] == len(b"RIFF\x00\xff\r\n\r\n")
    assert strictly(Transcription, {k: v for k, v in answer.items() if k != "received"}).usage


def test_models_are_listed_and_found(provider: FakeProvider) -> None:
    with RawHTTP(provider.base_url) as http:
        rows = http.request("GET", "/v1/models").json()["data"]
        assert strictly(Model, rows[0])
        assert "slow-chunks" in {row["id"] for row in rows}
        assert http.request("GET", "/v1/models/echo").json()["id"] == "echo"
        assert http.request("GET", "/v1/models/none").error_code == "model_not_found"


def test_an_unknown_model_is_refused_in_openai_s_words(provider: FakeProvider) -> None:
    response = ask(provider, "gpt-9")
    assert response.status == 404
    assert response.error_code == "model_not_found"
    assert response.json()["error"]["type"] == "invalid_request_error"

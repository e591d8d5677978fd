"""The official OpenAI SDK works against the gateway as it does against OpenAI."""

import asyncio
import hashlib
import io
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.fake import TEXT, FakeProvider
from tests.support import GatewayUnderTest, config_text, journalled, wait_journalled

SAYING = " ".join(TEXT)
ASK: Any = [{"role": "user", "content": "Hi there"}]


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeProvider]:
    with FakeProvider(api_key="upstream-key") as provider:
        yield provider
        assert provider.malformed == []
        assert provider.failures == []


@pytest.fixture(scope="module")
def served(upstream: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    """A gateway with a route `assistant`, and routes that try once only."""
    acme = {"base_url": upstream.base_url, "api_key": "env:ACME_API_KEY"}
    once = {"busy": "fail-times:1:429:retry-after=1", "limited": "status:429:retry-after=7", "broken": "status:500"}
    routes: dict[str, Any] = {name: {"deployments": [f"acme/{model}"], "retries": 0} for name, model in once.items()}
    routes["assistant"] = {"deployments": ["acme/ok"]}
    config = config_text({"acme": acme}, routes=routes)
    directory = tmp_path_factory.mktemp("sdk")
    with GatewayUnderTest(config, directory, env={"ACME_API_KEY": "upstream-key"}) as gateway:
        yield gateway


@pytest.fixture
def client(served: GatewayUnderTest) -> Iterator[OpenAI]:
    with OpenAI(base_url=served.base_url, api_key="unused", max_retries=0, timeout=20) as client:
        yield client


def async_client(served: GatewayUnderTest) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=served.base_url, api_key="unused", max_retries=0, timeout=20)


def text_of(chunks: list[Any]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_a_completion_comes_by_route_and_by_deployment(client: OpenAI) -> None:
    for model in ("assistant", "acme/ok"):
        completion = client.chat.completions.create(model=model, messages=ASK)
        assert completion.choices[0].message.content == SAYING
        assert completion.usage is not None
        assert completion.usage.completion_tokens == len(TEXT)
        assert completion._request_id


def test_an_async_client_has_many_calls_at_once(served: GatewayUnderTest) -> None:
    async def ask_all() -> list[str | None]:
        async with async_client(served) as client:
            calls = [client.chat.completions.create(model="assistant", messages=ASK) for _ in range(20)]
            return [completion.choices[0].message.content for completion in await asyncio.gather(*calls)]

    assert asyncio.run(ask_all()) == [SAYING] * 20


def test_a_stream_yields_every_chunk_and_hides_usage_that_was_not_asked_for(client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="assistant", messages=ASK, stream=True))
    assert text_of(chunks) == SAYING
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


def test_a_stream_ends_with_usage_when_it_was_asked_for(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="assistant", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    *others, last = list(stream)
    assert all(chunk.usage is None for chunk in others)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == len(TEXT)


def test_an_async_stream_says_the_same(served: GatewayUnderTest) -> None:
    async def ask() -> str:
        async with async_client(served) as client:
            stream = await client.chat.completions.create(model="assistant", messages=ASK, stream=True)
            return text_of([chunk async for chunk in stream])

    assert asyncio.run(ask()) == SAYING


def test_the_stream_helper_builds_the_whole_completion(client: OpenAI) -> None:
    with client.chat.completions.stream(model="assistant", messages=ASK) as stream:
        assert any(event.type == "content.delta" for event in stream)
        assert stream.get_final_completion().choices[0].message.content == SAYING


def test_a_raw_response_has_the_gateway_s_headers(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="assistant", messages=ASK)
    assert raw.status_code == 200
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["x-steelyard-deployment"] == "acme/ok"
    assert raw.parse().choices[0].message.content == SAYING


def test_a_streaming_response_gives_lines_as_they_come(client: OpenAI) -> None:
    create = client.chat.completions.with_streaming_response.create
    with create(model="assistant", messages=ASK, stream=True) as response:
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    assert json.loads(lines[0].removeprefix("data: "))["object"] == "chat.completion.chunk"


def test_tools_are_called(client: OpenAI) -> None:
    tools: Any = [{"type": "function", "function": {"name": "locate", "parameters": {"type": "object"}}}]
    whole = client.chat.completions.create(model="acme/tool-call", messages=ASK, tools=tools)
    calls = whole.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].type == "function"
    assert calls[0].function.name == "locate"
    stream = client.chat.completions.create(model="acme/tool-call", messages=ASK, tools=tools, stream=True)
    parts = [call for chunk in stream for call in chunk.choices[0].delta.tool_calls or []]
    arguments = "".join(part.function.arguments or "" for part in parts if part.function)
    assert json.loads(arguments) == {"location": "Boston, MA"}


def test_choices_and_log_probabilities_come_through(client: OpenAI) -> None:
    completion = client.chat.completions.create(
        model="assistant", messages=ASK, n=3, logprobs=True, top_logprobs=2, max_tokens=4
    )
    assert [choice.finish_reason for choice in completion.choices] == ["length"] * 3
    logprobs = completion.choices[2].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert len(logprobs.content[0].top_logprobs) == 2


def test_fields_that_nobody_knows_reach_the_provider_and_come_back(client: OpenAI) -> None:
    asked = client.chat.completions.create(model="acme/echo", messages=ASK, extra_body={"x_new": {"a": [1, 2.50]}})
    assert json.loads(asked.choices[0].message.content or "")["x_new"] == {"a": [1, 2.5]}
    answered = client.chat.completions.create(model="acme/unknown-fields", messages=ASK)
    assert (answered.model_extra or {})["x_new"] == {"a": [1, 2.5]}


def test_old_completions_stream_and_do_not(client: OpenAI) -> None:
    whole = client.completions.create(model="assistant", prompt="Say hello")
    assert whole.choices[0].text == SAYING
    stream = client.completions.create(model="assistant", prompt="Say hello", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == SAYING


def test_embeddings_come_in_the_sdk_s_packed_form_and_plain(client: OpenAI) -> None:
    packed = client.embeddings.create(model="acme/ok", input=["a", "b"])
    assert packed.data[1].embedding == [1.0, 0.25, -1.0]
    plain = client.embeddings.create(model="acme/ok", input="a", encoding_format="float")
    assert plain.data[0].embedding == [0.0, 0.25, -1.0]


def test_an_image_is_made(client: OpenAI) -> None:
    images = client.images.generate(model="acme/ok", prompt="A steelyard")
    assert images.data is not None
    assert images.data[0].b64_json


def test_a_large_recording_is_uploaded_unchanged(client: OpenAI) -> None:
    recording = random.Random(7).randbytes(3_000_000)
    raw = client.audio.transcriptions.with_raw_response.create(model="acme/ok", file=("a.wav", io.BytesIO(recording)))
    received = json.loads(raw.text)["received"]
    assert received["sha256"] == hashlib.sha256(recording).hexdigest()
    assert received["name"] == "a.wav"


def test_models_are_listed_and_found(client: OpenAI) -> None:
    names = {model.id for model in client.models.list()}
    assert "assistant" in names
    assert client.models.retrieve("assistant").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nonesuch")


def test_an_unknown_model_is_not_found_and_the_nearest_names_are_told(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="asistant", messages=ASK)
    assert "assistant" in refused.value.message
    assert refused.value.type == "invalid_request_error"


def test_a_request_that_the_provider_refuses_is_a_bad_request(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="acme/status:400", messages=ASK)
    assert refused.value.code == "invalid_type"
    assert refused.value.request_id


def test_a_limit_of_the_provider_is_a_rate_limit_error_with_its_retry_after(client: OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model="limited", messages=ASK)
    assert 0 < float(limited.value.response.headers["retry-after"]) <= 7


def test_an_error_of_the_provider_is_an_internal_server_error(client: OpenAI) -> None:
    for model in ("broken", "acme/html-502", "acme/bad-json", "acme/html-200", "acme/cut:mid-body"):
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model=model, messages=ASK)


@pytest.mark.parametrize(
    "model", ["cut:mid-stream:3", "cut:mid-event:3", "cut:mid-stream:3:rst", "no-done", "error-event:3"]
)
def test_a_stream_that_breaks_raises_and_never_ends_cleanly(client: OpenAI, model: str) -> None:
    stream = client.chat.completions.create(model=f"acme/{model}", messages=ASK, stream=True)
    seen: list[Any] = []
    with pytest.raises(openai.APIError):
        seen.extend(stream)
    assert seen
    assert all(chunk.choices[0].finish_reason is None for chunk in seen)


def test_a_broken_async_stream_raises_too(served: GatewayUnderTest) -> None:
    async def ask() -> None:
        async with async_client(served) as client:
            stream = await client.chat.completions.create(model="acme/cut:mid-stream:2", messages=ASK, stream=True)
            async for _ in stream:
                continue

    with pytest.raises(openai.APIError):
        asyncio.run(ask())


def test_the_sdk_waits_as_long_as_retry_after_says_and_succeeds(served: GatewayUnderTest) -> None:
    with OpenAI(base_url=served.base_url, api_key="unused", max_retries=2, timeout=20) as client:
        begun = time.monotonic()
        completion = client.chat.completions.create(model="busy", messages=ASK)
        assert completion.choices[0].message.content == SAYING
        assert time.monotonic() - begun >= 0.9


def test_an_impatient_client_times_out_and_the_provider_is_left(upstream: FakeProvider, client: OpenAI) -> None:
    before = len(upstream.requests)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(model="acme/never-answers", messages=ASK)
    assert upstream.wait_closed(upstream.requests[before], timeout_s=10)


def test_a_stream_that_was_left_early_is_journalled_as_left(served: GatewayUnderTest, client: OpenAI) -> None:
    before = len(journalled(served.home))
    raw = client.chat.completions.with_raw_response.create(model="acme/endless", messages=ASK, stream=True)
    stream = raw.parse()
    next(stream)
    stream.close()
    exchange = wait_journalled(served.home, before + 1)[-1]
    assert exchange.id == raw.headers["x-request-id"]
    assert (exchange.outcome, exchange.deployment) == ("client_gone", "acme/endless")


def test_closing_a_stream_early_closes_the_upstream_at_once(upstream: FakeProvider, client: OpenAI) -> None:
    before = len(upstream.requests)
    stream = client.chat.completions.create(model="acme/endless", messages=ASK, stream=True)
    next(stream)
    left_at = time.monotonic()
    stream.close()
    assert upstream.wait_closed(upstream.requests[before], timeout_s=10) - left_at < 3


def test_a_key_is_asked_for_once_there_is_one(upstream: FakeProvider, tmp_path: Path) -> None:
    config = config_text({"acme": {"base_url": upstream.base_url, "api_key": "env:ACME_API_KEY"}})
    with GatewayUnderTest(config, tmp_path, env={"ACME_API_KEY": "upstream-key"}) as gateway:
        key = gateway.new_key("team-a")
        with (
            OpenAI(base_url=gateway.base_url, api_key="sy-wrong", max_retries=0) as wrong,
            pytest.raises(openai.AuthenticationError) as refused,
        ):
            wrong.chat.completions.create(model="acme/ok", messages=ASK)
        assert refused.value.code == "invalid_api_key"
        with OpenAI(base_url=gateway.base_url, api_key=key, max_retries=0) as right:
            assert right.chat.completions.create(model="acme/ok", messages=ASK).choices
    assert upstream.requests[-1].header("authorization") == "Bearer upstream-key"

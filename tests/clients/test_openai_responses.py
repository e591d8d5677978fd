"""The official OpenAI SDK uses the Responses API through the gateway, whatever answers behind it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from tests.conftest import clean_provider
from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text

HELLO = "Hello from the loopback provider."
LOOK: Any = {
    "type": "function",
    "name": "look",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
_DIALECTS = {"up-openai": "/v1", "up-openai-responses": "/v1", "up-anthropic": "/v1", "up-gemini-3": "/v1beta"}
each = pytest.mark.parametrize("upstream", _DIALECTS)


class Place(BaseModel):
    name: str
    population: int


provider = pytest.fixture(scope="module")(clean_provider)


@pytest.fixture(scope="module")
def served(provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    with GatewayUnderTest(_config(provider), tmp_path_factory.mktemp("responses"), env={"FAKE_KEY": "k"}) as gateway:
        yield gateway


def _config(provider: FakeProvider, **server: Any) -> str:
    providers = {
        name: {
            "dialect": name.removeprefix("up-").removesuffix("-3"),
            "base_url": provider.url + path,
            "api_key": "env:FAKE_KEY",
        }
        for name, path in _DIALECTS.items()
    }
    return config_text(providers, server=server)


@pytest.fixture
def client(served: GatewayUnderTest) -> Iterator[OpenAI]:
    with OpenAI(base_url=served.base_url, api_key="unused", max_retries=0, timeout=20) as client:
        yield client


def model(upstream: str, scene: str) -> str:
    return f"{upstream}/scene:{scene}:{upstream}-responses-sdk"


@each
def test_a_response_is_created(client: OpenAI, upstream: str) -> None:
    response = client.responses.create(model=model(upstream, "plain"), input="Hi", instructions="Be brief.")
    assert (response.output_text, response.status) == (HELLO, "completed")
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (21, 13)
    assert response.id.startswith("resp_")
    assert str(response._request_id).startswith("req_")


@each
def test_the_stream_helper_gathers_the_final_response(client: OpenAI, upstream: str) -> None:
    with client.responses.stream(model=model(upstream, "tools"), input="Hi", tools=[LOOK]) as stream:
        kinds = [event.type for event in stream]
        response = stream.get_final_response()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert {"response.output_text.delta", "response.function_call_arguments.done"} <= set(kinds)
    assert response.output_text == "Let me look."
    (call,) = [item for item in response.output if item.type == "function_call"]
    assert call.parsed_arguments == {"city": "Paris"}


@each
def test_events_are_numbered_without_a_gap(client: OpenAI, upstream: str) -> None:
    stream = client.responses.create(model=model(upstream, "plain"), input="Hi", stream=True)
    events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == HELLO


@each
def test_an_answer_is_parsed_into_a_type(client: OpenAI, upstream: str) -> None:
    response = client.responses.parse(model=model(upstream, "json-schema"), input="Where?", text_format=Place)
    assert response.output_parsed == Place(name="text", population=7)


@each
def test_thoughts_come_back_sealed_with_the_tools_results(client: OpenAI, upstream: str) -> None:
    fields: Any = {
        "model": model(upstream, "thinking-tools"),
        "tools": [LOOK],
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    question: Any = {"role": "user", "content": "How is the weather?"}
    with client.responses.stream(input=[question], **fields) as stream:
        first = stream.get_final_response()
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert json.loads(call.arguments) == {"city": "Paris"}
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"}
    items: Any = [item.to_dict() for item in first.output]
    for item in items:
        item.pop("parsed_arguments", None)
    second = client.responses.create(input=[question, *items, result], **fields)
    assert second.output_text == "The tools say: 18 degrees. Thoughts kept: 1."


@each
def test_errors_are_raised_as_the_sdk_s_own(client: OpenAI, upstream: str) -> None:
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="nowhere", input="Hi")
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=model(upstream, "plain"), input=[{"type": "hologram"}])  # type: ignore[list-item,misc]
    assert refused.value.request_id
    for stream in (False, True):
        with pytest.raises(openai.RateLimitError) as limited:
            client.responses.create(model=model(upstream, "rate-limited"), input="Hi", stream=stream)
        assert 110 <= int(limited.value.response.headers["retry-after"]) <= 121


@each
@pytest.mark.parametrize("scene", ["mid-stream-error", "cut-stream"])
def test_a_stream_that_breaks_fails_and_is_never_completed(client: OpenAI, upstream: str, scene: str) -> None:
    kinds: list[str] = []
    try:
        stream = client.responses.create(model=model(upstream, scene), input="Hi", stream=True)
        kinds.extend(event.type for event in stream)
    except openai.APIError:
        kinds.append("raised")
    assert "response.output_text.delta" in kinds
    assert "response.completed" not in kinds
    assert kinds[-1] in ("response.failed", "raised")


def test_an_async_client_is_answered_alike(served: GatewayUnderTest) -> None:
    async def ask(upstream: str) -> list[str]:
        async with AsyncOpenAI(base_url=served.base_url, api_key="unused", max_retries=0, timeout=20) as client:
            whole = await client.responses.create(model=model(upstream, "plain"), input="Hi")
            async with client.responses.stream(model=model(upstream, "plain"), input="Hi") as stream:
                final = await stream.get_final_response()
        return [whole.output_text, final.output_text]

    async def ask_all() -> list[list[str]]:
        return await asyncio.gather(*(ask(upstream) for upstream in _DIALECTS))

    assert asyncio.run(ask_all()) == [[HELLO, HELLO]] * len(_DIALECTS)


def test_a_conversation_goes_on_from_a_kept_response_with_another_provider(
    provider: FakeProvider, tmp_path: Path
) -> None:
    """The first answer calls a tool, and the client sends only the tool's result."""
    config = _config(provider, record="full")
    with (
        GatewayUnderTest(config, tmp_path, env={"FAKE_KEY": "k"}) as gateway,
        gateway.beside("clerk"),
        OpenAI(base_url=gateway.base_url, api_key="unused", max_retries=0, timeout=20) as client,
    ):
        for first_by, then_by in (("up-anthropic", "up-openai"), ("up-openai", "up-gemini-3")):
            first = client.responses.create(model=model(first_by, "tools"), input="Paris?", tools=[LOOK])
            (call,) = [item for item in first.output if item.type == "function_call"]
            result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "mild"}
            second = client.responses.create(
                model=model(then_by, "tools"), input=[result], tools=[LOOK], previous_response_id=first.id
            )
            assert second.output_text.startswith("The tools say: mild. Thoughts kept: 0")
            assert second.previous_response_id == first.id
            assert client.responses.retrieve(second.id).output_text == second.output_text
            assert [item.type for item in client.responses.input_items.list(second.id)] == ["function_call_output"]
        client.responses.delete(second.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(second.id)

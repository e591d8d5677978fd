"""What clients of Anthropic's API rely on beside the messages themselves: ids, counts, and conversations that a server
holds."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, Response, config_text

HELLO = "Hello from the loopback provider."
ASK = [{"role": "user", "content": "Hi there"}]
RESULT = [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "mild"}]}]


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider
        assert provider.malformed == []
        assert provider.failures == []


@pytest.fixture(scope="module")
def served(upstream: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    own = {"dialect": "anthropic", "base_url": upstream.base_url, "api_key": "env:FAKE_KEY"}
    google = {"dialect": "gemini", "base_url": f"{upstream.url}/v1beta", "api_key": "env:FAKE_KEY"}
    config = config_text({"own": own, "acme": upstream.base_url, "google": google})
    with GatewayUnderTest(config, tmp_path_factory.mktemp("anthropic"), env={"FAKE_KEY": "sk-fake"}) as gateway:
        yield gateway


def post(served: GatewayUnderTest, path: str, **fields: Any) -> Response:
    headers = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
    with served.connect() as http:
        return http.request("POST", path, json.dumps(fields).encode(), headers)


def messages(served: GatewayUnderTest, provider: str, **fields: Any) -> Response:
    asked = {"model": f"{provider}/scene:plain", "max_tokens": 50, "messages": ASK, **fields}
    return post(served, "/v1/messages", **asked)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", ["own", "acme"])
def test_every_answer_has_its_id_where_anthropic_has_it(served: GatewayUnderTest, provider: str, stream: bool) -> None:
    answer = messages(served, provider, stream=stream)
    assert answer.status == 200
    assert answer.header("request-id") == answer.header("x-request-id")
    assert str(answer.header("request-id")).startswith("req_")


def test_an_estimated_count_has_its_id_too(served: GatewayUnderTest) -> None:
    answer = post(served, "/v1/messages/count_tokens", model="acme/scene:plain", messages=ASK)
    assert answer.header("request-id") == answer.header("x-request-id")


def test_answers_of_other_dialects_have_no_such_header(served: GatewayUnderTest) -> None:
    answer = post(served, "/v1/chat/completions", model="own/scene:plain", messages=ASK)
    assert (answer.status, answer.header("request-id")) == (200, None)


def test_a_provider_s_own_count_is_relayed(served: GatewayUnderTest) -> None:
    answer = post(served, "/v1/messages/count_tokens", model="own/scene:plain", messages=ASK)
    assert (answer.status, answer.json()) == (200, {"input_tokens": 3})
    contents = [{"role": "user", "parts": [{"text": "one two three"}]}]
    counted = post(served, "/v1beta/models/google/scene:plain:countTokens", contents=contents)
    assert (counted.status, counted.json()["totalTokens"]) == (200, 4)


@pytest.mark.parametrize(
    ("thread", "said"),
    [
        ({"type": "create"}, ASK),
        ({"type": "continue", "previous_message_id": "msg_1"}, RESULT),
        ({"type": "continue", "previous_message_id": "msg_1"}, []),
    ],
)
def test_a_conversation_that_nobody_holds_is_refused_by_the_code_that_the_sdk_knows(
    served: GatewayUnderTest, upstream: FakeProvider, thread: Any, said: Any
) -> None:
    before = len(upstream.requests)
    answer = messages(served, "acme", thread=thread, messages=said)
    assert answer.status == 400
    assert answer.json()["error"]["details"] == {"error_code": "thread_unsupported_request", "param": "thread"}
    assert len(upstream.requests) == before


def test_a_conversation_is_left_to_who_may_hold_it(served: GatewayUnderTest, upstream: FakeProvider) -> None:
    thread = {"type": "continue", "previous_message_id": "msg_1"}
    assert messages(served, "own", thread=thread, messages=RESULT).status == 400
    assert upstream.requests[-1].json()["thread"] == thread


def test_no_thread_at_all_is_no_thread(served: GatewayUnderTest) -> None:
    answer = messages(served, "acme", thread=None)
    assert (answer.status, answer.json()["content"][0]["text"]) == (200, HELLO)

"""The official Google SDK works against the gateway as it does against Gemini, whatever answers behind it."""

import pytest

from tests.clients.conftest import Told

PROGRAM = "google_sdk"
UPSTREAMS = ("up-gemini-3", "up-anthropic", "up-openai", "up-openai-responses")
HELLO = "Hello from the loopback provider."
pytestmark = pytest.mark.timeout(600)
each = pytest.mark.parametrize("upstream", UPSTREAMS)


@each
def test_content_is_generated(told: Told, upstream: str) -> None:
    assert told[upstream]["content"] == [HELLO, "STOP", 21, 34]


@each
def test_content_is_streamed(told: Told, upstream: str) -> None:
    assert told[upstream]["stream"] == [HELLO, True, ["STOP"], 13]


@each
def test_a_chat_calls_functions_by_itself(told: Told, upstream: str) -> None:
    said, roles = told[upstream]["functions_called_by_a_chat"]
    assert roles == ["user", "model", "user", "model"]
    assert said.startswith("The tools say: ")
    assert "mild in Paris" in said
    assert "mild in Rome" in said
    assert said.endswith(f"Thoughts kept: {1 if upstream == 'up-gemini-3' else 0}.")


@each
def test_a_chat_s_streamed_thoughts_come_back_whole(told: Told, upstream: str) -> None:
    thought, arguments, said = told[upstream]["functions_called_by_hand"]
    assert (thought, arguments) == ("Let me think it over.", {"city": "Paris"})
    # What a provider of chat completions thought has no seal, and is not sent to it again.
    assert said == f"The tools say: 18 degrees. Thoughts kept: {0 if upstream == 'up-openai' else 1}."


@each
def test_an_answer_is_parsed_into_a_type(told: Told, upstream: str) -> None:
    assert told[upstream]["structured"] == {"name": "text", "population": 7}


@each
def test_an_image_is_seen_though_its_base64_is_that_of_urls(told: Told, upstream: str) -> None:
    assert told[upstream]["image"] == "I see image/png of 70 bytes."


@each
def test_tokens_are_counted_by_the_provider_or_estimated(told: Told, upstream: str) -> None:
    assert told[upstream]["count"] == (4 if upstream == "up-gemini-3" else 7)


@each
def test_models_are_listed_and_found(told: Told, upstream: str) -> None:
    listed, found = told[upstream]["models"]
    assert set(listed) >= {f"models/tools-{one}" for one in UPSTREAMS}
    assert found == f"models/tools-{upstream}"


@each
def test_errors_are_raised_as_the_sdk_s_own(told: Told, upstream: str) -> None:
    broken = {"up-anthropic": 529, "up-gemini-3": 503}.get(upstream, 502)
    assert told[upstream]["errors"] == {
        "unknown model": ["ClientError", 404, "NOT_FOUND"],
        "result without a call": ["ClientError", 400, "INVALID_ARGUMENT"],
        "limited": ["ClientError", 429, "RESOURCE_EXHAUSTED"],
        "limited stream": ["ClientError", 429, "RESOURCE_EXHAUSTED"],
        "broken": ["ServerError", broken, "UNAVAILABLE"],
        "cut": ["ServerError", 502, "UNAVAILABLE"],
    }


@each
def test_an_async_client_is_answered_alike(told: Told, upstream: str) -> None:
    assert told[upstream]["asynchronous"] == [HELLO, HELLO]

"""The official Anthropic SDK works against the gateway as it does against Anthropic, whatever answers behind it."""

import pytest

from tests.clients.conftest import Told

PROGRAM = "anthropic_sdk"
UPSTREAMS = ("up-anthropic", "up-openai", "up-openai-responses", "up-gemini-3")
HELLO = "Hello from the loopback provider."
pytestmark = pytest.mark.timeout(600)
each = pytest.mark.parametrize("upstream", UPSTREAMS)


def kept(upstream: str) -> int:
    """Return how many thoughts of calls come back: Gemini signs them."""
    return 1 if upstream == "up-gemini-3" else 0


@each
def test_a_message_is_answered_and_its_request_has_an_id(told: Told, upstream: str) -> None:
    assert told[upstream]["plain"] == [HELLO, "end_turn", 13, "msg_", "req_"]


@each
def test_the_stream_helper_gathers_the_final_message(told: Told, upstream: str) -> None:
    assert told[upstream]["stream"] == [HELLO, True, "end_turn", 21, 13]


@each
def test_events_come_in_the_documented_order(told: Told, upstream: str) -> None:
    kinds = told[upstream]["events"]
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    # Gemini's signature of a call travels as a thought in front of it.
    blocks = 3 if upstream == "up-gemini-3" else 2
    assert kinds == ["message_start", *block * blocks, "message_delta", "message_stop"]


@each
def test_thoughts_that_were_streamed_come_back_with_the_tools_results(told: Told, upstream: str) -> None:
    expected = ["tool_use", "look", {"city": "Paris"}, "The tools say: 18 degrees. Thoughts kept: 1."]
    assert told[upstream]["tool_round_trip"] == expected


@each
def test_the_tool_runner_goes_on_without_a_thread_on_the_server(told: Told, upstream: str) -> None:
    cities, said = told[upstream]["tool_runner"]
    assert cities == ["Paris", "Rome"]
    assert said == f"The tools say: mild in Paris; mild in Rome. Thoughts kept: {kept(upstream)}."


@each
def test_the_tool_runner_streams(told: Told, upstream: str) -> None:
    said = [f"The tools say: mild in Paris. Thoughts kept: {kept(upstream)}."]
    assert told[upstream]["streaming_tool_runner"] == ["Let me look.", *said]


@each
def test_an_answer_is_parsed_into_a_type(told: Told, upstream: str) -> None:
    assert told[upstream]["structured"] == {"name": "text", "population": 7}


@each
def test_an_image_is_seen(told: Told, upstream: str) -> None:
    assert told[upstream]["image"] == "I see image/png of 70 bytes."


@each
def test_tokens_are_counted_by_the_provider_or_estimated(told: Told, upstream: str) -> None:
    assert told[upstream]["count"] == (3 if upstream == "up-anthropic" else 5)


@each
def test_models_are_listed(told: Told, upstream: str) -> None:
    assert set(told[upstream]["models"]) >= {f"tools-{one}" for one in UPSTREAMS}


@each
def test_errors_are_raised_as_the_sdk_s_own(told: Told, upstream: str) -> None:
    own = upstream == "up-anthropic"
    assert told[upstream]["errors"] == {
        "unknown model": ["NotFoundError", 404, "not_found_error", "req_", False],
        "strange content": ["BadRequestError", 400, "invalid_request_error", "req_", False],
        "limited": ["RateLimitError", 429, "rate_limit_error", "req_", True],
        "limited stream": ["RateLimitError", 429, "rate_limit_error", "req_", True],
        "broken": ["APIStatusError", 200, "overloaded_error" if own else "api_error", "req_", False],
        "cut": ["APIStatusError", 200, "api_error", "req_", False],
    }


@each
def test_an_async_client_is_answered_alike(told: Told, upstream: str) -> None:
    assert told[upstream]["asynchronous"] == [HELLO, "Let me look.", {"city": "Paris"}]

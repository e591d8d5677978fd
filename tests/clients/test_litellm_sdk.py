"""litellm speaks to the gateway as to OpenAI and as to Anthropic."""

import pytest

from tests.clients.conftest import Told

PROGRAM = "litellm_sdk"
UPSTREAMS = ("up-openai", "up-gemini-3")
HELLO = "Hello from the loopback provider."
pytestmark = pytest.mark.timeout(600)
each = pytest.mark.parametrize("upstream", UPSTREAMS)


@each
@pytest.mark.parametrize("check", ["plain", "stream"])
def test_an_answer_comes_whole_and_streamed(told: Told, upstream: str, check: str) -> None:
    said = [HELLO, "stop", 13]
    assert told[upstream][check] == {"openai": said, "anthropic": said}


@each
def test_tools_results_go_back(told: Told, upstream: str) -> None:
    calls = [{"city": "Paris"}, {"city": "Rome"}]
    # litellm brings a signature back to OpenAI's dialect, and none to Anthropic's: there it is made up for.
    kept = ("1", "0 (stand-in)") if upstream == "up-gemini-3" else ("0", "0")
    assert told[upstream]["tools"] == {
        "openai": [calls, f"The tools say: mild; mild. Thoughts kept: {kept[0]}."],
        "anthropic": [calls, f"The tools say: mild; mild. Thoughts kept: {kept[1]}."],
    }


@each
def test_an_answer_meets_a_schema(told: Told, upstream: str) -> None:
    assert told[upstream]["structured"] == {"name": "text", "population": 7}


@each
def test_errors_are_raised_as_litellm_s_own(told: Told, upstream: str) -> None:
    limited, cut = "RateLimitError", "MidStreamFallbackError"
    expected = {"limited": {"openai": limited, "anthropic": limited}, "cut": {"openai": cut, "anthropic": cut}}
    assert told[upstream]["errors"] == expected


@each
def test_async_calls_are_answered_alike(told: Told, upstream: str) -> None:
    assert told[upstream]["asynchronous"] == {"openai": [HELLO, HELLO], "anthropic": [HELLO, HELLO]}

"""pydantic-ai's agents speak to the gateway in four dialects."""

import pytest

from tests.clients.conftest import Told

PROGRAM = "pydantic_ai_agents"
UPSTREAMS = ("up-openai", "up-gemini-3")
HELLO = "Hello from the loopback provider."
pytestmark = pytest.mark.timeout(600)
each = pytest.mark.parametrize("upstream", UPSTREAMS)
spoken = pytest.mark.parametrize("spoken", ["chat", "responses", "anthropic", "google"])


@each
@spoken
def test_an_agent_uses_its_tools(told: Told, upstream: str, spoken: str) -> None:
    said, requests, tokens = told[upstream]["agents"][spoken]
    assert (requests, tokens) == (2, 22)
    assert said.startswith("The tools say: ")
    assert said.index("mild in Paris") < said.index("mild in Rome")
    # Its model of the Responses brings no reasoning back that it did not ask for.
    signed = "0 (stand-in)" if spoken == "responses" else "1"
    assert said.endswith(f"Thoughts kept: {signed if upstream == 'up-gemini-3' else 0}.")


@each
@spoken
def test_an_agent_s_answer_is_streamed(told: Told, upstream: str, spoken: str) -> None:
    assert told[upstream]["streams"][spoken] == [HELLO, True, 13]


@each
@spoken
def test_an_agent_s_answer_is_of_a_type(told: Told, upstream: str, spoken: str) -> None:
    assert told[upstream]["structured"][spoken] == "Paris"


@spoken
def test_an_unknown_model_is_an_error_with_its_status(told: Told, spoken: str) -> None:
    assert told["up-openai"]["errors"][spoken] == 404

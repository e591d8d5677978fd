"""The command llm asks the gateway as one of its extra models."""

import pytest

from tests.clients.conftest import Told

PROGRAM = "llm_tool"
UPSTREAMS = ("up-openai", "up-anthropic")
HELLO = "Hello from the loopback provider."
pytestmark = pytest.mark.timeout(600)
each = pytest.mark.parametrize("upstream", UPSTREAMS)


@each
def test_the_gateway_s_model_is_listed(told: Told, upstream: str) -> None:
    assert told[upstream]["commands"]["listed"] == ["OpenAI Chat: plain"]


@each
@pytest.mark.parametrize("how", ["streamed", "whole", "continued"])
def test_a_question_is_answered(told: Told, upstream: str, how: str) -> None:
    assert told[upstream]["commands"][how] == [0, HELLO]


@each
def test_a_tool_is_called(told: Told, upstream: str) -> None:
    code, said = told[upstream]["commands"]["tools"]
    assert (code, " ".join(said.split())) == (0, "Let me look. The tools say: mild in Paris. Thoughts kept: 0.")


@each
def test_an_answer_meets_a_schema(told: Told, upstream: str) -> None:
    assert told[upstream]["commands"]["schema"] == [0, '{"name": "text", "population": 7}']


@each
def test_an_unknown_model_is_told_as_an_error(told: Told, upstream: str) -> None:
    code, said = told[upstream]["commands"]["unknown"]
    assert code == 1
    assert 'No route or deployment is called "nowhere"' in said

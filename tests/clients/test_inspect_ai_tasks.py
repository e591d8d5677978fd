"""inspect-ai evaluates models behind the gateway."""

import pytest

from tests.clients.conftest import Told

PROGRAM = "inspect_ai_tasks"
UPSTREAMS = ("up-anthropic",)
pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("spoken", ["openai-api/steelyard", "anthropic"])
def test_a_task_with_a_tool_is_run_and_scored(told: Told, upstream: str, spoken: str) -> None:
    said = "The tools say: mild in Paris. Thoughts kept: 0."
    assert told[upstream]["tasks"][spoken] == ["success", [1.0], [22], said]

"""instructor gets typed answers through the gateway."""

import pytest

from tests.clients.conftest import Told

PROGRAM = "instructor_library"
UPSTREAMS = ("up-openai", "up-anthropic", "up-openai-responses", "up-gemini-3")
pytestmark = pytest.mark.timeout(600)
each = pytest.mark.parametrize("upstream", UPSTREAMS)


@each
@pytest.mark.parametrize("check", ["openai_tools", "openai_partial", "anthropic_tools"])
def test_a_type_is_filled_by_a_tool(told: Told, upstream: str, check: str) -> None:
    assert told[upstream][check] == "Paris"


@each
def test_a_type_is_filled_by_a_schema(told: Told, upstream: str) -> None:
    assert told[upstream]["openai_schema"] == "text"

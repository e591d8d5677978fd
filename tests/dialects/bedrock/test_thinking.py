"""How much a model is to think, in the words of its family."""

from typing import Any

import pytest

from steelyard.core.request import Reasoning, ToolChoice
from tests.dialects.bedrock.test_request import asked, written

SONNET_37 = "anthropic.claude-3-7-sonnet-20250219-v1:0"
SONNET_4 = "anthropic.claude-sonnet-4-20250514-v1:0"
OPUS_46 = "us.anthropic.claude-opus-4-6-v1"
OPUS_47 = "us.anthropic.claude-opus-4-7"
NOVA_1 = "amazon.nova-pro-v1:0"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
OSS = "openai.gpt-oss-120b-1:0"
QWEN = "qwen.qwen3-32b-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2"


def adaptive(**more: str) -> dict[str, Any]:
    return {"thinking": {"type": "adaptive", **more}}


def enabled(tokens: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


@pytest.mark.parametrize(
    ("model", "reasoning", "fields", "effort", "lost"),
    [
        (OPUS_46, Reasoning(effort="high"), adaptive(), "high", None),
        (OPUS_46, Reasoning(effort="xhigh", shown=True), adaptive(display="summarized"), "xhigh", None),
        (OPUS_46, Reasoning(adaptive=True, shown=False), adaptive(display="omitted"), None, None),
        (OPUS_46, Reasoning(budget=-1), adaptive(), None, None),
        (OPUS_46, Reasoning(budget=5000), enabled(5000), None, None),
        (OPUS_46, Reasoning(effort="minimal"), adaptive(), "low", "approximated"),
        (OPUS_46, Reasoning(effort="enormous"), adaptive(), None, "dropped"),
        (OPUS_46, Reasoning(effort="none"), None, None, None),
        (OPUS_46, Reasoning(shown=True), None, None, None),
        (OPUS_47, Reasoning(budget=5000), adaptive(), "medium", "approximated"),
        (SONNET_4, Reasoning(budget=5000), enabled(5000), None, None),
        (SONNET_4, Reasoning(effort="medium"), enabled(8192), None, "approximated"),
        (SONNET_37, Reasoning(adaptive=True), enabled(24576), None, "approximated"),
        (
            NOVA_2,
            Reasoning(effort="low"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
            None,
            None,
        ),
        (
            NOVA_2,
            Reasoning(effort="max"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
            None,
            "approximated",
        ),
        (NOVA_2, Reasoning(budget=0), {"reasoningConfig": {"type": "disabled"}}, None, None),
        (NOVA_1, Reasoning(effort="low"), None, None, "dropped"),
        (NOVA_1, Reasoning(effort="none"), None, None, None),
        (OSS, Reasoning(effort="high"), {"reasoning_effort": "high"}, None, None),
        (QWEN, Reasoning(effort="high"), None, "high", None),
        (QWEN, Reasoning(budget=20000), None, "high", "approximated"),
        (PROFILE, Reasoning(effort="high"), None, "high", None),
    ],
)
def test_effort_and_budget_are_said_in_the_words_of_the_model(
    model: str, reasoning: Reasoning, fields: object, effort: str | None, lost: str | None
) -> None:
    body, losses = written(asked(reasoning=reasoning, at={"reasoning": "reasoning_effort"}), model)
    assert body.get("additionalModelRequestFields") == fields
    assert body.get("outputConfig", {}).get("effort") == effort
    assert losses == ([("reasoning_effort", lost)] if lost else [])


@pytest.mark.parametrize(
    "more", [{"temperature": 0.2}, {"top_k": 5}, {"tool_choice": ToolChoice("required")}, {"max_tokens": 500}]
)
def test_a_claude_with_a_budget_does_not_think_where_that_would_be_refused(more: dict[str, Any]) -> None:
    body, losses = written(asked(reasoning=Reasoning(effort="high"), **more), SONNET_4)
    assert "thinking" not in body.get("additionalModelRequestFields", {})
    assert losses == [("reasoning", "dropped")]


def test_a_budget_made_here_stays_below_max_tokens() -> None:
    body, _ = written(asked(reasoning=Reasoning(effort="high"), max_tokens=4000), SONNET_4)
    assert body["additionalModelRequestFields"] == enabled(3999)


def test_what_else_is_said_of_thinking_is_told() -> None:
    reasoning = Reasoning(effort="low", summary="detailed", extra={"x": 1})
    _, losses = written(asked(reasoning=reasoning), OPUS_46)
    assert losses == [("reasoning.x", "dropped"), ("reasoning.summary", "dropped")]

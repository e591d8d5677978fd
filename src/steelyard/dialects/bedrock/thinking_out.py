"""How much a model is to think, in the words of each family.

Claude from 4.6 on: `thinking: {"type": "adaptive"}` and an effort; older ones: `{"type": "enabled", "budget_tokens"}`
(Bedrock User Guide, "Adaptive thinking", "Extended thinking"); none without either. Nova 2: `reasoningConfig` (Nova 2
User Guide, "Using the Converse API"); gpt-oss: `reasoning_effort`. All others: Converse's own
`outputConfig.effort`.
"""

from typing import Final

from msgspec import Struct

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.core.request import Reasoning, Request
from steelyard.dialects.bedrock.family import Family
from steelyard.dialects.effort import budget_of, effort_of

__all__ = ["Thought", "thought"]

_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
"""What `outputConfig.effort` may be (API reference, "OutputConfig")."""

_LEAST_BUDGET: Final = 1024  # Bedrock User Guide, "Extended thinking": the minimum is 1,024 tokens
_NO_BUDGET: Final = (4, 7)  # User Guide, "Adaptive thinking": from this Claude on, a budget is answered with 400


class Thought(Struct, frozen=True):
    """What is said of thinking: `fields` to the model, `effort` to Converse."""

    fields: Fields = {}
    effort: str | None = None


def thought(request: Request, family: Family, losses: Losses) -> Thought:
    """Return how much the model is to think."""
    reasoning = request.reasoning
    if reasoning is None:
        return Thought()
    path = request.path_of("reasoning")
    for name in reasoning.extra:
        losses.dropped(f"{path}.{name}", "Bedrock has no such field")
    if reasoning.summary not in (None, "auto"):
        losses.dropped(f"{path}.summary", "Bedrock has no kinds of summaries")
    if reasoning.effort in ("none", None) and reasoning.budget in (0, None) and not reasoning.adaptive:
        return _none(reasoning, family)
    if family.adapts:
        return _adaptive(reasoning, family, path, losses)
    if family.name == "claude" and family.version > (0, 0):
        return _enabled(request, reasoning, path, losses)
    return _by_effort(reasoning, family, path, losses)


def _none(reasoning: Reasoning, family: Family) -> Thought:
    said = reasoning.effort == "none" or reasoning.budget == 0
    return Thought({"reasoningConfig": {"type": "disabled"}} if said and family.thinks_by_config else {})


def _adaptive(reasoning: Reasoning, family: Family, path: str, losses: Losses) -> Thought:
    budget = reasoning.budget
    if budget is not None and budget > 0 and family.version < _NO_BUDGET:
        return Thought({"thinking": {"type": "enabled", "budget_tokens": budget}}, reasoning.effort)
    thinking: Fields = {"type": "adaptive"}
    if reasoning.shown is not None:
        thinking["display"] = "summarized" if reasoning.shown else "omitted"
    return Thought({"thinking": thinking}, _effort(reasoning, path, losses))


def _enabled(request: Request, reasoning: Reasoning, path: str, losses: Losses) -> Thought:
    budget = reasoning.budget
    if budget is None or budget < 0:
        # Thinking excludes these (User Guide, "Extended thinking"), and it was not asked for in these words.
        forced = request.tool_choice is not None and request.tool_choice.mode in ("required", "named")
        if request.temperature not in (None, 1) or request.top_k is not None or forced:
            losses.dropped(path, "the model cannot think with a temperature, top_k or a forced tool")
            return Thought()
        budget = budget_of(reasoning.effort or "high") or _LEAST_BUDGET
        if request.max_tokens is not None:
            budget = min(budget, request.max_tokens - 1)
        if budget < _LEAST_BUDGET:
            losses.dropped(path, f"the model thinks {_LEAST_BUDGET} tokens at least, and max_tokens is below that")
            return Thought()
        losses.approximated(path, f"the model takes tokens of thinking: {budget}")
    return Thought({"thinking": {"type": "enabled", "budget_tokens": budget}})


def _by_effort(reasoning: Reasoning, family: Family, path: str, losses: Losses) -> Thought:
    effort = _effort(reasoning, path, losses) or "medium"
    if family.name not in ("nova", "gpt-oss"):
        return Thought(effort=effort)
    if family.name == "nova" and not family.thinks_by_config:
        losses.dropped(path, "the model does not think")
        return Thought()
    if effort in ("xhigh", "max"):
        losses.approximated(path, "the model's highest effort is high")
        effort = "high"
    if family.name == "nova":
        return Thought({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}})
    return Thought({"reasoning_effort": effort})


def _effort(reasoning: Reasoning, path: str, losses: Losses) -> str | None:
    """Return the word of an effort. A budget in its place is approximated where the budget itself cannot be said."""
    effort = reasoning.effort
    if effort is None and reasoning.budget is not None and reasoning.budget > 0:
        losses.approximated(path, "the model takes an effort, no number of tokens")
        return effort_of(reasoning.budget)
    if effort is None or effort in _EFFORTS:
        return effort
    if effort == "minimal":
        losses.approximated(path, "Bedrock's lowest effort is low")
        return "low"
    losses.dropped(path, f"Bedrock has no effort {effort}")
    return None

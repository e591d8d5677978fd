"""Settings of a request, in Gemini's words (Gemini API reference, "GenerationConfig", "ThinkingConfig")."""

from typing import Any

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.core.request import OutputFormat, Reasoning, Request
from steelyard.dialects.effort import budget_of
from steelyard.dialects.gemini.generations import is_third
from steelyard.dialects.gemini.tools_out import schema_json
from steelyard.dialects.schema_paths import output_path

__all__ = ["config_json", "tier_of"]

_SAME = {
    "max_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "seed": "seed",
    "n": "candidateCount",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
_ABSENT = {
    "metadata": "Gemini takes no metadata",
    "user": "Gemini takes no end user's id",
    "previous_id": "Gemini stores no answers",
    "cache": "Gemini takes no cache breakpoints; it caches prefixes by itself",
    "cache_key": "Gemini takes no key for its cache",
}
_LEVELS = {"none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"}
_LEVELS |= {"xhigh": "HIGH", "max": "HIGH"}
_EXACT = frozenset({"minimal", "low", "medium", "high"})
_TIERS = {"default": "standard", "standard": "standard", "standard_only": "standard"}
_TIERS |= {"flex": "flex", "priority": "priority"}


def config_json(request: Request, model: str, losses: Losses) -> Fields:
    """Return `generationConfig`, and report the settings that Gemini lacks."""
    found: Fields = {}
    for name, told in _SAME.items():
        value = getattr(request, name)
        if value is not None:
            found[told] = value
    if request.stop:
        found["stopSequences"] = list(request.stop)
    if request.output is not None:
        found |= _output(request.output, request, losses)
    if request.reasoning is not None:
        thinking = _reasoning(request.reasoning, request, model, losses)
        if thinking:
            found["thinkingConfig"] = thinking
    for name, reason in _ABSENT.items():
        if getattr(request, name) is not None:
            losses.dropped(request.path_of(name), reason)
    if request.parallel_tools is False:
        losses.dropped(request.path_of("parallel_tools"), "Gemini cannot be kept from calling several at once")
    return found


def _output(output: OutputFormat, request: Request, losses: Losses) -> Fields:
    path = request.path_of("output")
    if request.dialect != "gemini":
        for name in output.extra:
            losses.dropped(f"{path}.{name}", "Gemini has no such field")
    found: Fields = {"responseMimeType": "application/json"}
    schema = output.schema
    if schema is None:
        return found
    if request.dialect != "gemini":
        schema = schema_json(schema, output_path(request), losses)
        # The words for the whole schema stand in it, unless it has its own.
        if output.description is not None:
            schema = {"description": output.description, **schema}
        if output.name is not None:
            schema = {"title": output.name, **schema}
    return {**found, "responseJsonSchema": schema}


def _reasoning(reasoning: Reasoning, request: Request, model: str, losses: Losses) -> Fields:
    if request.dialect == "gemini":
        return _as_said(reasoning)
    path = request.path_of("reasoning")
    for name in reasoning.extra:
        losses.dropped(f"{path}.{name}", "Gemini has no such field")
    if reasoning.summary in ("concise", "detailed"):
        losses.approximated(f"{path}.summary", "Gemini has one kind of summary")
    if reasoning.budget is not None and reasoning.effort is not None:
        losses.dropped(f"{path}.effort", "Gemini takes a level or a budget of thinking, not both")
    found: Fields = {}
    if reasoning.budget is not None and (reasoning.budget != 0 or not is_third(model)):
        found["thinkingBudget"] = reasoning.budget
    elif reasoning.budget == 0:
        found |= _effort("none", model, path, losses)
    elif reasoning.effort is not None:
        found |= _effort(reasoning.effort, model, path, losses)
    elif reasoning.adaptive and not is_third(model):
        found["thinkingBudget"] = -1  # dynamic thinking, which is the later models' default
    if _shown(reasoning):
        found["includeThoughts"] = True
    return found


def _as_said(reasoning: Reasoning) -> Fields:
    found: dict[str, Any] = {}
    if reasoning.effort is not None:
        found["thinkingLevel"] = reasoning.effort.upper()
    if reasoning.budget is not None:
        found["thinkingBudget"] = reasoning.budget
    if reasoning.shown is not None:
        found["includeThoughts"] = reasoning.shown
    return found


def _shown(reasoning: Reasoning) -> bool:
    """Say whether thoughts are to come: they do where thinking was asked for, unless they are not wanted."""
    if reasoning.shown is not None:
        return reasoning.shown
    return reasoning.summary is not None or reasoning.adaptive or (reasoning.budget or 0) != 0


def _effort(effort: str, model: str, path: str, losses: Losses) -> Fields:
    """Return an effort in Gemini's terms: levels and budgets as Google's own compatibility layer has them (Gemini API,
    "OpenAI compatibility", "Thinking")."""
    if not is_third(model):
        budget = budget_of(effort)
        if budget is None:
            losses.dropped(path, f'Gemini knows no effort "{effort}"')
            return {}
        if effort != "none":
            losses.approximated(path, f'"{effort}" is sent as a budget of {budget} tokens')
        return {"thinkingBudget": budget}
    level = _LEVELS.get(effort)
    if level is None:
        losses.dropped(path, f'Gemini knows no effort "{effort}"')
        return {}
    if effort not in _EXACT:
        losses.approximated(path, f'Gemini has no effort "{effort}": it is sent as {level}')
    return {"thinkingLevel": level}


def tier_of(request: Request, losses: Losses) -> str | None:
    """Return the service tier; None for the provider's choice."""
    tier = request.service_tier
    if tier is None or request.dialect == "gemini":
        return tier
    if tier == "auto":
        return None  # the default
    if tier not in _TIERS:
        losses.dropped(request.path_of("service_tier"), f'Gemini has no service tier "{tier}"')
    return _TIERS.get(tier)

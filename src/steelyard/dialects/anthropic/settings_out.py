"""A request's settings, written: tools, thinking, the form of the output (Anthropic API reference, "Create a
Message")."""

import re
from typing import Any

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.core.request import Reasoning, Request, Tool
from steelyard.dialects.anthropic.blocks_out import cache_control
from steelyard.dialects.anthropic.words import NAME
from steelyard.dialects.effort import budget_of, effort_of

__all__ = ["LEAST_BUDGET", "choice", "foreign_thinking", "output_format", "own_thinking", "tools"]

LEAST_BUDGET = 1024
"""The fewest tokens of `thinking.budget_tokens`."""

_MODES = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d)(?:[-.](\d{1,2}))?(?![\d])")


def tools(request: Request, losses: Losses) -> list[Fields]:
    """Return the tools of a request."""
    return [found for tool in request.tools if (found := _tool(tool, request.dialect == NAME, losses)) is not None]


def _tool(tool: Tool, own: bool, losses: Losses) -> Fields | None:
    if tool.native is not None:
        if tool.dialect == NAME:
            return tool.native
        losses.dropped(tool.at, f"Anthropic has no tool of type {tool.name}")
        return None
    schema = tool.parameters or {}
    found: Fields = {
        "name": tool.name,
        "input_schema": schema if "type" in schema or own else {"type": "object"} | schema,
    }
    if tool.description is not None:
        found["description"] = tool.description
    if tool.strict is not None:
        found["strict"] = tool.strict
    if tool.cache is not None:
        found["cache_control"] = cache_control(tool.cache, tool.extra if own else {})
    if own:
        found.update({name: value for name, value in tool.extra.items() if not name.startswith("cache_control.")})
    else:
        for name in tool.extra:
            losses.dropped(f"{tool.at}.{name}", "Anthropic has no such field")
    return found


def choice(request: Request, losses: Losses) -> Fields | None:
    """Return `tool_choice`; the API says "not in parallel" there, as the inverse of what others say."""
    said = request.tool_choice
    parallel = request.parallel_tools
    found: Fields = {}
    if said is not None:
        if said.mode == "native" or len(said.names) > 1:
            losses.approximated(request.path_of("tool_choice"), "Anthropic has no such choice: the model chooses")
            found["type"] = "auto" if said.mode == "native" else "any"
        else:
            found["type"] = _MODES[said.mode]
            if said.names:
                found["name"] = said.names[0]
    elif parallel is not False or not request.tools:
        return None  # parallel calls are the default, and moot without tools
    else:
        found["type"] = "auto"
    if parallel is not None and found["type"] != "none" and (request.dialect == NAME or not parallel):
        found["disable_parallel_tool_use"] = not parallel
    return found


def own_thinking(reasoning: Reasoning) -> Fields | None:
    """Return `thinking` as this dialect's client said it."""
    extra = reasoning.extra
    if reasoning.adaptive:
        found: Fields = {"type": "adaptive"}
    elif reasoning.budget == 0 and "type" not in extra:
        found = {"type": "disabled"}
    elif reasoning.budget is not None:
        found = {"type": "enabled", "budget_tokens": reasoning.budget}
    elif not extra:
        return None
    else:
        found = {}
    if reasoning.shown is not None:
        found["display"] = "summarized" if reasoning.shown else "omitted"
    return {**found, **extra}


def foreign_thinking(request: Request, model: str, losses: Losses) -> tuple[Fields | None, str | None]:
    """Return `thinking` and `output_config.effort` for what another dialect's client asks, in the form that the model
    takes: since Claude 4.6 models choose themselves how much to think and are told how hard to try; those before it
    and other providers' know budgets ("Adaptive thinking", "Extended thinking")."""
    asked = request.reasoning
    if asked is None:
        return None, None
    path = request.path_of("reasoning")
    if asked.effort == "none" or (asked.effort is None and asked.budget == 0):
        return {"type": "disabled"}, None
    if asked.effort is None and asked.budget is None and not asked.shown and asked.summary is None:
        return None, None
    thinking, effort = _adaptive(asked, path, losses) if _is_adaptive(model) else (_budgeted(asked, path, losses), None)
    if asked.summary in ("concise", "detailed"):
        losses.approximated(path, "Anthropic has one kind of summary")
    if asked.shown is not None or asked.summary is not None:
        thinking["display"] = "omitted" if asked.shown is False else "summarized"
    return thinking, effort


def _is_adaptive(model: str) -> bool:
    found = _VERSION.search(model)
    if found is None:
        return False
    return (int(found[1]), int(found[2] or 0)) >= (4, 6)


def _adaptive(asked: Reasoning, path: str, losses: Losses) -> tuple[Fields, str | None]:
    thinking: Fields = {"type": "adaptive"}
    word = asked.effort
    if word is None:
        word = None if asked.budget is None else effort_of(asked.budget)
        if word is not None:
            losses.approximated(path, f"the model takes no budget: {asked.budget} tokens are sent as effort {word!r}")
        return thinking, word
    effort = _EFFORTS.get(word)
    if effort != word:
        losses.approximated(path, f"Anthropic has no effort {word!r}: {effort or 'its own default'} is sent")
    return thinking, effort


def _budgeted(asked: Reasoning, path: str, losses: Losses) -> Fields:
    budget = asked.budget
    if budget is None or budget < 0:
        budget = budget_of(asked.effort or "medium") or budget_of("medium") or LEAST_BUDGET
        losses.approximated(path, f"the model takes a budget: {budget} tokens are sent")
    elif budget < LEAST_BUDGET:
        losses.approximated(path, f"Anthropic's least budget is {LEAST_BUDGET} tokens")
        budget = LEAST_BUDGET
    return {"type": "enabled", "budget_tokens": budget}


def output_format(request: Request, losses: Losses) -> Fields | None:
    """Return the form that an answer must have, `{"type": "json_schema", …}`."""
    form = request.output
    if form is None:
        return None
    path = request.path_of("output")
    if form.schema is None:
        losses.dropped(path, "Anthropic has no JSON mode without a schema: ask for JSON in words, or give a schema")
        return None
    if request.dialect == NAME:
        return {"type": "json_schema", "schema": form.schema, **form.extra}
    for name in form.extra:
        losses.dropped(f"{path}.{name}", "Anthropic has no such field")
    schema = form.schema
    if not form.strict:
        schema = _closed(schema, path, losses)
    # Name and description are annotations of the schema, in JSON Schema's own words.
    told = {"title": form.name, "description": form.description}
    return {
        "type": "json_schema",
        "schema": {**{name: value for name, value in told.items() if value is not None}, **schema},
    }


def _closed(schema: Fields, path: str, losses: Losses) -> Fields:
    """Return a schema whose objects take no further members: the API demands it of each ("Structured outputs", "JSON
    Schema limitations")."""
    changed = False

    def close(value: Any) -> Any:
        nonlocal changed
        if isinstance(value, list):
            return [close(one) for one in value]
        if not isinstance(value, dict):
            return value
        found = {name: close(one) for name, one in value.items()}
        if value.get("type") == "object" and value.get("additionalProperties") is not False:
            changed = True
            found["additionalProperties"] = False
        return found

    closed: Fields = close(schema)
    if changed:
        losses.approximated(path, "Anthropic demands that objects of a schema take no further members")
    return closed

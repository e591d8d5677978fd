"""A request's settings, read: tools, thinking, the form of the output (Anthropic API reference, "Create a Message")."""

from typing import Any

from steelyard.core.parts import Fields
from steelyard.core.request import OutputFormat, Reasoning, Tool, ToolChoice
from steelyard.dialects.anthropic.blocks_in import cache_of
from steelyard.dialects.anthropic.words import NAME, named
from steelyard.dialects.members import Members, wrong

__all__ = ["choice_of", "output_of", "reasoning_of", "tool_of"]

_PLAIN = {"name", "description", "input_schema"}
_SHOWN = {"summarized": True, "omitted": False}
_MODES: dict[str, ToolChoice] = {"auto": ToolChoice("auto"), "any": ToolChoice("required"), "none": ToolChoice("none")}


def tool_of(value: Any, at: str) -> Tool:
    """Return a tool: the client's own, or one that only this API has, by its type."""
    if isinstance(value, dict) and value.keys() == _PLAIN:
        name, description, schema = value["name"], value["description"], value["input_schema"]
        if type(name) is str and type(description) is str and type(schema) is dict:
            return Tool(name, description, schema, at=at)  # nearly all are
    members = Members(value, at)
    kind = members.text("type") or "custom"
    if kind != "custom":
        return Tool(kind, dialect=NAME, native=value, at=at)
    extra: Fields = {}
    name = members.needed_text("name")
    schema = members.object("input_schema")
    if schema is None:
        raise wrong(members.path("input_schema"), "is missing. Give a JSON Schema.", "missing_field")
    description, strict = members.text("description"), members.flag("strict")
    cache = cache_of(members, extra)
    return Tool(name, description, schema, strict, cache, at=at, extra={**named(members.rest()), **extra})


def choice_of(value: Fields | None, extra: Fields) -> tuple[ToolChoice | None, bool | None]:
    """Return a `tool_choice`, and whether tools may be called in parallel: what it says is the inverse."""
    if value is None:
        return None, None
    members = Members(value, "tool_choice")
    kind = members.needed_text("type")
    if kind == "tool":
        choice = ToolChoice("named", (members.needed_text("name"),))
    elif kind in _MODES:
        choice = _MODES[kind]
    else:
        raise wrong("tool_choice.type", f"{kind!r} is not known. Use auto, any, tool or none.", "invalid_value")
    alone = members.flag("disable_parallel_tool_use")
    extra.update({f"tool_choice.{name}": one for name, one in members.rest().items()})
    return choice, None if alone is None else not alone


def reasoning_of(thinking: Fields | None, effort: str | None) -> Reasoning | None:
    """Return what `thinking` and `output_config.effort` ask for."""
    if thinking is None:
        return None if effort is None else Reasoning(effort)
    members = Members(thinking, "thinking")
    kind = members.needed_text("type")
    budget = members.integer("budget_tokens")
    if kind == "enabled" and budget is None:
        raise wrong("thinking.budget_tokens", "is missing. Give a number of tokens, 1024 or more.", "missing_field")
    extra: Fields = {} if kind in ("enabled", "disabled", "adaptive") else {"type": kind}
    display = members.text("display")
    if display is not None and display not in _SHOWN:
        extra["display"] = display
    return Reasoning(
        effort,
        0 if kind == "disabled" else budget,
        kind == "adaptive",
        _SHOWN.get(display or ""),
        extra={**named(members.rest()), **extra},
    )


def output_of(value: Fields | None, at: str) -> OutputFormat | None:
    """Return the form that an answer must have. Answers always meet the schema ("Structured outputs")."""
    if value is None:
        return None
    members = Members(value, at)
    kind = members.needed_text("type")
    if kind != "json_schema":
        raise wrong(members.path("type"), f"{kind!r} is not known. Use json_schema.", "invalid_value")
    schema = members.object("schema")
    if schema is None:
        raise wrong(members.path("schema"), "is missing. Give a JSON Schema.", "missing_field")
    return OutputFormat("schema", schema=schema, strict=True, extra=named(members.rest()))

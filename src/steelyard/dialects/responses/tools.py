"""Tools, and the choice among them (API reference, "Create a model response", `tools` and `tool_choice`): functions are
flat, all else is the API's own."""

from typing import Any, Literal, cast

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.core.request import Request, Tool, ToolChoice
from steelyard.dialects.members import Members, wrong
from steelyard.dialects.responses.content_in import left
from steelyard.dialects.responses.names import NAME

__all__ = ["choice_in", "choice_out", "tools_in", "tools_out"]

_MODES = ("auto", "none", "required")
_CHAT = "openai"


def tools_in(value: list[Any] | None) -> tuple[Tool, ...]:
    """Return a request's tools. Raises BadRequest."""
    return tuple([_tool(one, f"tools[{number}]") for number, one in enumerate(value or ())])


def _tool(value: Any, at: str) -> Tool:
    members = Members(value, at)
    kind = members.needed_text("type")
    if kind != "function":
        return Tool(kind, dialect=NAME, native=value, at=at)
    return Tool(
        members.needed_text("name"),
        members.text("description"),
        members.object("parameters"),
        members.flag("strict"),
        at=at,
        extra=left(members),
    )


def choice_in(value: Any) -> ToolChoice | None:
    """Return what a request says of which tool is to be called. Raises BadRequest."""
    if value is None:
        return None
    if isinstance(value, str):
        if value not in _MODES:
            raise wrong(
                "tool_choice", f'unknown choice "{value}". Use auto, none, required or an object.', "invalid_value"
            )
        return ToolChoice(cast(Literal["auto", "none", "required"], value))
    members = Members(value, "tool_choice")
    kind = members.needed_text("type")
    if kind == "function":
        return ToolChoice("named", (members.needed_text("name"),))
    names = _required_names(value) if kind == "allowed_tools" else ()
    return ToolChoice("named", names) if names else ToolChoice("native", dialect=NAME, native=value)


def _required_names(value: Fields) -> tuple[str, ...]:
    """Return the functions of which one must be called; none where one may be called, or where a tool is none."""
    allowed = value.get("tools")
    if value.get("mode") != "required" or not isinstance(allowed, list):
        return ()
    names = [one.get("name") for one in allowed if isinstance(one, dict) and one.get("type") == "function"]
    whole = len(names) == len(allowed) and all(isinstance(name, str) for name in names)
    return tuple(cast("list[str]", names)) if whole else ()


def tools_out(request: Request, losses: Losses) -> list[Fields]:
    """Return the tools as the wire has them."""
    found = [_wire(tool, request.dialect == NAME, losses) for tool in request.tools]
    return [one for one in found if one is not None]


def _wire(tool: Tool, same: bool, losses: Losses) -> Fields | None:
    if tool.native is not None:
        return _native(tool, losses)
    wire: Fields = {"type": "function", "name": tool.name}
    if tool.description is not None:
        wire["description"] = tool.description
    wire["parameters"] = tool.parameters
    if same:
        if tool.strict is not None:
            wire["strict"] = tool.strict
        return {**wire, **tool.extra}
    # Unsaid is not strict elsewhere, but is strict here (developers.openai.com/api/docs/guides/migrate-to-responses,
    # "functions in the Responses API are strict by default"); a strict schema must list every property as required.
    wire["parameters"] = tool.parameters if tool.parameters is not None else {"type": "object", "properties": {}}
    wire["strict"] = tool.strict is True
    if tool.cache is not None:
        losses.dropped(f"{tool.at}.cache_control", "OpenAI caches prompts by itself")
    for name in tool.extra:
        losses.dropped(f"{tool.at}.{name}", "the Responses API has no such field")
    return wire


def _native(tool: Tool, losses: Losses) -> Fields | None:
    native = tool.native or {}
    if tool.dialect == NAME:
        return native
    if tool.dialect == _CHAT and isinstance(custom := native.get("custom"), dict):
        return _flat_custom(custom)
    losses.dropped(tool.at, f'the tool "{tool.name}" is one that only {tool.dialect} has')
    return None


def _flat_custom(custom: Fields) -> Fields:
    """Return a custom tool of Chat Completions as the Responses have it: nothing is nested."""
    wire = {"type": "custom", **custom}
    form = custom.get("format")
    if isinstance(form, dict) and isinstance(form.get("grammar"), dict):
        wire["format"] = {"type": "grammar", **form["grammar"]}
    return wire


def choice_out(request: Request, losses: Losses) -> Any:
    """Return the choice as the wire has it; None for none."""
    choice = request.tool_choice
    if choice is None:
        return None
    if choice.mode == "native":
        return _native_choice(choice, request, losses)
    if choice.mode != "named":
        return choice.mode
    named = [{"type": "function", "name": name} for name in choice.names]
    return named[0] if len(named) == 1 else {"type": "allowed_tools", "mode": "required", "tools": named}


def _native_choice(choice: ToolChoice, request: Request, losses: Losses) -> Any:
    if choice.dialect == NAME:
        return choice.native
    if choice.dialect == _CHAT and isinstance(choice.native, dict):
        custom = choice.native.get("custom")
        if isinstance(custom, dict):
            return {"type": "custom", **custom}
        allowed = choice.native.get("allowed_tools")
        if isinstance(allowed, dict) and isinstance(allowed.get("tools"), list):
            return {"type": "allowed_tools", **allowed, "tools": [_flat(one) for one in allowed["tools"]]}
    losses.dropped(request.path_of("tool_choice"), f"only {choice.dialect} has this choice")
    return None


def _flat(tool: Any) -> Any:
    """Return a reference to a tool of Chat Completions (`{"type", "function": {"name"}}`) as the Responses have it."""
    if isinstance(tool, dict) and isinstance(inner := tool.get(tool.get("type")), dict):
        return {"type": tool["type"], **inner}
    return tool

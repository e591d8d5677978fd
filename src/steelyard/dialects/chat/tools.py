"""Tools, their choice and their calls (API reference, "Create chat completion": `tools`, `tool_choice`, `tool_calls`).

The deprecated `functions`, `function_call` and role `function` are decoded as tools; an answer to a client that asked
with them is told in their words again.
"""

from typing import Any

import msgspec
from msgspec import Raw

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields, ToolCall
from steelyard.core.request import Request, Tool, ToolChoice
from steelyard.dialects.chat.content import cache_of, with_extra, write_cache
from steelyard.dialects.chat.thoughts import NAME
from steelyard.dialects.members import Members, wrong

__all__ = [
    "call_of",
    "read_choice",
    "read_functions",
    "read_tools",
    "signature_of",
    "write_call",
    "write_choice",
    "write_signature",
    "write_tools",
]

_MOST_KEPT = 32
_kept: dict[int, tuple[tuple[Tool, ...], Raw]] = {}
_encode = msgspec.json.Encoder().encode
_PLAIN_TOOL = frozenset(("name", "description", "parameters", "strict"))
_MODES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}  # "any" is Mistral's


def read_tools(tools: list[Any]) -> tuple[Tool, ...]:
    """Return the tools of `tools`."""
    return tuple(
        [_plain_tool(one, f"tools[{i}]") or _read_tool(Members(one, f"tools[{i}]")) for i, one in enumerate(tools)]
    )


def _plain_tool(value: Any, at: str) -> Tool | None:
    """Return a tool of the form that nearly all have; None for others."""
    if type(value) is not dict or len(value) != 2 or value.get("type") != "function":
        return None
    function = value.get("function")
    if type(function) is not dict or not function.keys() <= _PLAIN_TOOL:
        return None
    name, description = function.get("name"), function.get("description")
    parameters, strict = function.get("parameters"), function.get("strict")
    if type(name) is str and _is(description, str) and _is(parameters, dict) and _is(strict, bool):
        return Tool(name, description, parameters, strict, at=at)
    return None


def _is(value: Any, kind: type) -> bool:
    return value is None or type(value) is kind


def _read_tool(tool: Members) -> Tool:
    kind = tool.text("type") or "function"
    if kind != "function":
        # A custom tool, or one of a compatible server's own (Moonshot's "builtin_function", Zhipu's "web_search").
        return Tool(kind, dialect=NAME, native={"type": kind, **tool.rest()}, at=tool.at)
    function = Members(tool.any("function"), tool.path("function"))
    cache = cache_of(tool)
    if "cache_control" in function:
        cache = cache_of(function)
    return _function(function, tool.at, cache, tool.rest(), "function.")


def read_functions(functions: list[Any]) -> tuple[Tool, ...]:
    """Return the tools of the deprecated `functions`."""
    entries = [Members(one, f"functions[{i}]") for i, one in enumerate(functions)]
    return tuple(_function(one, one.at, None, {}, "") for one in entries)


def _function(function: Members, at: str, cache: Any, extra: Fields, prefix: str) -> Tool:
    name, description = function.needed_text("name"), function.text("description")
    parameters, strict = function.object("parameters"), function.flag("strict")
    left = {f"{prefix}{key}": value for key, value in function.rest().items()}
    return Tool(name, description, parameters, strict, cache, at=at, extra={**extra, **left})


def read_choice(value: Any, at: str) -> ToolChoice | None:
    """Return the choice that `tool_choice` or the deprecated `function_call` makes."""
    if value is None:
        return None
    if isinstance(value, str):
        if value not in _MODES:
            raise wrong(at, f'"{value}" is none of "auto", "none" and "required".', "invalid_value")
        return ToolChoice(_MODES[value])  # type: ignore[arg-type]  # `_MODES` has the modes alone
    choice = Members(value, at)
    kind = choice.text("type") or "function"
    if kind == "allowed_tools":
        return _allowed(choice, value)
    if kind not in ("function", "custom"):
        return ToolChoice("native", dialect=NAME, native=value)
    named = choice if at == "function_call" else Members(choice.any(kind), choice.path(kind))
    return ToolChoice("named", (named.needed_text("name"),))


def _allowed(choice: Members, native: Any) -> ToolChoice:
    allowed = Members(choice.any("allowed_tools"), choice.path("allowed_tools"))
    tools, path = allowed.array("tools") or [], allowed.path("tools")
    names = []
    for i, one in enumerate(tools):
        tool = Members(one, f"{path}[{i}]")
        kind = tool.text("type") or "function"
        inner = tool.object(kind)
        name = Members(inner, tool.path(kind)).text("name") if inner else None
        if name is not None:
            names.append(name)
    if allowed.text("mode") != "required" or len(names) != len(tools) or not names:
        # May call one of some tools: no other dialect says so.
        return ToolChoice("native", dialect=NAME, native=native)
    return ToolChoice("named", tuple(names))


def write_tools(request: Request, losses: Losses) -> list[Fields] | Raw:
    """Return `tools`. What is written without a loss of an Anthropic client's, which that dialect knows again and gives
    as the same tuple, is kept as it stands on the wire."""
    tools = request.tools
    if request.dialect != "anthropic":
        return _written(request, losses)
    kept = _kept.get(id(tools))
    if kept is not None and kept[0] is tools:
        return kept[1]
    before = len(losses.all())
    written = _written(request, losses)
    if written and len(losses.all()) == before:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[id(tools)] = tools, Raw(_encode(written))
    return written


def _written(request: Request, losses: Losses) -> list[Fields]:
    written = []
    for tool in request.tools:
        if tool.native is None:
            written.append(_write_tool(tool, losses, same=request.dialect == NAME))
        elif tool.dialect == NAME:
            written.append(tool.native)
        elif tool.dialect == "openai-responses" and tool.native.get("type") == "custom":
            written.append(_custom(tool.native))
        else:
            losses.dropped(tool.at, f'a tool "{tool.name}" is the provider\'s own')
    return written


def _write_tool(tool: Tool, losses: Losses, *, same: bool) -> Fields:
    function: Fields = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    wire: Fields = {"type": "function", "function": function}
    if same:
        write_cache(wire, tool.cache)
        if tool.extra:
            inside = tool.at.startswith("functions[")
            extra = {f"function.{name}": one for name, one in tool.extra.items()} if inside else tool.extra
            with_extra(wire, extra)
        return wire
    if tool.cache is not None:
        losses.dropped(f"{tool.at}.cache_control", "the dialect has no cache breakpoints")
    for name in tool.extra:
        losses.dropped(f"{tool.at}.{name}", "the dialect has no such field")
    return wire


def _custom(native: Fields) -> Fields:
    """Return a custom tool of the Responses: the same, but for the object that its fields stand in."""
    fields = {name: value for name, value in native.items() if name != "type"}
    grammar = fields.get("format")
    if isinstance(grammar, dict) and grammar.get("type") == "grammar":
        inner = {name: value for name, value in grammar.items() if name != "type"}
        fields["format"] = {"type": "grammar", "grammar": inner}
    return {"type": "custom", "custom": fields}


def write_choice(request: Request, losses: Losses, *, knows_allowed: bool) -> Any:
    """Return `tool_choice`; None to leave it out. `knows_allowed`: the server knows OpenAI's `allowed_tools`."""
    choice = request.tool_choice
    if choice is None:
        return None
    path = request.path_of("tool_choice")
    if choice.mode == "native":
        if choice.dialect == NAME:
            return choice.native
        losses.dropped(path, "the choice is the provider's own")
        return None
    if choice.mode != "named":
        return choice.mode
    # A list: what another dialect's tool has for a name may be anything.
    customs = [_custom_name(one) for one in request.tools if one.native is not None]
    named = [_named("custom" if name in customs else "function", name) for name in choice.names]
    if len(named) == 1:
        return named[0]
    if knows_allowed:
        return {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": named}}
    losses.approximated(path, "one of all tools must be called, not one of some")
    return "required"


def _named(kind: str, name: str) -> Fields:
    return {"type": kind, kind: {"name": name}}


def _custom_name(tool: Tool) -> Any:
    native = tool.native or {}
    inner = native.get("custom")
    return inner.get("name") if isinstance(inner, dict) else native.get("name")


def call_of(value: Any, at: str) -> ToolCall:
    """Return one of a message's `tool_calls`."""
    if type(value) is dict and len(value) == 3 and value.get("type") == "function":
        call_id, plain = value.get("id"), value.get("function")
        if type(call_id) is str and type(plain) is dict and len(plain) == 2:
            name, arguments = plain.get("name"), plain.get("arguments")
            if type(name) is str and type(arguments) is str:
                return ToolCall(call_id, name, arguments, at=at)  # nearly always
    return _call_of(value, at)


def _call_of(value: Any, at: str) -> ToolCall:
    call = Members(value, at)
    kind = call.text("type") or "function"
    if kind not in ("function", "custom"):
        raise wrong(at, f'"{kind}" is no kind of tool call that is known here', "unknown_content")
    call_id, inner = call.needed_text("id"), Members(call.any(kind), call.path(kind))
    name, arguments = inner.needed_text("name"), inner.text("input" if kind == "custom" else "arguments") or ""
    signature, cache = signature_of(call), cache_of(call)
    extra = call.rest()
    if inner.rest():
        extra = {**extra, **{f"{kind}.{key}": one for key, one in inner.rest().items()}}
    return ToolCall(call_id, name, arguments, kind == "custom", signature, cache=cache, at=at, extra=extra)


def signature_of(holder: Members) -> str | None:
    """Take Gemini's thought signature, where Google's server of this dialect has it: `extra_content.google.
    thought_signature` (ai.google.dev/gemini-api/docs/thought-signatures, "OpenAI compatibility")."""
    content = holder.any("extra_content")
    google = content.get("google") if isinstance(content, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    if not (isinstance(content, dict) and isinstance(google, dict) and isinstance(signature, str)):
        if content is not None:
            holder.rest()["extra_content"] = content
        return None
    left = {name: value for name, value in google.items() if name != "thought_signature"}
    rest = {**content, "google": left} if left else {name: one for name, one in content.items() if name != "google"}
    if rest:
        holder.rest()["extra_content"] = rest
    return signature


def write_signature(wire: Fields, signature: str | None) -> None:
    """Write Gemini's thought signature."""
    if signature is not None:
        content = wire.get("extra_content") or {}
        google = {**content.get("google", {}), "thought_signature": signature}
        wire["extra_content"] = {**content, "google": google}


def write_call(call: ToolCall) -> Fields:
    """Return one of `tool_calls`, without leftover fields."""
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    # "{}" is what servers want where no arguments came: many parse them.
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}

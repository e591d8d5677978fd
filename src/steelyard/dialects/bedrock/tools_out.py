"""Tools as Converse has them (API reference, "ToolConfiguration")."""

import re
from collections.abc import Sequence
from typing import Final

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.core.request import Request, Tool, ToolChoice
from steelyard.dialects.bedrock.content_out import Blocks
from steelyard.dialects.members import wrong

__all__ = ["tool_config"]

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ANY_OBJECT: Final[Fields] = {"type": "object", "properties": {}}


def tool_config(request: Request, blocks: Blocks, losses: Losses) -> Fields | None:
    """Return the tools and how they are chosen; None where there are none. `blocks` has written the conversation."""
    choice = request.tool_choice
    if choice is not None and choice.mode == "none" and not blocks.uses_tools:
        if request.tools:
            losses.approximated(request.path_of("tool_choice"), "Bedrock has no such choice; sent without the tools")
        return None
    tools = [shown for tool in request.tools for shown in _tool(tool, blocks, losses)]
    if not tools and blocks.uses_tools:
        # "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        losses.added(request.path_of("tools"), "Bedrock wants tools beside the results of tools")
        tools = [_spec(name, None, None) for name in blocks.tool_names or ("tool",)]
        choice = None
    if not tools:
        return None
    chosen = _choice(choice, request.path_of("tool_choice"), losses) if choice is not None else None
    return {"tools": tools, **({"toolChoice": chosen} if chosen is not None else {})}


def _tool(tool: Tool, blocks: Blocks, losses: Losses) -> Sequence[Fields]:
    for name in tool.extra:
        losses.dropped(f"{tool.at}.{name}", "Bedrock has no such field")
    if tool.native is not None:
        losses.dropped(tool.at, f"Bedrock has no tool {tool.name}")
        return ()
    if not _NAME.fullmatch(tool.name):
        raise wrong(
            tool.at,
            "Bedrock's names of tools have up to 64 letters, digits, underscores and hyphens",
            "unsupported_content",
        )
    shown = _spec(tool.name, tool.description, tool.parameters)
    if tool.strict is not None:
        shown["toolSpec"]["strict"] = tool.strict
    return (shown, *blocks.cache_point(tool.cache, tool.at))


def _spec(name: str, description: str | None, parameters: Fields | None) -> Fields:
    spec: Fields = {"name": name, "inputSchema": {"json": parameters if parameters is not None else _ANY_OBJECT}}
    if description:
        spec["description"] = description
    return {"toolSpec": spec}


def _choice(choice: ToolChoice, path: str, losses: Losses) -> Fields | None:
    match choice.mode:
        case "auto":
            return {"auto": {}}
        case "required":
            return {"any": {}}
        case "named":
            if len(choice.names) == 1:
                return {"tool": {"name": choice.names[0]}}
            losses.approximated(path, "Bedrock can demand one tool or any, not one of some")
            return {"any": {}}
        case "none":
            losses.approximated(path, "Bedrock cannot forbid tools in a conversation that has used them")
        case "native":
            losses.dropped(path, "Bedrock has no such choice")
    return None

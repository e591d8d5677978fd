"""Tools and the choice among them, in Gemini's words.

Schemas are sent as JSON Schema (`parametersJsonSchema`, `responseJsonSchema`). Of these Gemini knows `$id`, `$defs`,
`$ref`, `$anchor`, `type`, `format`, `title`, `description`, `enum` (of strings and numbers), `items`, `prefixItems`,
`minItems`, `maxItems`, `minimum`, `maximum`, `anyOf`, `oneOf` (as `anyOf`), `properties`, `additionalProperties`,
`required` and `propertyOrdering`; circular references are unrolled to a limited depth and only in properties that are
not required; beside a `$ref` nothing else may stand (Gemini API reference, "GenerationConfig.responseJsonSchema"). So
references of other dialects' schemas are put in place, a circle is refused, and every constraint that Gemini would not
heed is reported.
"""

from typing import Any

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.core.request import Request, Tool
from steelyard.dialects.gemini.proto import spread
from steelyard.dialects.schema import Room, keywords, resolved, subschemas_changed, words
from steelyard.dialects.schema_paths import parameters_path, strict_path

__all__ = ["choice_json", "schema_json", "tools_json"]

_HEEDED = frozenset(
    [
        "$id",
        "$defs",
        "$ref",
        "$anchor",
        "type",
        "format",
        "title",
        "description",
        "enum",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "anyOf",
        "oneOf",
        "properties",
        "additionalProperties",
        "required",
        "propertyOrdering",
    ]
)
_NO_CONSTRAINTS = frozenset(
    ["$schema", "$comment", "$vocabulary", "default", "deprecated", "example", "examples", "readOnly", "writeOnly"]
)

_FIT = (_HEEDED | _NO_CONSTRAINTS) - {"$ref", "$defs"}


def schema_json(schema: Fields, path: str, losses: Losses, room: Room | None = None) -> Fields:
    """Return another dialect's schema as Gemini takes it; `room` is shared by the schemas of one request. Raises
    BadRequest for a circular one."""
    if words(schema) <= _FIT:
        return schema
    found: Fields = _fitted(resolved(schema, path, room), path)
    for name, at in keywords(found, path):
        if name not in _HEEDED and name not in _NO_CONSTRAINTS:
            losses.approximated(at, f"the schema is sent with {name}, but Gemini does not heed it")
    return found


def _fitted(schema: Any, path: str) -> Any:
    """Return a schema that says the same in words that Gemini heeds, where it has such."""
    if not isinstance(schema, dict):
        return schema
    found = subschemas_changed(schema, path, _fitted)
    alone = found.get("allOf")
    if (
        isinstance(alone, list)
        and len(alone) == 1
        and isinstance(alone[0], dict)
        and not alone[0].keys() & found.keys()
    ):
        found = {**alone[0], **{name: value for name, value in found.items() if name != "allOf"}}
    constant = found.get("const")
    if isinstance(constant, str | int | float) and not isinstance(constant, bool) and "enum" not in found:
        found = {**{name: value for name, value in found.items() if name != "const"}, "enum": [constant]}
    return found


def tools_json(request: Request, losses: Losses) -> list[Fields]:
    """Return the tools: all functions in one, and each of Gemini's own in one of its own."""
    functions: list[Fields] = []
    natives: list[Fields] = []
    room = Room()
    for tool in request.tools:
        if tool.native is None:
            functions.append(_function(tool, request.dialect, losses, room))
        elif tool.dialect == "gemini":
            natives.append(tool.native)
        else:
            losses.dropped(tool.at, f"only the dialect {tool.dialect} has the tool {tool.name}")
    return [*([{"functionDeclarations": functions}] if functions else []), *natives]


def _function(tool: Tool, dialect: str, losses: Losses, room: Room) -> Fields:
    own = dialect == "gemini"
    found: Fields = {"name": tool.name}
    if tool.description is not None:
        found["description"] = tool.description
    schema = tool.parameters
    if schema is not None:
        found["parametersJsonSchema"] = (
            schema if own else schema_json(schema, parameters_path(tool, dialect), losses, room)
        )
    if tool.cache is not None:
        losses.dropped(f"{tool.at}.cache_control", "Gemini takes no cache breakpoints; it caches prefixes by itself")
    if own:
        spread(tool.extra, found)
    else:
        for name in tool.extra:
            losses.dropped(f"{tool.at}.{name}", "Gemini has no such field")
    return found


def choice_json(request: Request, losses: Losses) -> Fields | None:
    """Return `functionCallingConfig`; None for the default.

    Calls that must meet their schemas (`strict`) are what the modes ANY and VALIDATED promise (Gemini API, "Function
    calling", modes): VALIDATED stands for `auto` where every function is strict.
    """
    choice = request.tool_choice
    mode = choice.mode if choice is not None else None
    if choice is not None and mode == "native":
        if choice.dialect == "gemini":
            return dict(choice.native)
        losses.dropped(request.path_of("tool_choice"), f"only the dialect {choice.dialect} has this choice")
    if choice is not None and mode == "named":
        return {"mode": "ANY", "allowedFunctionNames": list(choice.names)}
    if mode == "required":
        return {"mode": "ANY"}
    if mode == "none":
        return {"mode": "NONE"}
    return _automatic(request, losses, said=mode == "auto")


def _automatic(request: Request, losses: Losses, *, said: bool) -> Fields | None:
    functions = [tool for tool in request.tools if tool.native is None]
    strict = [tool for tool in functions if tool.strict]
    if strict and len(strict) == len(functions):
        return {"mode": "VALIDATED"}
    for tool in strict:
        losses.approximated(
            strict_path(tool, request.dialect), "Gemini validates the calls of all functions or of none"
        )
    return {"mode": "AUTO"} if said else None

"""Tools of a request, from Gemini's words (Gemini API reference, "Tool", "FunctionDeclaration")."""

from typing import Any

from steelyard.core.request import Tool
from steelyard.dialects.gemini.proto import Proto
from steelyard.dialects.members import wrong
from steelyard.dialects.schema import from_openapi

__all__ = ["tools_of"]


def tools_of(members: Proto) -> tuple[Tool, ...]:
    """Return the functions, and the tools that only Gemini has (`googleSearch`, `codeExecution`, `urlContext`, …),
    in their order. `parameters` of OpenAPI's subset become JSON Schema."""
    found: list[Tool] = []
    for number, value in enumerate(members.many("tools") or ()):
        tool = Proto(value, f"tools[{number}]")
        for place, each in enumerate(tool.many("functionDeclarations") or ()):
            found.append(_function(each, f"{tool.at}.functionDeclarations[{place}]"))
        for name, native in tool.rest().items():
            if native is not None:
                found.append(Tool(name, dialect="gemini", native={name: native}, at=tool.path(name)))
    return tuple(found)


def _function(value: Any, at: str) -> Tool:
    declared = Proto(value, at)
    name = declared.needed_text("name")
    schema = declared.object("parametersJsonSchema")
    openapi = declared.object("parameters")
    if openapi is not None:
        if schema is not None:
            raise wrong(declared.path("parameters"), "stands beside parametersJsonSchema. Give one of them.")
        schema = from_openapi(openapi, declared.path("parameters"))
    return Tool(name, declared.text("description"), schema, at=at, extra=declared.rest())

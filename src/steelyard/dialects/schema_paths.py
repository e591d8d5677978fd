"""Where JSON Schemas stand in the body that a client sent, dialect by dialect.

Sources: the requests' references of OpenAI (Chat Completions, Responses) and Anthropic (Messages). Gemini's schemas are
told by the path of what holds them: they have two names each.
"""

from steelyard.core.request import Request, Tool

__all__ = ["output_path", "parameters_path", "strict_path"]

_PARAMETERS = {"openai": "function.parameters", "anthropic": "input_schema"}
_OUTPUTS = {"openai": "json_schema.schema", "openai-responses": "schema", "anthropic": "schema"}


def parameters_path(tool: Tool, dialect: str) -> str:
    """Return the path of the schema of a tool's arguments, of a request that came in `dialect`."""
    if tool.at.startswith("functions["):  # Chat Completions, the deprecated field
        return f"{tool.at}.parameters"
    return f"{tool.at}.{_PARAMETERS.get(dialect, 'parameters')}"


def strict_path(tool: Tool, dialect: str) -> str:
    """Return the path of what says that a tool's arguments must meet their schema."""
    return f"{tool.at}.function.strict" if dialect == "openai" else f"{tool.at}.strict"


def output_path(request: Request) -> str:
    """Return the path of the schema that the answer must meet."""
    path, inner = request.path_of("output"), _OUTPUTS.get(request.dialect)
    return path if inner is None else f"{path}.{inner}"

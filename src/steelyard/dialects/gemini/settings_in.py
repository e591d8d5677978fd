"""Settings of a request, from Gemini's words (Gemini API reference, "GenerationConfig", "ToolConfig",
"ThinkingConfig")."""

from typing import Any

from steelyard.core.parts import Fields
from steelyard.core.request import OutputFormat, Reasoning, ToolChoice
from steelyard.dialects.gemini.proto import Proto
from steelyard.dialects.members import wrong
from steelyard.dialects.schema import from_openapi

__all__ = ["AT", "choice_of", "settings_of"]

_CONFIG = "generationConfig"
_CHOICE = "toolConfig.functionCallingConfig"

AT = {
    "messages": "contents",
    "tool_choice": _CHOICE,
    "output": f"{_CONFIG}.responseJsonSchema",
    "reasoning": f"{_CONFIG}.thinkingConfig",
    "shown": f"{_CONFIG}.thinkingConfig.includeThoughts",
    "max_tokens": f"{_CONFIG}.maxOutputTokens",
    "temperature": f"{_CONFIG}.temperature",
    "top_p": f"{_CONFIG}.topP",
    "top_k": f"{_CONFIG}.topK",
    "presence_penalty": f"{_CONFIG}.presencePenalty",
    "frequency_penalty": f"{_CONFIG}.frequencyPenalty",
    "seed": f"{_CONFIG}.seed",
    "stop": f"{_CONFIG}.stopSequences",
    "n": f"{_CONFIG}.candidateCount",
    "logprobs": f"{_CONFIG}.responseLogprobs",
    "top_logprobs": f"{_CONFIG}.logprobs",
    "service_tier": "serviceTier",
}
"""Where the core's settings stand in a request."""

_FORMS = ("_responseJsonSchema", "responseSchema", "responseMimeType")
"""What says what the answer must be, where `responseJsonSchema` does not."""


def settings_of(members: Proto) -> tuple[dict[str, Any], Fields]:
    """Return the settings that have a name in the core, by that name (and where they stand, `at`), and those that have
    none, by their path."""
    extra: Fields = {}
    found: dict[str, Any] = {"service_tier": members.text("serviceTier"), "store": members.flag("store"), "at": AT}
    config = members.message(_CONFIG)
    if config is None:
        return found, extra
    said = next((name for name in _FORMS if name in config), None)
    if said is not None and "responseJsonSchema" not in config:
        found["at"] = {**AT, "output": f"{_CONFIG}.{said}"}
    found |= {
        "max_tokens": config.integer("maxOutputTokens"),
        "temperature": config.number("temperature"),
        "top_p": config.number("topP"),
        "top_k": config.integer("topK"),
        "presence_penalty": config.number("presencePenalty"),
        "frequency_penalty": config.number("frequencyPenalty"),
        "seed": config.integer("seed"),
        "stop": config.texts("stopSequences"),
        "n": config.integer("candidateCount"),
        "logprobs": config.flag("responseLogprobs"),
        "top_logprobs": config.integer("logprobs"),
        "output": _output(config, extra),
        "reasoning": _reasoning(config, extra),
    }
    _keep(config, extra)
    return found, extra


def _keep(members: Proto, extra: Fields) -> None:
    for name, value in members.rest().items():
        extra[members.path(name)] = value


def _output(config: Proto, extra: Fields) -> OutputFormat | None:
    media_type = config.text("responseMimeType")
    openapi = config.object("responseSchema")
    # The discovery document has the second name for the first.
    second = config.object("_responseJsonSchema")
    schema = config.object("responseJsonSchema")
    schema = second if schema is None else schema
    if openapi is not None and schema is not None:
        raise wrong(config.path("responseSchema"), "stands beside responseJsonSchema. Give one of them.")
    if openapi is not None:
        schema = from_openapi(openapi, config.path("responseSchema"))
    if media_type not in (None, "text/plain", "application/json"):
        extra[config.path("responseMimeType")] = media_type  # text/x.enum, and what else may come
    if schema is not None:
        return OutputFormat("schema", schema=schema)
    return OutputFormat("json") if media_type == "application/json" else None


def _reasoning(config: Proto, extra: Fields) -> Reasoning | None:
    thinking = config.message("thinkingConfig")
    if thinking is None:
        return None
    level = thinking.text("thinkingLevel")
    if level is not None and level.upper() == "THINKING_LEVEL_UNSPECIFIED":
        level = None
    found = Reasoning(
        effort=level.lower() if level is not None else None,
        budget=thinking.integer("thinkingBudget"),
        shown=thinking.flag("includeThoughts"),
    )
    _keep(thinking, extra)
    return found if found != Reasoning() else None


def choice_of(members: Proto, extra: Fields) -> ToolChoice | None:
    """Return which functions may be called; what else `toolConfig` says goes to `extra`."""
    config = members.message("toolConfig")
    if config is None:
        return None
    calling = config.message("functionCallingConfig")
    found = None
    if calling is not None:
        mode = (calling.text("mode") or "").upper()
        names = calling.texts("allowedFunctionNames")
        found = _choice(mode, names, calling.path("mode"))
        _keep(calling, extra)
    _keep(config, extra)
    return found


def _choice(mode: str, names: tuple[str, ...], at: str) -> ToolChoice | None:
    match mode:
        case "" | "MODE_UNSPECIFIED" if not names:
            return None
        case "AUTO" if not names:
            return ToolChoice("auto")
        case "NONE" if not names:
            return ToolChoice("none")
        case "ANY":
            return ToolChoice("named", names) if names else ToolChoice("required")
        case "" | "MODE_UNSPECIFIED" | "AUTO" | "NONE" | "VALIDATED":
            # VALIDATED: calls or text, and calls meet their schemas (Gemini API, "Function calling", modes). Names are
            # for ANY and VALIDATED only; with another mode they are the provider's to judge.
            native: Fields = {"mode": mode or "MODE_UNSPECIFIED"}
            if names:
                native["allowedFunctionNames"] = list(names)
            return ToolChoice("native", dialect="gemini", native=native)
    raise wrong(at, f'"{mode}" is no mode. Use AUTO, ANY, NONE or VALIDATED.', "invalid_value")

"""Settings as Converse has them (API reference, "InferenceConfiguration", "OutputConfig"), and those that it leaves to
the model (`additionalModelRequestFields`; User Guide, "Inference request parameters for foundation models")."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.core.request import Request
from steelyard.dialects.bedrock.family import Family

__all__ = [
    "NATIVE",
    "inference_config",
    "model_fields",
    "report_rest",
    "request_metadata",
    "service_tier",
    "text_format",
]

NATIVE: Final = frozenset(
    (
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "guardrailConfig",
        "performanceConfig",
        "promptVariables",
        "requestMetadata",
    )
)
"""Members of Converse's own that no client's dialect has: a client that says them means Bedrock, and they pass as they
are."""

_TIERS: Final = {"default": "default", "standard_only": "default", "flex": "flex", "priority": "priority"}
_METADATA: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}")

_UNSAYABLE: Final[tuple[tuple[str, Callable[[Request], object]], ...]] = (
    ("presence_penalty", lambda request: request.presence_penalty),
    ("frequency_penalty", lambda request: request.frequency_penalty),
    ("seed", lambda request: request.seed is not None),
    ("n", lambda request: request.n not in (None, 1)),
    ("logprobs", lambda request: request.logprobs),
    ("top_logprobs", lambda request: request.top_logprobs),
    ("user", lambda request: request.user),
    ("store", lambda request: request.store),
    ("cache_key", lambda request: request.cache_key),
)


def inference_config(request: Request, losses: Losses) -> Fields:
    """Return the settings that every model has."""
    found: Fields = {}
    if request.max_tokens is not None:
        found["maxTokens"] = request.max_tokens
    if request.temperature is not None:
        if request.temperature > 1:
            losses.approximated(request.path_of("temperature"), "Bedrock's highest is 1")
        found["temperature"] = min(request.temperature, 1)
    if request.top_p is not None:
        found["topP"] = request.top_p
    if request.stop:
        found["stopSequences"] = list(request.stop)
    return found


def model_fields(request: Request, family: Family, losses: Losses) -> Fields:
    """Return the settings that each model has in its own words, but for how it thinks."""
    found: Fields = {}
    if request.top_k is not None:
        # User Guide, "Amazon Nova": inferenceConfig.topK; "Cohere Command R": k; Claude and the others: top_k.
        match family.name:
            case "nova":
                found["inferenceConfig"] = {"topK": request.top_k}
            case "cohere":
                found["k"] = request.top_k
            case _:
                found["top_k"] = request.top_k
    if request.parallel_tools is False and request.tools:
        forced = request.tool_choice is not None and request.tool_choice.mode != "auto"
        if family.name == "claude" and family.version >= (4, 5) and not forced:
            # Older ones answer 400 to it, and all to two choices that differ (BerriAI/litellm #34347, #36536).
            found["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
        else:
            losses.dropped(request.path_of("parallel_tools"), "Bedrock cannot forbid several calls at once here")
    return found


def text_format(request: Request, losses: Losses) -> Fields | None:
    """Return what the answer's text must be."""
    output = request.output
    if output is None:
        return None
    path = request.path_of("output")
    for name in output.extra:
        losses.dropped(f"{path}.{name}", "Bedrock has no such field")
    if output.kind == "json" or output.schema is None:
        losses.dropped(path, "Bedrock has JSON by a schema only")
        return None
    schema: Fields = {"schema": msgspec.json.encode(output.schema).decode()}
    if output.name is not None:
        schema["name"] = output.name
    if output.description is not None:
        schema["description"] = output.description
    return {"type": "json_schema", "structure": {"jsonSchema": schema}}


def service_tier(request: Request, losses: Losses) -> Fields | None:
    """Return the tier, where it is not the provider's choice."""
    if request.service_tier in (None, "auto"):
        return None
    found = _TIERS.get(request.service_tier or "")
    if found is None:
        losses.dropped(request.path_of("service_tier"), "Bedrock has the tiers default, flex and priority")
        return None
    return {"type": found}


def request_metadata(request: Request, losses: Losses) -> Fields | None:
    """Return metadata, where they are such as Bedrock takes ("RequestMetadata": pairs of short plain strings)."""
    metadata = request.metadata
    if not metadata or "requestMetadata" in request.extra:
        return None
    if all(isinstance(one, str) and _METADATA.fullmatch(one) for pair in metadata.items() for one in pair):
        return metadata
    losses.dropped(request.path_of("metadata"), "Bedrock's metadata are plain strings of up to 256 characters")
    return None


def report_rest(request: Request, losses: Losses) -> None:
    """Report what Converse has no word for."""
    for field, said in _UNSAYABLE:
        if said(request):
            losses.dropped(request.path_of(field), "Bedrock has no such setting")
    if request.metadata and "requestMetadata" in request.extra:
        losses.dropped(request.path_of("metadata"), "requestMetadata is given too")
    for path in request.extra:
        if path not in NATIVE:
            losses.dropped(path, "Bedrock has no such field")

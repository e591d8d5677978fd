"""A request as Converse and ConverseStream have it (Amazon Bedrock API reference, "Converse"). The model stands in the
path, and so does whether a stream is wanted."""

from typing import Final
from urllib.parse import quote

import msgspec

from steelyard.core.losses import Losses
from steelyard.core.parts import Fields
from steelyard.core.request import Request
from steelyard.dialects.bedrock.content_out import Blocks
from steelyard.dialects.bedrock.family import Family, family_of
from steelyard.dialects.bedrock.settings_out import (
    NATIVE,
    inference_config,
    model_fields,
    report_rest,
    request_metadata,
    service_tier,
    text_format,
)
from steelyard.dialects.bedrock.thinking_out import Thought, thought
from steelyard.dialects.bedrock.tools_out import tool_config
from steelyard.dialects.dialect import Facts
from steelyard.dialects.members import wrong
from steelyard.dialects.turns import instructions

__all__ = ["encode_request", "path_of"]

_encode: Final = msgspec.json.Encoder().encode


def path_of(model: str, *, stream: bool) -> str:
    """Return where a model is called, below the provider's address. Ids and ARNs are one segment, so their colons and
    slashes are percent-encoded (Smithy, "httpLabel trait"; a literal slash in an ARN makes Bedrock answer 200 with
    UnknownOperationException)."""
    return f"/model/{quote(model, safe='')}/{'converse-stream' if stream else 'converse'}"


def encode_request(request: Request, facts: Facts, losses: Losses) -> bytes:
    """Return the body that asks the same. What cannot be said is reported; content that cannot be sent raises
    BadRequest."""
    if request.previous_id is not None:
        raise wrong(
            request.path_of("previous_id"),
            "Bedrock keeps no answers. Send the conversation itself.",
            "unsupported_content",
        )
    family = family_of(facts.model)
    blocks = Blocks(family, losses)
    first, rest, late = instructions(request.messages)
    system = blocks.system(first, late)
    messages = blocks.messages(rest)
    if request.cache is not None and messages:
        _cache_all(messages, blocks.cache_point(request.cache, request.path_of("cache")))
    thinking = thought(request, family, losses)
    fields: Fields = {
        "messages": messages,
        "system": system,
        "inferenceConfig": inference_config(request, losses),
        "toolConfig": tool_config(request, blocks, losses),
        "outputConfig": _output_config(request, thinking, losses),
        "serviceTier": service_tier(request, losses),
        "requestMetadata": request_metadata(request, losses),
        **{name: value for name, value in request.extra.items() if name in NATIVE},
        "additionalModelRequestFields": _model_fields(request, thinking, family, losses),
        "additionalModelResponseFieldPaths": _response_paths(request, family),
    }
    report_rest(request, losses)
    return _encode({name: value for name, value in fields.items() if name == "messages" or value})


def _cache_all(messages: list[Fields], point: list[Fields]) -> None:
    """Put a cache point at the end of the conversation, if there is none (Anthropic API, "Automatic caching")."""
    last = messages[-1]
    if "cachePoint" not in last["content"][-1]:
        last["content"] = last["content"] + point


def _output_config(request: Request, thinking: Thought, losses: Losses) -> Fields:
    found: Fields = {"textFormat": text_format(request, losses), "effort": thinking.effort}
    return {name: value for name, value in found.items() if value is not None}


def _model_fields(request: Request, thinking: Thought, family: Family, losses: Losses) -> Fields:
    ours = {**model_fields(request, family, losses), **thinking.fields}
    theirs = request.extra.get("additionalModelRequestFields")
    if theirs is None:
        return ours
    if not isinstance(theirs, dict):
        raise wrong("additionalModelRequestFields", "expected an object", "invalid_type")
    return {**ours, **theirs}


def _response_paths(request: Request, family: Family) -> object:
    # Which stop sequence it was is told on demand only (API reference, "Converse": the example of this field).
    asked = request.extra.get("additionalModelResponseFieldPaths")
    if asked is None and request.stop and family.name == "claude":
        return ["/stop_sequence"]
    return asked

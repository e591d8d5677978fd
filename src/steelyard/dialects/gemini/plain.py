"""Chunks as nearly all of a stream's are: a text or a thought for each candidate, and the usage so far.

They are decoded to these structs. Whatever has one more field is no plain chunk: it is decoded in full.
"""

import msgspec
from msgspec import Raw, Struct

from steelyard.core.parts import Fields
from steelyard.core.usage import Usage
from steelyard.dialects.gemini.usage import usage_extra, usage_of

__all__ = ["PlainChunk", "plain_chunk", "usage_in"]


class _Part(Struct, forbid_unknown_fields=True):
    text: str
    thought: bool = False


class _Content(Struct, forbid_unknown_fields=True):
    parts: list[_Part] = []
    role: str | None = None


class _Candidate(Struct, forbid_unknown_fields=True):
    content: _Content
    index: int = 0


class PlainChunk(Struct, forbid_unknown_fields=True, rename="camel"):
    candidates: list[_Candidate]
    usage_metadata: Raw = Raw()
    model_version: str | None = None
    response_id: str | None = None


class _Modality(Struct, forbid_unknown_fields=True, rename="camel"):
    modality: str
    token_count: int = 0


class _Usage(Struct, forbid_unknown_fields=True, rename="camel"):
    prompt_token_count: int
    total_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    prompt_tokens_details: list[_Modality] = []


_decode_chunk = msgspec.json.Decoder(PlainChunk).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode
_decode = msgspec.json.Decoder().decode


def plain_chunk(payload: bytes) -> PlainChunk | None:
    """Return a plain chunk; None for any other."""
    try:
        return _decode_chunk(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def usage_in(raw: Raw | bytes) -> tuple[Usage | None, Fields]:
    """Return the usage in `usageMetadata`, and what it says that has no name in the core."""
    try:
        told = _decode_usage(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _usage_in_full(raw)
    for one in told.prompt_tokens_details:
        if one.modality != "TEXT":
            return _usage_in_full(raw)
    made, thought = told.candidates_token_count, told.thoughts_token_count
    if made is None and thought is None:
        return _usage_in_full(raw)
    output = (made or 0) + (thought or 0)
    return Usage(told.prompt_token_count, output, told.cached_content_token_count, None, thought), {}


def _usage_in_full(raw: Raw | bytes) -> tuple[Usage | None, Fields]:
    try:
        told = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, {}
    return (usage_of(told), usage_extra(told)) if isinstance(told, dict) else (None, {})

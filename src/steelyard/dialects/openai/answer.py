"""What the gateway reads of an answer of OpenAI's dialect, whole or an event of a stream, and the errors it writes."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from steelyard.core.errors import CallError
from steelyard.core.usage import Usage
from steelyard.dialects.openai.wire import Answer, Chunk, WireUsage

__all__ = ["decode_answer", "decode_chunk", "encode_error", "usage_of", "without_usage"]

_answer_in: Final = msgspec.json.Decoder(Answer).decode
_chunk_in: Final = msgspec.json.Decoder(Chunk).decode
_usage_in: Final = msgspec.json.Decoder(WireUsage).decode
_decode_fields: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_encode: Final = msgspec.json.Encoder().encode


def decode_answer(body: bytes) -> Answer | None:
    """Decode a complete answer; None when it is not a JSON object of this dialect."""
    try:
        return _answer_in(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decode_chunk(event: bytes) -> Chunk | None:
    """Decode the payload of one event of a stream; None when it is not a JSON object of this dialect."""
    try:
        return _chunk_in(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def without_usage(event: bytes) -> bytes:
    """Return a chunk's JSON without its `usage` member; other values keep their bytes."""
    try:
        fields = _decode_fields(event)
    except UnicodeDecodeError:
        return event  # in the name of a member that nobody knows; it is relayed as it came
    fields.pop("usage", None)
    return _encode(fields)


def usage_of(raw: Any) -> Usage | None:
    """Return the tokens in a `usage` object; None when there is none or it is not understood. Cached tokens are a part
    of the prompt's, reasoning tokens a part of the completion's (API reference, "usage")."""
    # Raw or bytes: Any, for msgspec's stubs have Raw be bytes, which it is not, and compiled code minds.
    if not raw:
        return None
    try:
        wire = _usage_in(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    given, made = wire.prompt_tokens, wire.completion_tokens
    if given is None:
        given = wire.input_tokens
    if made is None:
        made = wire.output_tokens
    if made is None and given is not None and wire.total_tokens == given:
        made = 0  # embeddings report no completion tokens, and a total that equals the prompt's
    if given is None and made is None:
        return None
    before, after = wire.prompt_tokens_details, wire.completion_tokens_details
    cached = before.cached_tokens if before else None
    if cached is None:
        cached = wire.prompt_cache_hit_tokens if wire.prompt_cache_hit_tokens is not None else wire.cached_tokens
    return Usage(
        given,
        made,
        cached,
        before.cache_write_tokens if before else None,
        after.reasoning_tokens if after else None,
        before.audio_tokens if before else None,
        after.audio_tokens if after else None,
    )


def encode_error(error: CallError) -> bytes:
    """Return the body of an error (API reference, "Errors"): `{"error": {"message", "type", "param", "code"}}`."""
    fields = {"message": str(error), "type": error.kind, "param": error.param, "code": error.code}
    return _encode({"error": fields})

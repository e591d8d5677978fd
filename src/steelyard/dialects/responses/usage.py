"""Usage of a response (API reference, "The response object", `usage`): cached tokens are a part of the input's,
reasoning tokens a part of the output's."""

import msgspec
from msgspec import Struct

from steelyard.core.parts import Fields
from steelyard.core.usage import Usage
from steelyard.dialects.openai.wire import InputDetails, OutputDetails

__all__ = ["usage_in", "usage_out"]


class _Usage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


_decode = msgspec.json.Decoder(_Usage).decode
_NOTHING_IN = InputDetails()
_NOTHING_OUT = OutputDetails()


def usage_in(raw: bytes | msgspec.Raw) -> Usage | None:
    """Return the tokens in a `usage` object; None when there is none or it is not understood."""
    if not raw:
        return None
    try:
        wire = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if wire.input_tokens is None and wire.output_tokens is None:
        return None
    before = wire.input_tokens_details or _NOTHING_IN
    after = wire.output_tokens_details or _NOTHING_OUT
    return Usage(
        wire.input_tokens,
        wire.output_tokens,
        before.cached_tokens,
        before.cache_write_tokens,
        after.reasoning_tokens,
        before.audio_tokens,
        after.audio_tokens,
    )


def usage_out(usage: Usage | None) -> Fields | None:
    """Return the `usage` object. Its figures are demanded: what is not known is written as 0, unless nothing is."""
    if usage is None or (usage.input is None and usage.output is None):
        return None
    given, made = usage.input or 0, usage.output or 0
    before = {"cached_tokens": usage.cached or 0, "cache_write_tokens": usage.cache_write or 0}
    after = {"reasoning_tokens": usage.reasoning or 0}
    if usage.input_audio is not None:
        before["audio_tokens"] = usage.input_audio
    if usage.output_audio is not None:
        after["audio_tokens"] = usage.output_audio
    return {
        "input_tokens": given,
        "input_tokens_details": before,
        "output_tokens": made,
        "output_tokens_details": after,
        "total_tokens": given + made,
    }

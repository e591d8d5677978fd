"""Usage in Converse's words."""

from typing import Final

import msgspec
from msgspec import Struct

from steelyard.core.events import Used
from steelyard.core.usage import Usage

__all__ = ["used_of"]


class _Tokens(Struct):
    inputTokens: int | None = None  # noqa: N815 - the wire's name, as all below
    outputTokens: int | None = None  # noqa: N815
    cacheReadInputTokens: int | None = None  # noqa: N815
    cacheWriteInputTokens: int | None = None  # noqa: N815


_KNOWN: Final = frozenset((*_Tokens.__struct_fields__, "totalTokens"))
_decode: Final = msgspec.json.Decoder(_Tokens).decode
_decode_fields: Final = msgspec.json.Decoder(dict[str, object]).decode


def used_of(raw: bytes) -> Used | None:
    """Return the usage in a `TokenUsage` object; None when it is none."""
    try:
        tokens = _decode(raw)
        rest = {name: value for name, value in _decode_fields(raw).items() if name not in _KNOWN}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    given = tokens.inputTokens
    if given is not None:
        # Bedrock counts cached tokens outside inputTokens; we count them inside (User Guide, "Prompt caching": "total
        # input tokens = inputTokens + cacheReadInputTokens + cacheWriteInputTokens").
        given += (tokens.cacheReadInputTokens or 0) + (tokens.cacheWriteInputTokens or 0)
    usage = Usage(given, tokens.outputTokens, tokens.cacheReadInputTokens, tokens.cacheWriteInputTokens)
    return Used(usage if given is not None or usage.output is not None else None, bytes(raw), rest)

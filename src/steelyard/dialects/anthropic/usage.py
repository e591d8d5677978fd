"""Usage (Anthropic API reference, "Create a Message": `usage`; "Prompt caching", "Tracking cache performance").

Anthropic counts tokens read from the cache and written to it beside `input_tokens`; here they are parts of the input.
"""

from typing import Any

from steelyard.core.parts import Fields
from steelyard.core.usage import Usage

__all__ = ["extra_of", "usage_of", "usage_out"]

_NAMED = frozenset({"input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"})


def usage_of(told: Fields) -> Usage | None:
    """Return the tokens that a `usage` object counts; None when it counts none."""
    given = _count(told.get("input_tokens"))
    output = _count(told.get("output_tokens"))
    if given is None and output is None:
        return None
    cached = _count(told.get("cache_read_input_tokens"))
    written = _count(told.get("cache_creation_input_tokens"))
    details = told.get("output_tokens_details")
    reasoning = _count(details.get("thinking_tokens")) if isinstance(details, dict) else None
    whole = None if given is None else given + (cached or 0) + (written or 0)
    return Usage(whole, output, cached, written, reasoning)


def extra_of(told: Fields) -> Fields:
    """Return what a `usage` object says that has no name here."""
    return {name: value for name, value in told.items() if name not in _NAMED and value is not None}


def usage_out(usage: Usage | None, extra: Fields) -> Fields:
    """Return a `usage` object. Both counts must be there: what nobody told is 0."""
    told = usage or Usage()
    beside = (told.cached or 0) + (told.cache_write or 0)
    found: Fields = {"input_tokens": max((told.input or 0) - beside, 0), "output_tokens": told.output or 0}
    if told.cached is not None:
        found["cache_read_input_tokens"] = told.cached
    if told.cache_write is not None:
        found["cache_creation_input_tokens"] = told.cache_write
    if told.reasoning is not None:
        found["output_tokens_details"] = {"thinking_tokens": told.reasoning}
    return {**found, **extra} if extra else found


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None

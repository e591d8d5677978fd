"""What a call may take at most: tokens of its answer, and dollars.

A token of text is a byte or more: tokenisers of today's models fall back to bytes, and split none. So a body has at
most as many tokens as bytes, names and quotes of its JSON included, which make up for what chat templates add. What a
body only refers to, or what is no text, may be more: then the context of the model is the bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Final

from msgspec import Struct

from steelyard.catalog.tariff import Tariff

__all__ = ["Ceiling", "Facts", "ceiling_of", "refers"]

_MARKS: Final = (
    b'"image',
    b'"input_image"',
    b'"input_file"',
    b'"input_audio"',
    b'"video',
    b'"file"',
    b'"file_',
    b'"document"',
    b'"container',
    b'"web_',
    b'"mcp',
    b'"code_',
    b'"computer',
)
"""How the types begin of parts that are no text, and of tools that the provider runs (OpenAI API reference, Anthropic
API reference)."""
_GEMINI_MARKS: Final = (b"nlineData", b"nline_data", b"ileData", b"ile_data", b"earch", b"rlContext", b"rl_context")
"""Likewise in Gemini API's `Part` and `Tool`, in either spelling; `cachedContent` is a member of the request."""
_ESCAPES: Final = (b"\\u004", b"\\u005", b"\\u006", b"\\u007")
"""Letters that need no escape, and hide a word if they have one."""


class Facts(Struct, frozen=True):
    """What is known of a deployment: its price, and how many tokens it gives and takes at most."""

    tariff: Tariff | None
    most_output: int | None
    context: int | None


class Ceiling(Struct, frozen=True):
    """The most that any of some deployments may take. Rates are 10^-18 dollars for a token, and for a call; -1 is
    unknown. `priced`: each has a price; `unpriced`: none has."""

    input_atto: int
    output_atto: int
    call_atto: int
    most_output: int
    context: int
    priced: bool
    unpriced: bool


def ceiling_of(deployments: Iterable[Facts]) -> Ceiling:
    """Return the most that any of these may take; of prices only those count that are known."""
    known = list(deployments)
    tariffs = [one.tariff for one in known if one.tariff is not None]
    rates = [_rates(tariff) for one in tariffs for tariff in _every(one)]
    return Ceiling(
        max((one[0] for one in rates), default=0),
        max((one[1] for one in rates), default=0),
        max((one[2] for one in rates), default=0),
        _most(one.most_output if one.most_output is not None else one.context for one in known),
        _most(one.context for one in known),
        len(tariffs) == len(known),
        not tariffs,
    )


def _most(counts: Iterable[int | None]) -> int:
    given = list(counts)
    known = [one for one in given if one is not None]
    return max(known) if known and len(known) == len(given) else -1


def _every(tariff: Tariff) -> Iterator[Tariff]:
    yield tariff
    for tier in tariff.tiers:
        yield from _every(tier.tariff)


def _rates(tariff: Tariff) -> tuple[int, int, int]:
    extras = tariff.extras
    reading = [tariff.input, tariff.cached, tariff.cache_write]
    writing = [] if tariff.output is None else [tariff.output]
    if extras is not None:
        reading += [one for one in (extras.input_audio,) if one is not None]
        writing += [one for one in (extras.output_audio, extras.reasoning) if one is not None]
    per_call = extras.per_call if extras is not None else Decimal(0)
    return _atto(max(reading)), _atto(max(writing, default=Decimal(0))), _atto(per_call)


def _atto(usd: Decimal) -> int:
    return int(usd.scaleb(18).to_integral_value(ROUND_CEILING))


def refers(raw: bytes, dialect: str) -> bool:
    """Say whether a body may stand for more tokens than it has bytes: it refers to content that lies elsewhere, or
    holds what is no text, or has the provider run tools."""
    if b"\\u00" in raw and any(escape in raw for escape in _ESCAPES):
        return True
    if dialect == "gemini":
        return any(mark in raw for mark in (*_GEMINI_MARKS, b"cachedContent", b"cached_content"))
    if b'"type"' not in raw:
        return False  # every part that is no text has a type, and so has every tool
    for mark in _MARKS:  # noqa: SIM110  (a generator would cost more than the search)
        if mark in raw:
            return True
    return False

"""What a call may take at most: tokens of its answer, and dollars.

A token of text is a byte or more: tokenisers of today's models fall back to bytes, and split none. So a body has at
most as many tokens as bytes, names and quotes of its JSON included, which make up for what chat templates add. What a
body only refers to, or what is no text, may be more: then the context of the model is the bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from typing import Final

from steelyard.catalog.tariff import Tariff

__all__ = ["Ceiling", "Facts", "atto_of_cost", "ceiling_of", "refers"]

_ATTO: Final = Decimal(1).scaleb(18)

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
_GEMINI_MARKS: Final = (
    b"nlineData",
    b"nline_data",
    b"ileData",
    b"ile_data",
    b"earch",
    b"rlContext",
    b"rl_context",
    b"odeExecution",
    b"ode_execution",
    b"oogleMaps",
    b"oogle_maps",
    b"cachedContent",
    b"cached_content",
)
"""Likewise in Gemini API's `Part` and `Tool`, in either spelling; `cachedContent` is a member of the request. What a
tool has found is read by the model as input, and counted as such (Gemini API reference, `toolUsePromptTokenCount`)."""
_ESCAPES: Final = (b"\\u004", b"\\u005", b"\\u006", b"\\u007")
"""Letters that need no escape, and hide a word if they have one."""


class Facts:
    """What is known of a deployment: its price, and how many tokens it gives and takes at most."""

    __slots__ = ("context", "most_output", "tariff")

    def __init__(self, tariff: Tariff | None, most_output: int | None, context: int | None) -> None:
        self.tariff = tariff
        self.most_output = most_output
        self.context = context


class Ceiling:
    """The most that any of some deployments may take. Rates are 10^-18 dollars for a token, and for a call; -1 is
    unknown. `priced`: each has a price; `unpriced`: none has."""

    __slots__ = ("call_atto", "context", "input_atto", "most_output", "output_atto", "priced", "unpriced")

    def __init__(self, known: list[Facts]) -> None:
        tariffs = [one.tariff for one in known if one.tariff is not None]
        rates = [_rates(tariff) for one in tariffs for tariff in _every(one)]
        self.input_atto = max([one[0] for one in rates], default=0)
        self.output_atto = max([one[1] for one in rates], default=0)
        self.call_atto = max([one[2] for one in rates], default=0)
        self.most_output = _most([one.most_output if one.most_output is not None else one.context for one in known])
        self.context = _most([one.context for one in known])
        self.priced = len(tariffs) == len(known)
        self.unpriced = not tariffs


def ceiling_of(deployments: Iterable[Facts]) -> Ceiling:
    """Return the most that any of these may take; of prices only those count that are known."""
    return Ceiling(list(deployments))


def _most(given: list[int | None]) -> int:
    known = [one for one in given if one is not None]
    return max(known) if known and len(known) == len(given) else -1


def _every(tariff: Tariff) -> list[Tariff]:
    found = [tariff]
    for tier in tariff.tiers:
        found += _every(tier.tariff)
    return found


def _rates(tariff: Tariff) -> tuple[int, int, int]:
    extras = tariff.extras
    reading = [tariff.input, tariff.cached, tariff.cache_write]
    writing = [] if tariff.output is None else [tariff.output]
    if extras is not None:
        reading += [one for one in (extras.input_audio,) if one is not None]
        writing += [one for one in (extras.output_audio, extras.reasoning) if one is not None]
    per_call = extras.per_call if extras is not None else Decimal(0)
    return _atto(max(reading)), _atto(max(writing, default=Decimal(0))), _atto(per_call)


def atto_of_cost(cost: Decimal) -> int:
    """Return what a call cost in 10^-18 dollars, rounded as in the ledger (`ledger.money`)."""
    return round(cost * _ATTO)


def _atto(usd: Decimal) -> int:
    return int(usd.scaleb(18).to_integral_value(ROUND_CEILING))


def refers(raw: bytes, dialect: str) -> bool:
    """Say whether a body may stand for more tokens than it has bytes: it refers to content that lies elsewhere, or
    holds what is no text, or has the provider run tools."""
    escaped = raw.find(b"\\")  # one byte is found ten times sooner than four, and most bodies have none
    if escaped >= 0 and raw.find(b"\\u00", escaped) >= 0 and _has_any(raw, _ESCAPES):
        return True
    if dialect == "gemini":
        return _has_any(raw, _GEMINI_MARKS)
    return raw.find(b'"type"') >= 0 and _has_any(raw, _MARKS)  # each part that is no text has a type, and each tool


def _has_any(raw: bytes, marks: tuple[bytes, ...]) -> bool:
    # With `find`, for `in` makes an error first, and forgets it.
    for mark in marks:  # noqa: SIM110  (a generator would cost more than the search)
        if raw.find(mark) >= 0:
            return True
    return False

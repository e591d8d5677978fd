"""What a call costs by a tariff."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from steelyard.core.usage import Usage

if TYPE_CHECKING:
    from steelyard.catalog.tariff import Extras, Tariff

__all__ = ["cost_of", "is_possible", "usd_text"]


def cost_of(tariff: Tariff, usage: Usage) -> Decimal | None:
    """Return what a call costs in US dollars, exactly; None when that cannot be known from its usage.

    Parts of input or output that usage leaves open count as none, as in genai-prices: they are charged at the rate
    of their whole. Usage that contradicts itself (more cached than input) has no cost.
    """
    tokens = usage.input
    if tokens is None:
        return None
    if tariff.tiers:
        for tier in reversed(tariff.tiers):
            if tokens > tier.over_input:
                return cost_of(tier.tariff, usage)
    extras = tariff.extras
    if extras is not None:
        return _cost_with_extras(tariff, usage, tokens, extras)
    cached = usage.cached
    written = usage.cache_write
    if cached or written:
        cached = cached or 0
        written = written or 0
        rest = tokens - cached - written
        if rest < 0:
            return None
        dollars = tariff.input * rest + tariff.cached * cached + tariff.cache_write * written
    else:
        dollars = tariff.input * tokens
    generated, rate = usage.output, tariff.output
    if rate is None:
        return None if generated else dollars
    if generated is None:
        return None if rate else dollars
    return dollars + rate * generated


def _cost_with_extras(tariff: Tariff, usage: Usage, tokens: int, extras: Extras) -> Decimal | None:
    reading = _input_cost(tariff, usage, tokens, extras)
    writing = _output_cost(tariff, usage, extras)
    if reading is None or writing is None:
        return None
    return reading + writing + extras.per_call


def _input_cost(tariff: Tariff, usage: Usage, tokens: int, extras: Extras) -> Decimal | None:
    cached = usage.cached or 0
    written = usage.cache_write or 0
    audio = (usage.input_audio or 0) if extras.input_audio is not None else 0
    if audio and ((cached and extras.cached_audio) or (written and tariff.cache_write != tariff.input)):
        return None  # how much of the audio came from, or went into, the cache is not counted
    rest = tokens - cached - written - audio
    if cached + written > tokens or audio > tokens:
        return None
    dollars = tariff.input * rest + tariff.cached * cached + tariff.cache_write * written
    return dollars if extras.input_audio is None else dollars + extras.input_audio * audio


def _output_cost(tariff: Tariff, usage: Usage, extras: Extras) -> Decimal | None:
    if tariff.output is None:
        return None if usage.output else Decimal(0)
    if usage.output is None:
        return None if tariff.output else Decimal(0)
    audio = (usage.output_audio or 0) if extras.output_audio is not None else 0
    reasoning = (usage.reasoning or 0) if extras.reasoning is not None else 0
    rest = usage.output - audio - reasoning
    if rest < 0:
        return None
    dollars = tariff.output * rest
    if extras.output_audio is not None:
        dollars += extras.output_audio * audio
    if extras.reasoning is not None:
        dollars += extras.reasoning * reasoning
    return dollars


def usd_text(cost: Decimal) -> str:
    """Write dollars in plain decimal notation: "0.0000012", never "1.2E-6"."""
    text = str(cost)
    return format(cost, "f") if text.find("E") >= 0 else text  # half the time


def is_possible(usage: Usage) -> bool:
    """Say whether no count is below zero: nobody is paid for an answer."""
    return not (
        (usage.input or 0) < 0
        or (usage.output or 0) < 0
        or (usage.cached or 0) < 0
        or (usage.cache_write or 0) < 0
        or (usage.reasoning or 0) < 0
    )

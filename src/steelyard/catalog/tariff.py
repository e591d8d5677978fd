"""What a deployment charges, and what a call costs by it."""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.core.usage import Usage

__all__ = ["LOCAL", "Extras", "Tariff", "Tier", "flat_tariff", "usd_text"]

_MTOK = Decimal(1_000_000)
_ZERO = Decimal(0)


class Extras(Struct, frozen=True, kw_only=True):
    """Rates that few deployments have, in US dollars for one token; None: charged at the rate of its whole.

    `cached_audio`: audio read from a cache has a price of its own, though usage does not count it. `per_call`: US
    dollars for the call itself.
    """

    input_audio: Decimal | None = None
    cached_audio: bool = False
    output_audio: Decimal | None = None
    reasoning: Decimal | None = None
    per_call: Decimal = Decimal(0)


class Tariff(Struct, frozen=True, kw_only=True):
    """What one deployment charges, in US dollars for one token.

    `output` is None where output has no price (embeddings). Of `tiers`, in ascending order, the last whose threshold a
    call's input exceeds prices the whole call. `source` names where the price comes from, with its release. `until`:
    the first moment at which the price may be another; find the tariff again then.
    """

    input: Decimal
    cached: Decimal
    cache_write: Decimal
    output: Decimal | None
    source: str
    tiers: tuple["Tier", ...] = ()
    extras: Extras | None = None
    until: datetime | None = None

    def cost(self, usage: Usage) -> Decimal | None:
        """Return what a call costs in US dollars, exactly; None when that cannot be known from its usage.

        Parts of input or output that usage leaves open count as none, as in genai-prices: they are charged at the rate
        of their whole. Usage that contradicts itself (more cached than input) has no cost.
        """
        tokens = usage.input
        if tokens is None:
            return None
        if self.tiers:
            for tier in reversed(self.tiers):
                if tokens > tier.over_input:
                    return tier.tariff.cost(usage)
        if self.extras is not None:
            return self._cost_with_extras(usage, tokens, self.extras)
        cached = usage.cached
        written = usage.cache_write
        if cached or written:
            cached = cached or 0
            written = written or 0
            rest = tokens - cached - written
            if rest < 0:
                return None
            dollars = self.input * rest + self.cached * cached + self.cache_write * written
        else:
            dollars = self.input * tokens
        generated = usage.output
        if self.output is None:
            return None if generated else dollars
        if generated is None:
            return None if self.output else dollars
        return dollars + self.output * generated

    def _cost_with_extras(self, usage: Usage, tokens: int, extras: Extras) -> Decimal | None:
        reading = self._input_cost(usage, tokens, extras)
        writing = self._output_cost(usage, extras)
        if reading is None or writing is None:
            return None
        return reading + writing + extras.per_call

    def _input_cost(self, usage: Usage, tokens: int, extras: Extras) -> Decimal | None:
        cached = usage.cached or 0
        written = usage.cache_write or 0
        audio = (usage.input_audio or 0) if extras.input_audio is not None else 0
        if audio and ((cached and extras.cached_audio) or (written and self.cache_write != self.input)):
            return None  # how much of the audio came from, or went into, the cache is not counted
        rest = tokens - cached - written - audio
        if cached + written > tokens or audio > tokens:
            return None
        dollars = self.input * rest + self.cached * cached + self.cache_write * written
        return dollars if extras.input_audio is None else dollars + extras.input_audio * audio

    def _output_cost(self, usage: Usage, extras: Extras) -> Decimal | None:
        if self.output is None:
            return None if usage.output else Decimal(0)
        if usage.output is None:
            return None if self.output else Decimal(0)
        audio = (usage.output_audio or 0) if extras.output_audio is not None else 0
        reasoning = (usage.reasoning or 0) if extras.reasoning is not None else 0
        rest = usage.output - audio - reasoning
        if rest < 0:
            return None
        dollars = self.output * rest
        if extras.output_audio is not None:
            dollars += extras.output_audio * audio
        if extras.reasoning is not None:
            dollars += extras.reasoning * reasoning
        return dollars


class Tier(Struct, frozen=True):
    """A tariff for calls whose input has more than `over_input` tokens."""

    over_input: int
    tariff: Tariff


LOCAL = Tariff(input=_ZERO, cached=_ZERO, cache_write=_ZERO, output=_ZERO, source="local engine: no per-token price")
"""The tariff of models that our own engine serves. The machine they run on costs something, but nobody charges for
tokens, so a call costs 0, and `source` says why."""


def usd_text(cost: Decimal) -> str:
    """Write dollars in plain decimal notation: "0.0000012", never "1.2E-6"."""
    return format(cost, "f")


def flat_tariff(
    input_usd_per_mtok: Decimal,
    output_usd_per_mtok: Decimal | None,
    cached_input_usd_per_mtok: Decimal | None = None,
    cache_write_usd_per_mtok: Decimal | None = None,
    *,
    source: str,
) -> Tariff:
    """Make a tariff of prices for a million tokens. A part of the input without a price is charged as input. Raises
    ConfigError for a price that is negative or not a number."""
    parts = (input_usd_per_mtok, output_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok)
    for price in parts:
        if price is not None and not (price.is_finite() and price >= 0):
            raise ConfigError(f"{source}: {price} is not a price. Give US dollars for a million tokens, 0 or more.")
    cached = input_usd_per_mtok if cached_input_usd_per_mtok is None else cached_input_usd_per_mtok
    written = input_usd_per_mtok if cache_write_usd_per_mtok is None else cache_write_usd_per_mtok
    return Tariff(
        input=input_usd_per_mtok / _MTOK,
        cached=cached / _MTOK,
        cache_write=written / _MTOK,
        output=None if output_usd_per_mtok is None else output_usd_per_mtok / _MTOK,
        source=source,
    )

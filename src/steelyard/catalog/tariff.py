"""What a deployment charges."""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from steelyard.catalog.charge import cost_of
from steelyard.core.errors import ConfigError
from steelyard.core.usage import Usage

__all__ = ["LOCAL", "Extras", "Tariff", "Tier", "flat_tariff"]

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
        """Return what a call costs in US dollars, exactly; None when that cannot be known from its usage."""
        return cost_of(self, usage)


class Tier(Struct, frozen=True):
    """A tariff for calls whose input has more than `over_input` tokens."""

    over_input: int
    tariff: Tariff


LOCAL = Tariff(input=_ZERO, cached=_ZERO, cache_write=_ZERO, output=_ZERO, source="local engine: no per-token price")
"""The tariff of models that our own engine serves. The machine they run on costs something, but nobody charges for
tokens, so a call costs 0, and `source` says why."""


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

"""Prices as genai-prices publishes them, compiled so that a call's cost is a few multiplications."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TypeAlias

import msgspec

from steelyard.catalog import pricebook
from steelyard.catalog.charge import usd_text
from steelyard.catalog.pricebook import ModelInfo, ModelPrice, TieredPrices
from steelyard.catalog.tariff import LOCAL, Extras, Tariff, Tier, flat_tariff

__all__ = [
    "LOCAL",
    "Extras",
    "Tariff",
    "Tier",
    "context_window",
    "find_tariff",
    "flat_tariff",
    "priced_models",
    "usd_text",
]

_Rates: TypeAlias = Mapping[str, Decimal | TieredPrices]

# Rates that most models lack, see `Extras`.
_RARE = frozenset({"input_audio_mtok", "output_audio_mtok", "output_reasoning_mtok", "requests_kcount"})
# What a call's usage counts.
_COUNTED = _RARE | {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_audio_read_mtok"}
# Prices that may be left aside: cache writes are charged at `cache_write_mtok` whatever their lifetime, which usage of
# the OpenAI dialect does not tell, and tools that the provider runs (searches, code) are charged beside the tokens of
# calls that ask for them, and are not counted in usage. Both are what genai-prices computes from the same usage.
_ASIDE = frozenset(
    {
        "cache_write_5m_mtok",
        "cache_write_1h_mtok",
        "web_searches_kcount",
        "social_searches_kcount",
        "storage_searches_kcount",
        "code_executions_kcount",
    }
)


def find_tariff(prices_provider: str, model: str, at: datetime) -> Tariff | None:
    """Return what a provider charges for a model at a moment (naive: UTC), by genai-prices; None when that is unknown.

    Unknown is also the price of a model that charges for what usage does not count: hours of audio, characters, pages,
    images, tokens of images, video or citations. Prices of batch, priority or regional processing are not applied.
    Costs up to a millisecond, and 20 ms when it is the first: keep what it returns.
    """
    found = pricebook.find_model(prices_provider, model)
    if found is None:
        return None
    moment = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    prices = _prices_at(found, moment)
    if prices is None:
        return None
    return _compile(_rates(prices), found.id, _until(found, moment))


def priced_models(prices_provider: str) -> tuple[str, ...]:
    """Return the names of a provider's models whose price is known now or was once, sorted."""
    names = (
        name
        for name, model in pricebook.models_of(prices_provider)
        if any(_compile(_rates(prices), model.id, None) is not None for prices in _all_prices(model))
    )
    return tuple(sorted(names))


def context_window(prices_provider: str, model: str) -> int | None:
    """Return how many tokens a model takes in at most; None when that is unknown."""
    found = pricebook.find_model(prices_provider, model)
    return None if found is None else found.context_window


def _all_prices(model: ModelInfo) -> list[ModelPrice]:
    return [entry.prices for entry in model.prices] if isinstance(model.prices, list) else [model.prices]


def _prices_at(model: ModelInfo, at: datetime) -> ModelPrice | None:
    """Choose as genai-prices does (`ModelInfo.get_prices`): the last price whose condition holds, else the first."""
    if not isinstance(model.prices, list):
        return model.prices
    for entry in reversed(model.prices):
        if entry.constraint is None or entry.constraint.active(at):
            return entry.prices
    return model.prices[0].prices if model.prices else None


def _until(model: ModelInfo, at: datetime) -> datetime | None:
    """Return the first moment after `at` at which a condition of the model's prices may begin or end."""
    moments: list[datetime] = []
    for entry in model.prices if isinstance(model.prices, list) else ():
        start = getattr(entry.constraint, "start_date", None)
        if start is not None:
            moments.append(datetime.combine(start, time(), UTC))
        for name in ("start_time", "end_time"):
            clock = getattr(entry.constraint, name, None)
            if clock is not None:
                moments.append(_next(clock, at))
    return min((moment for moment in moments if moment > at), default=None)


def _next(clock: time, at: datetime) -> datetime:
    """Return the next moment at which a clock (naive: UTC) shows a time."""
    zone = clock.tzinfo or UTC
    today = datetime.combine(at.astimezone(zone).date(), clock.replace(tzinfo=zone))
    return today if today > at else today + timedelta(days=1)


def _rates(prices: ModelPrice) -> _Rates:
    return {key: price for key, price in vars(prices).items() if price is not None}


def _compile(rates: _Rates, model: str, until: datetime | None) -> Tariff | None:
    """Turn prices by genai-prices' keys into a tariff; None when a call's usage would not tell its cost."""
    source = f"genai-prices {pricebook.version()}"
    if not rates and model.endswith(":free"):
        # OpenRouter's variants without a price (openrouter.ai/docs/guides/routing/model-variants/free).
        return flat_tariff(Decimal(0), Decimal(0), source=source)
    if "input_mtok" not in rates or rates.keys() - _COUNTED - _ASIDE:
        return None
    base = _tariff(rates, 0, source)
    tiers = tuple(Tier(start, _tariff(rates, start + 1, source)) for start in _thresholds(rates))
    return msgspec.structs.replace(base, tiers=tiers, until=until)


def _thresholds(rates: _Rates) -> list[int]:
    # Not isinstance: the library's own prices, when they had to be read, have attributes of the same names.
    return sorted({tier.start for price in rates.values() for tier in getattr(price, "tiers", ())})


def _tariff(rates: _Rates, tokens: int, source: str) -> Tariff:
    """Return the tariff of calls with that many tokens of input."""

    def rate(key: str, per: int = 1_000_000) -> Decimal | None:
        price = rates.get(key)
        if price is None or isinstance(price, Decimal):
            return None if price is None else price / per
        chosen = price.base
        for tier in sorted(price.tiers, key=lambda tier: tier.start):
            if tokens > tier.start:
                chosen = tier.price
        return chosen / per

    whole = rate("input_mtok") or Decimal(0)
    cached, written = rate("cache_read_mtok"), rate("cache_write_mtok")
    extras = Extras(
        input_audio=rate("input_audio_mtok"),
        cached_audio=cached is not None,
        output_audio=rate("output_audio_mtok"),
        reasoning=rate("output_reasoning_mtok"),
        per_call=rate("requests_kcount", 1000) or Decimal(0),
    )
    return Tariff(
        input=whole,
        cached=whole if cached is None else cached,
        cache_write=whole if written is None else written,
        output=rate("output_mtok"),
        source=source,
        extras=extras if rates.keys() & _RARE else None,
    )

"""The nouns in which genai-prices writes its prices down, light enough for a gateway to hold.

Names and keywords are genai-prices' own (`genai_prices/types.py`), so that its data file can be read with them; fields
that no price depends on are dropped. `pricebook` says why.
"""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct

__all__ = [
    "ArrayMatch",
    "ClauseAnd",
    "ClauseContains",
    "ClauseEndsWith",
    "ClauseEquals",
    "ClauseOr",
    "ClauseRegex",
    "ClauseStartsWith",
    "ConditionalPrice",
    "ModelInfo",
    "ModelPrice",
    "PriceVariant",
    "Provider",
    "StartDateConstraint",
    "Tier",
    "TieredPrices",
    "TimeOfDateConstraint",
    "UsageExtractor",
    "UsageExtractorMapping",
]


class Match(Protocol):
    def is_match(self, text: str, /) -> bool: ...


class ClauseStartsWith(Struct, gc=False):
    starts_with: str

    def is_match(self, text: str, /) -> bool:
        return text.startswith(self.starts_with.lower())


class ClauseEndsWith(Struct, gc=False):
    ends_with: str

    def is_match(self, text: str, /) -> bool:
        return text.endswith(self.ends_with.lower())


class ClauseContains(Struct, gc=False):
    contains: str

    def is_match(self, text: str, /) -> bool:
        return self.contains.lower() in text


class ClauseRegex(Struct, gc=False):
    regex: str

    def is_match(self, text: str, /) -> bool:
        return re.search(self.regex, text) is not None


class ClauseEquals(Struct, gc=False):
    equals: str

    def is_match(self, text: str, /) -> bool:
        return text == self.equals.lower()


class ClauseOr(Struct):
    or_: list[Any]

    def is_match(self, text: str, /) -> bool:
        return any(clause.is_match(text) for clause in self.or_)


class ClauseAnd(Struct):
    and_: list[Any]

    def is_match(self, text: str, /) -> bool:
        return all(clause.is_match(text) for clause in self.and_)


class Tier(Struct, gc=False):
    """`price` holds for all tokens of a call whose input has more than `start` tokens."""

    start: int
    price: Decimal


class TieredPrices(Struct):
    base: Decimal
    tiers: list[Tier]


class ModelPrice:
    """US dollars a unit, by price key (`input_mtok`, …), as attributes."""

    def __init__(self, **prices: Decimal | TieredPrices | None) -> None:
        self.__dict__.update(prices)


class StartDateConstraint(Struct, gc=False):
    start_date: date

    def active(self, at: datetime) -> bool:
        return at.astimezone(UTC).date() >= self.start_date


class TimeOfDateConstraint(Struct, gc=False):
    start_time: time
    end_time: time

    def active(self, at: datetime) -> bool:
        now = at.astimezone(UTC).time()
        start, end = (_utc(moment) for moment in (self.start_time, self.end_time))
        return start <= now < end if start <= end else now >= start or now < end


def _utc(moment: time) -> time:
    if moment.tzinfo is None:
        return moment
    return datetime.combine(date(1970, 1, 1), moment).astimezone(UTC).time()


class ConditionalPrice(Struct):
    prices: ModelPrice
    constraint: StartDateConstraint | TimeOfDateConstraint | None = None


class ModelInfo:
    """A model of a provider; what describes it without pricing it is dropped."""

    __slots__ = ("context_window", "id", "match", "prices")

    def __init__(
        self,
        id: str,
        match: Match,
        prices: ModelPrice | list[ConditionalPrice] | None = None,
        context_window: int | None = None,
        **_described: object,
    ) -> None:
        self.id = id
        self.match = match
        self.prices: ModelPrice | list[ConditionalPrice] = [] if prices is None else prices
        self.context_window = context_window

    def is_match(self, model_ref: str, /) -> bool:
        return self.match.is_match(model_ref)


class Provider:
    """A provider of models; how its usage is extracted, and how it is told by an address, is dropped."""

    __slots__ = ("fallback_model_providers", "id", "models")

    def __init__(
        self,
        id: str,
        models: list[ModelInfo] | None = None,
        fallback_model_providers: list[str] | None = None,
        **_described: object,
    ) -> None:
        self.id = id
        self.models = models or []
        self.fallback_model_providers = fallback_model_providers


class _Dropped:
    """Something in the data file that no price of ours depends on."""

    def __init__(self, **_described: object) -> None:
        pass


# Variants are prices of batch, priority or regional processing, which a call has to ask for by a context that we do not
# have; extractors read responses, which our dialects do.
ArrayMatch = PriceVariant = UsageExtractor = UsageExtractorMapping = _Dropped

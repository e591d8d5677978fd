"""Items from real traffic: exchanges of a route whose bodies were kept, drawn by seed."""

from collections.abc import Collection
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.ledger.store import Ledger
from steelyard.weigh.results.sheet import Flag
from steelyard.weigh.runs.plan import Planned

__all__ = ["STRATA", "Draw", "Drawn", "Stratum", "items_of_ledger"]

Stratum: TypeAlias = Literal["day", "key", "deployment", "dialect", "stream", "purpose", "input"]
"""What a draw may be stratified by. `input`: the quarter that the request's length lies in."""

STRATA: Final[tuple[str, ...]] = get_args(Stratum)


class Draw(Struct, frozen=True, kw_only=True):
    """How many items are drawn, and of what. `since` and `until` are seconds since the epoch, the former included.

    `keep`: what is drawn too, though not every candidate can take it: requests with images and other `media`, and
    exchanges that were answered by `tool_calls`, whose results nobody would give."""

    n: int
    seed: int = 0
    since: float | None = None
    until: float | None = None
    stratify_by: tuple[Stratum, ...] = ("day",)
    keep: tuple[Literal["media", "tool_calls"], ...] = ()


class Drawn(Struct, frozen=True):
    """What was drawn, in an order that the seed alone decides, and what is to be known of it."""

    items: tuple[Planned, ...]
    flags: tuple[Flag, ...]


def items_of_ledger(ledger: Ledger, route: str, draw: Draw, weighed: Collection[str] = ()) -> Drawn:
    """Return items of a route's exchanges. `weighed`: ids of exchanges that were made by weighings; they are left out.

    Raises ConfigError where the ledger holds no exchange of the route that could be an item, with the reason."""
    raise ConfigError(f'No exchange of the route "{route}" can be an item as yet.')

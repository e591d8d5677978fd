"""Items from real traffic: exchanges of a route whose bodies were kept, drawn by seed.

The places of all exchanges that may be drawn are put in the order that the seed makes of their ids, stratum by stratum,
before a body is read. Bodies are read a few at a time, until there are enough items. So the same exchanges, seed and
number give the same items, whatever database holds them.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final, get_args

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from steelyard.core.errors import ConfigError
from steelyard.core.exchange import Exchange
from steelyard.documents.findings import nearest
from steelyard.ledger.schema import exchange
from steelyard.ledger.store import Ledger
from steelyard.weigh.items.exchange_item import Kept, LeftOut, Made, made
from steelyard.weigh.items.strata import allotted, rank_of
from steelyard.weigh.items.traffic import (
    LeftUnread,
    Population,
    Stratum,
    Within,
    exchanges_in,
    left_unread,
    population_of,
)
from steelyard.weigh.results.sheet import Flag
from steelyard.weigh.runs.plan import Planned

__all__ = ["STRATA", "Draw", "Drawn", "Kept", "Stratum", "items_of_ledger"]

STRATA: Final[tuple[str, ...]] = get_args(Stratum)

_AT_ONCE: Final = 50
"""Exchanges whose bodies are held at a time."""

_MOST_REASONS: Final = 3


class Draw(Struct, frozen=True, kw_only=True):
    """How many items are drawn, and of what. `since` and `until` are seconds since the epoch, the former included.

    `keep`: what is drawn too, though not every candidate can take it: requests with images and other `media`, and
    exchanges that were answered by `tool_calls`, whose results nobody would give. `without_keys` are ids of keys whose
    exchanges are no traffic (`weighing_keys`)."""

    n: int
    seed: int = 0
    since: float | None = None
    until: float | None = None
    stratify_by: tuple[Stratum, ...] = ("day",)
    keep: tuple[Kept, ...] = ()
    without_keys: frozenset[str] = frozenset()


class Drawn(Struct, frozen=True):
    """What was drawn, in an order that the seed alone decides, and what is to be known of it."""

    items: tuple[Planned, ...]
    flags: tuple[Flag, ...]


def items_of_ledger(ledger: Ledger, route: str, draw: Draw, weighed: Collection[str] = ()) -> Drawn:
    """Return items of a route's exchanges (`exchange_item.made` says what their columns are).

    Each stratum gives its share, by the largest remainder; what one cannot give, the others do. An exchange that asks
    what another one asked counts once, and adds to the `weight` in that item's row: how many of the exchanges that were
    looked at ask it. `weighed`: ids of exchanges that weighings have made (`weighed_exchanges`); they are left out.

    Raises ConfigError where the ledger holds no exchange of the route that could be an item, with the reasons, and
    StoreError where the ledger cannot be read."""
    within = Within(route, draw.since, draw.until, draw.without_keys)
    with ledger.reading() as connection:
        unread = left_unread(connection, within)
        population = population_of(connection, within, draw.seed, draw.stratify_by, weighed)
        if not len(population):
            raise ConfigError(_nothing(connection, route, unread, population))
        lot = _Lot(connection, population, draw)
        lot.draw()
    if not lot.items:
        said = "; ".join(flag.text for flag in _left_out(lot))
        raise ConfigError(f'No exchange of the route "{route}" makes an item. {said}')
    items = sorted(lot.items.values(), key=lambda one: (rank_of(draw.seed, one.item.id), one.item.id))
    return Drawn(tuple(_weighted(one, lot.weights[one.digest]) for one in items), _flags(lot, route, unread))


class _Lot:
    """One draw while it goes on. `items` by the digest of what they ask; `weights`: how many exchanges ask it."""

    def __init__(self, connection: sa.Connection, population: Population, draw: Draw) -> None:
        self._connection = connection
        self.population = population
        self.asked = draw
        self.items: dict[str, Made] = {}
        self.weights: Counter[str] = Counter()
        self.left_out: list[LeftOut] = []
        self._read = dict.fromkeys(population.strata, 0)

    def draw(self) -> None:
        """Draw until there are enough, or nothing is left."""
        while missing := self.asked.n - len(self.items):
            left = {name: len(held) - self._read[name] for name, held in self.population.strata.items()}
            shares = {name: share for name, share in allotted(left, missing).items() if share}
            if not shares:
                return
            for name, share in shares.items():
                self._fill(name, len(self.items) + share)

    def _fill(self, stratum: str, most: int) -> None:
        for day, found in self._next(stratum, most):
            one = made(found, day, self.asked.keep)
            if isinstance(one, LeftOut):
                self.left_out.append(one)
                continue
            self.weights[one.digest] += 1
            self.items.setdefault(one.digest, one)

    def _next(self, stratum: str, most: int) -> Iterator[tuple[str, Exchange]]:
        """Yield a stratum's next exchanges as long as there are fewer items than `most`."""
        held = self.population.strata[stratum]
        while len(self.items) < most and self._read[stratum] < len(held):
            start = self._read[stratum]
            places = held[start : start + min(_AT_ONCE, most - len(self.items))].tolist()
            self._read[stratum] += len(places)
            yield from exchanges_in(self._connection, places)

    @property
    def looked_at(self) -> int:
        return sum(self._read.values())


def _weighted(one: Made, weight: int) -> Planned:
    return replace(one.item, row={**one.item.row, "weight": weight})


def _nothing(connection: sa.Connection, route: str, unread: LeftUnread, population: Population) -> str:
    """Return why nothing can be drawn."""
    reasons = [*(flag.text for flag in _unread(unread)), *(flag.text for flag in _weighed(population))]
    if reasons:
        return f'No exchange of the route "{route}" can be an item. {" ".join(reasons)}'
    names = connection.execute(sa.select(exchange.c.route).where(exchange.c.route.is_not(None)).distinct().limit(1000))
    routes = sorted(names.scalars())
    known = f". It has {', '.join(routes[:10])}." if routes else ": it is empty."
    return f'The ledger holds no exchange of a route "{route}" in this time{nearest(route, routes, known)}'


def _flags(lot: _Lot, route: str, unread: LeftUnread) -> tuple[Flag, ...]:
    draw, held = lot.asked, lot.population
    by = f", in proportion by {', '.join(draw.stratify_by)} (strata: {len(held.strata)})" if draw.stratify_by else ""
    text = f"Drawn by seed {draw.seed} from the exchanges of {route}: {len(lot.items):,} of {len(held):,}{by}."
    flags = [Flag("drawn", text)]
    if len(lot.items) < draw.n:
        flags.append(Flag("fewer_drawn", f"Fewer items than asked for: {len(lot.items):,} of {draw.n:,}."))
    return (*flags, *_repeated(lot), *_left_out(lot), *_translated(lot), *_unread(unread), *_weighed(held))


def _repeated(lot: _Lot) -> list[Flag]:
    repeated = lot.weights.total() - len(lot.items)
    text = f"Exchanges that ask what another one asks: {repeated:,}. Each request counts once; `weight` says how often."
    return [Flag("repeated", text)] if repeated else []


_LEFT_OUT: Final = {
    "not_decodable": "not to be said in chat completions",
    "media": "images, sounds or documents, which not every model takes",
    "tool_calls": "answered by calls of tools, whose results nobody would give",
}


def _left_out(lot: _Lot) -> list[Flag]:
    """Say what of the exchanges that were looked at makes no item."""
    counts: Counter[str] = Counter(one.kind for one in lot.left_out)
    return [
        Flag(kind, f"Left out of the {lot.looked_at:,} looked at, {words}: {counts[kind]:,}{_reasons(lot, kind)}.")
        for kind, words in _LEFT_OUT.items()
        if counts[kind]
    ]


def _reasons(lot: _Lot, kind: str) -> str:
    """Return the commonest reasons why something could not be asked, in brackets."""
    if kind != "not_decodable":
        return ""
    counts = Counter(one.why.rstrip(".") for one in lot.left_out if one.kind == kind)
    told = "; ".join(f"{count:,} × {why}" for why, count in counts.most_common(_MOST_REASONS))
    return f" ({told})"


def _translated(lot: _Lot) -> list[Flag]:
    lost = Counter(loss.path for one in lot.items.values() for loss in one.losses)
    touched = sum(bool(one.losses) for one in lot.items.values())
    told = ", ".join(f"{path} ({count:,})" for path, count in lost.most_common(_MOST_REASONS))
    return [Flag("losses", f"Items that lost something in chat completions: {touched:,}: {told}.")] if touched else []


def _unread(unread: LeftUnread) -> list[Flag]:
    return [
        *_counted(
            "not_kept", unread.not_kept, 'without bodies in the ledger (record = "full" on the route keeps them)'
        ),
        *_counted("failed", unread.failed, "not answered in full"),
        *_counted("no_chat", unread.no_chat, "no chats, but embeddings, completions or files"),
    ]


def _weighed(population: Population) -> list[Flag]:
    return _counted("weighed", population.weighed, "made by weighings")


def _counted(kind: str, count: int, words: str) -> list[Flag]:
    return [Flag(kind, f"Left out, {words}: {count:,}.")] if count else []

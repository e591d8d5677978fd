"""The exchanges of a route that may become items: which there are, by stratum, and their bodies once they are drawn."""

from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import Final, Literal, TypeAlias

import msgspec
import numpy as np
import sqlalchemy as sa
from msgspec import Struct

from steelyard.core.exchange import Decided, Exchange
from steelyard.core.loose import JsonValue
from steelyard.ledger.rows import exchange_of
from steelyard.ledger.schema import content, exchange
from steelyard.weigh.items.strata import rank_of
from steelyard.weigh.stats.clustered import Ints

__all__ = ["LeftUnread", "Population", "Stratum", "Within", "exchanges_in", "left_unread", "population_of"]

Stratum: TypeAlias = Literal["day", "key", "deployment", "dialect", "stream", "purpose", "input"]
"""What a draw may be stratified by. `input`: the quarter that the request's length lies in."""

_CHATS: Final = ("chat/completions", "responses", "messages", "generateContent", "streamGenerateContent")
"""The endpoints at which something is asked and answered in words (`gateway.surface`)."""

_ROWS: Final = 2000
_decode_decided = msgspec.json.Decoder(Decided).decode


class Within(Struct, frozen=True):
    """Which exchanges a draw is of. Times are seconds since the epoch, `since` included; calls by some keys are of
    weighings."""

    route: str
    since: float | None = None
    until: float | None = None
    weighing_keys: frozenset[str] = frozenset()

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the same for a query."""
        found: list[sa.ColumnElement[bool]] = [exchange.c.route == self.route]
        if self.since is not None:
            found.append(exchange.c.received_at >= self.since)
        if self.until is not None:
            found.append(exchange.c.received_at < self.until)
        return found


class LeftUnread(Struct, frozen=True):
    """How many exchanges are left out for what the ledger says of them. Each counts once, where it stands first here:
    no question answered in words; not answered in full; bodies not kept."""

    no_chat: int
    failed: int
    not_kept: int


class Population(Struct, frozen=True, eq=False):
    """What may be drawn: places in the ledger by stratum, in the order in which a seed draws them. `weighed` counts
    what was left out as made by weighings."""

    strata: dict[str, Ints]
    weighed: int

    def __len__(self) -> int:
        return sum(map(len, self.strata.values()))


def left_unread(connection: sa.Connection, within: Within) -> LeftUnread:
    """Return how many exchanges are left out unread."""
    chat, whole = _ASKED, exchange.c.outcome == "ok"
    no_chat = sa.case((~chat, 1), else_=0)
    failed = sa.case((chat & ~whole, 1), else_=0)
    not_kept = sa.case((chat & whole & ~_KEPT, 1), else_=0)
    query = (
        sa.select(*(sa.func.coalesce(sa.func.sum(one), 0) for one in (no_chat, failed, not_kept)))
        .select_from(_WITH_CONTENT)
        .where(*within.conditions())
    )
    counts = connection.execute(query).one()
    return LeftUnread(*map(int, counts))


def population_of(
    connection: sa.Connection, within: Within, seed: int, by: Sequence[Stratum], weighed: Collection[str]
) -> Population:
    """Return what may be drawn. No body is read: of each exchange, some sixty bytes are held."""
    columns = [exchange.c[_COLUMNS[name]] for name in by]
    query = (
        sa.select(exchange.c.seq, exchange.c.id, exchange.c.key, exchange.c.request_bytes, *columns)
        .select_from(_WITH_CONTENT)
        .where(*within.conditions(), _ASKED, exchange.c.outcome == "ok", _KEPT)
    )
    made_by_weighings = frozenset(weighed)
    seqs, ranks, sizes, codes = array("q"), array("Q"), array("q"), array("q")
    numbers: dict[tuple[object, ...], int] = {}
    left_out = 0
    for seq, name, key, size, *values in connection.execution_options(yield_per=_ROWS).execute(query):
        if name in made_by_weighings or key in within.weighing_keys:
            left_out += 1
            continue
        seqs.append(seq)
        ranks.append(rank_of(seed, name))
        sizes.append(size)
        codes.append(numbers.setdefault(tuple(values), len(numbers)))
    if not seqs:
        return Population({}, left_out)
    places, lengths = np.frombuffer(seqs, np.int64), np.frombuffer(sizes, np.int64)
    quarter_of, quarters = _quarters(lengths) if "input" in by else (np.zeros_like(lengths), ("",))
    # Several cells may have one name: decisions differ in more than their purpose.
    names = [_named(by, values, quarter) for values in numbers for quarter in quarters]
    known = sorted(set(names))
    renamed = np.array([known.index(name) for name in names])
    strata = renamed[np.frombuffer(codes, np.int64) * len(quarters) + quarter_of]
    order = np.lexsort((places, np.frombuffer(ranks, np.uint64), strata))
    ends = np.searchsorted(strata[order], np.arange(len(known) + 1))
    found = {name: places[order[ends[at] : ends[at + 1]]] for at, name in enumerate(known)}
    return Population({name: held for name, held in found.items() if len(held)}, left_out)


def exchanges_in(connection: sa.Connection, seqs: Sequence[int]) -> Iterator[tuple[str, Exchange]]:
    """Yield exchanges by their places, in that order, with their day and bodies. What went meanwhile is left out."""
    query = (
        sa.select(exchange, content.c.request, content.c.response)
        .select_from(_WITH_CONTENT)
        .where(exchange.c.seq.in_(seqs))
    )
    rows = {row.seq: row for row in connection.execute(query)}
    for seq in seqs:
        if (row := rows.get(seq)) is not None:
            yield row.day.isoformat(), exchange_of(row, row.request, row.response)


_WITH_CONTENT: Final = sa.outerjoin(exchange, content, exchange.c.seq == content.c.seq)
_ASKED: Final = exchange.c.endpoint.in_(_CHATS)
_KEPT: Final = content.c.request.is_not(None) & content.c.response.is_not(None)
_COLUMNS: Final[dict[Stratum, str]] = {
    "day": "day",
    "key": "key",
    "deployment": "deployment",
    "dialect": "dialect",
    "stream": "stream",
    "purpose": "decided",
    "input": "route",
}
"""The column that says it; of `input` any that is the same for all, since lengths are cut when all are known."""


def _quarters(lengths: Ints) -> tuple[Ints, tuple[str, ...]]:
    """Return the quarter of each length, and how the quarters are called."""
    ends = np.unique(np.quantile(lengths, (0.25, 0.5, 0.75)))
    return np.searchsorted(ends, lengths, side="left"), tuple(str(number) for number in range(1, len(ends) + 2))


def _named(by: Sequence[Stratum], values: Sequence[JsonValue], quarter: str) -> str:
    return ", ".join(
        f"{name} {quarter if name == 'input' else _told(name, value)}" for name, value in zip(by, values, strict=True)
    )


def _told(name: Stratum, value: JsonValue) -> str:
    if name == "purpose":
        value = _decode_decided(value).purpose if value else None
    return "none" if value is None else str(value)

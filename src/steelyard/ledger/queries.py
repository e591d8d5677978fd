"""Ask the ledger: what it cost, what came last, one exchange in full."""

from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct

from steelyard.core.errors import StoreError
from steelyard.core.exchange import Exchange
from steelyard.ledger.money import from_parts
from steelyard.ledger.rows import exchange_of
from steelyard.ledger.schema import content, exchange
from steelyard.ledger.store import Ledger

__all__ = ["By", "CostRow", "Found", "Only", "cost", "show", "tail"]

By = Literal["route", "model", "key", "day"]

_GROUPS: dict[By, sa.Column[Any]] = {
    "route": exchange.c.route,
    # A model is priced at its provider, so it is named with it: openai/gpt-4.1.
    "model": exchange.c.deployment,
    "key": exchange.c.key,
    "day": exchange.c.day,
}


class Only(Struct, frozen=True):
    """Which exchanges a question is about; `None` is any. `since` and `until` are seconds since the epoch, the former
    included."""

    since: float | None = None
    until: float | None = None
    key: str | None = None
    route: str | None = None


_ANY = Only()


class CostRow(Struct, frozen=True):
    """What the calls of one group consumed. `group` is a day in ISO form, or a name, or `None` for calls without one.

    `input_tokens` and `output_tokens` are sums over calls whose usage is known, `None` when it is known of none.
    `cost_usd` sums the calls whose cost is known; `unknown` counts the others. A call that the gateway rejected reached
    nobody and is known to have cost nothing."""

    group: str | None
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    unknown: int


class Found(Struct, frozen=True):
    """An exchange and its place in the ledger."""

    seq: int
    exchange: Exchange


def cost(ledger: Ledger, by: By, only: Only = _ANY) -> list[CostRow]:
    """Return calls, tokens and dollars by group; days in order, others dearest first."""
    group = _GROUPS[by]
    nowhere = (exchange.c.outcome == "rejected") & exchange.c.cost_nano.is_(None)
    query = (
        sa.select(
            group,
            sa.func.count().label("calls"),
            sa.func.sum(exchange.c.input_tokens).label("input"),
            sa.func.sum(exchange.c.output_tokens).label("output"),
            sa.func.sum(exchange.c.cost_nano).label("nano"),
            sa.func.sum(exchange.c.cost_atto).label("atto"),
            sa.func.count(exchange.c.cost_nano).label("priced"),
            sa.func.sum(sa.case((nowhere, 1), else_=0)).label("rejected"),
        )
        .where(*_conditions(only))
        .group_by(group)
    )
    with ledger.reading() as connection:
        rows = [_cost_row(row) for row in connection.execute(query)]
    if by == "day":
        return sorted(rows, key=lambda row: row.group or "")
    return sorted(rows, key=lambda row: (-(row.cost_usd or Decimal(0)), -row.calls, row.group or ""))


def tail(ledger: Ledger, n: int, after_seq: int | None = None, only: Only = _ANY) -> list[Found]:
    """Return exchanges without bodies, in the order in which they were taken in: the last `n`, or the first `n` behind
    `after_seq`."""
    query = sa.select(exchange).where(*_conditions(only)).limit(n)
    if after_seq is None:
        query = query.order_by(exchange.c.seq.desc())
    else:
        query = query.where(exchange.c.seq > after_seq).order_by(exchange.c.seq)
    with ledger.reading() as connection:
        found = [Found(row.seq, exchange_of(row)) for row in connection.execute(query)]
    return found[::-1] if after_seq is None else found


def show(ledger: Ledger, name: str) -> Found:
    """Return one exchange with its attempts, and its bodies where they were recorded.

    `name` is its id, or the beginning of it when that fits one exchange only, with or without `req_`. Raises
    `StoreError` when there is none, or when there are several."""
    with ledger.reading() as connection:
        ids = _ids_beginning(connection, name) or _ids_beginning(connection, f"req_{name}")
        if not ids:
            raise StoreError(
                f"The ledger has no exchange {name}. `steelyard ledger tail` lists the last ones; "
                "a call is there a moment after its answer."
            )
        if len(ids) > 1:
            raise StoreError(f"Several exchanges begin with {name}: {', '.join(ids)}… Give more of the id.")
        row = connection.execute(
            sa.select(exchange, content.c.request, content.c.response)
            .join_from(exchange, content, exchange.c.seq == content.c.seq, isouter=True)
            .where(exchange.c.id == ids[0])
            .order_by(exchange.c.seq.desc())
            .limit(1)
        ).one()
    return Found(row.seq, exchange_of(row, row.request, row.response))


def _ids_beginning(connection: sa.Connection, prefix: str) -> list[str]:
    """Return the id that is `prefix`, or up to three that begin with it."""
    column = exchange.c.id
    query = (
        sa.select(column).where(column >= prefix, column < prefix + "\U0010ffff").distinct().order_by(column).limit(3)
    )
    ids = list(connection.execute(query).scalars())
    return [prefix] if prefix in ids else ids


def _cost_row(row: sa.Row[Any]) -> CostRow:
    group, calls, rejected = row[0], row.calls, int(row.rejected)
    return CostRow(
        group=None if group is None else str(group),
        calls=calls,
        input_tokens=None if row.input is None else int(row.input),
        output_tokens=None if row.output is None else int(row.output),
        cost_usd=from_parts(row.nano or 0, row.atto or 0) if row.priced or rejected else None,
        unknown=calls - row.priced - rejected,
    )


def _conditions(only: Only) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if only.since is not None:
        conditions.append(exchange.c.received_at >= only.since)
    if only.until is not None:
        conditions.append(exchange.c.received_at < only.until)
    if only.key is not None:
        conditions.append(exchange.c.key == only.key)
    if only.route is not None:
        conditions.append(exchange.c.route == only.route)
    return conditions

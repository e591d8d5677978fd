"""What must be known of earlier calls so that counting can go on: questions to the ledger, and their answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from math import inf
from typing import Final

from msgspec import Struct

from steelyard.core.exchange import Exchange
from steelyard.limits.ceiling import atto_of_cost

__all__ = ["NOT_ADMITTED", "Left", "Recalled", "Spent", "Sums", "Want"]

NOT_ADMITTED: Final = ("rejected", "client_gone")
"""How calls end that were admitted by no limit, where nothing was attempted: refused, or left while they waited."""

_Group = tuple[str | None, str | None, str | None, str | None, float]


class Want(Struct, frozen=True):
    """A question: what was taken since a moment (seconds since the epoch), in slots of `width_s` (None: all in one),
    and by which end user, where `by_user`."""

    since: float
    width_s: float | None
    by_user: bool


class Spent(Struct, frozen=True):
    """What was taken by calls that agree in all of this. `until` is the end of their slot, `key` a key's id; `atto` is
    known cost in 10^-18 dollars."""

    until: float
    key: str | None
    route: str | None
    deployment: str | None
    user: str | None
    requests: int
    tokens: int
    atto: int


class Recalled(Struct, frozen=True):
    """What is known of a moment, and whose key each id is: name, team, project."""

    answers: dict[Want, list[Spent]]
    keys: dict[str, tuple[str, str | None, str | None]]


class Left(Struct, frozen=True):
    """How a budget stands in a process that retires: when its period began, what was spent of it by all, and what that
    process may still spend."""

    subject: str
    start: float
    used: int
    held: int


class Sums:
    """Answers, added up from exchanges. One counts that was admitted: all but those that were rejected, or left by
    their client, before anything was attempted."""

    def __init__(self, wants: Iterable[Want]) -> None:
        self._sums: dict[Want, defaultdict[_Group, list[int]]] = {
            want: defaultdict(lambda: [0, 0, 0]) for want in wants
        }

    def add(self, one: Exchange) -> None:
        """Count an exchange."""
        if one.outcome in NOT_ADMITTED and not one.attempts:
            return
        usage = one.usage
        tokens = (usage.input or 0) + (usage.output or 0) if usage is not None else 0
        atto = atto_of_cost(Decimal(one.cost_usd)) if one.cost_usd is not None else 0
        asked = one.deployment if one.cache != "hit" else None  # who answered from the cache was not asked again
        for want, found in self._sums.items():
            if one.received_at >= want.since:
                until = inf if want.width_s is None else (one.received_at // want.width_s + 1) * want.width_s
                amounts = found[one.key, one.route, asked, one.end_user if want.by_user else None, until]
                amounts[0] += 1
                amounts[1] += tokens
                amounts[2] += atto

    def answers(self) -> dict[Want, list[Spent]]:
        """Return what was counted."""
        return {
            want: [Spent(group[4], *group[:4], *amounts) for group, amounts in found.items()]
            for want, found in self._sums.items()
        }

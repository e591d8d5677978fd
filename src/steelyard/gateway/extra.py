"""What a call takes beside the answer that its client gets: the loser of a race, an answer that a filter withheld.

It is reserved before it may come to be, like the call itself: of the same counters, but only of those that count tokens
and money. For the caller it is one call.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from steelyard.catalog.charge import cost_of
from steelyard.core.usage import Usage
from steelyard.limits import Hold
from steelyard.limits.ceiling import atto_of_cost
from steelyard.limits.purse import Purse
from steelyard.limits.windowed import Tokens

if TYPE_CHECKING:
    from steelyard.gateway.account import Account
    from steelyard.gateway.lane import Lane

__all__ = ["Extra", "reserve", "with_extras"]

_FREE = ("refused", "status")


class Extra:
    """What is reserved for it, and then what it took: `usage` is None where nothing was, `cost` where it is unknown or
    nothing."""

    __slots__ = ("_hold", "cost", "usage")

    def __init__(self, hold: Hold | None) -> None:
        self._hold = hold
        self.usage: Usage | None = None
        self.cost: Decimal | None = None

    def settle(self, lane: Lane, usage: Usage | None) -> None:
        """Count what was taken at a deployment; None: nothing."""
        self.usage = usage
        tariff = lane.target.tariff
        if usage is not None and tariff is not None:
            self.cost = cost_of(tariff, usage)
        hold, self._hold = self._hold, None
        if hold is not None:
            tokens = (usage.input or 0) + (usage.output or 0) if usage is not None else 0
            hold.settle(tokens, atto_of_cost(self.cost) if self.cost is not None else 0)


def reserve(call: Account) -> Extra | None:
    """Reserve as much as the call itself may take, once more; None: there is no room for it."""
    own, limiter = call.hold, call.gateway.limiter
    if own is None or limiter is None or not own.counters:
        return Extra(None)
    hold = limiter.limits.begin(call.gateway.clock(), call.received_at, own.size)
    hold.tokens, hold.output, hold.atto, hold.priced = own.tokens, own.output, own.atto, own.priced
    counters = tuple([one for one in own.counters if isinstance(one, (Tokens, Purse))])
    return Extra(hold) if hold.take(counters) is None else None


def with_extras(call: Account, usage: Usage | None, cost: Decimal | None) -> tuple[Usage | None, Decimal | None]:
    """Return what a call took in all. Unknown and something is unknown; an error's answer takes nothing, nor does an
    attempt of which nothing was sent."""
    taken = [extra for extra in call.extras if extra.usage is not None]
    if not taken:
        return usage, cost
    if usage is None:
        if call.was_sent() and call.attempts[-1].outcome not in _FREE:
            return None, None
        usage, cost = Usage(0, 0), Decimal(0)
    for extra in taken:
        more = extra.usage
        assert more is not None
        usage = replace(
            usage,
            input=_sum(usage.input, more.input),
            output=_sum(usage.output, more.output),
            estimated=usage.estimated or more.estimated,
        )
        cost = cost + extra.cost if cost is not None and extra.cost is not None else None
    return usage, cost


def _sum(one: int | None, other: int | None) -> int | None:
    return one + other if one is not None and other is not None else None

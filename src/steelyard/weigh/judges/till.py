"""What judging costs: what calls may cost before they are made, what they have cost, and a ceiling that holds.

The rules are those of weighings (`runs.prices`, `runs.purse`, `runs.asked`): a call begins only where its upper bound
fits, and what a killed run had under way counts at its bound."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from steelyard.catalog.charge import usd_text
from steelyard.weigh.judges.asks import Ask
from steelyard.weigh.judges.judgement import Judgement
from steelyard.weigh.runs.call import FREE
from steelyard.weigh.runs.order import Group
from steelyard.weigh.runs.plan import Planned
from steelyard.weigh.runs.prices import Cost, Offers, bound_of, costs_of
from steelyard.weigh.runs.purse import Purse

__all__ = ["Begun", "Till", "bounds_of", "costs_of_asks", "spent_before"]


class Begun(Struct, frozen=True):
    """A call that is going to be made. `at_most_usd` is a decimal string; None: unknown."""

    asked: str
    at_most_usd: str | None


def bounds_of(asks: Iterable[Ask], offers: Offers) -> dict[str, Begun]:
    """Return what each call costs at most, by its digest."""
    found = {}
    for ask in asks:
        usd = bound_of(_planned(ask), offers.get(ask.request.model, ())).usd
        found[ask.asked] = Begun(ask.asked, None if usd is None else usd_text(usd))
    return found


def costs_of_asks(asks: Iterable[Ask], judges: Sequence[str], offers: Offers) -> list[Cost]:
    """Return what the calls may cost, by judge."""
    return costs_of((Group(_planned(ask), 0, (ask.request.model,)) for ask in asks), judges, offers)


def spent_before(judgements: Iterable[Judgement], begun: Iterable[Begun]) -> Decimal:
    """Return what earlier runs count: each judgement its cost, where that is unknown its bound; and the bounds of calls
    that began and never came back."""
    made = list(judgements)
    back = Counter(one.asked for one in made)
    lost = Decimal(0)
    for one in begun:
        if back[one.asked]:
            back[one.asked] -= 1
        else:
            lost += Decimal(one.at_most_usd or 0)
    return lost + sum((_charged(one) for one in made), Decimal(0))


class Till:
    """Lets calls begin while their bounds fit. `reason` says why none may any more."""

    def __init__(self, purse: Purse, bounds: Mapping[str, Begun]) -> None:
        self.purse = purse
        self.reason: str | None = None
        self._bounds = bounds
        self._open = 0
        self._changed = asyncio.Condition()

    def bound(self, ask: Ask) -> Begun:
        """Return what a call costs at most."""
        return self._bounds.get(ask.asked) or Begun(ask.asked, None)

    async def begin(self, ask: Ask) -> bool:
        """Wait until a call may begin, and return True; False where none may any more."""
        amount = Decimal(self.bound(ask).at_most_usd or 0)
        async with self._changed:
            while self.reason is None and not self.purse.reserve(amount):
                if not self._open:
                    spent, most = usd_text(self.purse.spent), usd_text(self.purse.ceiling or Decimal(0))
                    self.stop(
                        f"The ceiling is reached: ${spent} of ${most} is spent, and the next call may cost "
                        f"${usd_text(amount)}."
                    )
                    break
                await self._changed.wait()
            if self.reason is not None:
                return False
            self._open += 1
            return True

    async def end(self, ask: Ask, made: Judgement | None) -> None:
        """Take a call's cost; None: it was never made."""
        async with self._changed:
            self._open -= 1
            self.purse.settle(Decimal(self.bound(ask).at_most_usd or 0), Decimal(0) if made is None else _charged(made))
            self._changed.notify_all()

    def stop(self, reason: str) -> None:
        """Let no call begin any more; the first reason stays."""
        self.reason = self.reason or reason


def _planned(ask: Ask) -> Planned:
    return Planned(id=ask.item, place=ask.item, messages=ask.request.messages, request=ask.request.fields)


def _charged(one: Judgement) -> Decimal:
    if one.cost_usd is not None:
        return Decimal(one.cost_usd)
    return Decimal(0) if one.status in FREE else Decimal(one.cost_at_most_usd or 0)

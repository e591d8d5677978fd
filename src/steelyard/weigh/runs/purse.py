"""A ceiling that is never exceeded: what is in flight counts at its upper bound until its cost is known."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from steelyard.core.errors import StoreError
from steelyard.weigh.runs.call import Call

__all__ = ["Purse", "charged", "spent_by"]

_NOTHING = Decimal(0)


class Purse:
    """Money that calls are reserved and settled from. `ceiling` None: there is none."""

    def __init__(self, ceiling: Decimal | None, spent: Decimal = _NOTHING) -> None:
        self.ceiling = ceiling
        self.spent = spent
        self.reserved = _NOTHING

    def reserve(self, amount: Decimal) -> bool:
        """Set an amount aside; return False, and set nothing aside, where that could exceed the ceiling."""
        if self.ceiling is not None and self.spent + self.reserved + amount > self.ceiling:
            return False
        self.reserved += amount
        return True

    def settle(self, reserved: Decimal, cost: Decimal) -> None:
        """Replace what was set aside by what it cost."""
        self.reserved -= reserved
        self.spent += cost


def charged(call: Call) -> Decimal:
    """Return what a call counts in the purse: its cost; where that is unknown its upper bound, or nothing where that is
    unknown too."""
    told = call.cost_usd if call.cost_usd is not None else call.cost_at_most_usd
    if told is None:
        return _NOTHING
    try:
        amount = Decimal(told)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise StoreError(f'The cost "{told[:40]}" of the item "{call.item[:40]}" is no amount of dollars.')
    return amount


def spent_by(calls: Iterable[Call]) -> Decimal:
    """Return what calls count together, those that were made again included: they may have been charged for."""
    return sum((charged(call) for call in calls), _NOTHING)

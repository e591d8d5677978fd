"""How a limit stands, for people and programs."""

from decimal import Decimal

from msgspec import Struct

from steelyard.limits.counter import Counter
from steelyard.limits.purse import Purse
from steelyard.limits.rules import usd_of

__all__ = ["Standing", "standing_of"]


class Standing(Struct, frozen=True):
    """How one counter stands. Counts are numbers, dollars are decimal strings. `used` of a window holds what calls
    under way may take; a budget has that apart, in `reserved`. `resets_at` is when nothing is counted any more, in
    seconds since the epoch; None where that does not depend on time."""

    scope: str
    limit: str
    most: int | str
    used: int | str
    reserved: int | str
    remaining: int | str
    resets_at: float | None

    @property
    def ratio(self) -> float:
        """What is taken and reserved, as a part of the limit."""
        most = Decimal(self.most)
        return float((Decimal(self.used) + Decimal(self.reserved)) / most) if most else 1.0


def standing_of(counter: Counter, now: float, wall: float) -> Standing:
    """Return how a counter stands at a moment."""
    used, reserved = counter.used(now, wall), counter.reserved()
    remaining = max(0, counter.limit - used - reserved)
    resets = counter.resets_s(now, wall)
    at = None if resets is None else wall + resets
    name = counter.rule.metric
    if isinstance(counter, Purse):
        shown = usd_of(counter.limit), usd_of(used), usd_of(reserved), usd_of(remaining)
        return Standing(counter.subject, name, *shown, at)
    return Standing(counter.subject, name, counter.limit, used, reserved, remaining, at)

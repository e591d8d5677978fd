"""What one call holds of its counters, until it is known what it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steelyard.limits.counter import Counter
    from steelyard.limits.gate import Gate
    from steelyard.limits.purse import Spell

__all__ = ["Hold"]


class Hold:
    """One call, as limits see it. `now` is monotonic, `wall` since the epoch, in seconds. `tokens` and `atto` are what
    it may take at most, -1 where that is not known; `priced`: whoever may answer has a known price.

    `summoned` is the gate where it has waited and now is let pass. `take` has all counters take the call, or none of
    them. Then `settle` or `free` is called, once."""

    __slots__ = (
        "atto",
        "counters",
        "now",
        "open",
        "output",
        "priced",
        "size",
        "spells",
        "summoned",
        "tokens",
        "wall",
    )

    def __init__(self, now: float, wall: float, size: int) -> None:
        self.now = now
        self.wall = wall
        self.size = size
        self.tokens = 0
        self.output = 0
        self.atto = 0
        self.priced = True
        self.counters: tuple[Counter, ...] = ()
        self.spells: list[Spell] = []
        self.summoned: Gate | None = None
        self.open = False

    def take(self, counters: tuple[Counter, ...]) -> Counter | None:
        """Have all counters take the call, and return None; or none of them, and return one that has no room."""
        for one in counters:
            if not one.has_room(self):
                return one
        for one in counters:
            one.take(self)
        self.counters = counters
        self.open = True
        return None

    def take_all(self) -> None:
        """Have all its counters take the call, whether they have room or not."""
        for one in self.counters:
            one.take(self)
        self.open = True

    def settle(self, tokens: int, atto: int) -> None:
        """Count what the call has taken in the place of what it might have."""
        if self.open:
            self.open = False
            for one in self.counters:
                one.settle(self, tokens, atto)

    def free(self) -> None:
        """Count nothing: the call was not made."""
        if self.open:
            self.open = False
            for one in self.counters:
                one.free(self)

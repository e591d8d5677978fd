"""What judging may cost at most."""

import asyncio
from decimal import Decimal
from typing import Final

__all__ = ["Ceiling"]

_UNKNOWN: Final = (
    "What a call cost is unknown, so no ceiling can be kept. Give the judge's deployment a price in the configuration, "
    "or leave out --max-usd."
)


class Ceiling:
    """Lets calls begin while their cost fits: what is spent, and for each open call as much as the dearest one cost.

    Until one cost is known, one call is open at a time. A call that is dearer than every one before may still go over
    the ceiling, by what it costs more. `most` None: there is no ceiling. `reason` says why no call may begin any more.
    """

    def __init__(self, most: Decimal | None, spent: Decimal = Decimal(0)) -> None:
        self.most = most
        self.spent = spent
        self.reason: str | None = None
        self._dearest: Decimal | None = None
        self._open = 0
        self._changed = asyncio.Condition()

    async def begin(self) -> bool:
        """Wait until a call may begin, and return True; False where none may any more."""
        async with self._changed:
            while self.reason is None and not self._fits():
                if not self._open:
                    self.stop(f"The ceiling of ${self.most} is reached: ${self.spent} are spent.")
                    break
                await self._changed.wait()
            if self.reason is not None:
                return False
            self._open += 1
            return True

    async def end(self, cost_usd: str | None, *, answered: bool) -> None:
        """Take a call's cost. One without an answer is taken to cost nothing where nobody says what it cost."""
        async with self._changed:
            self._open -= 1
            if cost_usd is not None:
                cost = Decimal(cost_usd)
                self.spent += cost
                self._dearest = max(cost, self._dearest or Decimal(0))
            elif answered and self.most is not None:
                self.stop(_UNKNOWN)
            self._changed.notify_all()

    def stop(self, reason: str) -> None:
        """Let no call begin any more; the first reason stays."""
        self.reason = self.reason or reason

    def _fits(self) -> bool:
        if self.most is None:
            return True
        if self._dearest is None:
            return not self._open and self.spent < self.most
        return self.spent + (self._open + 1) * self._dearest <= self.most

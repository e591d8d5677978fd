"""What the operator is told, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

__all__ = ["Notices"]

_AGAIN_S: Final = 10.0
_MOST_KEPT: Final = 100


class Notices:
    """What one gateway tells: what has changed, always; what is wrong, not again and again. `clock` is monotonic."""

    __slots__ = ("_clock", "_said")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}

    def tell(self, text: str) -> None:
        """Tell the operator of what has changed, however often."""
        self._said.clear()
        self.complain(text)

    def complain(self, text: str) -> None:
        """Tell the operator of what is wrong; the same words at most once in ten seconds."""
        now = self._clock()
        if self._said.get(text, -1e9) + _AGAIN_S < now:
            if len(self._said) > _MOST_KEPT:
                self._said.clear()
            self._said[text] = now
            with suppress(OSError):  # the log's disk may be full too
                print(f"steelyard gateway: {text}", file=sys.stderr, flush=True)

"""The size of a call's body, as a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, TooMany
from steelyard.limits.counter import Counter

if TYPE_CHECKING:
    from steelyard.limits.hold import Hold

__all__ = ["InputBytes"]


class InputBytes(Counter):
    """The size of a call's body."""

    __slots__ = ()

    def has_room(self, hold: Hold) -> bool:
        return hold.size <= self.limit

    def error(self, hold: Hold) -> CallError:
        error = TooMany(
            f"The body has {hold.size:,} bytes, and {self.amid} may send {self.limit:,}. Send less.",
            code="input_too_large",
        )
        error.should_retry = False
        return error

"""How urgent a caller's calls are, beside those of others: who is served first where calls wait, and shed last."""

from typing import Final, Literal

__all__ = ["NORMAL", "PRIORITIES", "Priority", "rank_of"]

Priority = Literal["high", "normal", "low"]

PRIORITIES: Final[tuple[Priority, ...]] = ("high", "normal", "low")
"""From the first served to the last; a rank is the place in it."""

NORMAL: Final[Priority] = "normal"
"""What callers have whose key says nothing, and callers without a key."""

_RANKS: Final = {name: rank for rank, name in enumerate(PRIORITIES)}


def rank_of(priority: Priority) -> int:
    """Return the place of a priority: 0 is served first."""
    return _RANKS[priority]

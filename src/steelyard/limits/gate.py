"""How many calls are under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, TooMany
from steelyard.limits.counter import SOON_S, Counter
from steelyard.limits.rules import Rule
from steelyard.limits.share import Share, Sharing

if TYPE_CHECKING:
    from steelyard.limits.hold import Hold

__all__ = ["Concurrent", "Gate", "GateShare"]


class Gate:
    """How many calls are under way."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class GateShare(Share):
    """What a gate shares: places for calls."""

    __slots__ = ("gate",)

    def __init__(self, sharing: Sharing, rule: str, key: str, gate: Gate, *, local: bool) -> None:
        super().__init__(sharing, rule, key, "gate", local=local)
        self.gate = gate

    def told(self) -> list[tuple[float, int]]:
        return [(0.0, self.gate.count)] if self.gate.count else []


class Concurrent(Counter):
    """Calls under way."""

    __slots__ = ("gate",)

    def __init__(self, rule: Rule, name: str, gate: Gate, share: GateShare | None) -> None:
        super().__init__(rule, name, share)
        self.gate = gate

    def has_room(self, hold: Hold) -> bool:
        share = self.share
        if share is None or share.alone:
            return self.gate.count < self.limit
        return share.has(1, hold.now)

    def take(self, hold: Hold) -> None:
        self.gate.count += 1
        if self.share is not None:
            self.share.take(1)

    def settle(self, hold: Hold, tokens: int, atto: int) -> None:
        self.gate.count -= 1
        if self.share is not None:
            self.share.give(1)

    def free(self, hold: Hold) -> None:
        self.settle(hold, 0, 0)

    def lacks(self, hold: Hold) -> int:
        return 1

    def is_idle(self, now: float, wall: float) -> bool:
        share = self.share
        return self.gate.count == 0 and (share is None or (share.room == 0 and not share.changed))

    def used(self, now: float, wall: float) -> int:
        share = self.share
        return self.gate.count if share is None or share.alone else self.gate.count + share.others

    def error(self, hold: Hold) -> CallError:
        return TooMany(
            f"{self.told} has {self.limit:,} calls under way, as many as it may. Await one of them.",
            retry_after_s=SOON_S,
        )

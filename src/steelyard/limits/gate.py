"""How many calls are under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, TooMany, Unavailable
from steelyard.limits.counter import SOON_S, Counter
from steelyard.limits.line import Line
from steelyard.limits.rules import Rule
from steelyard.limits.share import Share, Sharing

if TYPE_CHECKING:
    from steelyard.limits.hold import Hold

__all__ = ["Concurrent", "Gate", "GateShare"]


class Gate:
    """How many calls are under way, of how many, and who waits for room. While anybody waits, nobody passes who has not
    waited: so nobody waits where there is room, but for the moment until the next one is served."""

    __slots__ = ("count", "limit", "line", "share")

    def __init__(self) -> None:
        self.count = 0
        self.limit = 0
        self.line: Line | None = None
        self.share: Share | None = None

    def obey(self, rule: Rule, share: Share | None) -> None:
        """Have it let as many pass as a rule says, and have as many wait."""
        self.limit = rule.limit
        self.share = share
        if self.line is not None:
            self.line.patience_s, self.line.most = rule.queue_s, rule.queue_calls
        elif rule.queue_s:
            self.line = Line(rule.queue_s, rule.queue_calls)

    def is_open(self, now: float) -> bool:
        """Say whether one more call can be under way."""
        share = self.share
        if share is None or share.alone:
            return self.count < self.limit
        return share.has(1, now)

    def leave(self) -> None:
        """Take note that a call is no longer under way."""
        self.count -= 1
        line = self.line
        if line is not None and line.length:
            line.first().summon(self)


class GateShare(Share):
    """What a gate shares: places for calls."""

    __slots__ = ("gate",)

    def __init__(self, sharing: Sharing, rule: str, key: str, gate: Gate, *, local: bool) -> None:
        super().__init__(sharing, rule, key, "gate", local=local)
        self.gate = gate

    def told(self) -> list[tuple[float, int]]:
        return [(0.0, self.gate.count)] if self.gate.count else []


class Concurrent(Counter):
    """Calls under way. Where some wait for room, only who has waited (`Hold.summoned`) has any."""

    __slots__ = ("gate",)

    def __init__(self, rule: Rule, name: str, gate: Gate, share: GateShare | None) -> None:
        super().__init__(rule, name, share)
        self.gate = gate
        gate.obey(rule, share)

    def has_room(self, hold: Hold) -> bool:
        gate = self.gate
        line = gate.line
        if line is not None and line.length and hold.summoned is not gate:
            return False
        return gate.is_open(hold.now)

    def take(self, hold: Hold) -> None:
        self.gate.count += 1
        if self.share is not None:
            self.share.take(1)

    def settle(self, hold: Hold, tokens: int, atto: int) -> None:
        if self.share is not None:
            self.share.give(1)
        self.gate.leave()

    def free(self, hold: Hold) -> None:
        self.settle(hold, 0, 0)

    def lacks(self, hold: Hold) -> int:
        return 1

    def is_idle(self, now: float, wall: float) -> bool:
        share, line = self.share, self.gate.line
        if line is not None and line.length:
            return False
        return self.gate.count == 0 and (share is None or share.is_idle())

    def used(self, now: float, wall: float) -> int:
        share = self.share
        return self.gate.count if share is None or share.alone else self.gate.count + share.others

    def error(self, hold: Hold) -> CallError:
        return self.without_room(SOON_S, "Await one of them.")

    def without_room(self, wait_s: float, advice: str, code: str = "rate_limit_exceeded") -> CallError:
        """Return what a call is told that has no room: 429 where its own callers have too many calls under way, 503
        where all together have."""
        told = f"{self.told} has {self.limit:,} calls under way, as many as it may. {advice}"
        if self.rule.metric == "max_calls":
            return Unavailable(told, code="busy", retry_after_s=wait_s)
        return TooMany(told, code=code, retry_after_s=wait_s)

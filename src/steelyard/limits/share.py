"""What one counter shares with those of other gateways: how much of it this gateway holds, and may spend unasked.

A lease is taken in advance. What is taken of it is told later, as a whole and not as a difference: who is told twice,
or not at all for a while, knows at most too much of it. What counts everywhere is what each gateway has told that it
took, and all of its lease beside that; so the sum of what all of them take never exceeds what was granted.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from steelyard.limits.purse import Till

__all__ = ["MICRO", "Kind", "Pulse", "Share", "Sharing"]

Kind = Literal["window", "gate", "purse"]
MICRO: Final = 10**12
"""10^-18 dollars in a micro-dollar, which is what gateways tell each other of: scripts reckon in doubles."""


class Pulse:
    """Until when leases may be spent (monotonic), and whether the place that all share can be reached."""

    __slots__ = ("lost", "until")

    def __init__(self) -> None:
        self.until = -inf
        self.lost = False


class Share:
    """One counter's part of what all gateways count. Amounts are the counter's own (calls, tokens, 10^-18 dollars);
    times are monotonic, in seconds.

    `room`: what is left of the lease. `paced`: what was ever taken of it, and `seen` of
    that until `paced_at`; `pace`: what was lately taken between two looks. `others`, `others_held`: what other gateways
    took, and what calls of theirs may take, as last told. `before`: what was counted before this process began, for a
    gateway that counts for itself (`alone`). `need`, `least`: what calls wait for, together and the smallest;
    `awaited`: some did when it was last asked for.
    `short`, `full_until`: so much, and whatever is more, is known not to be had until then; `wait_at`: when it may
    be. `restoring`: what was counted before the server was emptied is not known yet."""

    __slots__ = (
        "alone",
        "awaited",
        "before",
        "changed",
        "empty_at",
        "ends_at",
        "full_until",
        "key",
        "kind",
        "least",
        "length_s",
        "limit",
        "local",
        "need",
        "others",
        "others_held",
        "over",
        "pace",
        "paced",
        "paced_at",
        "pulse",
        "restoring",
        "room",
        "rule",
        "seen",
        "sharing",
        "short",
        "synced_at",
        "tight_until",
        "unit",
        "wait_at",
    )

    def __init__(self, sharing: Sharing, rule: str, key: str, kind: Kind, *, local: bool) -> None:
        self.sharing = sharing
        self.pulse = sharing.pulse
        self.rule = rule
        self.key = key
        self.kind: Kind = kind
        self.local = local
        self.unit = MICRO if kind == "purse" else 1
        self.limit = 0
        self.length_s = 0.0
        self.ends_at = inf
        self.room = 0
        self.paced = 0
        self.paced_at = -inf
        self.seen = 0
        self.pace = 0
        self.alone = False
        self.awaited = False
        self.changed = False
        self.over = False
        self.before = 0
        self.others = 0
        self.others_held = 0
        self.need = 0
        self.least = 0
        self.short = 0
        self.full_until = -inf
        self.empty_at = -inf
        self.tight_until = -inf
        self.synced_at = -inf
        self.wait_at = -inf
        self.restoring = False

    def has(self, amount: int, now: float) -> bool:
        """Say whether so much can be taken at once."""
        return self.room >= amount and now < self.pulse.until

    def take(self, amount: int) -> None:
        """Take of the lease."""
        self.room -= amount
        self.paced += amount
        if not self.changed:
            self.changed = True
            self.sharing.active[self.key] = self

    def give(self, amount: int) -> None:
        """Put back what was taken and is not needed: what others know still holds it, so it can be had again."""
        self.room += amount
        if not self.changed:
            self.changed = True
            self.sharing.active[self.key] = self

    def ask(self, amount: int) -> None:
        """Have so much asked for, for a call that waits."""
        self.need += amount
        self.awaited = True
        if self.least == 0 or amount < self.least:
            self.least = amount
        self.sharing.active[self.key] = self

    def is_idle(self) -> bool:
        """Say whether there is nothing to give back, and nobody waits for anything."""
        return self.room == 0 and not self.changed and not self.awaited

    def is_short(self, amount: int, now: float) -> bool:
        """Say whether so much is known not to be had."""
        return now < self.full_until and amount >= self.short

    def told(self) -> list[tuple[float, int]]:
        """Return what counts of what this gateway took: amounts, by the moment at which the last of each was taken (0
        where that does not matter)."""
        raise NotImplementedError  # abstract: each kind of share says


class Sharing:
    """All that a gateway shares, by the names that other gateways know it under. `active` is what is to be told, asked
    for, or given back. What a rule counted is kept when a configuration drops the rule: it may come again."""

    __slots__ = ("active", "pulse", "shares", "tills")

    def __init__(self) -> None:
        self.pulse = Pulse()
        self.shares: dict[str, Share] = {}
        self.active: dict[str, Share] = {}
        self.tills: dict[str, Till] = {}

    def drop(self, share: Share) -> None:
        """Forget what nobody counts any more."""
        self.shares.pop(share.key, None)
        self.active.pop(share.key, None)

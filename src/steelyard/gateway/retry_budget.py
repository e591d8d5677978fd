"""The retry budget of a route: further attempts are a part of its calls, and never a storm.

Each call pays in a part of a further attempt, and so does each second; each further attempt takes one out. What was
paid in loses its worth in ten seconds (it decays with that time constant): a quiet day does not pay for a storm.
That is Finagle's `RetryBudget` (defaults: 20 % of the calls, and 10 a second beyond; deposits expire after 10 s), with
decay in the place of slots. Envoy's `retry_budget` (20 % of the requests under way, 3 at least) and gRPC's
`retryThrottling` (gRFC A6) have the same purpose.
"""

from __future__ import annotations

from math import exp
from typing import Final, Literal

__all__ = ["LASTS_S", "Kind", "RetryBudget"]

Kind = Literal["again", "elsewhere", "hedge"]

LASTS_S: Final = 10.0


class RetryBudget:
    """What a route may still try again. `calls` is counted up by each call that begins; nothing else is done for it.

    From any moment on, in t seconds with n calls at most `balance + ratio * n + per_s * t` further attempts are
    granted, where `balance` was paid in before: at most 10 s of `per_s`, and what the last calls paid.
    """

    __slots__ = ("_at", "_balance", "_per_s", "_ratio", "calls", "granted", "refused")

    def __init__(self, ratio: float, per_s: float, now: float) -> None:
        self.calls = 0
        self.granted: dict[Kind, int] = {"again": 0, "elsewhere": 0, "hedge": 0}
        self.refused = 0
        self._at = now
        self._ratio = ratio
        self._per_s = per_s
        self._balance = per_s * LASTS_S

    def adopt(self, ratio: float, per_s: float, now: float) -> None:
        """Go on by another configuration, with what is left at most."""
        if (ratio, per_s) != (self._ratio, self._per_s):
            self.settle(now)
            grown = per_s > self._per_s
            self._ratio, self._per_s = ratio, per_s
            self._balance = max(self._balance, per_s * LASTS_S) if grown else min(self._balance, per_s * LASTS_S)

    def settle(self, now: float) -> float:
        """Return how many further attempts there is room for at `now`. Calls are taken to have come evenly since the
        last look."""
        past = now - self._at
        if past > 0.0:
            kept = exp(-past / LASTS_S)
            # The integral of what decays from each moment on, over the time that has passed.
            paid = (self._per_s + self._ratio * self.calls / past) * LASTS_S * (1.0 - kept)
            self._balance = self._balance * kept + paid
            self._at = now
        else:
            self._balance += self._ratio * self.calls
        self.calls = 0
        return self._balance

    def spend(self, now: float, kind: Kind) -> bool:
        """Take a further attempt out; say whether there was room for it."""
        if self.settle(now) < 1.0:
            self.refused += 1
            return False
        self._balance -= 1.0
        self.granted[kind] += 1
        return True

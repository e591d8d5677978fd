"""A breaker: it rests a deployment that fails again and again."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["CLOSED", "Breaker", "BreakerState"]


class BreakerState(IntEnum):
    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


CLOSED = BreakerState.CLOSED


class Breaker:
    """Rests a deployment that keeps failing (Nygard, "Release It!", circuit breaker).

    Closed: calls pass; `threshold` failures in a row open it. Open: calls are refused for `rest_s`, doubled at each
    failed probe up to `longest_rest_s`. Half-open: one call passes as a probe; its success closes, its failure opens.
    """

    __slots__ = ("_failures", "_longest_rest_s", "_probing", "_rest_s", "_threshold", "_until", "state", "troubled")

    def __init__(self, threshold: int = 5, rest_s: float = 5.0, longest_rest_s: float = 60.0) -> None:
        self._threshold = threshold
        self._rest_s = rest_s
        self._longest_rest_s = longest_rest_s
        self._failures = 0
        self._until = 0.0
        self._probing = False
        self.state = CLOSED
        self.troubled = False  # whether a success would change anything

    def allows(self, now: float) -> bool:
        """Say whether a call may pass at `now`; a probe that is allowed must be reported on, or abandoned."""
        if self.state is CLOSED:
            return True
        if self.state is BreakerState.OPEN and now >= self._until:
            self.state = BreakerState.HALF_OPEN
            self._probing = False
        if self.state is BreakerState.HALF_OPEN and not self._probing:
            self._probing = True
            return True
        return False

    def success(self) -> None:
        """Report that a call was answered."""
        self._failures = 0
        self._probing = False
        self.troubled = False
        self.state = CLOSED

    def failure(self, now: float) -> None:
        """Report that a call failed by the deployment's fault. While it rests that is one which began before, and says
        nothing new: only a failed probe makes the rest longer."""
        if self.state is BreakerState.OPEN:
            return
        self._failures += 1
        self.troubled = True
        over = self._failures - self._threshold
        if over >= 0:
            self.state = BreakerState.OPEN
            self._until = now + min(self._longest_rest_s, self._rest_s * 2.0 ** min(over, 16))
            self._probing = False

    def abandon(self) -> None:
        """Report that a call ended without telling anything of the deployment (the client left)."""
        self._probing = False

    def rest_left_s(self, now: float) -> float:
        """Return how long the deployment still rests, in seconds."""
        return max(0.0, self._until - now) if self.state is BreakerState.OPEN else 0.0

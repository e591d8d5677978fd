"""Turning new calls away while the event loop is behind, so that those under way are answered in time."""

from __future__ import annotations

from typing import Final

from steelyard.core.errors import CallError, Unavailable
from steelyard.core.priority import PRIORITIES, Priority, rank_of
from steelyard.metrics.series import label, series

__all__ = ["Shedding", "overloaded"]

_STEP: Final = 0.25
_FEWEST_LOOKS: Final = 3
_CALM: Final = 0.5
"""What part of the bearable lag is no lag: between the two, nothing changes (hysteresis)."""

_EASING: Final = 3.0
"""Into how many parts the time is divided that it takes to begin; each without lag takes a step back."""

_SOONEST_S: Final = 1.0
_SPREAD_S: Final = 4.0


class Shedding:
    """Decides which new calls are turned away, by how late the loop comes to what is due.

    As CoDel does for packets, it goes by the least lag of an interval, not by the greatest or the mean: only a loop
    that never once was in time for `after_s` has a standing queue, and one stall, however long, is none (Nichols &
    Jacobson 2012, "Controlling Queue Delay", ACM Queue 10(5); RFC 8289, 3.2). Then with each further look that is late
    a quarter more of a class is turned away: all of low before any of normal, all of normal before any of high. Of the
    highest class that calls, a quarter always comes through. It takes `after_s` / 3 without lag to take a quarter back.

    `bearable_s` 0: nothing is ever turned away. Times are of a monotonic clock, in seconds.
    """

    def __init__(self) -> None:
        self.bearable_s = 0.0
        self.after_s = 0.0
        self.pressure = 0.0
        self.shed = dict.fromkeys(PRIORITIES, 0)
        self._owed = [0.0] * len(PRIORITIES)
        self._asked = [False] * len(PRIORITIES)
        self._late_since: float | None = None
        self._late_looks = 0
        self._calm_since: float | None = None

    def look(self, lag_s: float, now: float, *, busy: bool) -> None:
        """Take note of how late the loop was just now. A loop that has no call to serve (`busy`) is not behind with
        any, whatever made it late."""
        bearable = self.bearable_s
        if bearable and lag_s > bearable and (busy or any(self._asked)):
            self._late(now)
        else:
            self._late_since = None
            self._late_looks = 0
            if self.pressure:
                self._ease(now, calm=lag_s <= bearable * _CALM or not bearable)
        self._asked = [False] * len(PRIORITIES)

    def _late(self, now: float) -> None:
        self._calm_since = None
        self._late_looks += 1
        if self._late_since is None:
            self._late_since = now
        if self.pressure or (self._late_looks >= _FEWEST_LOOKS and now - self._late_since >= self.after_s):
            self._press()

    def _press(self) -> None:
        levels = [_level(rank) for rank, asked in enumerate(self._asked) if asked]
        if not self.pressure:
            self.pressure = _STEP
        elif levels:
            self.pressure = max(self.pressure, min(self.pressure + _STEP, max(levels) + 1.0 - _STEP))

    def _ease(self, now: float, *, calm: bool) -> None:
        if not calm:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        elif now - self._calm_since >= self.after_s / _EASING:
            self._calm_since = now
            self.pressure = max(0.0, self.pressure - _STEP)

    def turns_away(self, priority: Priority) -> bool:
        """Say whether a new call is turned away: of each class evenly, as many as the pressure says."""
        rank = rank_of(priority)
        self._asked[rank] = True
        part = self.pressure - _level(rank)
        if part <= 0:
            return False
        self._owed[rank] += min(part, 1.0)
        if self._owed[rank] < 1.0:
            return False
        self._owed[rank] -= 1.0
        self.shed[priority] += 1
        return True

    def metrics(self) -> str:
        """Return lines for `/metrics`."""
        lines = [
            *series(
                "steelyard_shedding_pressure",
                "gauge",
                "Classes of priority turned away: 0 none, 1 low, 2 normal too.",
                [("", f"{self.pressure:g}")],
            ),
            *series(
                "steelyard_shed_calls_total",
                "counter",
                "Calls turned away because the event loop was behind.",
                [(label("priority", name), count) for name, count in self.shed.items()],
            ),
        ]
        return "\n".join(lines) + "\n"


def overloaded(draw: float) -> CallError:
    """Return what a call is told that is turned away. `draw`, from 0 to 1, spreads when callers come again."""
    return Unavailable(
        "The gateway is behind with the calls that it has. Try again in a few seconds.",
        code="overloaded",
        retry_after_s=_SOONEST_S + _SPREAD_S * draw,
    )


def _level(rank: int) -> int:
    """Return the pressure at which a class begins to be turned away."""
    return len(PRIORITIES) - 1 - rank

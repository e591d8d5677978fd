"""Outliers: a deployment that does far worse than the others of its route rests, though it never fails five in a row.

After Envoy's outlier detection ("Outlier detection", architecture overview: success rate and failure percentage, a
largest ejected part, rests that grow). Envoy compares many like hosts with their mean and deviation; a route has two
deployments or three, and few calls. So one is compared with all others together, by intervals: it rests when the lower
end of its failure rate's interval lies above the upper end of theirs (Wilson 1927, z = 3: it is looked at often).
"""

from __future__ import annotations

from collections import deque
from math import sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from steelyard.config.settings import OutlierSettings

__all__ = ["Outliers", "Watch", "failure_interval"]

_MOST_NOTED: Final = 256
_Z: Final = 3.0
_LEAST_BEHIND_S: Final = 0.1
"""Slower by less than this is not slow, many times as long though it may be."""
_LONGEST_TIMES: Final = 10.0
_LOOK_EVERY_S: Final = 0.25
_SORT_EVERY_S: Final = 1.0
_FEWEST_TIMES: Final = 20


class Watch:
    """How one deployment of one route does: its last 256 attempts, each with its end (monotonic seconds), whether it
    failed, and the seconds to its first byte (None: it had none)."""

    __slots__ = ("_asked_at", "_quantile", "ejections", "name", "noted", "rests_until", "times_in_a_row")

    def __init__(self, name: str) -> None:
        self.name = name
        self.noted: deque[tuple[float, bool, float | None]] = deque(maxlen=_MOST_NOTED)
        self.rests_until = 0.0
        self.ejections = 0
        self.times_in_a_row = 0
        self._asked_at = -_SORT_EVERY_S
        self._quantile: float | None = None

    def note(self, now: float, failed: bool, took_s: float | None) -> None:
        """Take note of an attempt that ended, or began to be answered."""
        self.noted.append((now, failed, took_s))

    def quantile(self, now: float, percent: float) -> float | None:
        """Return the time to the first byte below which so many percent of the last ones lie; None as long as fewer
        than 20 are known. It is found anew once a second."""
        if now - self._asked_at >= _SORT_EVERY_S:
            self._asked_at = now
            times = sorted([took for _, _, took in self.noted if took is not None])
            known = len(times) >= _FEWEST_TIMES
            self._quantile = times[min(len(times) - 1, int(len(times) * percent / 100.0))] if known else None
        return self._quantile


class Outliers:
    """The deployments of one route, held against each other."""

    __slots__ = ("_looked_at", "_most", "settings", "watches")

    def __init__(self, settings: OutlierSettings | None, count: int) -> None:
        """`settings` None: nobody rests, and what is noted is for others. `count` is how many deployments there are."""
        self.watches: dict[str, Watch] = {}
        self._looked_at: dict[str, float] = {}
        self.settings: OutlierSettings | None = None
        self._most = 0
        self.adopt(settings, count)

    def adopt(self, settings: OutlierSettings | None, count: int) -> None:
        """Go on by another configuration."""
        self.settings = settings
        self._most = 0
        if settings is not None and settings.max_ejected > 0.0:
            self._most = min(count - 1, max(1, int(settings.max_ejected * count)))

    def watch(self, name: str) -> Watch:
        """Return what is noted of a deployment."""
        found = self.watches.get(name)
        if found is None:
            found = self.watches[name] = Watch(name)
        return found

    def resting(self, now: float) -> list[str]:
        """Return who rests."""
        return [name for name, one in self.watches.items() if one.rests_until > now]

    def look(self, watch: Watch, now: float) -> str | None:
        """Have a deployment rest, if it does far worse than the others; return what was found then. It is looked at
        four times a second at most."""
        settings = self.settings
        if settings is None or now - self._looked_at.get(watch.name, -_LOOK_EVERY_S) < _LOOK_EVERY_S:
            return None
        self._looked_at[watch.name] = now
        if watch.rests_until > now or len(self.resting(now)) >= self._most:
            return None
        found = self._found(watch, settings, now)
        if found is not None:
            self._eject(watch, settings, now)
        return found

    def _found(self, watch: Watch, settings: OutlierSettings, now: float) -> str | None:
        since = now - settings.window_s
        own = [one for one in watch.noted if one[0] >= since]
        rest: list[tuple[float, bool, float | None]] = []
        for other in self.watches.values():
            if other is not watch and other.rests_until <= now:
                rest += [one for one in other.noted if one[0] >= since]
        if min(len(own), len(rest)) < settings.min_calls:
            return None
        failed, failed_elsewhere = sum([one[1] for one in own]), sum([one[1] for one in rest])
        if failure_interval(failed, len(own))[0] > failure_interval(failed_elsewhere, len(rest))[1]:
            return f"{failed} of its {len(own)} calls failed, and {failed_elsewhere} of the others' {len(rest)}"
        return _slower(own, rest, settings)

    def _eject(self, watch: Watch, settings: OutlierSettings, now: float) -> None:
        longest = settings.rest_s * _LONGEST_TIMES
        if now - watch.rests_until > longest:
            watch.times_in_a_row = 0
        rest = min(longest, settings.rest_s * 2.0 ** min(watch.times_in_a_row, 16))
        watch.times_in_a_row += 1
        watch.ejections += 1
        watch.rests_until = now + rest
        watch.noted.clear()  # it begins anew when it comes back


def _slower(
    own: list[tuple[float, bool, float | None]],
    rest: list[tuple[float, bool, float | None]],
    settings: OutlierSettings,
) -> str | None:
    times, others = _times(own), _times(rest)
    if min(len(times), len(others)) < settings.min_calls:
        return None
    median, usual = times[len(times) // 2], others[len(others) // 2]
    if median > usual * settings.latency_factor and median - usual > _LEAST_BEHIND_S:
        return f"it takes {median:.2g} s to begin an answer, and the others {usual:.2g} s (medians)"
    return None


def _times(noted: list[tuple[float, bool, float | None]]) -> list[float]:
    return sorted([took for _, _, took in noted if took is not None])


def failure_interval(failed: int, calls: int) -> tuple[float, float]:
    """Return both ends of the failure rate's interval: Wilson's score interval (E. B. Wilson 1927, "Probable
    inference, the law of succession, and statistical inference"), with z = 3."""
    part = failed / calls
    square = _Z * _Z
    centre = part + square / (2.0 * calls)
    half = _Z * sqrt(part * (1.0 - part) / calls + square / (4.0 * calls * calls))
    scale = 1.0 + square / calls
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)

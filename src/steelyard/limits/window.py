"""A sliding window over what was counted, in sixty parts.

The exact way keeps a log of every event (the "sliding window log"); two counters that are weighted assume that events
are spread evenly over the last window, and let more pass where they are not ("sliding window counter", as Cloudflare
has it). This is the log with its times rounded down to a sixtieth of the window, where an event counts until the whole
of its sixtieth has left: nothing is ever forgotten too early, and what is kept too long is kept a sixtieth of the
window at most. So never more than the limit is admitted in any window of its length, and never less than a window of
61/60 of that length would admit. It takes 61 numbers at most, and as many as there were sixtieths with an event.
"""

from typing import Final

__all__ = ["PARTS", "Window"]

PARTS: Final = 60
_NEVER: Final = -(1 << 60)


class Window:
    """What was counted in the last `length_s` seconds. Times never go back: whoever calls sees to that."""

    __slots__ = ("_before", "_newest", "_now", "_tick", "_total", "length_s", "width_s")

    def __init__(self, length_s: float) -> None:
        self.length_s = length_s
        self.width_s = length_s / PARTS
        # The newest sixtieth with an event stands apart: it is the one that is changed, call after call.
        self._newest = _NEVER
        self._now = 0
        self._before: dict[int, int] = {}  # by sixtieth, in their order
        self._tick = -1
        self._total = 0

    def used(self, now: float) -> int:
        """Return what counts at `now`."""
        tick = int(now / self.width_s)
        if tick != self._tick:
            self._forget(tick)
        return self._total

    def add(self, now: float, amount: int) -> None:
        """Count an amount at `now`."""
        tick = int(now / self.width_s)
        if tick != self._tick:
            self._forget(tick)
        if tick != self._newest:
            if self._newest != _NEVER:
                self._before[self._newest] = self._now
            self._newest = tick
            self._now = self._before.pop(tick, 0)
        self._now += amount
        self._total += amount

    def change(self, then: float, amount: int) -> bool:
        """Correct what was counted at `then`; nothing, where that counts no longer. Return whether it does."""
        tick = int(then / self.width_s)
        if tick == self._newest:
            self._now += amount
        elif tick in self._before:
            self._before[tick] += amount
        else:
            return False
        self._total += amount
        return True

    def parts(self) -> list[tuple[float, int]]:
        """Return what was counted, by the end of the sixtieth in which it was."""
        return [((tick + 1) * self.width_s, amount) for tick, amount in self._counts()]

    def wait_s(self, now: float, most: int) -> float:
        """Return in how many seconds no more than `most` will count, if nothing else is counted."""
        left = self.used(now)
        if left <= most:
            return 0.0
        for tick, amount in self._counts():
            left -= amount
            if left <= most:
                return (tick + PARTS + 1) * self.width_s - now
        return (self._tick + PARTS + 1) * self.width_s - now

    def empty_in_s(self, now: float) -> float:
        """Return in how many seconds nothing will count, if nothing else is counted."""
        if not self.used(now):
            return 0.0
        return (self._newest + PARTS + 1) * self.width_s - now

    def _counts(self) -> list[tuple[int, int]]:
        found = list(self._before.items())
        if self._newest != _NEVER:
            found.append((self._newest, self._now))
        return found

    def _forget(self, tick: int) -> None:
        """Move on to a sixtieth; drop those that lie wholly outside of the window before it."""
        self._tick = tick
        before = self._before
        last = tick - PARTS - 1
        while before:
            first = next(iter(before))
            if first > last:
                return
            self._total -= before.pop(first)
        if self._newest <= last:
            self._total -= self._now
            self._newest = _NEVER
            self._now = 0

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


class Window:
    """What was counted in the last `length_s` seconds. Times never go back: whoever calls sees to that."""

    __slots__ = ("_counts", "_newest", "_tick", "_total", "length_s", "width_s")

    def __init__(self, length_s: float) -> None:
        self.length_s = length_s
        self.width_s = length_s / PARTS
        self._counts: dict[int, int] = {}  # by sixtieth, in their order
        self._newest = -1
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
        self._newest = tick
        self._counts[tick] = self._counts.get(tick, 0) + amount
        self._total += amount

    def change(self, then: float, amount: int) -> bool:
        """Correct what was counted at `then`; nothing, where that counts no longer. Return whether it does."""
        tick = int(then / self.width_s)
        if tick not in self._counts:
            return False
        self._counts[tick] += amount
        self._total += amount
        return True

    def parts(self) -> list[tuple[float, int]]:
        """Return what was counted, by the end of the sixtieth in which it was."""
        return [((tick + 1) * self.width_s, amount) for tick, amount in self._counts.items()]

    def wait_s(self, now: float, most: int) -> float:
        """Return in how many seconds no more than `most` will count, if nothing else is counted."""
        left = self.used(now)
        if left <= most:
            return 0.0
        for tick, amount in self._counts.items():
            left -= amount
            if left <= most:
                return (tick + PARTS + 1) * self.width_s - now
        return (self._tick + PARTS + 1) * self.width_s - now

    def empty_in_s(self, now: float) -> float:
        """Return in how many seconds nothing will count, if nothing else is counted."""
        if not self.used(now):
            return 0.0
        return (self._newest + PARTS + 1) * self.width_s - now

    def _forget(self, tick: int) -> None:
        """Move on to a sixtieth; drop those that lie wholly outside of the window before it."""
        self._tick = tick
        counts = self._counts
        last = tick - PARTS - 1
        while counts:
            first = next(iter(counts))
            if first > last:
                break
            self._total -= counts.pop(first)

"""What is counted in a window that slides: calls, and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, TooMany
from steelyard.limits.counter import Counter, seconds, unbounded, words
from steelyard.limits.rules import Rule
from steelyard.limits.share import Share, Sharing
from steelyard.limits.window import Window

if TYPE_CHECKING:
    from steelyard.limits.hold import Hold

__all__ = ["Requests", "Tokens", "WindowShare", "Windowed"]


class WindowShare(Share):
    """What a window shares. `earlier` is what was counted before this process began."""

    __slots__ = ("earlier", "window")

    def __init__(self, sharing: Sharing, rule: str, key: str, window: Window, *, local: bool) -> None:
        super().__init__(sharing, rule, key, "window", local=local)
        self.window = window
        self.earlier: Window | None = None
        self.length_s = window.length_s

    def told(self) -> list[tuple[float, int]]:
        return self.window.parts()


class Windowed(Counter):
    """What counts in a window: the most that a call may take of it from its admission on, and then what it took.
    `caption` is for whoever tells clients of it, to be kept here: the part of that which is always the same."""

    __slots__ = ("caption", "lent", "window")

    def __init__(self, rule: Rule, name: str, window: Window, share: WindowShare | None) -> None:
        super().__init__(rule, name, share)
        self.window = window
        self.lent = share
        self.caption = b""

    def put_back(self, now: float, wall: float, amount: int) -> None:
        lent = self.lent
        if lent is None:
            self.window.add(now, amount)
            return
        if lent.earlier is None:
            lent.earlier = Window(self.window.length_s)
        lent.earlier.add(now, amount)

    def is_idle(self, now: float, wall: float) -> bool:
        lent = self.lent
        return self.window.used(now) == 0 and (lent is None or lent.is_idle())

    def used(self, now: float, wall: float) -> int:
        lent = self.lent
        used = self.window.used(now)
        if lent is None:
            return used
        if not lent.alone:
            return used + lent.others
        return used if lent.earlier is None else used + lent.earlier.used(now)

    def resets_s(self, now: float, wall: float) -> float | None:
        return self.empty_in_s(now)

    def left(self, now: float) -> int:
        """Return what may still be taken."""
        return max(0, self.limit - self.used(now, 0.0))

    def empty_in_s(self, now: float) -> float:
        """Return in how many seconds nothing is counted any more, if nothing else comes."""
        lent = self.lent
        own = self.window.empty_in_s(now)
        return own if lent is None else max(own, lent.empty_at - now)

    def wait_s(self, now: float, most: int) -> float:
        """Return in how many seconds no more than `most` counts, as far as this gateway knows."""
        lent = self.lent
        if lent is None or lent.alone:
            return self.window.wait_s(now, most)
        return max(1.0, lent.wait_at - now)


class Requests(Windowed):
    """Calls in a window. One counts from its admission, whatever becomes of it."""

    __slots__ = ()

    def has_room(self, hold: Hold) -> bool:
        lent = self.lent
        if lent is None:
            return self.window.used(hold.now) < self.limit
        return self.used(hold.now, 0.0) < self.limit if lent.alone else lent.has(1, hold.now)

    def take(self, hold: Hold) -> None:
        self.window.add(hold.now, 1)
        if self.lent is not None:
            self.lent.take(1)

    def free(self, hold: Hold) -> None:
        counted = self.window.change(hold.now, -1)
        if counted and self.lent is not None:
            self.lent.give(1)

    def lacks(self, hold: Hold) -> int:
        return 1

    def error(self, hold: Hold) -> CallError:
        wait = self.wait_s(hold.now, self.limit - 1)
        return TooMany(
            f"{self.told} has had its {self.limit:,} {words(self.rule)}. Try again in {seconds(wait)}.",
            retry_after_s=wait,
        )


class Tokens(Windowed):
    """Tokens in a window, input and output together. They count where their call was admitted: what it may take at
    most until it is over, and then what it took."""

    __slots__ = ("_last_call",)

    def __init__(self, rule: Rule, name: str, window: Window, share: WindowShare | None) -> None:
        super().__init__(rule, name, window, share)
        self._last_call = rule.last_call

    def has_room(self, hold: Hold) -> bool:
        tokens, lent = hold.tokens, self.lent
        if tokens == 0 and (self._last_call or lent is not None):
            return True
        if lent is not None and not lent.alone:
            return lent.has(1 if self._last_call else tokens, hold.now) and (tokens > 0 or self._last_call)
        used = self.window.used(hold.now) if lent is None else self.used(hold.now, 0.0)
        if self._last_call:
            return used < self.limit
        return tokens >= 0 and used + tokens <= self.limit

    def take(self, hold: Hold) -> None:
        tokens = hold.tokens if hold.tokens >= 0 else self.limit
        self.window.add(hold.now, tokens)
        if self.lent is not None and tokens:
            self.lent.take(tokens)

    def settle(self, hold: Hold, tokens: int, atto: int) -> None:
        more = tokens - (hold.tokens if hold.tokens >= 0 else self.limit)
        counted = self.window.change(hold.now, more)
        if counted and more and self.lent is not None:
            self.lent.give(-more)

    def free(self, hold: Hold) -> None:
        self.settle(hold, 0, 0)

    def lacks(self, hold: Hold) -> int:
        if self._last_call:
            return 1
        return hold.tokens if 0 <= hold.tokens <= self.limit else 0

    def error(self, hold: Hold) -> CallError:
        tokens = hold.tokens
        if tokens < 0 and not self._last_call:
            return unbounded(self)
        if tokens > self.limit and not self._last_call:
            error = TooMany(
                f"The call may take {tokens:,} tokens, and {self.amid} has {self.limit:,} {words(self.rule)}. "
                "Send a smaller max_tokens, or less input.",
            )
            error.should_retry = False
            return error
        wait = self.wait_s(hold.now, self.limit - (1 if self._last_call else tokens))
        return TooMany(
            f"{self.told} has {self.left(hold.now):,} left of its {self.limit:,} {words(self.rule)}, and the call may "
            f"take {tokens:,}. Try again in {seconds(wait)}."
            if tokens >= 0
            else f"{self.told} has had its {self.limit:,} {words(self.rule)}. Try again in {seconds(wait)}.",
            retry_after_s=wait,
        )

"""What is counted for one subject of one rule, and what one call holds of it until it is known what it took."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, inf

from steelyard.core.errors import BadRequest, BudgetExceeded, CallError, TooMany
from steelyard.limits.period import Per, period_of
from steelyard.limits.rules import Rule, usd_of
from steelyard.limits.window import Window

__all__ = ["Concurrent", "Counter", "Hold", "InputBytes", "Purse", "Requests", "Spell", "Till", "Tokens"]

_LONGEST_NAME = 80
_SOON_S = 1.0


class Hold:
    """One call, as limits see it. `now` is monotonic, `wall` since the epoch, in seconds. `tokens` and `atto` are what
    it may take at most, -1 where that is not known; `priced`: whoever may answer has a known price.

    `take` has all counters take the call, or none of them. Then `settle` or `free` is called, once."""

    __slots__ = ("atto", "counters", "now", "open", "output", "priced", "size", "spells", "tokens", "wall")

    def __init__(self, now: float, wall: float, size: int) -> None:
        self.now = now
        self.wall = wall
        self.size = size
        self.tokens = 0
        self.output = 0
        self.atto = 0
        self.priced = True
        self.counters: tuple[Counter, ...] = ()
        self.spells: list[Spell] = []
        self.open = False

    def take(self, counters: tuple[Counter, ...]) -> Counter | None:
        """Have all counters take the call, and return None; or none of them, and return one that has no room."""
        for one in counters:
            if not one.has_room(self):
                return one
        for one in counters:
            one.take(self)
        self.counters = counters
        self.open = True
        return None

    def settle(self, tokens: int, atto: int) -> None:
        """Count what the call has taken in the place of what it might have."""
        if self.open:
            self.open = False
            for one in self.counters:
                one.settle(self, tokens, atto)

    def free(self) -> None:
        """Count nothing: the call was not made."""
        if self.open:
            self.open = False
            for one in self.counters:
                one.free(self)


class Counter:
    """What is counted for one subject of one rule. The subject's name is shown to its callers."""

    __slots__ = ("limit", "name", "rule")

    def __init__(self, rule: Rule, name: str) -> None:
        self.rule = rule
        self.name = name
        self.limit = rule.limit

    @property
    def subject(self) -> str:
        """Whom it is about, for people."""
        kind = self.rule.scope.kind
        return f"{kind}:{self.name[:_LONGEST_NAME]}" if kind != "all" else kind

    @property
    def told(self) -> str:
        """The same, as the subject of a sentence."""
        return "This gateway" if self.rule.scope.kind == "all" else self.subject

    def has_room(self, hold: Hold) -> bool:
        """Say whether a call may pass."""
        raise NotImplementedError

    def take(self, hold: Hold) -> None:
        """Count what a call may take at most."""

    def settle(self, hold: Hold, tokens: int, atto: int) -> None:
        """Count what a call has taken, and no longer what it might have."""

    def free(self, hold: Hold) -> None:
        """Count nothing of a call."""

    def put_back(self, now: float, wall: float, amount: int) -> None:
        """Count what was taken before this process began."""

    def is_idle(self, now: float, wall: float) -> bool:
        """Say whether nothing is counted, so that the counter can be forgotten."""
        return True

    def used(self, now: float, wall: float) -> int:
        """Return what is counted for calls that are over, and for those under way where these are not set apart."""
        return 0

    def reserved(self) -> int:
        """Return what calls under way may take, where that is set apart."""
        return 0

    def resets_s(self, now: float, wall: float) -> float | None:
        """Return in how many seconds nothing is counted any more, if nothing else comes; None where that does not
        depend on time."""
        return None

    def error(self, hold: Hold) -> CallError:
        """Return what a call is told that has no room."""
        raise NotImplementedError


class Requests(Counter):
    """Calls in a window. One counts from its admission, whatever becomes of it."""

    __slots__ = ("window",)

    def __init__(self, rule: Rule, name: str, window: Window) -> None:
        super().__init__(rule, name)
        self.window = window

    def has_room(self, hold: Hold) -> bool:
        return self.window.used(hold.now) < self.limit

    def take(self, hold: Hold) -> None:
        self.window.add(hold.now, 1)

    def free(self, hold: Hold) -> None:
        self.window.change(hold.now, -1)

    def put_back(self, now: float, wall: float, amount: int) -> None:
        self.window.add(now, amount)

    def is_idle(self, now: float, wall: float) -> bool:
        return self.window.used(now) == 0

    def used(self, now: float, wall: float) -> int:
        return self.window.used(now)

    def resets_s(self, now: float, wall: float) -> float | None:
        return self.window.empty_in_s(now)

    def error(self, hold: Hold) -> CallError:
        wait = self.window.wait_s(hold.now, self.limit - 1)
        return TooMany(
            f"{self.told} has had its {self.limit:,} {_words(self.rule)}. Try again in {_seconds(wait)}.",
            retry_after_s=wait,
        )


class Tokens(Counter):
    """Tokens in a window, input and output together. They count where their call was admitted: what it may take at
    most until it is over, and then what it took."""

    __slots__ = ("_last_call", "window")

    def __init__(self, rule: Rule, name: str, window: Window) -> None:
        super().__init__(rule, name)
        self.window = window
        self._last_call = rule.last_call

    def has_room(self, hold: Hold) -> bool:
        used = self.window.used(hold.now)
        tokens = hold.tokens
        if self._last_call:
            return used < self.limit or tokens == 0
        return tokens >= 0 and used + tokens <= self.limit

    def take(self, hold: Hold) -> None:
        tokens = hold.tokens
        self.window.add(hold.now, tokens if tokens >= 0 else self.limit)

    def settle(self, hold: Hold, tokens: int, atto: int) -> None:
        taken = hold.tokens
        self.window.change(hold.now, tokens - (taken if taken >= 0 else self.limit))

    def free(self, hold: Hold) -> None:
        self.settle(hold, 0, 0)

    def put_back(self, now: float, wall: float, amount: int) -> None:
        self.window.add(now, amount)

    def is_idle(self, now: float, wall: float) -> bool:
        return self.window.used(now) == 0

    def used(self, now: float, wall: float) -> int:
        return self.window.used(now)

    def resets_s(self, now: float, wall: float) -> float | None:
        return self.window.empty_in_s(now)

    def error(self, hold: Hold) -> CallError:
        tokens = hold.tokens
        if tokens < 0 and not self._last_call:
            return _unbounded(self)
        if tokens > self.limit and not self._last_call:
            error = TooMany(
                f"The call may take {tokens:,} tokens, and {self.told} has {self.limit:,} {_words(self.rule)}. "
                "Send a smaller max_tokens, or less input.",
            )
            error.should_retry = False
            return error
        wait = self.window.wait_s(hold.now, self.limit - (1 if self._last_call else tokens))
        left = max(0, self.limit - self.window.used(hold.now))
        return TooMany(
            f"{self.told} has {left:,} left of its {self.limit:,} {_words(self.rule)}, and the call may take "
            f"{tokens:,}. Try again in {_seconds(wait)}."
            if tokens >= 0
            else f"{self.told} has had its {self.limit:,} {_words(self.rule)}. Try again in {_seconds(wait)}.",
            retry_after_s=wait,
        )


class Gate:
    """How many calls are under way."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Concurrent(Counter):
    """Calls under way."""

    __slots__ = ("gate",)

    def __init__(self, rule: Rule, name: str, gate: Gate) -> None:
        super().__init__(rule, name)
        self.gate = gate

    def has_room(self, hold: Hold) -> bool:
        return self.gate.count < self.limit

    def take(self, hold: Hold) -> None:
        self.gate.count += 1

    def settle(self, hold: Hold, tokens: int, atto: int) -> None:
        self.gate.count -= 1

    def free(self, hold: Hold) -> None:
        self.gate.count -= 1

    def is_idle(self, now: float, wall: float) -> bool:
        return self.gate.count == 0

    def used(self, now: float, wall: float) -> int:
        return self.gate.count

    def error(self, hold: Hold) -> CallError:
        return TooMany(
            f"{self.told} has {self.limit:,} calls under way, as many as it may. Await one of them.",
            retry_after_s=_SOON_S,
        )


class InputBytes(Counter):
    """The size of a call's body."""

    __slots__ = ()

    def has_room(self, hold: Hold) -> bool:
        return hold.size <= self.limit

    def error(self, hold: Hold) -> CallError:
        error = TooMany(
            f"The body has {hold.size:,} bytes, and {self.told} may send {self.limit:,}. Send less.",
            code="input_too_large",
        )
        error.should_retry = False
        return error


class Spell:
    """One period of a budget: what was spent in it, and what calls may still spend that were admitted in it. A period
    that is over keeps taking what its calls cost, and nobody asks it any more."""

    __slots__ = ("end", "reserved", "start", "told", "used")

    def __init__(self, start: float, end: float) -> None:
        self.start = start
        self.end = end
        self.used = 0
        self.reserved = 0
        self.told = 0


class Till:
    """What is spent of a budget, period after period. A clock that went back is not followed: the later period goes
    on, so that none is had twice."""

    __slots__ = ("_per", "spell")

    def __init__(self, per: Per) -> None:
        self._per: Per = per
        self.spell = Spell(-inf, -inf)

    def at(self, wall: float) -> Spell:
        """Return the present period."""
        spell = self.spell
        if wall >= spell.end:
            start, end = period_of(self._per, wall)
            spell = self.spell = Spell(start, end)
        return spell


class Purse(Counter):
    """A budget. Amounts are 10^-18 dollars. `tell` is told when a part of `warn_at` is reached."""

    __slots__ = ("_last_call", "_tell", "_unpriced", "_warn_at", "till")

    def __init__(self, rule: Rule, name: str, till: Till, tell: Callable[[str], None]) -> None:
        super().__init__(rule, name)
        self.till = till
        self._last_call = rule.last_call
        self._unpriced = rule.unpriced
        self._warn_at = tuple(ceil(part * rule.limit) for part in rule.warn_at)
        self._tell = tell

    def has_room(self, hold: Hold) -> bool:
        if not hold.priced and not self._unpriced:
            return False
        spell = self.till.at(hold.wall)
        atto = hold.atto
        if self._last_call:
            return spell.used + spell.reserved < self.limit or atto == 0
        return atto >= 0 and spell.used + spell.reserved + atto <= self.limit

    def take(self, hold: Hold) -> None:
        spell = self.till.at(hold.wall)
        spell.reserved += hold.atto if hold.atto >= 0 else self.limit
        hold.spells.append(spell)

    def settle(self, hold: Hold, tokens: int, atto: int) -> None:
        spell = hold.spells.pop(0)  # that of this counter: all take and settle in the same order
        spell.reserved -= hold.atto if hold.atto >= 0 else self.limit
        spell.used += atto
        if spell.told < len(self._warn_at) and spell.used >= self._warn_at[spell.told]:
            self._warn(spell)

    def free(self, hold: Hold) -> None:
        self.settle(hold, 0, 0)

    def _warn(self, spell: Spell) -> None:
        while spell.told < len(self._warn_at) and spell.used >= self._warn_at[spell.told]:
            spell.told += 1
        part = self.rule.warn_at[spell.told - 1]
        self._tell(
            f"{self.told} has spent {usd_of(spell.used)} of its {usd_of(self.limit)} USD {_words(self.rule)}: "
            f"{part:.0%} is reached."
        )

    def put_back(self, now: float, wall: float, amount: int) -> None:
        spell = self.till.at(wall)
        spell.used += amount
        while spell.told < len(self._warn_at) and spell.used >= self._warn_at[spell.told]:
            spell.told += 1  # it was told when it was spent

    def is_idle(self, now: float, wall: float) -> bool:
        spell = self.till.at(wall)
        return spell.used == 0 and spell.reserved == 0

    def used(self, now: float, wall: float) -> int:
        return self.till.at(wall).used

    def reserved(self) -> int:
        return self.till.spell.reserved

    def resets_s(self, now: float, wall: float) -> float | None:
        end = self.till.at(wall).end
        return end - wall if end < inf else None

    def error(self, hold: Hold) -> CallError:
        if not hold.priced and not self._unpriced:
            error: CallError = BudgetExceeded(
                f"What the call costs is not known, and {self.told} has a budget. Ask a model with a price; or add "
                '[deployments."PROVIDER/MODEL"] price, or unknown_price = "allow" to the budget.',
                code="price_unknown",
            )
            error.should_retry = False
            return error
        if hold.atto < 0 and not self._last_call:
            return _unbounded(self)
        spell = self.till.at(hold.wall)
        told = (
            f"{self.told} has spent {usd_of(spell.used)} of its {usd_of(self.limit)} USD {_words(self.rule)}, and "
            f"calls under way may cost {usd_of(spell.reserved)} more."
        )
        may = f" This one may cost {usd_of(hold.atto)}." if hold.atto >= 0 and not self._last_call else ""
        error = BudgetExceeded(f"{told}{may} {self._advice(hold, spell)}")
        # It may pass once calls under way are over, which cost less than they might have.
        alone = spell.used < self.limit if self._last_call else spell.used + hold.atto <= self.limit
        error.should_retry = alone
        if alone:
            error.retry_after_s = _SOON_S
        return error

    def _advice(self, hold: Hold, spell: Spell) -> str:
        advice = "Send a smaller max_tokens" if spell.used < self.limit else "Raise the budget"
        return f"{advice}, or wait for the next {self.rule.per}." if spell.end < inf else f"{advice}."


def _words(rule: Rule) -> str:
    """Name what a rule counts: `tokens per minute`, `per month`, `in all`."""
    text = rule.metric.replace("_", " ")
    return text.replace("usd per", "per").replace("usd total", "in all") if rule.per is not None else text


def _seconds(seconds: float) -> str:
    return f"{max(1, ceil(seconds)):,} s"


def _unbounded(counter: Counter) -> CallError:
    return BadRequest(
        f"Nothing says how many tokens the call may take, and {counter.told} has a limit. Send max_tokens; "
        'or add to [deployments."PROVIDER/MODEL"] most_output, and context where calls hold more than text.',
        code="max_tokens_required",
        param="max_tokens",
    )

"""What is spent of a budget, period after period."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from math import ceil, inf
from typing import TYPE_CHECKING, Final

from steelyard.core.errors import BudgetExceeded, CallError
from steelyard.limits.counter import SOON_S, Counter, unbounded, words
from steelyard.limits.period import Per, period_of
from steelyard.limits.rules import Rule, usd_of
from steelyard.limits.share import MICRO, Share, Sharing

if TYPE_CHECKING:
    from steelyard.limits.hold import Hold

__all__ = ["Purse", "Spell", "SpellShare", "Till"]

_KEPT: Final = 8
"""A process that retires keeps an eighth of what is left for calls that it is still to admit."""


class Spell:
    """One period of a budget: what was spent in it, and what calls may still spend that were admitted in it. A period
    that is over keeps taking what its calls cost, and nobody asks it any more. `most`: so much may be spent of it by
    this process, whatever the limit; `spare`: what of that is for calls that are still to come. None, and 0, but in a
    process that retires."""

    __slots__ = ("end", "most", "reserved", "share", "spare", "start", "told", "used")

    def __init__(self, start: float, end: float) -> None:
        self.start = start
        self.end = end
        self.used = 0
        self.reserved = 0
        self.told = 0
        self.most: int | None = None
        self.spare = 0
        self.share: SpellShare | None = None

    def known(self) -> int:
        """Return what was spent, as far as this gateway knows, by all."""
        share = self.share
        if share is None:
            return self.used
        return self.used + (share.before if share.alone and share.before > share.others else share.others)

    def may_be(self) -> int:
        """Return what calls under way may spend, as far as this gateway knows."""
        share = self.share
        return self.reserved if share is None else self.reserved + share.others_held


class SpellShare(Share):
    """What one period of a budget shares."""

    __slots__ = ("spell",)

    def __init__(self, sharing: Sharing, rule: str, key: str, spell: Spell, *, local: bool) -> None:
        super().__init__(sharing, rule, key, "purse", local=local)
        self.spell = spell
        self.ends_at = spell.end

    def told(self) -> list[tuple[float, int]]:
        """Return what was spent, and what may be, in whole micro-dollars, rounded up."""
        spell = self.spell
        return [(0.0, -(-spell.used // MICRO)), (1.0, -(-spell.reserved // MICRO))]


class Till:
    """What is spent of a budget, period after period. A clock that went back is not followed: the later period goes
    on, so that none is had twice. `opened` is told of each period that begins. Where it is `closed`, another process
    has what later periods bring. `teller`: who tells of it, the budget as the latest configuration has it."""

    __slots__ = ("_per", "closed", "opened", "spell", "teller")

    def __init__(self, per: Per) -> None:
        self._per: Per = per
        self.closed = False
        self.spell = Spell(-inf, -inf)
        self.opened: Callable[[Spell], None] | None = None
        self.teller: Purse | None = None

    def at(self, wall: float) -> Spell:
        """Return the present period."""
        spell = self.spell
        if wall >= spell.end:
            start, end = period_of(self._per, wall)
            if spell.share is not None:
                spell.share.over = True
            spell = self.spell = Spell(start, end)
            if self.closed:
                spell.most = 0
            if self.opened is not None:
                self.opened(spell)
        return spell


class Purse(Counter):
    """A budget. Amounts are 10^-18 dollars. `tell` is told when a part of `warn_at` is reached."""

    __slots__ = ("_last_call", "_tell", "_unpriced", "_warn_at", "till")

    def __init__(self, rule: Rule, name: str, till: Till, tell: Callable[[str], None]) -> None:
        super().__init__(rule, name, till.spell.share)
        self.till = till
        self._last_call = rule.last_call
        self._unpriced = rule.unpriced
        self._warn_at = tuple(ceil(part * rule.limit) for part in rule.warn_at)
        self._tell = tell
        till.teller = self
        spell = till.spell  # of a budget that was raised, a part that was told of may be still to come
        spell.told = min(spell.told, bisect_right(self._warn_at, spell.known()))

    def has_room(self, hold: Hold) -> bool:
        if not hold.priced and not self._unpriced:
            return False
        spell = self.till.at(hold.wall)
        atto = hold.atto
        share = spell.share
        if share is not None and not share.alone:
            return atto == 0 or (share.has(1 if self._last_call else atto, hold.now) and (atto > 0 or self._last_call))
        taken = spell.used + spell.reserved if share is None else spell.known() + spell.reserved
        limit = self.limit
        if spell.most is not None and spell.most < limit:
            limit = spell.most
        if self._last_call:
            return taken < limit or atto == 0
        return atto >= 0 and taken + atto <= limit

    def take(self, hold: Hold) -> None:
        spell = self.till.at(hold.wall)
        atto = hold.atto if hold.atto >= 0 else self.limit
        spell.reserved += atto
        hold.spells.append(spell)
        if spell.share is not None and atto:
            spell.share.take(atto)

    def settle(self, hold: Hold, tokens: int, atto: int) -> None:
        spell = hold.spells.pop(0)  # that of this counter: all take and settle in the same order
        reserved = hold.atto if hold.atto >= 0 else self.limit
        spell.reserved -= reserved
        spell.used += atto
        if spell.share is not None and (reserved or atto):
            spell.share.give(reserved - atto)
        if spell.told < len(self._warn_at) and spell.known() >= self._warn_at[spell.told]:
            self.warn(spell)

    def free(self, hold: Hold) -> None:
        self.settle(hold, 0, 0)

    def warn(self, spell: Spell) -> None:
        """Tell of the part of the budget that is spent, where it is one to be told of, and has not been."""
        teller = self.till.teller
        if teller is not None and teller is not self:
            teller.warn(spell)  # a call of the configuration before
            return
        before = spell.told
        while spell.told < len(self._warn_at) and spell.known() >= self._warn_at[spell.told]:
            spell.told += 1
        if spell.told == before:
            return
        part = self.rule.warn_at[spell.told - 1]
        self._tell(
            f"{self.told} has spent {usd_of(spell.known())} of its {usd_of(self.limit)} USD {words(self.rule)}: "
            f"{part:.0%} is reached."
        )

    def close(self, wall: float) -> None:
        """Leave what is left to another process, but for a part."""
        till = self.till
        if not till.closed:
            till.closed = True
            spell = till.at(wall)
            taken = spell.used + spell.reserved
            spell.spare = max(0, self.limit - taken) // _KEPT
            spell.most = taken + spell.spare

    def left(self, wall: float, *, ended: bool) -> tuple[float, int, int]:
        """Return of a budget that was closed when its period began, what was spent, and what this process may still
        spend, no more than which it does from now on. `ended`: no call will come any more."""
        spell = self.till.at(wall)
        if ended:
            spell.spare = 0
        taken = spell.used + spell.reserved
        most = taken + spell.spare
        if spell.most is None or most < spell.most:
            spell.most = most
        return spell.start, spell.used, max(spell.most, taken) - spell.used

    def inherit(self, used: int, held: int, wall: float) -> None:
        """Count what another process has spent, and may still spend, beyond what it has told before."""
        spell = self.till.at(wall)
        spell.used += used
        spell.reserved += held
        self.put_back(0.0, wall, 0)  # what was warned of already need not be again

    def put_back(self, now: float, wall: float, amount: int) -> None:
        spell = self.till.at(wall)
        if spell.share is None:
            spell.used += amount
        else:
            spell.share.before += amount
        known = spell.used if spell.share is None else spell.used + max(spell.share.before, spell.share.others)
        while spell.told < len(self._warn_at) and known >= self._warn_at[spell.told]:
            spell.told += 1  # it was told when it was spent

    def lacks(self, hold: Hold) -> int:
        if not hold.priced and not self._unpriced:
            return 0
        if self._last_call:
            return 1
        return hold.atto if 0 <= hold.atto <= self.limit else 0

    def lease(self, hold: Hold) -> Share | None:
        share = self.till.at(hold.wall).share
        return share if share is not None and not share.alone else None

    def is_idle(self, now: float, wall: float) -> bool:
        spell = self.till.at(wall)
        share = spell.share
        if share is not None and (not share.is_idle() or share.before != 0):
            return False
        return spell.used == 0 and spell.reserved == 0

    def used(self, now: float, wall: float) -> int:
        return self.till.at(wall).known()

    def reserved(self) -> int:
        return self.till.spell.may_be()

    def resets_s(self, now: float, wall: float) -> float | None:
        end = self.till.at(wall).end
        return end - wall if end < inf else None

    def error(self, hold: Hold) -> CallError:
        if not hold.priced and not self._unpriced:
            error: CallError = BudgetExceeded(
                f"What the call costs is not known, and {self.amid} has a budget. Ask a model with a price; or add "
                '[deployments."PROVIDER/MODEL"] price, or unknown_price = "allow" to the budget.',
                code="price_unknown",
            )
            error.should_retry = False
            return error
        if hold.atto < 0 and not self._last_call:
            return unbounded(self)
        spell = self.till.at(hold.wall)
        spent = spell.known()
        told = (
            f"{self.told} has spent {usd_of(spent)} of its {usd_of(self.limit)} USD {words(self.rule)}, and "
            f"calls under way may cost {usd_of(spell.may_be())} more."
        )
        may = f" This one may cost {usd_of(hold.atto)}." if hold.atto >= 0 and not self._last_call else ""
        error = BudgetExceeded(f"{told}{may} {self._advice(spent, spell)}")
        # It may pass once calls under way are over, which cost less than they might have.
        alone = spent < self.limit if self._last_call else spent + hold.atto <= self.limit
        error.should_retry = alone
        if alone:
            error.retry_after_s = SOON_S
        return error

    def _advice(self, spent: int, spell: Spell) -> str:
        advice = "Send a smaller max_tokens" if spent < self.limit else "Raise the budget"
        return f"{advice}, or wait for the next {self.rule.per}." if spell.end < inf else f"{advice}."

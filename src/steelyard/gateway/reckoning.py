"""What gateways that are gone have taken: found in the ledger and the journal, and told to the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from steelyard.core.errors import StoreError
from steelyard.core.exchange import Exchange
from steelyard.journal.segments import SegmentName, named_segments
from steelyard.journal.tail import exchanges_behind
from steelyard.limits import Limits, Recalled, Rule, Spent
from steelyard.limits.ceiling import atto_of_cost
from steelyard.limits.earlier import earlier, subject_of, want_of
from steelyard.limits.period import period_of
from steelyard.limits.share import MICRO
from steelyard.limits.shares import name_of, rule_name
from steelyard.limits.window import PARTS
from steelyard.shared import Base, StoreLost

if TYPE_CHECKING:
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.leases import Leases
    from steelyard.gateway.memory import Ask, Keys

__all__ = ["Reckoning"]

_EVERY_S: Final = 1.0
_SOON_S: Final = 0.1
"""How long until the server is looked at again that does not know yet what the ledger has."""
_AGAIN_S: Final = 5.0


class Reckoning:
    """Makes counters whole that the server has lost, or never had, and settles what killed gateways were lent.

    `ledger` names the ledger that this gateway's exchanges go to, `source` the directory of its journal: what these two
    say is all that it can tell of others. `ask` asks the ledger, in a thread.
    """

    def __init__(self, leases: Leases, ledger: str, source: str, ask: Ask, journal_dir: Path) -> None:
        self._leases = leases
        self._ledger = ledger
        self._source = source
        self._ask = ask
        self._journal_dir = journal_dir
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._epoch = ""
        self._known: frozenset[str] = frozenset()

    def begin(self, gateway: Gateway, keys: Callable[[], Keys]) -> None:
        """Begin to look after it."""
        self._leases.on_epoch = self.look
        self._task = gateway.loop.create_task(self._live(gateway, keys))

    def stop(self) -> None:
        """Look after it no longer."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def look(self) -> None:
        """Have it looked at now whether the server knows what the ledger has: rules are new, or it was emptied."""
        self._wanted.set()

    async def _live(self, gateway: Gateway, keys: Callable[[], Keys]) -> None:
        while True:
            pause_s = _EVERY_S
            try:
                if gateway.limiter is not None and self._leases.epoch and not self._leases.sharing.pulse.lost:
                    if not await self._is_based(gateway.limiter.limits, keys(), gateway):
                        pause_s = _SOON_S
                    await self._settle(gateway.limiter.limits, keys())
            except StoreLost:
                self._epoch = ""  # it is asked again when it is there again
            except StoreError as error:
                gateway.notices.complain(f"{error} What was counted before is not known to [shared] until then.")
                await asyncio.sleep(_AGAIN_S)
            except Exception as error:  # without this task the server would never know of earlier calls
                gateway.notices.complain(
                    f"[shared]: {type(error).__name__}: {error}. This is a fault of Steelyard's; it goes on."
                )
                await asyncio.sleep(_AGAIN_S)
            try:
                async with asyncio.timeout(pause_s):
                    await self._wanted.wait()
            except TimeoutError:
                continue  # it is time
            finally:
                self._wanted.clear()

    async def _is_based(self, limits: Limits, keys: Keys, gateway: Gateway) -> bool:
        """See to it that the server knows what the ledger has, of every rule; say whether it does. It may only be asked
        what gateways have told once all of them have, since else the ledger's own would have it again."""
        leases, epoch = self._leases, self._leases.epoch
        if epoch != self._epoch:
            self._epoch, self._known = epoch, await leases.store.based(self._ledger)
        rules = [one.rule for one in limits if _is_counted(one.rule)]
        lacking = [rule for rule in rules if rule_name(rule) not in self._known]
        if not lacking:
            return True
        if not leases.has_told(gateway.clock()):
            return False
        found = await self._base(lacking, keys, gateway)
        if not await leases.store.put_base(self._ledger, epoch, found):
            return False  # it was emptied meanwhile
        self._known |= found.keys()
        return True

    async def _base(self, rules: list[Rule], keys: Keys, gateway: Gateway) -> dict[str, dict[str, Base]]:
        """Return what the ledger has of some rules beside what its gateways have told, by rule and counter.

        They are asked first and the ledger second: what is taken in between counts twice, and not never. Nothing is,
        where the server lends nothing of a rule before it knows this."""
        store, names = self._leases.store, [rule_name(rule) for rule in rules]
        told = await store.survey(names, self._ledger)
        wall = gateway.wall_clock()
        answers = await asyncio.to_thread(self._ask, tuple(dict.fromkeys(want_of(rule, wall) for rule in rules)))
        server_now = self._leases.server_now(gateway.clock())
        assert server_now is not None
        ahead = server_now - gateway.wall_clock()
        found: dict[str, dict[str, Base]] = {name: {} for name in names}
        for each in names:
            found[each].update((name, Base("", 0.0)) for name in told if name.startswith(f"{each} "))
        for name, (rule, parts) in earlier(rules, wall, Recalled(answers, keys)).items():
            taken = _base_of(rule, parts, told.get(name, []), ahead)
            found[rule_name(rule)][name] = Base(taken or "", _keep_s(rule, wall))
        return found

    async def _settle(self, limits: Limits, keys: Keys) -> None:
        """Settle what gateways were lent that worked in this directory, and are gone."""
        store = self._leases.store
        own = f"{self._ledger}/{self._source}/"
        for writer, mark in (await store.marks()).items():
            if writer == self._leases.writer or not writer.startswith(own) or not await store.silent(writer):
                continue
            budgets = await store.spent_by(writer)
            lines = await asyncio.to_thread(_behind, self._journal_dir, mark)
            if lines is None:
                continue  # its journal is gone: what it was lent counts as spent
            rules = [crowd.rule for crowd in limits if crowd.rule.per is not None]
            more = dict.fromkeys((name for name in budgets if _is_of(name, rules)), 0)
            for one in lines:
                for name, atto in _costs(one, rules, keys):
                    if name in more:
                        more[name] += atto
            await store.settle(writer, {name: -(-atto // MICRO) for name, atto in more.items()})


def _is_counted(rule: Rule) -> bool:
    return rule.per is not None or rule.length_s is not None


def _is_of(name: str, rules: Iterable[Rule]) -> bool:
    return name.startswith(tuple(f"{rule_name(rule)} " for rule in rules))


def _keep_s(rule: Rule, wall: float) -> float:
    """Return for how long the server keeps it; 0: for ever."""
    if rule.length_s is not None:
        return 2 * rule.length_s + 60.0
    assert rule.per is not None
    end = period_of(rule.per, wall)[1]
    return 0.0 if rule.per == "total" else end - wall + 86_400.0


def _base_of(rule: Rule, parts: dict[float, int], told: list[str], ahead: float) -> str | None:
    """Return what a ledger has beyond what was told, as a gateway would tell it; None where it has nothing. Of a window
    what is beyond is taken to be the newest, which counts for longest."""
    total = sum(parts.values())
    if rule.per is not None:
        spent = -(-total // MICRO) - sum(int(text.partition(":")[0]) for text in told)
        return f"{spent}:0" if spent > 0 else None
    assert rule.length_s is not None
    width = rule.length_s / PARTS
    beyond = total - sum(int(slot.partition(":")[2]) for text in told for slot in text.split())
    slots: dict[int, int] = {}
    for until in sorted(parts, reverse=True):
        amount = min(parts[until], beyond)
        if amount <= 0:
            break
        slot = floor((until + ahead) / width)
        slots[slot] = slots.get(slot, 0) + amount
        beyond -= amount
    return " ".join(f"{slot}:{amount}" for slot, amount in slots.items()) or None


def _behind(journal_dir: Path, mark: str) -> list[Exchange] | None:
    """Return what one run of a gateway wrote behind a place in its journal; None where that is gone. Raises
    StoreError."""
    segment, _, offset = mark.rpartition(":")
    begin = SegmentName.parse(segment)
    named = named_segments(journal_dir)
    if begin is None or begin not in named:
        return None
    others = [name for name in named if name.run != begin.run or name.number < begin.number]
    places = {str(name): _end_of(journal_dir / str(name)) for name in others}
    return list(exchanges_behind(journal_dir, {**places, segment: int(offset)}))


def _end_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0  # nor will it be read


def _costs(one: Exchange, rules: Iterable[Rule], keys: Keys) -> Iterable[tuple[str, int]]:
    """Yield what a call cost, by the budgets that it concerns."""
    if one.cost_usd is None or (one.outcome == "rejected" and not one.attempts):
        return
    atto = atto_of_cost(Decimal(one.cost_usd))
    spent = Spent(one.received_at, one.key, one.route, one.deployment, one.end_user, 1, 0, atto)
    recalled = Recalled({}, keys)
    for rule in rules:
        subject = subject_of(rule, spent, recalled)
        if subject is not None and rule.per is not None:
            yield name_of(rule, subject, period_of(rule.per, one.received_at)[0]), atto

"""The scripts' promise in plain Python: the same answers, from lists instead of text in a server."""

from dataclasses import dataclass, field
from math import floor, inf
from typing import Literal

from steelyard.shared import FULL, HELD, OK, RESTORING, Ask

__all__ = ["Model"]


@dataclass
class _Field:
    held: int
    taken: str

    def slots(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for part in self.taken.split():
            slot, _, amount = part.partition(":")
            found[int(slot)] = found.get(int(slot), 0) + int(amount)
        return found

    def number(self) -> int:
        return int(self.taken or 0)

    def purse(self) -> tuple[int, int]:
        spent, _, may = self.taken.partition(":")
        return int(spent), int(may)


@dataclass
class _Counter:
    kind: Literal["window", "gate", "purse"]
    length_s: float
    fields: dict[str, _Field] = field(default_factory=dict)


class Model:
    """What the server knows, by a clock that is passed in (milliseconds)."""

    def __init__(self, lease_ms: int, born: int, ledger_known: bool = True) -> None:
        self._lease = lease_ms
        self.born = born
        self.known = ledger_known
        self.heard: dict[str, int] = {}
        self.tight: dict[str, int] = {}
        self.counters: dict[str, _Counter] = {}

    def sync(self, writer: str, ask: Ask, now: int) -> tuple[int, int, int, int]:
        """Return status, what is granted, what others took, and what their calls may take."""
        self.heard[writer] = now
        live = sum(now - at <= self._lease for at in self.heard.values())
        counter = self.counters.setdefault(ask.key, _Counter(ask.kind, ask.length_s))
        others, reserved, lent = self._of_others(counter, writer, now)
        mine = _Field(ask.held, ask.taken)
        room = ask.limit - others - reserved - lent - self._own(counter, mine, now) - ask.held
        tight = now - self.tight.get(ask.key, -(1 << 60)) <= 2000
        status, granted = self._decide(ask, room, lent, live, tight, now)
        counter.fields[writer] = _Field(ask.held + granted, ask.taken)
        return status, granted, others, reserved

    def _decide(self, ask: Ask, room: int, lent: int, live: int, tight: bool, now: int) -> tuple[int, int]:
        loan = ask.loan
        if loan.need + loan.want == 0:
            return OK, 0
        if now - self.born < self._lease or (not self.known and ask.rule):
            return RESTORING, 0
        fair = max(0, floor(room / (2 * live)))
        if loan.need == 0:
            return OK, 0 if tight else min(loan.want, fair)
        if room >= loan.least:
            plenty = 0 if tight else min(loan.need + loan.want, fair)
            return OK, min(room, max(loan.need, plenty))
        if room + lent >= loan.least:
            self.tight[ask.key] = now
            return HELD, 0
        return FULL, 0

    def _of_others(self, counter: _Counter, writer: str, now: int) -> tuple[int, int, int]:
        others = reserved = lent = 0
        for name, one in list(counter.fields.items()):
            if name == writer:
                continue
            silent = now - self.heard[name] if name in self.heard else inf
            if self._is_gone(counter, one, silent, now):
                del counter.fields[name]
            elif counter.kind == "window":
                others += self._counted(counter, one, now)
                if silent <= self._lease:
                    lent += one.held
                elif silent <= self._lease + counter.length_s * 1000 * 61 / 60:
                    others += one.held
            elif counter.kind == "gate":
                others, lent = others + one.number(), lent + one.held
            else:
                spent, may = one.purse()
                others, reserved = others + spent, reserved + may
                if silent <= self._lease:
                    lent += one.held
                else:
                    reserved += one.held
        return others, reserved, lent

    def _is_gone(self, counter: _Counter, one: _Field, silent: float, now: int) -> bool:
        if counter.kind == "window":
            over = silent > self._lease + counter.length_s * 1000 * 61 / 60
            return over and self._counted(counter, one, now) == 0
        return counter.kind == "gate" and silent > self._lease

    def _own(self, counter: _Counter, one: _Field, now: int) -> int:
        if counter.kind == "window":
            return self._counted(counter, one, now)
        return one.number() if counter.kind == "gate" else sum(one.purse())

    def _counted(self, counter: _Counter, one: _Field, now: int) -> int:
        first = floor(now / (counter.length_s * 1000 / 60)) - 60
        return sum(amount for slot, amount in one.slots().items() if slot >= first)

"""Calls that wait for room in one limit: in which order they are served, and how long it may take."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Protocol

from steelyard.core.priority import PRIORITIES

if TYPE_CHECKING:
    from steelyard.limits.gate import Gate

__all__ = ["STRIDES", "Line", "Waiter"]

STRIDES: Final = (1, 4, 16)
"""By rank: of what is served while all wait, high has sixteen parts, normal four, and low one."""

_NEWEST: Final = 0.3
"""How much the newest gap between two that were served counts in their mean."""


class Waiter(Protocol):
    """One call that waits. `rank` is that of its priority, `ticket` says who came first."""

    rank: int
    ticket: int

    def summon(self, gate: Gate) -> None:
        """Take note that there may be room in a gate where somebody waits."""

    def enter(self, gate: Gate) -> None:
        """Pass a gate that has room: the call is served, and waits there no longer."""


class Line:
    """Who waits at one gate. `length` says how many.

    Within a priority, who came first is served first. Between priorities it is stride scheduling (Waldspurger & Weihl
    1995, "Stride Scheduling: Deterministic Proportional-Share Resource Management", MIT/LCS/TM-528): each class has a
    pass, the one with the least is served (of two, the higher priority), and its pass grows by its stride. A class that
    begins to wait begins a stride behind the one served last: high is served before low unless sixteen of high have
    been since low began to wait. So nobody starves: while a call of low is the first of its class, at most 22 others
    are served before it.
    """

    __slots__ = ("_classes", "_gap_s", "_mark", "_now", "_passes", "length", "most", "patience_s")

    def __init__(self, patience_s: float, most: int) -> None:
        self.patience_s = patience_s
        self.most = most
        self.length = 0
        self._classes: list[OrderedDict[int, Waiter]] = [OrderedDict() for _ in PRIORITIES]
        self._passes = [0] * len(PRIORITIES)
        self._now = 0  # the pass of the class that was served last
        self._gap_s: float | None = None
        self._mark = 0.0

    def add(self, waiter: Waiter, now: float) -> None:
        """Have a call wait; one that has waited elsewhere keeps its turn among those of its class."""
        if not self.length:
            self._gap_s, self._mark = None, now
        rank = waiter.rank
        among = self._classes[rank]
        if not among:
            self._passes[rank] = max(self._passes[rank], self._now + STRIDES[rank])
        after_all = not among or next(reversed(among)) < waiter.ticket
        among[waiter.ticket] = waiter
        if not after_all:
            for ticket in [ticket for ticket in among if ticket > waiter.ticket]:
                among.move_to_end(ticket)
        self.length += 1

    def remove(self, waiter: Waiter) -> None:
        """Have a call wait no longer."""
        if self._classes[waiter.rank].pop(waiter.ticket, None) is not None:
            self.length -= 1

    def first(self) -> Waiter:
        """Return who is served next. Somebody must be there."""
        return next(iter(self._classes[self._next()].values()))

    def serve(self, now: float) -> Waiter:
        """Return who is served next, and have him wait no longer."""
        rank = self._next()
        _, waiter = self._classes[rank].popitem(last=False)
        self.length -= 1
        self._now = self._passes[rank]
        self._passes[rank] += STRIDES[rank]
        gap_s, before = now - self._mark, self._gap_s
        self._gap_s = gap_s if before is None else before + _NEWEST * (gap_s - before)
        self._mark = now
        return waiter

    def _next(self) -> int:
        return min((rank for rank, among in enumerate(self._classes) if among), key=self._passes.__getitem__)

    def wait_s(self, rank: int, now: float) -> float:
        """Return how long a call that comes now would wait, by the pace at which those before it were served; 0 where
        nobody waits yet, who would show the pace."""
        if not self.length:
            return 0.0
        idle_s = now - self._mark
        gap_s = max(self._gap_s or 0.0, idle_s)
        place = own = len(self._classes[rank]) + 1
        for other, among in enumerate(self._classes):
            if other != rank:
                # As many of another class as are served, by their strides, while so many of this one are.
                place += min(len(among), own * STRIDES[rank] // STRIDES[other])
        return place * gap_s - idle_s

    def last_below(self, rank: int) -> Waiter | None:
        """Return who gives way to a call of a higher priority where no more may wait: the last of the lowest class. The
        first of a class never does, or it would starve."""
        for lower in range(len(PRIORITIES) - 1, rank, -1):
            among = self._classes[lower]
            if len(among) > 1:
                return among[next(reversed(among))]
        return None

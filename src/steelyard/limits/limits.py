"""Every limit of one process: whom a call concerns, and what was counted before the process began."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from steelyard.config.scopes import EACH
from steelyard.limits.counter import Counter
from steelyard.limits.crowd import MOST_SUBJECTS, Crowd
from steelyard.limits.earlier import NO_KEY, amount_of, short, subject_of, want_of
from steelyard.limits.hold import Hold
from steelyard.limits.purse import Purse
from steelyard.limits.recall import Left, Recalled, Want
from steelyard.limits.rules import Metric, Rule
from steelyard.limits.share import Sharing
from steelyard.limits.shares import rule_name
from steelyard.limits.shown import Standing, standing_of

__all__ = ["NO_KEY", "Applied", "Limits"]

_MOST_APPLIED: Final = 8192
_MOST_SHOWN: Final = 1000
_MOST_USERS_SHOWN: Final = 200


class Applied:
    """What concerns the calls of one key for one route: `counters`, and beyond them those of each user (`crowds`).
    `bounded`: something of it wants to know what a call may take at most; `priced`: only what has a known price will
    do."""

    __slots__ = ("bounded", "counters", "crowds", "key", "pending", "priced")

    def __init__(
        self, key: str, counters: tuple[Counter, ...], crowds: tuple[Crowd, ...], pending: tuple[Crowd, ...]
    ) -> None:
        self.key = key
        self.counters = counters
        self.crowds = crowds
        self.pending = pending
        rules = [*(one.rule for one in counters), *(one.rule for one in crowds)]
        self.bounded = any(_is_bounded(one) for one in rules)
        self.priced = any(one.per is not None and not one.unpriced for one in rules)

    def of_user(self, user: str | None, now: float, wall: float) -> tuple[Counter, ...]:
        """Return all counters that concern a call of an end user; calls that name none are one user's."""
        name = f"{self.key}/{short(user or '')}"
        return self.counters + tuple([one.of(name, now, wall) for one in self.crowds])


class Limits:
    """The counters of a configuration. `tell` is told when a budget's warning is reached. Counters of rules that an
    earlier configuration had too (`before`) go on with what they have counted. `sharing`: other gateways count, too."""

    def __init__(
        self,
        rules: tuple[Rule, ...],
        tell: Callable[[str], None],
        before: Limits | None = None,
        most_subjects: int = MOST_SUBJECTS,
        sharing: Sharing | None = None,
    ) -> None:
        known: dict[tuple[str, Metric], Crowd] = {} if before is None else before._crowds
        self._crowds: dict[tuple[str, Metric], Crowd] = {
            one.id: Crowd(one, tell, known.get(one.id), most_subjects, sharing) for one in rules
        }
        waiting = set() if before is None else {one.rule.id for one in before.pending}
        self.pending: set[Crowd] = {
            crowd
            for name, crowd in self._crowds.items()
            if _is_remembered(crowd.rule) and (name not in known or name in waiting)
        }
        self._applied: dict[tuple[str | None, str], Applied] = {}
        self._now = 0.0
        self._wall = 0.0
        self.refusals: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.overruns = 0
        self.touched = True
        self.closed: bool = before is not None and before.closed
        for crowd in self._crowds.values():
            crowd.closed = self.closed
        if before is not None:
            self.refusals.update(before.refusals)
            self.overruns = before.overruns
            self._now, self._wall = before._now, before._wall

    def begin(self, now: float, wall: float, size: int) -> Hold:
        """Return what a call is to hold. Times never go back."""
        self.touched = True
        if now > self._now:
            self._now = now
        if wall > self._wall:
            self._wall = wall
        return Hold(self._now, self._wall, size)

    def known(self, key: str | None, route: str) -> Applied | None:
        """Return what concerns a key's calls (by its id) for a route, where that has been asked before."""
        return self._applied.get((key, route))

    def apply(
        self, key: str | None, who: tuple[str, str | None, str | None], route: str, now: float, wall: float
    ) -> Applied:
        """Find what concerns a key's calls for a route. `who`: name, team, project of the key."""
        subjects: dict[str, str | None] = dict(zip(("key", "team", "project"), who, strict=True))
        subjects.update(all="", route=route)
        counters: list[Counter] = []
        crowds: list[Crowd] = []
        pending: list[Crowd] = []
        for crowd in self._crowds.values():
            scope = crowd.rule.scope
            if scope.kind == "user":
                crowds.append(crowd)
            else:
                subject = subjects.get(scope.kind)
                if subject is None or scope.name not in (EACH, subject):
                    continue
                counters.append(crowd.of(subject, now, wall))
            if crowd in self.pending:
                pending.append(crowd)
        if len(self._applied) >= _MOST_APPLIED:
            self._applied.clear()
        made = Applied(who[0], tuple(counters), tuple(crowds), tuple(pending))
        self._applied[key, route] = made
        return made

    def of_deployment(self, deployment: str, now: float, wall: float) -> tuple[Counter, ...]:
        """Return the counters that concern the calls of a deployment."""
        return tuple(
            crowd.of(deployment, now, wall)
            for crowd in self._crowds.values()
            if crowd.rule.scope.kind == "deployment" and crowd.rule.scope.name in (EACH, deployment)
        )

    def is_closed(self, counters: tuple[Counter, ...]) -> bool:
        """Say whether what was counted before is not yet known of one of them."""
        return any(one.rule.id == crowd.rule.id for one in counters for crowd in self.pending)

    # What was counted before.

    def wants(self, wall: float) -> tuple[Want, ...]:
        """Return the questions whose answers `take_back` needs."""
        return tuple(dict.fromkeys(want_of(crowd.rule, wall) for crowd in self.pending))

    def take_back(self, asked_at: float, recalled: Recalled, now: float, wall: float) -> None:
        """Count what was taken before, and let the calls come that waited for it. `asked_at`: of `wants`."""
        for crowd in list(self.pending):
            spent = recalled.answers.get(want_of(crowd.rule, asked_at))
            if spent is None:
                continue  # it came with a newer configuration, and is asked for next
            for one in sorted(spent, key=lambda one: one.until):
                subject = subject_of(crowd.rule, one, recalled)
                if subject is not None:
                    then = now - max(0.0, wall - one.until)
                    crowd.of(subject, then, wall).put_back(then, wall, amount_of(crowd.rule.metric, one))
            self.pending.discard(crowd)
        self._applied.clear()

    # What one process leaves to the one that takes its place.

    def leave(self, wall: float, *, ended: bool = False) -> dict[str, list[Left]]:
        """Leave to another process what is left of the budgets, but for a part; return how they stand, by rule. What
        this one may still spend grows no more from one time to the next. `ended`: it admits no call any more."""
        if not self.closed:
            self.closed = True
            for crowd in self._crowds.values():
                crowd.close(wall)
        return {
            rule_name(crowd.rule): [
                Left(one.name, *one.left(wall, ended=ended)) for one in crowd if isinstance(one, Purse)
            ]
            for crowd in self._crowds.values()
            if crowd.rule.per is not None and crowd not in self.pending
        }

    def inherit(self, left: dict[str, list[Left]], known: dict[tuple[str, str], Left], wall: float) -> None:
        """Count what another process has spent since it last told so (`known`, by rule and subject, which is brought up
        to date), and what it may still spend."""
        for crowd in self._crowds.values():
            name = rule_name(crowd.rule)
            for one in left.get(name, ()) if crowd.rule.per is not None else ():
                before = known.get((name, one.subject))
                if before is None or before.start != one.start:
                    before = Left(one.subject, one.start, 0, 0)
                known[name, one.subject] = one
                if (before.used, before.held) == (one.used, one.held):
                    continue
                purse = crowd.of(one.subject, self._now, wall)
                if isinstance(purse, Purse) and purse.till.at(wall).start == one.start:
                    purse.inherit(one.used - before.used, one.held - before.held, wall)
        self.touched = True

    def succeed(self, left: dict[str, list[Left]]) -> None:
        """Ask nobody what was counted before of rules of which another process tells. Before any call was admitted."""
        for crowd in self._crowds.values():
            if crowd.rule.per is not None and rule_name(crowd.rule) in left:
                crowd.forget()
                self.pending.discard(crowd)
        self._applied.clear()

    # How it stands.

    def standings(self, now: float, wall: float, *, most_users: int = _MOST_USERS_SHOWN) -> list[Standing]:
        """Return how the counters stand, of each rule the nearest to its limit first: at most 1,000 of each, and
        `most_users` where it counts users, who may be very many."""
        found: list[Standing] = []
        for crowd in self._crowds.values():
            if crowd.rule.metric == "input_bytes":
                continue
            most = most_users if crowd.rule.scope.kind == "user" else _MOST_SHOWN
            each = [standing_of(one, now, wall) for one in islice(crowd, most)]
            if not each and crowd.rule.scope.name != EACH:
                each = [standing_of(crowd.of(crowd.rule.scope.name, now, wall), now, wall)]
            found += sorted(each, key=lambda one: -one.ratio)
        return found

    def __iter__(self) -> Iterator[Crowd]:
        return iter(self._crowds.values())


def _is_bounded(rule: Rule) -> bool:
    return rule.per is not None or rule.metric.startswith("tokens")


def _is_remembered(rule: Rule) -> bool:
    return rule.per is not None or rule.length_s is not None

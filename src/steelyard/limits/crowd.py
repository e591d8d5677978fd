"""The counters of one rule, one for each subject: each key, each user. Their number is bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from steelyard.limits.counter import Counter
from steelyard.limits.gate import Concurrent, Gate
from steelyard.limits.input_bytes import InputBytes
from steelyard.limits.purse import Purse, Till
from steelyard.limits.rules import Rule
from steelyard.limits.share import Sharing
from steelyard.limits.shares import drop_share, share_gate, share_till, share_window
from steelyard.limits.window import Window
from steelyard.limits.windowed import Requests, Tokens, Windowed

__all__ = ["MOST_SUBJECTS", "Crowd"]

MOST_SUBJECTS = 65_536
_OTHERS = "(others)"


class Crowd:
    """The counters of one rule by subject.

    Of users the idle ones are forgotten, a few whenever a new one comes. When there are too many all the same, those
    that come are counted together as one, which admits less and never more: each of them alone is within the limit that
    they keep together. None of them gets a counter of its own before that one is idle. Where it is `closed`, another
    process counts subjects that are new.
    """

    __slots__ = ("_by_subject", "_forgets", "_make", "_most", "_others", "closed", "rule")

    def __init__(
        self,
        rule: Rule,
        tell: Callable[[str], None],
        before: Crowd | None,
        most: int,
        sharing: Sharing | None = None,
    ) -> None:
        """`before` has the counters of the same rule in an earlier configuration, whose counts stay."""
        self.rule = rule
        self.closed = False
        self._most = most
        self._forgets = rule.scope.kind == "user"
        self._make = _maker(rule, tell, sharing)
        self._by_subject: dict[str, Counter] = {}
        self._others: Counter | None = None
        if before is not None:
            self._by_subject = {name: self._make(name, one) for name, one in before._by_subject.items()}
            if before._others is not None:
                self._others = self._make(_OTHERS, before._others)

    def of(self, subject: str, now: float, wall: float) -> Counter:
        """Return the counter of a subject."""
        found = self._by_subject.get(subject)
        return found if found is not None else self._added(subject, now, wall)

    def _added(self, subject: str, now: float, wall: float) -> Counter:
        counters = self._by_subject
        if self._forgets:
            self._forget_some(now, wall)
        others = self._others
        if others is not None and not others.is_idle(now, wall):
            return others
        if len(counters) >= self._most:
            if others is None:
                others = self._others = self._opened(_OTHERS)
            return others
        made = counters[subject] = self._opened(subject)
        return made

    def _opened(self, subject: str) -> Counter:
        made = self._make(subject, None)
        if self.closed and isinstance(made, Purse):
            made.till.closed = True
        return made

    def forget(self) -> None:
        """Forget what was spent of budgets."""
        for one in self:
            if isinstance(one, Purse):
                one.till.spell.used = one.till.spell.told = 0

    def close(self, wall: float) -> None:
        """Leave what is left of budgets to another process, but for a part."""
        self.closed = True
        for one in self:
            if isinstance(one, Purse):
                one.close(wall)

    def _forget_some(self, now: float, wall: float) -> None:
        """Look at the two subjects that nobody has looked at for the longest time."""
        counters = self._by_subject
        for _ in range(min(2, len(counters))):
            name = next(iter(counters))
            counter = counters.pop(name)
            if counter.is_idle(now, wall):
                drop_share(counter)
            else:
                counters[name] = counter

    def __len__(self) -> int:
        return len(self._by_subject)

    def __iter__(self) -> Iterator[Counter]:
        yield from self._by_subject.values()
        if self._others is not None:
            yield self._others


def _maker(
    rule: Rule, tell: Callable[[str], None], sharing: Sharing | None
) -> Callable[[str, Counter | None], Counter]:
    """Return what makes a counter of a rule, with what another one has counted."""

    def made(name: str, before: Counter | None) -> Counter:
        if rule.per is not None:
            if sharing is not None:
                return Purse(rule, name, share_till(sharing, rule, name, rule.per), tell)
            return Purse(rule, name, before.till if isinstance(before, Purse) else Till(rule.per), tell)
        if rule.metric == "max_calls":
            return Concurrent(rule, name, before.gate if isinstance(before, Concurrent) else Gate(), None)
        if rule.metric == "concurrent":
            if sharing is not None:
                place = share_gate(sharing, rule, name)
                return Concurrent(rule, name, place.gate, place)
            return Concurrent(rule, name, before.gate if isinstance(before, Concurrent) else Gate(), None)
        if rule.metric == "input_bytes":
            return InputBytes(rule, name, None)
        assert rule.length_s is not None
        kind = Tokens if rule.metric.startswith("tokens") else Requests
        if sharing is not None:
            share = share_window(sharing, rule, name, rule.length_s)
            return kind(rule, name, share.window, share)
        return kind(rule, name, before.window if isinstance(before, Windowed) else Window(rule.length_s), None)

    return made

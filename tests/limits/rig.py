"""What tests of limits share: rules, and calls of one key."""

from typing import Any

from steelyard.config.scopes import Scope, read_scope
from steelyard.limits import Hold, Limits, Rule
from steelyard.limits.period import Per
from steelyard.limits.recall import Recalled
from steelyard.limits.rules import ATTO, LENGTHS_S, Metric

__all__ = ["DAY", "NOW", "WALL", "call", "limits", "rule"]

NOW = 500_000.0
WALL = 1_795_392_000.0  # a Monday, 2026-11-23, 00:00 UTC
DAY = 86_400.0
_PER: dict[str, Per] = {
    "usd_per_day": "day",
    "usd_per_week": "week",
    "usd_per_month": "month",
    "usd_total": "total",
}


def rule(scope: str, metric: Metric, limit: int, **more: Any) -> Rule:
    """Return a rule. A budget's limit is in dollars."""
    read = read_scope(scope)
    assert isinstance(read, Scope)
    per = _PER.get(metric)
    if per is not None:
        return Rule(read, metric, limit * ATTO, per=per, **more)
    return Rule(read, metric, limit, LENGTHS_S.get(metric.rpartition("_")[2]), **more)


def limits(*rules: Rule, told: list[str] | None = None, most_subjects: int = 100) -> Limits:
    """Return limits before which nothing was."""
    made = Limits(rules, (told if told is not None else []).append, most_subjects=most_subjects)
    asked = WALL
    made.take_back(asked, Recalled({want: [] for want in made.wants(asked)}, {}), NOW, WALL)
    assert not made.pending
    return made


def call(
    limits: Limits, at: float = 0.0, key: str = "team-a", *, route: str = "assistant", user: str = "", **asks: Any
) -> Hold:
    """Return a call, `at` seconds after the beginning; it is `open` where it was admitted. `asks`: fields of a hold."""
    now, wall = NOW + at, WALL + at
    applied = limits.known(key, route) or limits.apply(key, (key, None, None), route, now, wall)
    hold = limits.begin(now, wall, asks.pop("size", 100))
    for name, value in asks.items():
        setattr(hold, name, value)
    hold.take(applied.of_user(user, now, wall))
    return hold

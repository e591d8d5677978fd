"""What earlier calls count of a rule: which to ask for, whom they concern, and how much they took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from steelyard.config.scopes import EACH, NOBODY
from steelyard.limits.period import period_of
from steelyard.limits.recall import Recalled, Spent, Want
from steelyard.limits.rules import Metric, Rule
from steelyard.limits.shares import name_of
from steelyard.limits.window import PARTS

__all__ = ["NO_KEY", "amount_of", "earlier", "short", "subject_of", "want_of"]

_LONGEST_USER: Final = 128
NO_KEY: Final = NOBODY
"""Stands for the key of callers who have none: no key can be called so."""


def earlier(rules: Iterable[Rule], asked_at: float, recalled: Recalled) -> dict[str, tuple[Rule, dict[float, int]]]:
    """Return what earlier calls took, by the names of what gateways share, and by the moment from which each part is
    no younger. `asked_at`: of the questions (seconds since the epoch)."""
    found: dict[str, tuple[Rule, dict[float, int]]] = {}
    for rule in rules:
        start = period_of(rule.per, asked_at)[0] if rule.per is not None else None
        for one in recalled.answers.get(want_of(rule, asked_at), ()):
            subject = subject_of(rule, one, recalled)
            if subject is not None:
                name = name_of(rule, subject, start)
                parts = found.setdefault(name, (rule, defaultdict(int)))[1]
                parts[one.until] += amount_of(rule.metric, one)
    return found


def short(user: str) -> str:
    """Return a user's name, or its digest where callers have made it long."""
    return user if len(user) <= _LONGEST_USER else sha256(user.encode("utf-8", "surrogatepass")).hexdigest()


def want_of(rule: Rule, wall: float) -> Want:
    """Return the question whose answer says what of a rule was taken before."""
    by_user = rule.scope.kind == "user"
    if rule.per is not None:
        return Want(period_of(rule.per, wall)[0], None, by_user)
    assert rule.length_s is not None
    width = rule.length_s / PARTS
    return Want((wall - rule.length_s) // width * width - width, width, by_user)


def amount_of(metric: Metric, spent: Spent) -> int:
    """Return how much of what a rule counts was taken."""
    if metric.startswith("requests"):
        return spent.requests
    return spent.tokens if metric.startswith("tokens") else spent.atto


def subject_of(rule: Rule, spent: Spent, recalled: Recalled) -> str | None:
    """Return whom of a rule earlier calls concern; None where they do not."""
    name, team, project = recalled.keys.get(spent.key or "", (spent.key or NO_KEY, None, None))
    kind = rule.scope.kind
    if kind == "user":
        return f"{name}/{short(spent.user or '')}"
    subjects = {"all": "", "key": name, "team": team, "project": project}
    subjects.update(route=spent.route, deployment=spent.deployment)
    subject = subjects[kind]
    return subject if subject is not None and rule.scope.name in (EACH, subject) else None

"""Limits and budgets: what a call may take, what it has taken, and what is left. No I/O; the time is passed in."""

from steelyard.limits.ceiling import Ceiling, Facts, ceiling_of, refers
from steelyard.limits.counters import Counter, Hold
from steelyard.limits.limits import Applied, Limits
from steelyard.limits.recall import Recalled, Spent, Sums, Want
from steelyard.limits.rules import Rule, rules_of
from steelyard.limits.shown import Standing

__all__ = [
    "Applied",
    "Ceiling",
    "Counter",
    "Facts",
    "Hold",
    "Limits",
    "Recalled",
    "Rule",
    "Spent",
    "Standing",
    "Sums",
    "Want",
    "ceiling_of",
    "refers",
    "rules_of",
]

"""Limits and budgets: what a call may take, what it has taken, and what is left. No I/O; the time is passed in."""

from steelyard.limits.ceiling import Ceiling, Facts, ceiling_of, refers
from steelyard.limits.counter import Counter
from steelyard.limits.hold import Hold
from steelyard.limits.limits import Limits
from steelyard.limits.recall import Recalled, Spent, Sums, Want
from steelyard.limits.rules import Rule, rules_of
from steelyard.limits.share import Share, Sharing
from steelyard.limits.shown import Standing

__all__ = [
    "Ceiling",
    "Counter",
    "Facts",
    "Hold",
    "Limits",
    "Recalled",
    "Rule",
    "Share",
    "Sharing",
    "Spent",
    "Standing",
    "Sums",
    "Want",
    "ceiling_of",
    "refers",
    "rules_of",
]

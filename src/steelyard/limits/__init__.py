"""Limits and budgets: what a call may take, what it has taken, and what is left. No I/O; the time is passed in."""

from steelyard.limits.counters import Counter, Hold
from steelyard.limits.limits import Applied, Limits
from steelyard.limits.recall import Recalled, Spent, Want
from steelyard.limits.rules import Rule, rules_of
from steelyard.limits.shown import Standing

__all__ = ["Applied", "Counter", "Hold", "Limits", "Recalled", "Rule", "Spent", "Standing", "Want", "rules_of"]

"""The names under which gateways know what they share, and what belongs to each."""

from __future__ import annotations

from steelyard.limits.counter import Counter
from steelyard.limits.gate import Gate, GateShare
from steelyard.limits.purse import Purse, Spell, SpellShare, Till
from steelyard.limits.rules import Rule
from steelyard.limits.share import MICRO, Share, Sharing
from steelyard.limits.window import Window
from steelyard.limits.windowed import WindowShare

__all__ = ["drop_share", "name_of", "rule_name", "share_gate", "share_till", "share_window"]


def rule_name(rule: Rule) -> str:
    """Return the name of a rule: `tokens_per_day key:*`."""
    return f"{rule.metric} {rule.scope}"


def name_of(rule: Rule, subject: str, start: float | None = None) -> str:
    """Return the name of what one subject shares; `start` is that of a budget's period, in seconds since the epoch."""
    when = "" if start is None else f"{int(start)} "
    return f"{rule_name(rule)} {when}{subject}"


def share_window(sharing: Sharing, rule: Rule, subject: str, window: Window) -> WindowShare:
    """Return what a window shares."""
    key = name_of(rule, subject)
    found = sharing.shares.get(key)
    if not isinstance(found, WindowShare) or found.window is not window:
        found = WindowShare(sharing, rule_name(rule), key, window, local=rule.local)
        sharing.shares[key] = found
    _limit(found, rule)
    return found


def share_gate(sharing: Sharing, rule: Rule, subject: str, gate: Gate) -> GateShare:
    """Return what a gate shares."""
    key = name_of(rule, subject)
    found = sharing.shares.get(key)
    if not isinstance(found, GateShare) or found.gate is not gate:
        found = GateShare(sharing, "", key, gate, local=rule.local)
        sharing.shares[key] = found
    _limit(found, rule)
    return found


def share_till(sharing: Sharing, rule: Rule, subject: str, till: Till) -> None:
    """Have each period of a budget shared, the present one too."""

    def opened(spell: Spell) -> None:
        key = name_of(rule, subject, spell.start)
        share = spell.share
        if share is None:
            share = spell.share = SpellShare(sharing, rule_name(rule), key, spell, local=rule.local)
            share.alone = sharing.pulse.lost and rule.local
            sharing.shares[key] = share
        _limit(share, rule)

    till.opened = opened
    if till.spell.share is not None:
        opened(till.spell)


def drop_share(counter: Counter) -> None:
    """Forget what a counter shares that counts nothing."""
    share = counter.till.spell.share if isinstance(counter, Purse) else counter.share
    if share is not None:
        share.sharing.drop(share)


def _limit(share: Share, rule: Rule) -> None:
    """Have a share know its limit; one that has another limit than before gives its lease back, and asks anew."""
    limit = rule.limit // MICRO if share.kind == "purse" else rule.limit
    if share.limit not in (0, limit):
        share.room = 0
        share.full_until = 0.0
        share.sharing.active[share.key] = share
    share.limit = limit
    share.local = rule.local
    if share.sharing.pulse.lost and share.synced_at < 0:
        share.alone = rule.local

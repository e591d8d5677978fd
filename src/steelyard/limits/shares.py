"""The names under which gateways know what they share, and what belongs to each."""

from __future__ import annotations

from steelyard.limits.counter import Counter
from steelyard.limits.gate import Gate, GateShare
from steelyard.limits.period import Per
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


def share_window(sharing: Sharing, rule: Rule, subject: str, length_s: float) -> WindowShare:
    """Return what the window of a subject shares."""
    key = name_of(rule, subject)
    found = sharing.shares.get(key)
    if not isinstance(found, WindowShare):
        found = WindowShare(sharing, rule_name(rule), key, Window(length_s), local=rule.local)
        sharing.shares[key] = found
    _limit(found, rule)
    return found


def share_gate(sharing: Sharing, rule: Rule, subject: str) -> GateShare:
    """Return what the gate of a subject shares."""
    key = name_of(rule, subject)
    found = sharing.shares.get(key)
    if not isinstance(found, GateShare):
        found = GateShare(sharing, "", key, Gate(), local=rule.local)
        sharing.shares[key] = found
    _limit(found, rule)
    return found


def share_till(sharing: Sharing, rule: Rule, subject: str, per: Per) -> Till:
    """Return the till of a subject, each period of which is shared."""
    till = sharing.tills.setdefault(name_of(rule, subject), Till(per))

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
    return till


def drop_share(counter: Counter) -> None:
    """Forget what a counter shares that counts nothing."""
    share = counter.share
    if isinstance(counter, Purse):
        share = counter.till.spell.share
        if share is not None:
            share.sharing.tills.pop(name_of(counter.rule, counter.name), None)
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

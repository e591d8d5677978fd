"""What is counted for one subject of one rule: what every kind of counter can be asked."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from steelyard.core.errors import BadRequest, CallError
from steelyard.limits.rules import Rule

if TYPE_CHECKING:
    from steelyard.limits.hold import Hold
    from steelyard.limits.share import Share

__all__ = ["SOON_S", "Counter", "seconds", "unbounded", "words"]

_LONGEST_NAME: Final = 80
SOON_S: Final = 1.0


class Counter:
    """What is counted for one subject of one rule. The subject's name is shown to its callers. `share` is what it
    shares with other gateways, where it does."""

    __slots__ = ("limit", "name", "rule", "share")

    def __init__(self, rule: Rule, name: str, share: Share | None) -> None:
        self.rule = rule
        self.name = name
        self.limit = rule.limit
        self.share = share

    @property
    def subject(self) -> str:
        """Whom it is about, for people."""
        kind = self.rule.scope.kind
        return f"{kind}:{self.name[:_LONGEST_NAME]}" if kind != "all" else kind

    @property
    def told(self) -> str:
        """The same, as the subject of a sentence. Callers choose their users' names: none begins a line of the log."""
        if self.rule.scope.kind == "all":
            return "This gateway" if self.share is None else "This installation"
        subject = self.subject
        return subject if subject.isprintable() else subject.encode("unicode_escape").decode("ascii")

    @property
    def amid(self) -> str:
        """The same, within a sentence."""
        told = self.told
        return told if self.rule.scope.kind != "all" else told[0].lower() + told[1:]

    def has_room(self, hold: Hold) -> bool:
        """Say whether a call may pass."""
        raise NotImplementedError  # abstract: each kind of limit says

    def take(self, hold: Hold) -> None:
        """Count what a call may take at most."""

    def settle(self, hold: Hold, tokens: int, atto: int) -> None:
        """Count what a call has taken, and no longer what it might have."""

    def free(self, hold: Hold) -> None:
        """Count nothing of a call."""

    def lacks(self, hold: Hold) -> int:
        """Return what a call would have to be lent by other gateways, where that may help; 0 where it will not."""
        return 0

    def lease(self, hold: Hold) -> Share | None:
        """Return what is shared, and has no room for a call; None where nothing is."""
        share = self.share
        return share if share is not None and not share.alone else None

    def put_back(self, now: float, wall: float, amount: int) -> None:
        """Count what was taken before this process began."""

    def is_idle(self, now: float, wall: float) -> bool:
        """Say whether nothing is counted, so that the counter can be forgotten."""
        return True

    def used(self, now: float, wall: float) -> int:
        """Return what is counted for calls that are over, and for those under way where these are not set apart."""
        return 0

    def reserved(self) -> int:
        """Return what calls under way may take, where that is set apart."""
        return 0

    def resets_s(self, now: float, wall: float) -> float | None:
        """Return in how many seconds nothing is counted any more, if nothing else comes; None where that does not
        depend on time."""
        return None

    def error(self, hold: Hold) -> CallError:
        """Return what a call is told that has no room."""
        raise NotImplementedError  # abstract: each kind of limit says


def words(rule: Rule) -> str:
    """Name what a rule counts: `tokens per minute`, `per month`, `in all`."""
    text = rule.metric.replace("_", " ")
    return text.replace("usd per", "per").replace("usd total", "in all") if rule.per is not None else text


def seconds(count: float) -> str:
    """Say how long to wait, in whole seconds."""
    return f"{max(1, ceil(count)):,} s"


def unbounded(counter: Counter) -> CallError:
    """Return what a call is told of which nobody knows how much it may take."""
    return BadRequest(
        f"Nothing says how many tokens the call may take, and {counter.amid} has a limit. Send max_tokens; "
        'or add to [deployments."PROVIDER/MODEL"] most_output, and context where calls hold more than text.',
        code="max_tokens_required",
        param="max_tokens",
    )

"""What limits count of a call when it is over: what it took, in the place of what it might have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from steelyard.core.exchange import Outcome
from steelyard.core.usage import Usage
from steelyard.gateway.bound import NO_OUTPUT
from steelyard.limits.ceiling import atto_of_cost
from steelyard.limits.recall import NOT_ADMITTED

if TYPE_CHECKING:
    from decimal import Decimal

    from steelyard.gateway.account import Account
    from steelyard.gateway.relay import Seen

__all__ = ["billed", "settle"]

_BYTES_PER_TOKEN: Final = 4
_FREE: Final = frozenset(("refused", "status"))
"""Ends of an attempt after which nobody charges anything."""


def settle(call: Account, outcome: Outcome, usage: Usage | None, cost: Decimal | None) -> None:
    """Count what a call took of the limits that it was admitted by, and no longer what it might have."""
    tokens = 0
    if usage is not None:
        tokens = (usage.input or 0) + (usage.output or 0)
    atto = atto_of_cost(cost) if cost is not None else 0
    hold, attempt = call.hold, call.attempt_hold
    limiter = call.gateway.limiter
    if limiter is not None:
        limiter.limits.touched = True
    if hold is not None:
        if outcome in NOT_ADMITTED and not call.attempts:
            hold.free()
        else:
            if limiter is not None and (0 <= hold.tokens < tokens or 0 <= hold.atto < atto):
                limiter.limits.overruns += 1
            hold.settle(tokens, atto)
    if attempt is not None:
        attempt.settle(tokens, atto)


def billed(call: Account, outcome: Outcome, seen: Seen) -> Usage | None:
    """Return the usage of a call that limits count, estimated where its provider reported none: what was sent is never
    free. None where nothing was sent, or where nobody charges for it."""
    usage = seen.usage
    if not call.attempts or call.endpoint.counts:
        return usage
    if usage is None:
        if call.attempts[-1].outcome in _FREE or not call.was_sent():
            return None
        usage = call.estimate(seen.size // _BYTES_PER_TOKEN if outcome == "ok" else 0)
    elif usage.output is None and call.endpoint.name not in NO_OUTPUT:
        usage = replace(usage, output=seen.size // _BYTES_PER_TOKEN, estimated=True)
    hold = call.hold or call.attempt_hold
    if usage.estimated and hold is not None and 0 <= hold.output < (usage.output or 0):
        usage = replace(usage, output=hold.output)  # no estimate is above what the call was limited to
    return usage

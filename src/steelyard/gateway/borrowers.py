"""Calls that wait until this gateway is lent what they may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from steelyard.core.errors import CallError, TooMany, Unavailable
from steelyard.gateway.waiting_line import is_waited_for
from steelyard.metrics.series import series

if TYPE_CHECKING:
    from steelyard.gateway.call import Call
    from steelyard.gateway.leases import Leases
    from steelyard.gateway.limiter import Limiter
    from steelyard.gateway.way import Way
    from steelyard.limits import Counter, Hold

__all__ = ["Borrowers", "unreachable"]

_PATIENCE_S: Final = 2.0


class Borrowers:
    """The calls of one gateway that wait, in the order in which they came (`departure.Wait`)."""

    __slots__ = ("_calls", "_leases", "_limiter", "_restoring", "waits")

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._limiter: Limiter | None = None
        self._calls: dict[Call, tuple[Way, float]] = {}
        self._restoring = False
        self.waits = 0

    def __len__(self) -> int:
        return len(self._calls)

    def serve(self, limiter: Limiter | None) -> None:
        """Take note of whom calls are admitted by."""
        self._limiter = limiter

    def borrow(self, counters: tuple[Counter, ...], hold: Hold) -> Counter | None:
        """Have asked for what a call lacks; return a counter of which it cannot be had, or None. Raises Unavailable
        where the server cannot be asked."""
        lacking = [one for one in counters if not one.has_room(hold)]
        for one in lacking:
            share, amount = one.lease(hold), one.lacks(hold)
            if is_waited_for(one):
                continue
            if share is None or amount == 0 or share.is_short(amount, hold.now):
                return one
            if share.pulse.lost:
                raise unreachable()
        if all(is_waited_for(one) for one in lacking):
            return lacking[0]
        self._restoring = False
        for one in counters:
            # What it does not lack is asked for, too: else it would be given back while the rest is waited for.
            share, amount = one.lease(hold), one.lacks(hold)
            if share is not None and amount > 0:
                share.ask(amount)
                self._restoring = self._restoring or share.restoring
        self._leases.hurry()
        return None

    def is_cut_off(self, counter: Counter, hold: Hold) -> bool:
        """Say whether a counter may have room that cannot be asked for now."""
        share = counter.lease(hold)
        return share is not None and share.pulse.lost

    def has(self, call: Call) -> bool:
        """Say whether a call waits here."""
        return call in self._calls

    def add(self, call: Call, way: Way, now: float) -> None:
        """Have a call wait for what was asked for it."""
        until = now + _PATIENCE_S
        self.waits += 1
        self._calls[call] = (way, until)
        call.wait_for(self, until)

    def retry(self) -> None:
        """Have those calls go on that can, and those refused that never will."""
        limiter = self._limiter
        for call, (way, until) in list(self._calls.items()):
            if call not in self._calls:
                continue  # it left while others went on
            del self._calls[call]
            call.wake()
            if limiter is None:
                call.refuse(unreachable(), "rejected")
            elif limiter.readmit(call, way):
                self._calls[call] = (way, until)
                call.deadline = until  # that of its first wait
                self.waits -= 1

    def metrics(self) -> list[str]:
        """Return lines for `/metrics`."""
        leases = self._leases
        return [
            *series(
                "steelyard_shared_connected",
                "gauge",
                "1 while the server that gateways share can be reached.",
                [("", int(leases.epoch != "" and not leases.sharing.pulse.lost))],
            ),
            *series(
                "steelyard_shared_gateways",
                "gauge",
                "Gateways that count together, this one included.",
                [("", leases.live)],
            ),
            *series(
                "steelyard_shared_syncs_total",
                "counter",
                "Questions to the server that gateways share.",
                [("", leases.syncs)],
            ),
            *series(
                "steelyard_shared_waits_total",
                "counter",
                "Calls that waited to be lent what they may take.",
                [("", self.waits)],
            ),
        ]

    def leave(self, call: Call) -> None:
        """Take note that a call waits no longer."""
        self._calls.pop(call, None)

    def late(self) -> CallError:
        """Return what a call is told that waited until its deadline."""
        if self._leases.sharing.pulse.lost:
            return unreachable()
        if self._restoring:
            return Unavailable(
                "What was counted before the server of [shared] was emptied is still being put together. Try again in "
                "a moment.",
                code="limits_restoring",
                retry_after_s=1.0,
            )
        return TooMany(
            "What is left of a limit is held by other gateways, and did not come back in time. Try again.",
            retry_after_s=1.0,
        )


def unreachable() -> CallError:
    """Return what a call is told while nobody can say what other gateways count."""
    return Unavailable(
        "The limits of this call are counted together with other gateways, and their server cannot be reached. Try "
        "again in a moment.",
        code="shared_unavailable",
        retry_after_s=1.0,
    )

"""Which deployment of its plan a call tries next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steelyard.core.errors import BadRequest, CallError
from steelyard.gateway.breaker import CLOSED
from steelyard.gateway.lane import Lane
from steelyard.gateway.reply import Reply

if TYPE_CHECKING:
    from steelyard.gateway.detour import Detour
    from steelyard.gateway.waiting_line import Choosing

__all__ = ["Choice"]


class Choice(Reply):
    """The deployments of one call: in which order they are tried, and which of them are not, and why."""

    _cursor = 0
    _order: Sequence[Lane] = ()
    _excluded: frozenset[Lane] = frozenset()
    _unfit: BadRequest | None = None
    _full: CallError | None = None
    _crowded: tuple[Lane, ...] = ()
    place: Choosing | None = None
    waited = False

    def _pick(self) -> Lane | None:
        order = self._order
        now = None
        for _ in range(len(order)):
            lane = order[self._cursor % len(order)]
            self._cursor += 1
            if lane in self._excluded:
                continue
            if lane.breaker.state is CLOSED:
                return lane
            now = now or self.gateway.clock()
            if lane.breaker.allows(now):
                return lane
        return None

    def _takes(self, lane: Lane) -> bool:
        """Say whether a deployment can be asked this, and has room for it."""
        attempt = self.attempt_hold
        if attempt is not None:
            self.attempt_hold = None
            attempt.settle(0, 0)  # the attempt before brought nothing
        if self.detour is not None and not self._fits(lane, self.detour):
            return False
        if lane.counters:
            self._full = self.gateway.grant(self, lane)
            if self._full is not None:
                self._crowded += (lane,)
                lane.breaker.abandon()
                self._excluded |= {lane}
                return False
        return True

    def _fits(self, lane: Lane, detour: Detour) -> bool:
        """Make ready for a deployment that is not simply relayed to; say whether it can be asked this."""
        try:
            detour.take(lane)
            self.takes_whole = detour.takes_whole
        except BadRequest as error:
            lane.breaker.abandon()  # it may have been picked as a probe
            self._unfit = error
            self._excluded |= {lane}
            return False
        return True

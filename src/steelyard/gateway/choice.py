"""Which deployment of its plan a call tries next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steelyard.config.fallback import CONTEXT_LENGTH
from steelyard.core.errors import BadRequest, CallError
from steelyard.gateway.breaker import CLOSED
from steelyard.gateway.lane import Lane
from steelyard.gateway.race import Race

if TYPE_CHECKING:
    from steelyard.gateway.detour import Detour
    from steelyard.gateway.failure import Failure

__all__ = ["Choice"]


class Choice(Race):
    """The deployments of one call: in which order they are tried, and which of them are not, and why."""

    _cursor = 0
    _order: Sequence[Lane] = ()
    _unfit: BadRequest | None = None
    _full: CallError | None = None
    _crowded: tuple[Lane, ...] = ()
    waited = False

    def _pick(self) -> Lane | None:
        way = self.way
        if way is not None and way.careful:
            # Nobody is left without an answer because of outliers: if the others are no use, they are asked. So is who
            # was outrun, once all others have been.
            outrun = self._outrun if self._cursor < len(self._order) else frozenset()
            for passed_over in (self._resting() | outrun, outrun):
                at = self._cursor
                lane = self._pick_of(passed_over)
                if lane is not None:
                    return lane
                self._cursor = at
        return self._pick_of(frozenset())

    def _resting(self) -> frozenset[Lane]:
        """Return the deployments that rest since they do far worse than the others."""
        now = self.gateway.clock()
        return frozenset([one for one in self._order if one.watch is not None and one.watch.rests_until > now])

    def _pick_of(self, passed_over: frozenset[Lane]) -> Lane | None:
        order = self._order
        now = None
        for _ in range(len(order)):
            lane = order[self._cursor % len(order)]
            self._cursor += 1
            if lane in self._excluded or lane in passed_over:
                continue
            if lane.breaker.state is CLOSED:
                return lane
            now = now or self.gateway.clock()
            if lane.breaker.allows(now):
                return lane
        return None

    def _pick_beside(self) -> Lane | None:
        """Return a deployment that is well and has not been asked, for a second attempt beside the first; it is taken
        out of those that are tried next."""
        order, resting = list(self._order), self._resting()
        for at in range(self._cursor, len(order)):
            lane = order[at]
            if lane not in self._excluded and lane not in resting and lane.breaker.state is CLOSED:
                order.insert(self._cursor, order.pop(at))
                self._order = order
                self._cursor += 1
                return lane
        return None

    def _left(self) -> bool:
        """Say whether anybody but the present deployment may be asked."""
        return any(one is not self.lane and one not in self._excluded for one in self._order)

    def _untried(self) -> bool:
        """Say whether there is anybody who may be asked and has not been."""
        return any(one not in self._excluded for one in self._order[self._cursor :])

    def _exclude(self, failure: Failure) -> None:
        """Leave out whom it is of no use to ask after a failure."""
        lane = self.lane
        if not failure.again:
            self._excluded |= {lane}
        if not failure.elsewhere:
            self._excluded |= {one for one in self._order if one is not lane}
        elif failure.subject == CONTEXT_LENGTH and lane.target.context is not None:
            held = lane.target.context
            self._excluded |= {one for one in self._order if (one.target.context or held + 1) <= held}

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

"""The way of a call: a plan's lanes for one endpoint, with what the hot path would otherwise compute for each call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from steelyard.gateway.lane import Lane
from steelyard.gateway.order import order
from steelyard.limits import Ceiling
from steelyard.policy.plan import Plan

__all__ = ["Way"]


class Way:
    """A plan as one endpoint sees it: only the deployments that have the endpoint."""

    __slots__ = (
        "_weights",
        "ceiling",
        "first_byte_s",
        "fixed",
        "idle_s",
        "lanes",
        "plain",
        "plan",
        "record",
        "route",
        "total_s",
        "tries",
    )

    def __init__(self, plan: Plan, lanes: Sequence[Lane], weights: Sequence[float] | None) -> None:
        self.plan = plan
        self.lanes = lanes
        self.ceiling: Ceiling | None = None  # is found when a limit asks for it
        self.plain = all(lane.plain for lane in lanes)
        self.route = plan.route
        self.record = plan.record
        self.tries = plan.retries + 1
        self.first_byte_s = plan.timeouts.first_byte
        self.idle_s = plan.timeouts.idle
        self.total_s = plan.timeouts.total
        self._weights = weights
        self.fixed = len(lanes) == 1 or plan.strategy in ("fallback", "cheapest")

    def order(self, randomness: Callable[[], float]) -> Sequence[Lane]:
        """Return the lanes in the order of their trial."""
        return self.lanes if self.fixed else order(self.plan.strategy, self.lanes, self._weights, randomness)

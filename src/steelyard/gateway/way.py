"""The way of a call: a plan's lanes for one endpoint, with what the hot path would otherwise compute for each call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from steelyard.config.fallback import CONTENT_FILTER
from steelyard.gateway.health import RouteHealth
from steelyard.gateway.lane import Lane
from steelyard.gateway.order import order
from steelyard.limits import Ceiling
from steelyard.policy.plan import Plan

__all__ = ["Way"]


class Way:
    """A plan as one endpoint sees it: only the deployments that have the endpoint.

    `careful`: before a deployment is asked there is more to look at than its breaker: outliers, or a hedge. `filters`:
    an answer that a content filter has withheld is looked for elsewhere."""

    __slots__ = (
        "_weights",
        "careful",
        "ceiling",
        "filters",
        "first_byte_s",
        "fixed",
        "health",
        "hedged",
        "idle_s",
        "lanes",
        "plain",
        "plan",
        "record",
        "retries",
        "route",
        "total_s",
        "tries",
    )

    def __init__(self, plan: Plan, lanes: Sequence[Lane], weights: Sequence[float] | None, health: RouteHealth) -> None:
        self.plan = plan
        self.health = health
        self.retries = health.retries
        self.hedged = len(lanes) > 1 and (plan.hedge_after_s is not None or plan.hedge_percentile is not None)
        self.careful = self.hedged or plan.outliers is not None
        self.filters = plan.fallback_on is not None and CONTENT_FILTER in plan.fallback_on
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

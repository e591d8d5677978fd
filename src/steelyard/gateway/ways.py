"""Where calls may go: each endpoint's way to each model that was asked for, made once and kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from steelyard.core.errors import NotFound
from steelyard.gateway.crossing import manners_of, reachable
from steelyard.gateway.health import Health, RouteHealth
from steelyard.gateway.lane import Lane
from steelyard.gateway.meter import Meter
from steelyard.gateway.signing import Signer
from steelyard.gateway.surface import Endpoint
from steelyard.gateway.way import Way
from steelyard.limits import Counter
from steelyard.policy.plan import Plan, Target
from steelyard.policy.plans import Plans

__all__ = ["Ways"]

_MOST_WAYS = 8192


class Ways:
    """The ways of one configuration, for callers of one purpose. What was learned (`health`) outlives it."""

    __slots__ = ("_by_endpoint", "_counters_of", "_health", "_meter", "_plans", "_purpose", "_signer_of")

    def __init__(
        self,
        plans: Plans,
        health: Health,
        meter: Meter,
        signer_of: Callable[[Target], Signer | None],
        purpose: str | None = None,
        counters_of: Callable[[str], tuple[Counter, ...]] | None = None,
    ) -> None:
        self._plans = plans
        self._purpose = purpose
        self._by_endpoint: defaultdict[str, dict[str, Way]] = defaultdict(dict)
        self._health = health
        self._meter = meter
        self._signer_of = signer_of
        self._counters_of = counters_of

    def to(self, endpoint: Endpoint, model: str) -> Way:
        """Return the way to what was asked for. Raises NotFound, Unavailable, Denied."""
        return self._by_endpoint[endpoint.name].get(model) or self._made(endpoint, model)

    def _made(self, endpoint: Endpoint, model: str) -> Way:
        if not model.isprintable():
            raise NotFound("A model's name holds no control characters.", code="model_not_found", param="model")
        plan = self._plans.find(model, self._purpose)
        able = [target for target in plan.targets if reachable(endpoint, target)]
        if not able:
            raise NotFound(f'No deployment of "{plan.route}" has /v1/{endpoint.name}.', code="endpoint_not_served")
        if endpoint.counts:
            # Who only generates can be asked to count nothing: the gateway estimates, if nobody counts.
            able = [target for target in able if endpoint.name in target.paths]
        weights = None
        if plan.weights is not None:
            given = zip(plan.targets, plan.weights, strict=True)
            weights = [weight for target, weight in given if target in able]
        health = self._health.of_route(plan)
        lanes = tuple(self._lane(endpoint, plan, target, health) for target in able)
        ways = self._by_endpoint[endpoint.name]
        if len(ways) >= _MOST_WAYS:
            ways.clear()
        way = ways[model] = Way(plan, lanes, weights, health)
        return way

    def _lane(self, endpoint: Endpoint, plan: Plan, target: Target, health: RouteHealth) -> Lane:
        row = self._meter.row(plan.route, target.deployment)
        manners = manners_of(endpoint, target)
        vitals = self._health.of_deployment(target.deployment)
        permit = self._plans.permit(plan, target.deployment)
        lane = Lane(target, vitals, row, manners, self._signer_of(target), permit)
        if self._counters_of is not None:
            lane.counters = self._counters_of(target.deployment)
        if health.outliers is not None:
            lane.watch = health.outliers.watch(target.deployment)
        return lane

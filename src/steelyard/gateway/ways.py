"""Where calls may go: each endpoint's way to each model that was asked for, made once and kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from steelyard.core.errors import NotFound
from steelyard.gateway.crossing import manners_of, reachable
from steelyard.gateway.lane import Lane, Vitals
from steelyard.gateway.meter import Meter
from steelyard.gateway.signing import Signer
from steelyard.gateway.surface import Endpoint
from steelyard.gateway.way import Way
from steelyard.limits import Counter
from steelyard.policy.plan import Plan, Target
from steelyard.policy.plans import Plans

__all__ = ["Ways"]

_MOST_WAYS = 8192
_MOST_VITALS = 4096


class Ways:
    """The ways of one configuration, for callers of one purpose. What was learned of the deployments (`vitals`)
    outlives it."""

    __slots__ = ("_by_endpoint", "_counters_of", "_meter", "_plans", "_purpose", "_signer_of", "vitals")

    def __init__(
        self,
        plans: Plans,
        vitals: dict[str, Vitals],
        meter: Meter,
        signer_of: Callable[[Target], Signer | None],
        purpose: str | None = None,
        counters_of: Callable[[str], tuple[Counter, ...]] | None = None,
    ) -> None:
        self._plans = plans
        self._purpose = purpose
        self._by_endpoint: defaultdict[str, dict[str, Way]] = defaultdict(dict)
        self.vitals = vitals
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
        lanes = tuple(self._lane(endpoint, plan, target) for target in able)
        ways = self._by_endpoint[endpoint.name]
        if len(ways) >= _MOST_WAYS:
            ways.clear()
        way = ways[model] = Way(plan, lanes, weights)
        return way

    def _lane(self, endpoint: Endpoint, plan: Plan, target: Target) -> Lane:
        row = self._meter.row(plan.route, target.deployment)
        manners = manners_of(endpoint, target)
        vitals = self._vitals_of(target.deployment)
        permit = self._plans.permit(plan, target.deployment)
        lane = Lane(target, vitals, row, manners, self._signer_of(target), permit)
        if self._counters_of is not None:
            lane.counters = self._counters_of(target.deployment)
        return lane

    def _vitals_of(self, deployment: str) -> Vitals:
        known = self.vitals.get(deployment)
        if known is None:
            known = Vitals()
            if len(self.vitals) < _MOST_VITALS:
                self.vitals[deployment] = known
        return known

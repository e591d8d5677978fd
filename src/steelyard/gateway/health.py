"""What the gateway has learned: of each deployment, and of each route; it outlives a change of configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from steelyard.gateway.lane import Vitals
from steelyard.gateway.outliers import Outliers
from steelyard.gateway.retry_budget import RetryBudget
from steelyard.metrics.series import label, series

if TYPE_CHECKING:
    from steelyard.policy.plan import Plan

__all__ = ["Health", "RouteHealth"]

_MOST: Final = 4096


class RouteHealth:
    """What was learned of a route: what it may still try again, how its deployments do beside each other (None: nobody
    wants to know), and what became of its hedged calls. `no_room`: hedges that no budget had room for."""

    __slots__ = ("no_room", "outliers", "retries", "won")

    def __init__(self, plan: Plan, now: float) -> None:
        self.retries = RetryBudget(plan.retry_budget.ratio, plan.retry_budget.per_s, now)
        self.outliers: Outliers | None = None
        self.won = 0
        self.no_room = 0
        self.adopt(plan, now)

    def adopt(self, plan: Plan, now: float) -> None:
        """Go on by a plan of the present configuration."""
        self.retries.adopt(plan.retry_budget.ratio, plan.retry_budget.per_s, now)
        count = len(plan.targets) + len(plan.denied)
        if plan.outliers is None and plan.hedge_percentile is None:
            self.outliers = None
        elif self.outliers is None:
            self.outliers = Outliers(plan.outliers, count)
        else:
            self.outliers.adopt(plan.outliers, count)


class Health:
    """All of it. There are bounds to how many names are kept, since callers choose names too."""

    __slots__ = ("_clock", "deployments", "routes")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.deployments: dict[str, Vitals] = {}
        self.routes: dict[str, RouteHealth] = {}

    def of_deployment(self, name: str) -> Vitals:
        """Return what is known of a deployment."""
        known = self.deployments.get(name)
        if known is None:
            known = Vitals()
            if len(self.deployments) < _MOST:
                self.deployments[name] = known
        return known

    def of_route(self, plan: Plan) -> RouteHealth:
        """Return what is known of a plan's route, which goes on by this plan."""
        now = self._clock()
        known = self.routes.get(plan.route)
        if known is None:
            known = RouteHealth(plan, now)
            if len(self.routes) < _MOST:
                self.routes[plan.route] = known
        else:
            known.adopt(plan, now)
        return known

    def metrics(self) -> str:
        """Return lines for `/metrics`: of routes that have tried anything again, or that watch their deployments."""
        now = self._clock()
        routes = [(label("route", name), one) for name, one in self.routes.items()]
        tried = [
            (route, one.retries) for route, one in routes if one.retries.refused or any(one.retries.granted.values())
        ]
        hedged = [(route, one) for route, one in routes if one.retries.granted["hedge"] or one.no_room]
        watched = [
            (f"{route},{label('deployment', watch.name)}", watch)
            for route, one in routes
            if one.outliers is not None and one.outliers.settings is not None
            for watch in one.outliers.watches.values()
        ]
        lines = series(
            "steelyard_retries_total",
            "counter",
            "Further attempts of calls, by kind: again, elsewhere, hedge.",
            [(f"{route},{label('kind', kind)}", count) for route, one in tried for kind, count in one.granted.items()],
        )
        lines += series(
            "steelyard_retries_refused_total",
            "counter",
            "Further attempts that a retry budget had no room for.",
            [(route, one.refused) for route, one in tried],
        )
        lines += series(
            "steelyard_hedges_won_total",
            "counter",
            "Hedged calls that the second deployment answered.",
            [(route, one.won) for route, one in hedged],
        )
        lines += series(
            "steelyard_hedges_no_room_total",
            "counter",
            "Hedges not made since a limit or a budget had no room for them.",
            [(route, one.no_room) for route, one in hedged],
        )
        lines += series(
            "steelyard_outlier_resting",
            "gauge",
            "1 while a deployment rests that did far worse than its route's others.",
            [(labels, int(one.rests_until > now)) for labels, one in watched],
        )
        lines += series(
            "steelyard_outlier_ejections_total",
            "counter",
            "How often a deployment came to rest so.",
            [(labels, one.ejections) for labels, one in watched],
        )
        return "\n".join(lines) + "\n"

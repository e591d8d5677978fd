"""Routes → plans: compiled when the configuration changes, looked up when a call comes."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import compress

from msgspec import structs

from steelyard.catalog.prices import priced_models
from steelyard.config.fallback import DEFAULT
from steelyard.config.providers import ResolvedProvider
from steelyard.config.settings import Config, DeploymentFacts, ModelSettings, RouteSettings
from steelyard.core.errors import ConfigError, Denied, NotFound, StoreError, Unavailable
from steelyard.core.usage import Usage
from steelyard.policy.nearest import nearest
from steelyard.policy.permits import Permit, Permits
from steelyard.policy.plan import Plan, Target, least_record
from steelyard.policy.targets import LOCAL_PROVIDER, Missing, local_target, remote_target

__all__ = ["LOCAL_PROVIDER", "Plans"]

_LOCAL_CONTEXT = 8192
"""What the engine gives a call at most where nobody has said it (`config.settings.ModelSettings`)."""
_MOST_UNNAMED = 4096
_LONGEST_QUOTED = 200
_MOST_TOLD = 3
_MOST_ASKED = 200
_MOST_PERMITTED = 65_536


class Plans:
    """Every plan of one configuration. A route's plan is made at once; a bare `provider/model` gets its plan when it
    is first asked for (at most 4,096 of them are kept)."""

    def __init__(
        self,
        config: Config,
        providers: Mapping[str, ResolvedProvider],
        *,
        local_models: Callable[[], Iterable[str]],
        now: datetime,
        permits: Permits | None = None,
    ) -> None:
        """`local_models` lists the models in the store; `now` dates the prices; without `permits` all is permitted."""
        self._config = config
        self._providers = providers
        self._local_models = local_models
        self._now = now
        self._permits = permits
        self._unnamed: dict[str, Plan] = {}
        self._permitted: dict[tuple[str, str | None], Plan] = {}
        self.problems: list[str] = []
        self.routes: dict[str, Plan] = {}
        for name, route in config.routes.items():
            plan = self._compile(name, route)
            if plan.targets:
                self.routes[name] = plan
        for purpose in (None, *config.purposes) if permits is not None else ():
            for name in self.routes:
                self._permit(name, purpose)

    def find(self, model: str, purpose: str | None = None) -> Plan:
        """Return the plan for what a caller asked for, whose purpose is called `purpose` (None: the default).

        Raises NotFound, with the nearest names, when nothing of that name is served, Unavailable when it is known but
        its provider lacks what it needs, and Denied when the purpose may use none of its deployments.
        """
        plan = self.outline(model, purpose)
        if not plan.targets:
            raise self._denied(plan)
        return plan

    def outline(self, model: str, purpose: str | None = None) -> Plan:
        """Return the same plan as `find`, and the one too of which nobody is left. Raises NotFound, Unavailable; Denied
        when the configuration has no such purpose (any more)."""
        plan = self._permitted.get((model, purpose))
        if plan is None:
            if model not in self.routes and model not in self._unnamed:
                self._unnamed_plan(model)
            try:
                plan = self._permit(model, purpose)
            except ConfigError as error:
                raise _undecided(error) from None
        return plan

    def warm(self) -> None:
        """Learn what decisions go by, where that has not been needed yet."""
        if self._permits is not None:
            self._permits.warm()

    def permit(self, plan: Plan, deployment: str) -> Permit | None:
        """Return what a deployment may be used for under a plan; None where nothing is decided here. What a recorded
        decision was made from is kept: raises Unavailable when it cannot be."""
        if self._permits is None:
            return None
        try:
            return self._permits.of(deployment, plan.purpose, plan.demanded, keep=plan.record != "none")
        except StoreError as error:
            raise Unavailable(
                f"What a decision is made from cannot be recorded, and calls are not served unrecorded: {error}",
                code="not_recordable",
                retry_after_s=5.0,
            ) from None

    def _permit(self, model: str, purpose: str | None) -> Plan:
        """Compile a plan for a purpose: without the deployments that it may not use. Raises ConfigError."""
        whole = self.routes.get(model) or self._unnamed[model]
        permits = self._permits
        if permits is None:
            return whole
        route = self._config.routes.get(model)
        demanded = permits.purpose(purpose, route.require if route is not None else None)
        granted = permits.allows([one.deployment for one in whole.targets], demanded)
        plan = structs.replace(
            whole,
            targets=tuple(compress(whole.targets, granted)),
            weights=None if whole.weights is None else tuple(compress(whole.weights, granted)),
            purpose=permits.default if purpose is None else purpose,
            demanded=demanded,
            denied=tuple(one.deployment for one, yes in zip(whole.targets, granted, strict=True) if not yes),
        )
        if len(self._permitted) >= _MOST_PERMITTED:
            self._permitted.clear()
        self._permitted[model, purpose] = plan
        return plan

    def _denied(self, plan: Plan) -> Denied:
        """Return the error that tells why nobody may answer, and who may."""
        told = "; ".join(f"{name}: {self._because(plan, name)}" for name in plan.denied[:_MOST_TOLD])
        near = self._nearest_permitted(plan)
        hint = f" Permitted: {', '.join(near)}." if near else " No deployment that is configured here is permitted."
        error = Denied(f'No deployment of "{plan.route[:_LONGEST_QUOTED]}" is permitted. {told}.{hint}', param="model")
        permit = self.permit(plan, plan.denied[0])
        error.decided = permit.decided if permit is not None else None
        error.plan = plan
        return error

    def _because(self, plan: Plan, deployment: str) -> str:
        """Return why a deployment is not permitted: the weightiest reason, with its clause."""
        permit = self.permit(plan, deployment)
        assert permit is not None
        assert permit.decision is not None
        reason = permit.decision.reasons[0]
        where = ", ".join(one for one in (reason.licence, reason.clause) if one)
        return f"{permit.decision.decision}, {reason.text.rstrip('.')}{f' [{where}]' if where else ''}"

    def _nearest_permitted(self, plan: Plan) -> list[str]:
        """Return deployments that the configuration names, or that run here, and that the purpose may use."""
        permits = self._permits
        assert permits is not None
        named = (target.deployment for one in self.routes.values() for target in one.targets)
        local = (f"{LOCAL_PROVIDER}/{name}" for name in self._local_models())
        here = list(dict.fromkeys((*named, *local)))[:_MOST_ASKED]
        allowed = list(compress(here, permits.allows(here, plan.demanded)))
        return (nearest(plan.route, allowed, 0.0) or allowed)[:_MOST_TOLD]

    def _unnamed_plan(self, model: str) -> None:
        if model in self._config.routes:
            raise Unavailable(
                f'Route "{model}" has no deployment that can be called: {" ".join(self.problems)}', code="route_empty"
            )
        provider, slash, name = model.partition("/")
        if not slash or not name or not (provider == LOCAL_PROVIDER or provider in self._providers):
            raise self._not_found(model)
        target = self._target(model)
        if isinstance(target, Missing):
            if target.unknown:
                raise NotFound(target.why, code="model_not_found", param="model")
            raise Unavailable(target.why, code="provider_not_configured", param="model")
        facts = self._config.deployments.get(model, DeploymentFacts())
        record = least_record(facts.record) or self._config.server.record
        plan = Plan(model, (target,), record=record)
        if len(self._unnamed) >= _MOST_UNNAMED:
            self._unnamed.clear()
            self._permitted.clear()
        self._unnamed[model] = plan

    def _compile(self, name: str, route: RouteSettings) -> Plan:
        targets: list[Target] = []
        weights: list[float] = []
        given = route.weights or (1.0,) * len(route.deployments)
        for deployment, weight in zip(route.deployments, given, strict=True):
            target = self._target(deployment)
            if isinstance(target, Missing):
                self.problems.append(target.why)
            elif route.strategy == "cheapest" and target.tariff is None:
                self.problems.append(
                    f'Route "{name}" is "cheapest", and no price of {deployment} is known. '
                    f'Add [deployments."{deployment}"] price in steelyard.toml.'
                )
            else:
                targets.append(target)
                weights.append(weight)
        if route.strategy == "cheapest":
            targets.sort(key=_typical_cost)
        chosen = least_record(route.record, *(self._facts(one.deployment).record for one in targets))
        return Plan(
            name,
            tuple(targets),
            route.strategy,
            tuple(weights) if route.strategy == "weighted" else None,
            route.retries,
            route.timeout_s,
            chosen or self._config.server.record,
            route.strict,
            fallback_on=frozenset(route.fallback_on) if set(route.fallback_on) != set(DEFAULT) else None,
            retry_budget=route.retry_budget,
            hedge_after_s=route.hedge_after_s,
            hedge_percentile=route.hedge_percentile,
            outliers=route.outliers,
        )

    def _facts(self, deployment: str) -> DeploymentFacts:
        return self._config.deployments.get(deployment, DeploymentFacts())

    def _target(self, deployment: str) -> Target | Missing:
        """Return the deployment ready for use, or why it cannot be used."""
        provider_name = deployment.partition("/")[0]
        facts = self._facts(deployment)
        if provider_name == LOCAL_PROVIDER:
            model = self._config.models.get(deployment.removeprefix(f"{LOCAL_PROVIDER}/"), ModelSettings())
            return local_target(deployment, facts, self._local_models, model.context or _LOCAL_CONTEXT)
        provider = self._providers.get(provider_name)
        if provider is None:
            add = f"Add [providers.{provider_name}] to steelyard.toml."
            return Missing(f'No provider is called "{provider_name}". {add}')
        if provider.problem or not provider.base_url:
            return Missing(provider.problem or f'Provider "{provider_name}" has no base_url.')
        return remote_target(deployment, provider, facts, self._now)

    @property
    def records(self) -> bool:
        """Whether any route's exchanges go on record."""
        config = self._config
        if config.server.record != "none" or any(plan.record != "none" for plan in self.routes.values()):
            return True
        return any(facts.record not in (None, "none") for facts in config.deployments.values())

    @property
    def until(self) -> datetime | None:
        """The first moment at which a price or a decision may be another; None when there is none."""
        plans = (*self.routes.values(), *self._unnamed.values())
        ends = [target.tariff.until for plan in plans for target in plan.targets if target.tariff is not None]
        if self._permits is not None:
            # Claims expire at midnight (UTC), and each decision says as on which day it was made.
            ends.append(datetime.combine(self._now.date(), time(), UTC) + timedelta(days=1))
        return min((end for end in ends if end is not None), default=None)

    def names(self) -> list[str]:
        """Return what `GET /v1/models` lists: routes, deployments that the configuration names, local models, and the
        models with a known price of each provider that has a key."""
        listed = dict.fromkeys(self.routes)
        listed.update(dict.fromkeys(f"{LOCAL_PROVIDER}/{name}" for name in sorted(self._local_models())))
        for plan in self.routes.values():
            listed.update(dict.fromkeys(target.deployment for target in plan.targets))
        usable = {name for name, one in self._providers.items() if not one.problem}
        listed.update(dict.fromkeys(name for name in self._config.deployments if name.partition("/")[0] in usable))
        for name in sorted(usable):
            listed.update(dict.fromkeys(f"{name}/{model}" for model in _priced(self._providers[name])))
        return list(listed)

    def names_for(self, purpose: str | None) -> list[str]:
        """Return those of `names` that somebody may answer for a purpose (None: the default). Raises Denied when the
        configuration has no such purpose (any more)."""
        permits = self._permits
        names = self.names()
        if permits is None:
            return names
        try:
            demanded = permits.purpose(purpose, None)
            others = [name for name in names if name not in self.routes]
            allowed = set(compress(others, permits.allows(others, demanded)))
        except ConfigError as error:
            raise _undecided(error) from None
        return [
            name for name in names if name in allowed or (name in self.routes and self.outline(name, purpose).targets)
        ]

    def _not_found(self, model: str) -> NotFound:
        near = nearest(model, self.names())
        hint = f" Nearest: {', '.join(near)}." if near else ""
        return NotFound(
            f'No route or deployment is called "{model[:_LONGEST_QUOTED]}".{hint} GET /v1/models lists what is served.',
            code="model_not_found",
            param="model",
        )


def _undecided(error: ConfigError) -> Denied:
    return Denied(f"It cannot be decided who may answer: {error}")


def _typical_cost(target: Target) -> Decimal:
    """Price a call with three input tokens for one output token, a common shape of chat traffic."""
    cost = target.tariff.cost(Usage(3, 1)) if target.tariff else None
    return cost if cost is not None else Decimal("Infinity")


def _priced(provider: ResolvedProvider) -> Iterable[str]:
    if not provider.prices:
        return ()
    foreign = provider.row.foreign
    return (name for name in priced_models(provider.prices) if not any(fnmatchcase(name, one) for one in foreign))

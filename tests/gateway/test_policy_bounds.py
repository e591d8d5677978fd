"""Whatever the cards say and whatever goes wrong, no call reaches a deployment that the decision denies."""

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct, structs

from steelyard.catalog.purpose import NO_PURPOSE, Purpose, stricter
from steelyard.config.loader import load_config
from steelyard.config.providers import resolve_providers
from steelyard.core.errors import Denied, NotFound
from steelyard.gateway.health import Health
from steelyard.gateway.meter import Meter
from steelyard.gateway.surface import ENDPOINTS
from steelyard.gateway.ways import Ways
from steelyard.policy.decision import permits
from steelyard.policy.permits import duties_field
from steelyard.policy.shelf import permits_of
from tests.fake import FakeProvider
from tests.gateway.policy_rig import ASK, COMMAND, HERE, LLAMA, PHI
from tests.policy.test_plan_bounds import FAULTS, FURTHER, PRICE, QUICK, STRATEGIES
from tests.policy.test_plans_by_purpose import DEPLOYMENTS, allowed, compiled, configured
from tests.policy.worlds import World as Cards
from tests.policy.worlds import demands, purposes, worlds
from tests.support import GatewayUnderTest, config_text, wait_journalled
from tests.support.catalogue import shipped_catalogue

ALL: Any = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=40, **ALL)
@given(
    worlds,
    st.lists(st.sampled_from(DEPLOYMENTS), min_size=1, max_size=8, unique=True),
    st.sampled_from(STRATEGIES),
    st.none() | demands,
    st.none() | purposes,
    st.randoms(use_true_random=False),
)
def test_no_way_and_no_order_of_trial_holds_what_a_decision_denies(
    cards: Cards,
    deployments: list[str],
    strategy: str,
    require: Purpose | None,
    purpose: Purpose | None,
    draw: random.Random,
) -> None:
    named = {"p": purpose} if purpose is not None else {}
    config = configured({"r": {"deployments": deployments, "strategy": strategy}}, named)
    config = structs.replace(config, routes={"r": structs.replace(config.routes["r"], require=require)})
    plans = compiled(config, cards.catalogue)
    key = "p" if named else None
    demanded = stricter(purpose or NO_PURPOSE, require or NO_PURPOSE) if purpose or require else None
    permitted = {one for one in DEPLOYMENTS if allowed(cards, one, demanded)}
    health = Health(lambda: 0.0)
    ways = Ways(plans, health, Meter(0.0), lambda _: None, key)
    for endpoint in ENDPOINTS.values():
        try:
            way = ways.to(endpoint, "r")
        except (Denied, NotFound):
            assert not permitted & set(deployments), "somebody may answer"
            continue
        assert {lane.target.deployment for lane in way.lanes} <= permitted & set(deployments)
        for _ in range(20):
            for one in map(health.of_deployment, DEPLOYMENTS):  # some are slow, some rest
                one.first_token_s = draw.choice([None, draw.random()])
                if draw.random() < 0.3:
                    one.breaker.failure(0.0)
            tried = [lane.target.deployment for lane in way.order(draw.random)]
            assert sorted(tried) == sorted(lane.target.deployment for lane in way.lanes)
        for lane in way.lanes:
            permit = lane.permit
            assert permit is not None
            if demanded is not None:
                assert permit.decision is not None
                owed = duties_field(permit.decision.duties)
                assert (b"x-steelyard-duties: " in lane.named) == bool(owed)
                assert owed.encode() in lane.named


class World(Struct, frozen=True):
    served: GatewayUnderTest
    providers: tuple[FakeProvider, ...]
    keys: dict[str, str]
    routes: dict[str, list[str]]
    denied: dict[tuple[str, str], set[str]]


PURPOSES: dict[str, dict[str, Any]] = {
    "shop": {**HERE, "use": "commercial"},
    "lab": {**HERE, "use": "research"},
    "none": {"use": "commercial"},
}
MODELS = (LLAMA, COMMAND, PHI, None)


def routes_of_all_kinds() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return routes of each strategy with faults and cards mixed, and what is told of their deployments: each has a
    name of its own, `PROVIDER/FAULT:ROUTE`."""
    routes: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    faults, models, further = itertools.cycle(FAULTS), itertools.cycle(MODELS), itertools.cycle(FURTHER)
    for strategy, retries in itertools.product(STRATEGIES, (0, 2, 6)):
        name = f"{strategy}-{retries}"
        deployments = [f"{provider}/{next(faults)}:{name}" for provider in ("one", "two") * 3]
        require = {"require": {"max_retention_days": 10}} if retries == 2 else {}
        routes[name] = {
            "deployments": deployments,
            "strategy": strategy,
            "retries": retries,
            "timeout_s": QUICK,
            **require,
            **next(further),
        }
        for deployment in deployments:
            model = next(models)
            facts[deployment] = PRICE if model is None else {**PRICE, "card": model}
        next(models)  # so that every card meets every fault
    raced = {"one/never-answers:raced": PHI, "one/ok:raced-denied": COMMAND, "one/ok:raced": PHI}
    routes["raced"] = {"deployments": list(raced), "timeout_s": QUICK, "hedge_after_s": 0.02}
    facts |= {name: {**PRICE, "card": card} for name, card in raced.items()}
    return routes, facts


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    routes, facts = routes_of_all_kinds()
    terms = next(one.id for one in shipped_catalogue().licences.values() if one.kind == "terms" and "groq" in one.id)
    with FakeProvider() as one, FakeProvider() as two:
        providers: dict[str, Any] = {
            "one": {"base_url": one.base_url, "self_hosted": True},
            "two": {"base_url": two.base_url, "terms": terms, "retention_days": 30},
        }
        text = config_text(providers, routes=routes, deployments=facts, purposes=PURPOSES)
        with GatewayUnderTest(text, tmp_path_factory.mktemp("policy-bounds")) as served:
            keys = {name: served.new_key(name, "--purpose", name) for name in PURPOSES}
            named = {name: route["deployments"] for name, route in routes.items()}
            yield World(served, (one, two), keys, named, denied(served))
        assert one.malformed == two.malformed == []


def denied(served: GatewayUnderTest) -> dict[tuple[str, str], set[str]]:
    """Return what each purpose may not use of each route, by full verdicts on each deployment."""
    config = load_config(served.config_path, {}, {})
    decider = permits_of(config, resolve_providers(config, {}), datetime.now(UTC).date())
    found = {}
    for name, route in config.routes.items():
        for purpose in PURPOSES:
            demanded = decider.purpose(purpose, route.require)
            verdicts = {one: decider.of(one, purpose, demanded).decision for one in route.deployments}
            found[name, purpose] = {
                one for one, verdict in verdicts.items() if verdict is None or not permits(verdict.decision)
            }
    return found


def test_no_attempt_of_any_call_reaches_what_its_decision_denies(world: World) -> None:
    asked: dict[str, tuple[str, str]] = {}
    seen: Counter[str] = Counter()

    @settings(max_examples=25, **ALL)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(sorted(world.routes)),
                st.sampled_from(sorted(PURPOSES)),
                st.booleans(),
                st.sampled_from(["/v1/chat/completions", "/v1/messages"]),
            ),
            min_size=1,
            max_size=10,
        )
    )
    def ask(calls: list[tuple[str, str, bool, str]]) -> None:
        clients = [world.served.connect(20) for _ in calls]
        for http, (route, purpose, stream, path) in zip(clients, calls, strict=True):
            headers = {"authorization": f"Bearer {world.keys[purpose]}"}
            http.begin("POST", path, None, headers, model=route, messages=ASK, max_tokens=50, stream=stream)
        for http, (route, purpose, *_) in zip(clients, calls, strict=True):
            answer = http.response()
            asked[str(answer.header("x-request-id"))] = route, purpose
            if not set(world.routes[route]) - world.denied[route, purpose]:
                assert answer.status == 403
            http.close()

    ask()
    with world.served.connect(20) as http:
        http.begin(
            "POST",
            "/v1/chat/completions",
            None,
            {"authorization": f"Bearer {world.keys['shop']}"},
            model="raced",
            messages=ASK,
        )
        asked[str(http.response().header("x-request-id"))] = "raced", "shop"
    for exchange in wait_journalled(world.served.home, len(asked)):
        route, purpose = asked[exchange.id]
        tried = {one.deployment for one in exchange.attempts}
        assert tried <= set(world.routes[route]) - world.denied[route, purpose], (route, purpose)
        decided = exchange.decided
        if tried:
            assert decided is not None
            assert (decided.decision in ("allow", "duties"), decided.purpose) == (True, purpose)
        elif decided is not None:
            assert (decided.decision in ("deny", "unknown"), decided.purpose) == (True, purpose)
        else:
            assert exchange.status == 503, "all that may answer rest"
        seen.update(["tried" if tried else "denied", *(["again"] if len(exchange.attempts) > 1 else [])])
        seen.update(["hedged"] if any(one.outcome == "outrun" for one in exchange.attempts) else [])
    assert min(seen["tried"], seen["denied"], seen["again"], seen["hedged"]) > 0, seen
    # The providers agree: nobody ever asked them for a model that every purpose is denied.
    never = {
        one
        for route, names in world.routes.items()
        for one in names
        if all(one in world.denied[route, p] for p in PURPOSES)
    }
    assert never
    for name, provider in zip(("one", "two"), world.providers, strict=True):
        assert not {f"{name}/{request.json()['model']}" for request in provider.requests} & never

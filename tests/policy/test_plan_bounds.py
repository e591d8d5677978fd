"""Whatever goes wrong, a call only ever reaches deployments of its own plan, and no more often than it allows."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text, free_port
from tests.support.journal import wait_journalled

FAULTS = (
    "ok", "status:400", "status:401", "status:404", "status:429", "status:429:retry-after=0", "status:500", "html-200",
    "cut:before-headers", "cut:mid-stream:2", "error-event:0", "error-event:2", "never-answers", "json-for-stream",
    "two-lengths", "bad-json", "stale-keepalive:next", "no-such-behaviour", "empty-stream", "early-answer",
    "content-filter", "too-long", "filter-error",
)  # fmt: skip
STRATEGIES = ("fallback", "weighted", "fastest", "cheapest")
FURTHER: tuple[dict[str, Any], ...] = (
    {},
    {"hedge_after_s": 0.03},
    {"fallback_on": ["4xx", "5xx", "unreachable", "timeout", "cut", "invalid", "context_length", "content_filter"]},
    {"hedge_after_s": 0.03, "outliers": {"min_calls": 5}},
    {"fallback_on": ["429", "content_filter"], "hedge_after_s": 0.01, "retry_budget": {"ratio": 0.5, "per_s": 1}},
)
"""What else makes a call be tried again, or twice at once."""
QUICK = {"connect": 0.3, "first_byte": 0.15, "idle": 0.15, "total": 1.0}
PRICE = {"price": {"input_usd_per_mtok": "1", "output_usd_per_mtok": "1"}}


class World(Struct, frozen=True):
    served: GatewayUnderTest
    providers: tuple[FakeProvider, ...]
    routes: dict[str, dict[str, Any]]


def routes_of_all_kinds() -> dict[str, dict[str, Any]]:
    """Return a route for each strategy and each number of retries; each has models of its own, by their last part."""
    routes: dict[str, dict[str, Any]] = {}
    faults, further = itertools.cycle(FAULTS), itertools.cycle(FURTHER)
    for strategy, retries in itertools.product(STRATEGIES, (0, 1, 3, 6)):
        name = f"{strategy}-{retries}"
        models = [f"{provider}/{next(faults)}:{name}" for provider in ("one", "two", "one", "two", "down")]
        routes[name] = {"deployments": models, "strategy": strategy, "retries": retries, "timeout_s": QUICK}
        routes[name] |= next(further)
    raced = ["one/never-answers:raced", "two/ok:raced", "one/ok:raced"]
    routes["raced"] = {"deployments": raced, "retries": 1, "timeout_s": QUICK, "hedge_after_s": 0.02}
    return routes


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    routes = routes_of_all_kinds()
    facts = {deployment: PRICE for route in routes.values() for deployment in route["deployments"]}
    with FakeProvider() as one, FakeProvider() as two:
        addresses = {"one": one.base_url, "two": two.base_url, "down": f"http://127.0.0.1:{free_port()}/v1"}
        text = config_text(addresses, routes=routes, deployments=facts)
        with GatewayUnderTest(text, tmp_path_factory.mktemp("bounds")) as served:
            yield World(served, (one, two), routes)
        assert one.malformed == two.malformed == []


def test_every_attempt_stays_within_the_plan(world: World) -> None:
    seen: dict[str, str] = {}

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.sampled_from(sorted(world.routes)), st.booleans()), min_size=1, max_size=12))
    def ask(calls: list[tuple[str, bool]]) -> None:
        clients = [world.served.connect(20) for _ in calls]
        for http, (route, stream) in zip(clients, calls, strict=True):
            http.begin_chat(route, stream=stream)
        for http, (route, _) in zip(clients, calls, strict=True):
            answer = http.response()
            assert answer.status >= 200
            seen[str(answer.header("x-request-id"))] = route
            http.close()

    ask()
    with world.served.connect(20) as http:
        seen[str(http.chat("raced").header("x-request-id"))] = "raced"
    attempts = raced = 0
    for exchange in wait_journalled(world.served.home, len(seen)):
        route = world.routes[seen[exchange.id]]
        assert exchange.route == seen[exchange.id]
        assert {one.deployment for one in exchange.attempts} <= set(route["deployments"])
        assert len(exchange.attempts) <= route["retries"] + 1
        assert exchange.deployment in {None, *route["deployments"]}
        attempts += len(exchange.attempts)
        raced += any(one.outcome == "outrun" for one in exchange.attempts)
    assert attempts > len(seen), "some calls were tried again"
    assert raced, "some were hedged"
    # The providers agree: each was asked only for models that a route has at this very provider.
    for name, provider in zip(("one", "two"), world.providers, strict=True):
        allowed = {one for route in world.routes.values() for one in route["deployments"]}
        assert {f"{name}/{request.json()['model']}" for request in provider.requests} <= allowed
    print(f"{len(seen)} calls, {attempts} attempts")

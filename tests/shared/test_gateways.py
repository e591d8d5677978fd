"""Two gateways and one server: what they count together, over the wire."""

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal

import pytest

from steelyard.core.exchange import Exchange
from tests.gateway.limits_rig import cost_of
from tests.shared.rig import ENDLESS, MODELS, beside, calls_at_once, hang_on, shown, told, until
from tests.support import GatewayUnderTest
from tests.support.journal import journalled
from tests.support.valkey import Valkey

NONE = (Decimal(0), Decimal(0))
BUDGET = Decimal("0.004")
ROUTES = {
    "calls": {"deployments": ["acme/ok"]},
    "money": {"deployments": [f"acme/{model}" for model in MODELS], "strategy": "weighted"},
    "two": {"deployments": ["acme/words:4", "acme/words:3"]},
    "tokens": {"deployments": ["acme/ok"]},
    "queued": {"deployments": ["acme/ok"]},
}
RULES = f"""
[[limits]]
scope = "route:calls"
requests_per_hour = 41
[[budgets]]
scope = "route:money"
usd = "{BUDGET}"
per = "total"
[[limits]]
scope = "route:{ENDLESS}"
concurrent = 3
[[limits]]
scope = "deployment:acme/words:4"
requests_per_day = 9
[[limits]]
scope = "route:queued"
concurrent = 2
queue_s = 30
[[limits]]
scope = "route:tokens"
tokens_per_day = 1_000_000
"""


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[GatewayUnderTest]]:
    """Two gateways for many tests: each has a route of its own, and limits of that route."""
    with (
        Valkey(tmp_path_factory.mktemp("valkey")) as server,
        beside(tmp_path_factory.mktemp("gateways"), server, RULES, routes=ROUTES) as gateways,
    ):
        yield gateways


def exchanges(gateways: list[GatewayUnderTest], route: str) -> list[Exchange]:
    return [one for gateway in gateways for one in journalled(gateway.home) if one.route == route]


def test_two_gateways_admit_as_many_calls_as_one_would(gateways: list[GatewayUnderTest]) -> None:
    assert told(gateways[0], "calls") == 200
    answered = 1 + calls_at_once(gateways, each=10, models=("calls",))[200]
    assert answered <= 41
    for _ in range(41 - answered):  # on a slow machine what others held came too late for some
        until(lambda: told(gateways[0], "calls") == 200, "what is left")
    for gateway in gateways:
        until(lambda: shown(gateway).get("route:calls requests_per_hour", NONE)[0] == 41, "its figures")  # noqa: B023
        with gateway.connect() as http:
            refused = http.chat("calls")
        assert refused.header("x-ratelimit-limit-requests") == "41"
        assert refused.header("x-ratelimit-remaining-requests") == "0"
        assert 3400 < int(refused.header("retry-after") or 0) <= 3720
        assert "has had its 41 requests per hour" in refused.json()["error"]["message"]
        assert 'usage_ratio{scope="route:calls",limit="requests_per_hour"} 1\n' in gateway.metrics()
    config = ("--config", str(gateways[1].config_path))
    rows = gateways[1].steelyard("limits", "show", *config)["limits"]
    assert [one["remaining"] for one in rows if one["scope"] == "route:calls"] == [0]


def test_what_all_gateways_spend_is_within_the_budget_and_puts_it_to_use(gateways: list[GatewayUnderTest]) -> None:
    assert told(gateways[0], "money") == 200
    statuses = calls_at_once(gateways, each=12, models=("money",), max_tokens=30)
    assert statuses[402] > 0
    spent = cost_of(exchanges(gateways, "money"))
    print(statuses, spent)
    assert BUDGET / 2 < spent <= BUDGET
    for gateway in gateways:
        assert cost_of(exchanges([gateway], "money")) > 0, "nobody starves"
        until(lambda: _is_known(shown(gateway), spent), "what is spent")  # noqa: B023


def _is_known(found: dict[str, tuple[Decimal, Decimal]], spent: Decimal) -> bool:
    """Say whether the sum is shown, of which each gateway tells its part in whole micro-dollars, rounded up."""
    used, reserved = found.get("route:money usd_total", NONE)
    return spent <= used <= spent + Decimal("0.000002") and reserved == 0


def test_the_limits_of_a_deployment_are_shared_and_calls_go_to_the_next(gateways: list[GatewayUnderTest]) -> None:
    assert told(gateways[0], "two") == 200
    assert calls_at_once(gateways, each=4, threads=2, models=("two",)) == {200: 16}
    for gateway in gateways:
        until(lambda: told(gateway, "acme/words:4") == 429, "the end of its limit")  # noqa: B023
    used = [one for gateway in gateways for one in journalled(gateway.home) if one.deployment == "acme/words:4"]
    assert sum(one.status == 200 for one in used) == 9


def test_calls_stand_in_line_for_what_other_gateways_hold(gateways: list[GatewayUnderTest]) -> None:
    assert calls_at_once(gateways, each=4, threads=2, models=("queued",)) == {200: 16}


def test_a_limit_that_is_changed_keeps_what_was_counted(gateways: list[GatewayUnderTest]) -> None:
    assert [told(gateway, "tokens") for gateway in gateways] == [200, 200]
    used = [one.usage for one in exchanges(gateways, "tokens") if one.usage is not None]
    taken = sum((one.input or 0) + (one.output or 0) for one in used)
    for gateway in gateways:
        text = gateway.config_path.read_text()
        gateway.config_path.write_text(text.replace("1_000_000", str(taken)))
        until(lambda: "took the new configuration" in gateway.stderr, "the new limit")  # noqa: B023
    for gateway in gateways:
        assert told(gateway, "tokens") == 429
        until(lambda: shown(gateway).get("route:tokens tokens_per_day", NONE)[0] == taken, "its count")  # noqa: B023


def test_calls_under_way_are_counted_together_and_those_of_a_killed_gateway_come_back(
    gateways: list[GatewayUnderTest],
) -> None:
    first, second = gateways
    with ExitStack() as stack:
        streams = [stack.enter_context(first.connect()) for _ in range(3)]
        until(lambda: hang_on(streams[0]) == 200, "the server to be known")
        assert [hang_on(http) for http in streams[1:]] == [200, 200]
        other = stack.enter_context(second.connect())
        assert hang_on(other) == 429
        streams[0].close()
        until(lambda: hang_on(other) == 200, "the place that is free again")
        first.kill()
        more = stack.enter_context(second.connect())
        until(lambda: hang_on(more) == 200, "the places of the killed gateway")
    first.start()

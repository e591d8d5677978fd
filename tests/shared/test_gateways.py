"""Two gateways and one server: what they count together, over the wire."""

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest

from tests.gateway.limits_rig import cost_of
from tests.shared.rig import ENDLESS, MODELS, beside, calls_at_once, hang_on, shown, told, until
from tests.support.journal import journalled
from tests.support.valkey import Valkey

NONE = (Decimal(0), Decimal(0))
BUDGET = Decimal("0.004")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


def test_two_gateways_admit_as_many_calls_as_one_would(tmp_path: Path, server: Valkey) -> None:
    rules = '[[limits]]\nscope = "all"\nrequests_per_hour = 41\n'
    with beside(tmp_path, server, rules, prefix="calls") as gateways:
        assert told(gateways[0]) == 200
        assert calls_at_once(gateways, each=10) == {200: 40, 429: 20}
        for gateway in gateways:
            until(lambda: shown(gateway).get("all requests_per_hour", NONE)[0] == 41, "its figures")  # noqa: B023
            with gateway.connect() as http:
                refused = http.chat("acme/ok")
            assert refused.header("x-ratelimit-limit-requests") == "41"
            assert refused.header("x-ratelimit-remaining-requests") == "0"
            assert 3500 < int(refused.header("retry-after") or 0) <= 3720
            assert "has had its 41 requests per hour" in refused.json()["error"]["message"]
        config = ("--config", str(gateways[1].config_path))
        assert gateways[1].steelyard("limits", "show", *config)["limits"][0]["remaining"] == 0


def test_what_all_gateways_spend_is_within_the_budget_and_puts_it_to_use(tmp_path: Path, server: Valkey) -> None:
    rules = f'[[budgets]]\nscope = "all"\nusd = "{BUDGET}"\nper = "total"\n'
    with beside(tmp_path, server, rules, prefix="money") as gateways:
        assert told(gateways[0]) == 200
        statuses = calls_at_once(gateways, each=12, models=[f"acme/{one}" for one in MODELS], max_tokens=30)
        assert statuses[402] > 0
        spent = cost_of(one for gateway in gateways for one in journalled(gateway.home))
        print(statuses, spent)
        assert BUDGET / 2 < spent <= BUDGET
        for gateway in gateways:
            assert cost_of(journalled(gateway.home)) > 0, "nobody starves"
            until(lambda: _is_known(shown(gateway), spent), "what is spent")  # noqa: B023


def _is_known(found: dict[str, tuple[Decimal, Decimal]], spent: Decimal) -> bool:
    """Say whether the sum is shown, of which each gateway tells its part in whole micro-dollars, rounded up."""
    used, reserved = found.get("all usd_total", NONE)
    return spent <= used <= spent + Decimal("0.000002") and reserved == 0


def test_calls_under_way_are_counted_together_and_those_of_a_killed_gateway_come_back(
    tmp_path: Path, server: Valkey
) -> None:
    rules = f'[[limits]]\nscope = "route:{ENDLESS}"\nconcurrent = 3\n'
    with beside(tmp_path, server, rules, prefix="places") as (first, second), ExitStack() as stack:
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


def test_the_limits_of_a_deployment_are_shared_and_calls_go_to_the_next(tmp_path: Path, server: Valkey) -> None:
    rules = '[[limits]]\nscope = "deployment:acme/ok"\nrequests_per_day = 9\n'
    routes = {"two": {"deployments": ["acme/ok", "acme/words:3"]}}
    with beside(tmp_path, server, rules, prefix="lanes", routes=routes) as gateways:
        assert told(gateways[0], "two") == 200
        assert calls_at_once(gateways, each=4, threads=2, models=("two",)) == {200: 16}
        used = [one.deployment for gateway in gateways for one in journalled(gateway.home)]
        assert used.count("acme/ok") == 9
        assert calls_at_once(gateways, each=1, threads=1) == {429: 2}


def test_a_limit_that_is_changed_keeps_what_was_counted(tmp_path: Path, server: Valkey) -> None:
    rules = '[[limits]]\nscope = "all"\ntokens_per_day = {}\n'
    with beside(tmp_path, server, rules.format(1_000_000), prefix="reload") as gateways:
        assert [told(gateway) for gateway in gateways] == [200, 200]
        taken = sum(
            (one.usage.input or 0) + (one.usage.output or 0)
            for gateway in gateways
            for one in journalled(gateway.home)
            if one.usage is not None
        )
        for gateway in gateways:
            text = gateway.config_path.read_text()
            gateway.config_path.write_text(text.replace("1000000", str(taken)))
            until(lambda: "took the new configuration" in gateway.stderr, "the new limit")  # noqa: B023
        for gateway in gateways:
            assert told(gateway) == 429
            until(lambda: shown(gateway).get("all tokens_per_day", NONE)[0] == taken, "its count")  # noqa: B023

"""What becomes of shared limits when the server is lost, and when it is back: empty, or with its data."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fake import FakeProvider
from tests.gateway.limits_rig import cost_of
from tests.shared.rig import beside, calls_at_once, metric, shared, shown, told, until
from tests.support import GatewayUnderTest, config_text
from tests.support.journal import journalled
from tests.support.valkey import Valkey

DAILY = '[[limits]]\nscope = "all"\nrequests_per_day = {}\nfail = "{}"\n'
NONE = (Decimal(0), Decimal(0))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    home = tmp_path / "valkey"
    home.mkdir()
    with Valkey(home) as server:
        yield server


def lose(server: Valkey, gateways: list[GatewayUnderTest]) -> None:
    server.kill()
    for gateway in gateways:
        until(lambda: metric(gateway, "steelyard_shared_connected") == 0, "the loss to be known")  # noqa: B023


def find(server: Valkey, gateways: list[GatewayUnderTest]) -> None:
    server.start()
    for gateway in gateways:
        until(lambda: metric(gateway, "steelyard_shared_connected") == 1, "the server to be found")  # noqa: B023


def status_of(gateway: GatewayUnderTest) -> tuple[int, str | None, str | None]:
    with gateway.connect() as http:
        answer = http.chat("acme/ok", max_tokens=10)
    return answer.status, answer.header("retry-after"), answer.error_code if answer.status >= 400 else None


def test_closed_limits_refuse_without_the_server_and_count_on_with_it(tmp_path: Path, server: Valkey) -> None:
    rules = DAILY.format(30, "closed") + '[[budgets]]\nscope = "all"\nusd = "1"\nper = "month"\n'
    with beside(tmp_path, server, rules) as gateways:
        assert told(gateways[0]) == 200
        assert calls_at_once(gateways, each=3) == {200: 18}
        server.save()
        lose(server, gateways)
        for gateway in gateways:
            until(lambda: status_of(gateway) == (503, "1", "shared_unavailable"), "the lease to end")  # noqa: B023
        find(server, gateways)
        assert told(gateways[0]) == 200
        for gateway in gateways:
            until(lambda: told(gateway) == 429, "the end of the limit")  # noqa: B023
        answered = [one for gateway in gateways for one in journalled(gateway.home) if one.status == 200]
        assert len(answered) == 30
        assert "secret" not in gateways[0].stderr


def test_local_limits_count_by_themselves_without_the_server(tmp_path: Path, server: Valkey) -> None:
    with beside(tmp_path, server, DAILY.format(12, "local")) as gateways:
        assert told(gateways[0]) == 200
        lose(server, gateways)
        assert calls_at_once(gateways, each=5) == {200: 23, 429: 7}
        find(server, gateways)
        for gateway in gateways:
            until(lambda: shown(gateway).get("all requests_per_day", NONE)[0] == 24, "the sum of both")  # noqa: B023
            assert told(gateway) == 429


def test_a_server_that_begins_to_want_a_password_is_lost_until_it_wants_none(tmp_path: Path, server: Valkey) -> None:
    rules = DAILY.format(1000, "closed").replace("all", "route:acme/ok")
    rules += DAILY.format(2, "local").replace("all", "route:acme/words:3")
    with beside(tmp_path, server, rules) as gateways:
        assert [told(gateway) for gateway in gateways] == [200, 200]
        server.demand("top-secret")
        for gateway in gateways:
            until(lambda: metric(gateway, "steelyard_shared_connected") == 0, "the loss to be known")  # noqa: B023
            until(lambda: status_of(gateway) == (503, "1", "shared_unavailable"), "the lease to end")  # noqa: B023
            assert [told(gateway, "acme/words:3") for _ in range(3)] == [200, 200, 429], "each by itself"
            until(lambda: "the server refuses this gateway" in gateway.stderr, "the reason")  # noqa: B023
            assert "Check the name and password in url" in gateway.stderr
            assert gateway.stderr.count("the server refuses this gateway") == 1
        server.demand(None)
        for gateway in gateways:
            until(lambda: metric(gateway, "steelyard_shared_connected") == 1, "the server to be found")  # noqa: B023
            assert told(gateway) == 200
            until(lambda: told(gateway, "acme/words:3") == 429, "what both have counted")  # noqa: B023
            until(
                lambda: shown(gateway).get("route:acme/words:3 requests_per_day", NONE)[0] == 4,  # noqa: B023
                "the sum of both",
            )
            text = gateway.config_path.read_text()
            gateway.config_path.write_text(text.replace(server.url, f"redis://127.0.0.1:{server.port}/9"))
            until(lambda: "[shared] url has changed: this takes effect" in gateway.stderr, "the change")  # noqa: B023
            assert told(gateway) == 200
        assert "top-secret" not in "".join(gateway.stderr for gateway in gateways)


def test_a_server_that_comes_back_empty_is_told_what_was_counted(tmp_path: Path, server: Valkey) -> None:
    rules = DAILY.format(30, "closed") + '[[budgets]]\nscope = "key:*"\nusd = "5"\nper = "month"\n'
    with beside(tmp_path, server, rules, count=3) as (first, second, gone):
        assert told(first) == 200
        assert calls_at_once((first, second, gone), each=2, threads=2) == {200: 12}
        gone.stop()
        lose(server, [first, second])
        gone.start()
        find(server, [first, second, gone])
        assert told(first) == 200
        everybody = (first, second, gone)
        spent = cost_of(one for gateway in everybody for one in journalled(gateway.home))
        for gateway in everybody:
            until(lambda: shown(gateway).get("all requests_per_day", NONE)[0] == 14, "all calls")  # noqa: B023
            until(
                lambda: spent <= shown(gateway).get("key:(none) usd_per_month", NONE)[0] < spent + Decimal("0.00001"),  # noqa: B023
                "what was spent",
            )


def test_a_killed_gateway_settles_what_it_was_lent_when_it_starts_again(tmp_path: Path, server: Valkey) -> None:
    rules = '[[budgets]]\nscope = "all"\nusd = "5"\nper = "total"\n'
    with beside(tmp_path, server, rules) as (first, second):
        assert told(first) == 200
        assert set(calls_at_once((first,), each=10)) == {200}
        first.kill()
        first.start()
        assert told(first) == 200
        spent = cost_of(one for gateway in (first, second) for one in journalled(gateway.home))
        for gateway in (first, second):
            until(
                lambda: (
                    spent <= shown(gateway).get("all usd_total", NONE)[0] < spent + Decimal("0.00001")  # noqa: B023
                    and shown(gateway)["all usd_total"][1] == 0  # noqa: B023
                ),
                "what the killed one has spent, and nothing that it was lent",
            )


def test_a_gateway_starts_without_the_server_and_finds_it_later(tmp_path: Path, server: Valkey) -> None:
    server.kill()
    rules = """
[[limits]]
scope = "route:acme/ok"
requests_per_day = 4
fail = "local"
[[limits]]
scope = "route:acme/words:3"
requests_per_day = 4
"""
    with FakeProvider() as provider:
        text = config_text({"acme": provider.base_url})
        with GatewayUnderTest(f"{text}\n{shared(server.url)}\n{rules}", tmp_path) as gateway:
            assert [told(gateway) for _ in range(5)] == [200] * 4 + [429]
            with gateway.connect() as http:
                refused = http.chat("acme/words:3")
            assert (refused.status, refused.error_code) == (503, "shared_unavailable")
            find(server, [gateway])
            assert [told(gateway, "acme/words:3") for _ in range(5)] == [200] * 4 + [429]
            assert told(gateway) == 429

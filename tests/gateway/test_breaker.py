"""A deployment that keeps failing is left alone for a while, and is then tried carefully."""

import threading
import time

import pytest

from steelyard.gateway.breaker import Breaker, BreakerState
from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.gateway.upstream_rig import exchange_of, until
from tests.support import GatewayUnderTest, config_text


def state(breaker: Breaker) -> BreakerState:
    return breaker.state


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    breaker = Breaker(threshold=3, rest_s=5.0)
    for _ in range(2):
        breaker.failure(0.0)
    breaker.success()
    for _ in range(2):
        breaker.failure(0.0)
    assert state(breaker) is BreakerState.CLOSED
    breaker.failure(0.0)
    assert state(breaker) is BreakerState.OPEN
    assert not breaker.allows(4.9)
    assert breaker.rest_left_s(1.0) == 4.0


def test_one_probe_at_a_time_passes_after_the_rest() -> None:
    breaker = Breaker(threshold=1, rest_s=5.0)
    breaker.failure(0.0)
    assert breaker.allows(5.0)
    assert state(breaker) is BreakerState.HALF_OPEN
    assert not breaker.allows(5.1)
    breaker.abandon()
    assert breaker.allows(5.2), "a probe whose client left told nothing"
    breaker.success()
    assert state(breaker) is BreakerState.CLOSED
    assert breaker.allows(5.3)


def test_each_failed_probe_doubles_the_rest_up_to_a_bound() -> None:
    breaker = Breaker(threshold=1, rest_s=5.0, longest_rest_s=60.0)
    now = 0.0
    rests = []
    breaker.failure(now)
    for _ in range(7):
        rests.append(breaker.rest_left_s(now))
        now += rests[-1]
        assert breaker.allows(now)
        breaker.failure(now)
    assert rests == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0]


def test_failures_of_calls_that_had_begun_before_do_not_make_the_rest_longer() -> None:
    breaker = Breaker(threshold=5, rest_s=5.0)
    for _ in range(5):
        breaker.failure(0.0)
    for _ in range(10):
        breaker.failure(1.0)  # calls that were under way when it opened, and ran into a limit of time
    assert breaker.rest_left_s(1.0) == 4.0
    assert breaker.allows(5.0)
    breaker.failure(5.0)
    assert breaker.rest_left_s(5.0) == 10.0, "the first failed probe doubles it, once"


def state_of(served: GatewayUnderTest, deployment: str) -> str:
    lines = [one for one in served.metrics().splitlines() if one.startswith("steelyard_breaker_state{")]
    (line,) = [one for one in lines if f'deployment="{deployment}"' in one]
    return line.split()[-1]


def test_it_opens_rests_and_closes_again(gateway: StartGateway, provider: FakeProvider) -> None:
    slow = "slow-first-byte:0.4"
    routes = {
        "once": {"deployments": [f"acme/{slow}"], "retries": 0},
        "spare": {"deployments": [f"acme/{slow}", "acme/ok"], "retries": 1},
    }
    served = gateway(config_text({"acme": provider.base_url}, routes=routes))
    provider.stop()
    with served.connect() as http:
        for _ in range(5):
            assert http.chat("once").error_code == "upstream_unreachable"
        assert state_of(served, f"acme/{slow}") == "2"
        answer = http.chat("once")
        assert (answer.status, answer.error_code) == (503, "deployments_resting")
        assert 1 <= int(answer.header("retry-after") or 0) <= 6
        exchange = exchange_of(served, answer)
        assert (exchange.outcome, exchange.attempts, exchange.deployment) == ("rejected", (), None)
        provider.start()
        before = len(provider.requests)
        spared = http.chat("spare")
        assert spared.header("x-steelyard-deployment") == "acme/ok"
        assert len(exchange_of(served, spared).attempts) == 1, "what rests is passed over without an attempt"
        assert len(provider.requests) == before + 1
        until(lambda: _probe(served), "the end of the rest", 10)
    assert state_of(served, f"acme/{slow}") == "0"
    with served.connect() as http:
        assert http.chat("once").status == 200


def _probe(served: GatewayUnderTest) -> bool:
    """Call; if the call passes as the probe, prove that another is refused meanwhile."""
    statuses: list[int] = []
    with served.connect() as probe, served.connect() as other:
        caller = threading.Thread(target=lambda: statuses.append(probe.chat("once").status))
        caller.start()
        time.sleep(0.15)
        meanwhile = state_of(served, "acme/slow-first-byte:0.4")
        if not statuses:
            assert meanwhile == "1"
            assert other.chat("once").error_code == "deployments_resting"
        caller.join()
    return statuses == [200]


@pytest.mark.parametrize("model", ["status:429:retry-after=60", "status:400", "status:401", "no-such-model"])
def test_answers_that_are_no_fault_of_the_deployment_do_not_open_it(
    gateway: StartGateway, provider: FakeProvider, model: str
) -> None:
    served = gateway()
    with served.connect() as http:
        statuses = {http.chat(f"acme/{model}").status for _ in range(8)}
    assert 503 not in statuses
    assert state_of(served, f"acme/{model}") == "0"


def test_a_client_that_leaves_is_no_failure(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway()
    for count in range(1, 8):
        with served.connect() as http:
            http.begin_chat("acme/never-answers")
            provider.wait_requests(count)
    until(lambda: "steelyard_calls_in_flight 0\n" in served.metrics(), "the end of all calls")
    assert state_of(served, "acme/never-answers") == "0"

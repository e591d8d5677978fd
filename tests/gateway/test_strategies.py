"""Which deployment answers, in which order others are tried, and when nothing is tried any more."""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Raw

from steelyard.gateway.lane import Lane, Vitals
from steelyard.gateway.meter import Row
from steelyard.gateway.order import order
from steelyard.policy.plan import Target
from tests.conftest import StartGateway, clean_provider
from tests.fake import FakeProvider
from tests.gateway.upstream_rig import exchange_of, fronted
from tests.support import GatewayUnderTest, Response, config_text, free_port
from tests.support.quick import quickly


def route(*models: str, **more: Any) -> dict[str, Any]:
    return {"deployments": [f"acme/{model}" for model in models], **more}


ROUTES: dict[str, dict[str, Any]] = {
    "falls": route("status:500", "cut:before-headers", "ok", retries=2),
    "falls-far": route("status:500", "status:503", "html-200", "bad-json", "never-answers", "ok", retries=5)
    | {"timeout_s": {"first_byte": 0.2}},
    "rounds": route("status:500", "status:503", retries=3),
    "none": route("status:500:x", "ok", retries=0),
    "missing": route("no-such-model", "ok"),
    "missing-only": route("no-such-model", retries=5),
    "locked": route("status:401", "status:403", "ok"),
    "final": route("status:400", "ok", retries=5),
    "streams": route("error-event:0", "json-for-stream", "cut:after-headers", "ok", retries=3),
    "begun": route("cut:mid-stream:2", "ok", retries=5),
    "impatient": route("status:429:retry-after=60", retries=5),
    "impatient-date": route("status:429:retry-after-date=60", retries=5),
    "patient": route("fail-times:1:429:retry-after=1"),
    "patient-date": route("fail-times:1:503:retry-after-date=1"),
    "limited": route("status:429:retry-after=1:again", retries=1),
    "elsewhere": route("status:429:retry-after=60", "ok"),
    "backs-off": route("fail-times:2:500", retries=2),
    "bounded": route("status:500:bounded", retries=50, timeout_s={"total": 1.0}),
    "weighted": route("words:1", "words:2", "words:4", strategy="weighted", weights=[5, 3, 0.5]),
    "even": route("words:1", "words:2", strategy="weighted"),
    "fastest": route("slow-first-byte:0.1", "ok", "status:500:fast", strategy="fastest", retries=2),
    "cheapest": route("words:1", "words:2", "words:3", "words:5", strategy="cheapest"),
}


def price(dollars: str) -> dict[str, Any]:
    return {"price": {"input_usd_per_mtok": dollars, "output_usd_per_mtok": dollars}}


provider = pytest.fixture(scope="module")(clean_provider)


@pytest.fixture(scope="module")
def served(provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    facts = {"acme/words:1": price("3"), "acme/words:2": price("0"), "acme/words:3": price("0.10")}
    providers: dict[str, Any] = {
        "acme": provider.base_url,
        "openai": {"base_url": provider.base_url, "api_key": "env:OPENAI_API_KEY"},
        "down": f"http://127.0.0.1:{free_port()}/v1",
    }
    with fronted(
        tmp_path_factory.mktemp("strategies"), providers, routes=ROUTES, deployments=facts, env={"OPENAI_API_KEY": "sk"}
    ) as gateway:
        yield gateway


def ask(served: GatewayUnderTest, model: str, **fields: Any) -> tuple[Response, list[tuple[str, str]]]:
    """Return the answer, and the attempts on record: model and outcome."""
    with served.connect(20) as http:
        answer = http.chat(model, **fields)
    exchange = exchange_of(served, answer)
    return answer, [(one.deployment.removeprefix("acme/"), one.outcome) for one in exchange.attempts]


def test_a_fallback_is_tried_in_the_route_s_order(served: GatewayUnderTest) -> None:
    answer, attempts = ask(served, "falls")
    assert answer.status == 200
    assert answer.header("x-steelyard-deployment") == "acme/ok"
    assert attempts == [("status:500", "status"), ("cut:before-headers", "cut"), ("ok", "ok")]


def test_every_kind_of_failure_goes_elsewhere(served: GatewayUnderTest) -> None:
    answer, attempts = ask(served, "falls-far")
    assert answer.status == 200
    outcomes = [outcome for _, outcome in attempts]
    assert outcomes == ["status", "status", "invalid", "invalid", "timeout", "ok"]


def test_a_stream_goes_elsewhere_while_nothing_has_been_sent_on(served: GatewayUnderTest) -> None:
    answer, attempts = ask(served, "streams", stream=True)
    assert answer.status == 200
    assert answer.payloads()[-1] == "[DONE]"
    assert b"server_error" not in answer.body
    assert [outcome for _, outcome in attempts] == ["status", "invalid", "cut", "ok"]


def test_nothing_is_tried_again_after_the_first_byte(served: GatewayUnderTest) -> None:
    answer, attempts = ask(served, "begun", stream=True)
    assert json.loads(answer.payloads()[-1])["error"]["code"] == "upstream_cut"
    assert attempts == [("cut:mid-stream:2", "cut")]


def test_retries_are_bounded_over_all_deployments_together(served: GatewayUnderTest) -> None:
    answer, attempts = ask(served, "rounds")
    assert answer.status == 503, "the last failure is passed on"
    assert answer.json()["error"]["code"] == "overloaded"
    assert [model for model, _ in attempts] == ["status:500", "status:503", "status:500", "status:503"]


def test_no_retries_means_one_attempt(served: GatewayUnderTest) -> None:
    answer, attempts = ask(served, "none")
    assert (answer.status, len(attempts)) == (500, 1)


@pytest.mark.parametrize(("name", "tries"), [("missing", 2), ("locked", 3)])
def test_a_deployment_that_is_missing_or_locked_is_tried_elsewhere(
    served: GatewayUnderTest, name: str, tries: int
) -> None:
    answer, attempts = quickly(lambda: ask(served, name), 0.2)
    assert (answer.status, len(attempts)) == (200, tries)


def test_a_missing_deployment_is_not_tried_again(served: GatewayUnderTest) -> None:
    answer, attempts = quickly(lambda: ask(served, "missing-only"), 0.12)  # there is nothing to wait for
    assert (answer.status, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert len(attempts) == 1


def test_a_bad_request_is_final(served: GatewayUnderTest) -> None:
    answer, attempts = ask(served, "final")
    assert (answer.status, len(attempts)) == (400, 1)


@pytest.mark.parametrize("name", ["impatient", "impatient-date"])
def test_a_long_retry_after_is_passed_on_at_once(served: GatewayUnderTest, name: str) -> None:
    began = time.monotonic()
    answer, attempts = ask(served, name)
    assert time.monotonic() - began < 10  # of 60 s
    assert (answer.status, answer.json()["error"]["code"], len(attempts)) == (429, "rate_limit_exceeded", 1)
    told = answer.header("retry-after")
    assert told is not None
    assert told == "60" if name == "impatient" else told.endswith("GMT")


@pytest.mark.parametrize("name", ["patient", "patient-date"])
def test_a_short_retry_after_is_waited_for(served: GatewayUnderTest, name: str) -> None:
    began = time.monotonic()
    answer, attempts = ask(served, name)
    assert (answer.status, len(attempts)) == (200, 2)
    assert 0.9 < time.monotonic() - began < 4


def test_retry_after_is_passed_on_when_the_retries_are_used_up(served: GatewayUnderTest) -> None:
    answer, attempts = ask(served, "limited")
    assert (answer.status, answer.header("retry-after"), len(attempts)) == (429, "1", 2)


def test_another_deployment_need_not_wait_for_retry_after(served: GatewayUnderTest) -> None:
    answer, attempts = quickly(lambda: ask(served, "elsewhere"), 0.5)
    assert (answer.status, len(attempts)) == (200, 2)


def test_one_deployment_is_tried_again_after_a_growing_pause(served: GatewayUnderTest) -> None:
    with served.connect() as http:
        answer = http.chat("backs-off")
    first, second, third = exchange_of(served, answer).attempts
    assert (first.outcome, second.outcome, third.outcome) == ("status", "status", "ok")
    assert 125 <= second.started_ms - first.ended_ms < 375 + 150
    assert 250 <= third.started_ms - second.ended_ms < 750 + 150


def test_pauses_end_where_the_total_time_ends(served: GatewayUnderTest) -> None:
    began = time.monotonic()
    answer, attempts = ask(served, "bounded")
    assert answer.status == 500
    assert 1 < len(attempts) < 6
    assert time.monotonic() - began < 5  # fifty tries take minutes


def shares(served: GatewayUnderTest, name: str, calls: int) -> Counter[str]:
    with served.connect() as http:
        return Counter(str(http.chat(name).header("x-steelyard-deployment")) for _ in range(calls))


def test_weights_are_the_shares_of_the_calls(served: GatewayUnderTest) -> None:
    calls = 600
    found = shares(served, "weighted", calls)
    assert sum(found.values()) == calls
    for model, weight in {"words:1": 5, "words:2": 3, "words:4": 0.5}.items():
        share = weight / 8.5
        deviation = (calls * share * (1 - share)) ** 0.5
        assert abs(found[f"acme/{model}"] - calls * share) < 5 * deviation, found


def test_weights_are_equal_when_none_are_given(served: GatewayUnderTest) -> None:
    found = shares(served, "even", 300)
    assert abs(found["acme/words:1"] - 150) < 5 * 75**0.5


def test_the_fastest_is_learned_and_errors_are_not_taken_for_speed(served: GatewayUnderTest) -> None:
    with served.connect() as http:
        for _ in range(8):
            assert http.chat("fastest").status == 200
    found = shares(served, "fastest", 60)
    assert found["acme/ok"] > 45, found
    assert found["acme/status:500:fast"] == 0


def test_the_cheapest_comes_first_and_what_has_no_price_is_left_out(
    served: GatewayUnderTest, provider: FakeProvider
) -> None:
    assert shares(served, "cheapest", 5) == {"acme/words:2": 5}
    assert not any(request.json()["model"] == "words:5" for request in provider.requests)
    assert 'Route "cheapest" is "cheapest", and no price of acme/words:5 is known.' in served.stderr


def test_a_deployment_without_the_endpoint_is_not_called(served: GatewayUnderTest, provider: FakeProvider) -> None:
    before = len(provider.requests)
    with served.connect() as http:
        answer = http.request("POST", "/v1/rerank", model="openai/ok", query="a", documents=["a", "b"])
        assert (answer.status, answer.error_code) == (404, "endpoint_not_served")
        assert len(provider.requests) == before
        assert http.request("POST", "/v1/rerank", model="acme/ok", query="a", documents=["a", "b"]).status == 200


def test_a_route_uses_only_deployments_with_the_endpoint(gateway: StartGateway, provider: FakeProvider) -> None:
    providers: dict[str, Any] = {
        "acme": provider.base_url,
        "openai": {"base_url": provider.base_url, "api_key": "env:OPENAI_API_KEY"},
    }
    routes = {"mixed": {"deployments": ["openai/ok", "acme/ok"], "strategy": "weighted", "weights": [1000, 1]}}
    served = gateway(config_text(providers, routes=routes), env={"OPENAI_API_KEY": "sk"})
    with served.connect() as http:
        answer = http.request("POST", "/v1/rerank", model="mixed", query="a", documents=["a", "b"])
        assert (answer.status, answer.header("x-steelyard-deployment")) == (200, "acme/ok")
        assert http.chat("mixed").header("x-steelyard-deployment") == "openai/ok"


def lanes(**first_token_s: float | None) -> list[Lane]:
    made = []
    for name, seconds in first_token_s.items():
        target = Target(name, "acme", name, Raw(b'"m"'), None, {}, b"")
        vitals = Vitals()
        vitals.first_token_s = seconds
        made.append(Lane(target, vitals, Row()))
    return made


def test_the_fastest_explores_one_call_in_twenty() -> None:
    draw = random.Random(7).random
    found = lanes(slow=3.0, quick=0.1, middling=1.0)
    firsts = Counter(order("fastest", found, None, draw)[0].target.deployment for _ in range(10_000))
    assert 9_500 < firsts["quick"] < 9_800
    assert 100 < firsts["slow"] < 240
    assert 100 < firsts["middling"] < 240


def test_what_was_never_measured_is_measured_first() -> None:
    found = lanes(slow=3.0, quick=0.1, new=None)
    ranked = order("fastest", found, None, lambda: 0.99)
    assert [lane.target.deployment for lane in ranked] == ["new", "quick", "slow"]


def test_an_order_names_every_deployment_once() -> None:
    draw = random.Random(7).random
    found = lanes(a=1.0, b=None, c=0.2, d=5.0)
    for strategy in ("fallback", "weighted", "fastest", "cheapest"):
        for _ in range(200):
            ranked = order(strategy, found, (1.0, 2.0, 0.001, 100.0), draw)
            assert sorted(lane.target.deployment for lane in ranked) == ["a", "b", "c", "d"]

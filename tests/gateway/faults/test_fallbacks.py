"""After which failures another deployment is asked: by a route's words, by what an error is about, in its budget."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.faults.spot import FILTERED, Spot, budget, route, spotted
from tests.gateway.limits_rig import wait_ready, wait_standing
from tests.gateway.upstream_rig import until
from tests.support import free_port

NOTHING = {"ratio": 0, "per_s": 0}
LONGER: dict[str, Any] = {"fallback_on": ["context_length"]}

ROUTES = {
    "only-5xx": route("status:429:a", "ok:b1", fallback_on=["5xx"], retries=1),
    "only-5xx-500": route("status:500:a", "ok:b2", fallback_on=["5xx"]),
    "only-429": route("status:500:b", "ok:b3", fallback_on=["429"], retries=1),
    "also-400": route("status:400:c", "ok:b4", fallback_on=["400", "5xx"]),
    "no-cut": route("cut:before-headers", "ok:b5", fallback_on=["5xx"], retries=1),
    "no-invalid": route("html-200", "ok:b6", fallback_on=["5xx"], retries=1),
    "no-timeout": route("never-answers:t", "ok:b7", fallback_on=["5xx"], retries=0, timeout_s={"first_byte": 0.2}),
    "on-timeout": route("never-answers:t2", "ok:b8", fallback_on=["timeout"], timeout_s={"first_byte": 0.2}),
    "unreached": {"deployments": ["down/x", "acme/ok:b9"], "fallback_on": ["unreachable"]},
    "nothing": route("status:500:n", "ok:b10", fallback_on=[], retries=0),
    "long": route("too-long", "ok:short", "ok:same", "ok:unknown", **LONGER),
    "long-known": route("too-long", "ok:short", "ok:long", **LONGER),
    "long-nobody": route("too-long", "ok:short", "ok:same", **LONGER),
    "long-off": route("too-long", "ok:long"),
    "long-crossed": {"deployments": ["claude/too-long", "acme/ok:long"], **LONGER},
    "filter-error": route("filter-error", "ok:f1", **FILTERED),
    "filter-off": route("filter-error", "ok:f2"),
    "filtered": route("content-filter", "words:3", **FILTERED),
    "filtered-off": route("content-filter", "ok:f3"),
    "filtered-all": route("content-filter", "status:500:f", **FILTERED, retries=1),
    "filtered-alone": route("content-filter", **FILTERED),
    "filtered-crossed": {"deployments": ["claude/content-filter", "acme/words:4"], **FILTERED},
    "spent": route("status:500:s", "ok:b11", retry_budget=NOTHING),
    "spent-cut": route("cut:before-headers", "ok:b12", retry_budget=NOTHING),
    "spent-again": route("status:503:again", retry_budget=NOTHING),
    "spent-down": {"deployments": ["down/x", "acme/ok:b13"], "retry_budget": NOTHING},
    "spent-filtered": route("content-filter", "ok:b14", **FILTERED, retry_budget=NOTHING),
    "midway": route("cut:mid-stream:2", "ok:b15", fallback_on=["cut", "5xx"], hedge_after_s=5),
    "midway-told": route("error-event:2", "ok:b16", fallback_on=["cut", "5xx"], hedge_after_s=5),
    "midway-stalled": route("stalls:2", "ok:b17", hedge_after_s=1.0, timeout_s={"idle": 1.6}),
    "storm": route("status:429:storm", retries=2, retry_budget={"ratio": 0.2, "per_s": 1}),
}
CONTEXTS = {"too-long": 8192, "ok:short": 4096, "ok:same": 8192, "ok:long": 32768}


@pytest.fixture(scope="module")
def spot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spot]:
    facts = {f"acme/{name}": {"context": tokens} for name, tokens in CONTEXTS.items()}
    facts["claude/too-long"] = {"context": 8192}
    with spotted(
        tmp_path_factory.mktemp("fallbacks"), ROUTES, down=f"http://127.0.0.1:{free_port()}/v1", facts=facts
    ) as found:
        yield found


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("name", "tried", "status"),
    [
        ("only-5xx", ["status", "status"], 429),
        ("only-5xx-500", ["status", "ok"], 200),
        ("only-429", ["status", "status"], 500),
        ("also-400", ["status", "ok"], 200),
        ("no-cut", ["cut", "cut"], 502),
        ("no-invalid", ["invalid", "invalid"], 502),
        ("on-timeout", ["timeout", "ok"], 200),
        ("no-timeout", ["timeout"], 504),
        ("unreached", ["refused", "ok"], 200),
        ("nothing", ["status"], 500),
    ],
)
def test_a_route_s_own_words_say_after_which_failures_another_is_asked(
    spot: Spot, name: str, tried: list[str], status: int, stream: bool
) -> None:
    seen = spot.ask(name, stream=stream)
    assert (seen.answer.status, [outcome for _, outcome in seen.tried]) == (status, tried)
    others = {deployment for deployment, _ in seen.tried}
    assert len(others) == (2 if status == 200 else 1), "what may not go elsewhere is tried again where it was"
    assert (seen.cost is not None) == (status == 200)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("name", "answered_by"),
    [("long", "acme/ok:unknown"), ("long-known", "acme/ok:long"), ("long-crossed", "acme/ok:long")],
)
def test_what_is_too_long_goes_to_a_longer_context_and_past_those_that_are_not(
    spot: Spot, name: str, answered_by: str, stream: bool
) -> None:
    before = spot.calls("ok:short"), spot.calls("ok:same")
    seen = spot.ask(name, stream=stream)
    assert seen.answer.status == 200
    assert seen.answer.header("x-steelyard-deployment") == answered_by
    assert [outcome for _, outcome in seen.tried] == ["status", "ok"]
    assert seen.exchange.attempts[0].cost_usd is None
    assert (spot.calls("ok:short"), spot.calls("ok:same")) == before


@pytest.mark.parametrize("name", ["long-nobody", "long-off"])
def test_what_is_too_long_for_all_is_told_as_the_provider_told_it(spot: Spot, name: str) -> None:
    before = spot.calls("ok:long"), spot.calls("ok:same")
    seen = spot.ask(name)
    assert seen.answer.status == 400
    assert seen.answer.json()["error"]["code"] == "context_length_exceeded"
    assert [outcome for _, outcome in seen.tried] == ["status"]
    assert (spot.calls("ok:long"), spot.calls("ok:same")) == before


def test_a_filter_s_error_goes_elsewhere_only_where_that_is_asked_for(spot: Spot) -> None:
    seen = spot.ask("filter-error")
    assert (seen.answer.status, [outcome for _, outcome in seen.tried]) == (200, ["status", "ok"])
    seen = spot.ask("filter-off")
    assert (seen.answer.status, [outcome for _, outcome in seen.tried]) == (400, ["status"])
    assert spot.calls("ok:f2") == 0


@pytest.mark.parametrize("name", ["filtered", "filtered-crossed"])
def test_a_whole_answer_that_a_filter_withheld_is_had_elsewhere_and_paid_for(spot: Spot, name: str) -> None:
    seen = spot.ask(name)
    assert seen.answer.status == 200
    assert seen.answer.json()["choices"][0]["finish_reason"] == "stop"
    assert [outcome for _, outcome in seen.tried] == ["filtered", "ok"]
    lost = seen.exchange.attempts[0]
    assert lost.usage is not None
    assert not lost.usage.estimated
    assert Decimal(lost.cost_usd or "0") > 0
    assert seen.cost == seen.answer_cost + Decimal(lost.cost_usd or "0")
    assert seen.exchange.outcome == "ok"


@pytest.mark.parametrize("name", ["filtered-off", "filtered-alone"])
def test_a_withheld_answer_is_the_answer_where_nobody_else_may_be_asked(spot: Spot, name: str) -> None:
    seen = spot.ask(name)
    assert seen.answer.status == 200
    assert seen.answer.json()["choices"][0]["finish_reason"] == "content_filter"
    assert [outcome for _, outcome in seen.tried] == ["ok"]
    assert spot.calls("ok:f3") == 0


def test_a_withheld_answer_is_better_than_an_error(spot: Spot) -> None:
    seen = spot.ask("filtered-all")
    assert seen.answer.status == 200
    assert seen.answer.json()["choices"][0]["finish_reason"] == "content_filter"
    assert seen.answer.header("x-steelyard-deployment") == "acme/content-filter"
    assert [outcome for _, outcome in seen.tried] == ["filtered", "status"]
    assert (seen.exchange.outcome, seen.exchange.deployment) == ("filtered", "acme/content-filter")
    assert seen.cost == Decimal(seen.exchange.attempts[0].cost_usd or "0") > 0


def test_a_stream_has_been_sent_when_its_filter_is_known_and_is_not_begun_again(spot: Spot) -> None:
    seen = spot.ask("filtered", stream=True)
    reasons = [json.loads(line[6:]) for line in seen.answer.body.decode().splitlines() if line.startswith("data: {")]
    assert [one["choices"][0]["finish_reason"] for one in reasons if one["choices"]][-1] == "content_filter"
    assert [outcome for _, outcome in seen.tried] == ["ok"]


@pytest.mark.parametrize(
    ("name", "outcome", "never"),
    [("midway", "cut", "ok:b15"), ("midway-told", "error_event", "ok:b16"), ("midway-stalled", "timeout", "ok:b17")],
)
def test_a_stream_that_breaks_off_is_an_error_event_and_is_continued_by_nobody(
    spot: Spot, name: str, outcome: str, never: str
) -> None:
    seen = spot.ask(name, stream=True)
    lines = [line for line in seen.answer.body.decode().splitlines() if line.startswith("data: ")]
    assert "error" in json.loads(lines[-1][6:])
    assert "[DONE]" not in seen.answer.body.decode()
    assert (seen.exchange.outcome, [one for _, one in seen.tried]) == (outcome, [outcome])
    assert spot.calls(never) == 0
    assert seen.exchange.usage is not None
    assert seen.exchange.usage.estimated


def test_a_running_gateway_takes_over_how_a_route_falls_back(tmp_path: Path) -> None:
    routes = {"changing": route("status:429:changing", "ok:changed", fallback_on=["5xx"], retries=0)}
    with spotted(tmp_path, routes) as spot:
        assert spot.ask("changing").answer.status == 429
        path = spot.gateway.config_path
        text = path.read_text().replace('["5xx"]', '["429"]').replace('"retries" = 0', '"retries" = 1')
        path.write_text(text)
        until(lambda: spot.ask("changing").answer.status == 200, "the new configuration")
        path.write_text(text.replace('"retries" = 1', '"retries" = 1\nretry_budget = { ratio = 0, per_s = 0 }'))
        until(lambda: spot.ask("changing").answer.status == 429, "the budget")
        assert spot.metric("steelyard_retries_refused_total", route="changing") >= 1


# The retry budget.


@pytest.mark.parametrize(
    ("name", "status", "model"),
    [("spent", 500, "status:500:s"), ("spent-cut", 502, None), ("spent-again", 503, "status:503:again")],
)
def test_without_a_retry_budget_what_was_sent_is_not_tried_again(
    spot: Spot, name: str, status: int, model: str | None
) -> None:
    seen = spot.ask(name)
    assert seen.answer.status == status
    assert len(seen.tried) == 1
    assert "retry budget" in str(seen.exchange.error)
    assert name in str(seen.exchange.error)
    assert model is None or spot.calls(model) == 1
    assert spot.metric("steelyard_retries_refused_total", route=name) == 1


def test_a_fallback_is_free_where_nothing_was_sent(spot: Spot) -> None:
    seen = spot.ask("spent-down")
    assert (seen.answer.status, [outcome for _, outcome in seen.tried]) == (200, ["refused", "ok"])
    assert spot.metric("steelyard_retries_total", route="spent-down", kind="elsewhere") == 0


def test_a_withheld_answer_is_given_where_the_retry_budget_has_no_room(spot: Spot) -> None:
    seen = spot.ask("spent-filtered")
    assert seen.answer.json()["choices"][0]["finish_reason"] == "content_filter"
    assert [outcome for _, outcome in seen.tried] == ["ok"]


def test_a_storm_stays_within_the_budget_of_its_route(spot: Spot) -> None:
    count = 60
    clients = [spot.gateway.connect(20) for _ in range(count)]
    for http in clients:
        http.begin("POST", "/v1/chat/completions", model="storm", messages=[{"role": "user", "content": "Hi"}])
    answers = [http.response() for http in clients]
    for http in clients:
        http.close()
    assert {answer.status for answer in answers} == {429}
    exchanges = [spot.of(str(answer.header("x-request-id"))) for answer in answers]
    further = sum(max(0, len(one.attempts) - 1) for one in exchanges)
    # Ten seconds' worth of one a second, a fifth of the calls, and what a slow machine's seconds bring.
    lasted = max(one.received_at + (one.last_byte_ms or 0) / 1000 for one in exchanges)
    seconds = lasted - min(one.received_at for one in exchanges)
    assert 0 < further <= 10 + 0.2 * count + seconds
    assert spot.calls("status:429:storm") == count + further
    assert spot.metric("steelyard_retries_total", route="storm", kind="again") == further


LIMITED = {
    "poor": route("content-filter", "ok:poor", **FILTERED),
    "rich": route("content-filter", "ok:rich", **FILTERED),
}
RULES = budget("poor", "0.003") + budget("rich", "1")


def test_a_second_answer_is_paid_for_from_the_same_budget_or_not_asked_for(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with spotted(tmp_path_factory.mktemp("fallbacks-limited"), LIMITED, RULES) as limited:
        wait_ready(limited.gateway)
        poor, rich = limited.ask("poor"), limited.ask("rich")
        assert [outcome for _, outcome in poor.tried] == ["ok"]
        assert limited.calls("ok:poor") == 0
        assert [outcome for _, outcome in rich.tried] == ["filtered", "ok"]
        wait_standing(limited.gateway, route_poor_usd_total=(poor.cost, 0), route_rich_usd_total=(rich.cost, 0))

"""Hedged calls: a second deployment is asked when the first is silent. The first to answer wins, and all is counted."""

import json
import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway.faults.rig import USD
from tests.gateway.faults.spot import FILTERED, Spot, budget, route, spotted
from tests.gateway.limits_rig import wait_ready, wait_standing
from tests.gateway.upstream_rig import until
from tests.support.rawhttp import RawHTTP

SOON: dict[str, Any] = {"hedge_after_s": 0.05}
AGAIN: dict[str, Any] = {**SOON, "fallback_on": ["content_filter", "5xx"], "retries": 3}
ROUTES = {
    "whole": route("never-answers:w", "words:3", **SOON),
    "stream": route("never-answers:s", "words:4", **SOON),
    "crossed": {"deployments": ["claude/never-answers:c", "acme/words:5"], **SOON},
    "first-wins": route("after:asked-1:words:3", "signal:asked-1:never-answers", **SOON),
    "first-fails": route("after:asked-2:status:500", "signal:asked-2:after:later-2:ok", "signal:later-2:ok", **SOON),
    "first-final": route("after:asked-3:status:400", "signal:asked-3:never-answers", **SOON),
    "second-fails": route("after:asked-4:ok", "signal:asked-4:status:500", **SOON),
    "both-fail": route("after:asked-5:status:503", "signal:asked-5:status:500", "ok:third", **SOON),
    "all-tries": route("after:asked-6:status:503", "signal:asked-6:status:500", "ok:fourth", **SOON, retries=1),
    "no-retries": route("slow-first-byte:0.3", "ok:never-1", **SOON, retries=0),
    "alone": route("slow-first-byte:0.2", **SOON),
    "headed": route("stalls:0", "words:2", **SOON),
    "streams-on": route("slow-chunks:0.4:4", "ok:never-3", hedge_after_s=1.0),
    "no-budget": route("slow-first-byte:0.31", "ok:never-4", **SOON, retry_budget={"ratio": 0, "per_s": 0}),
    "left": route("never-answers:l1", "never-answers:l2", **SOON),
    "form": route("slow-first-byte:0.32", "ok:never-5", **SOON),
    "unpriced": route("never-answers:u", "words:6", **SOON),
    "usual": route("until:silent:never-answers", "words:7", hedge_percentile=90),
    "withheld": route("never-answers:w2", "content-filter", "words:8", **SOON, **FILTERED),
    "withheld-pair": route("never-answers:w3", "content-filter", **SOON, **FILTERED, timeout_s={"first_byte": 2}),
    "withheld-last": route("after:asked-8:ok", "content-filter", "signal:asked-8:status:500", **AGAIN),
    "few-known": route("slow-first-byte:0.33", "ok:never-6", hedge_percentile=90),
}
ESTIMATE_BYTES = 4


@pytest.fixture(scope="module")
def spot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spot]:
    facts = {"acme/never-answers:u": {"price": None}}
    with spotted(tmp_path_factory.mktemp("hedges"), ROUTES, facts=facts) as found:
        yield found


def sent_cost(body_bytes: int) -> Decimal:
    """Return what a request is taken to have cost whose answer nobody waited for."""
    return USD["input"] * (body_bytes // ESTIMATE_BYTES)


def test_a_silent_deployment_is_outrun_by_the_second(spot: Spot) -> None:
    seen = spot.ask("whole")
    assert seen.answer.status == 200
    assert seen.answer.header("x-steelyard-deployment") == "acme/words:3"
    assert seen.tried == [("never-answers:w", "outrun"), ("words:3", "ok")]
    assert (spot.calls("never-answers:w"), spot.calls("words:3")) == (1, 1)
    spot.wait_closed("never-answers:w")
    loser, winner = seen.exchange.attempts
    assert loser.usage is not None
    assert (loser.usage.estimated, loser.usage.output) == (True, 0)
    assert Decimal(loser.cost_usd or "0") == sent_cost(seen.exchange.request_bytes) > 0
    assert (winner.usage, winner.cost_usd) == (None, None)
    assert seen.cost == seen.answer_cost + Decimal(loser.cost_usd or "0")
    assert Decimal(str(seen.answer.header("x-steelyard-cost-usd"))) == seen.cost
    assert seen.exchange.usage is not None
    assert seen.exchange.usage.input == seen.answer.json()["usage"]["prompt_tokens"] + (loser.usage.input or 0)
    assert seen.exchange.deployment == "acme/words:3"


def test_a_stream_comes_from_the_one_that_answers_first_and_from_no_other(spot: Spot) -> None:
    seen = spot.ask("stream", stream=True)
    assert seen.tried == [("never-answers:s", "outrun"), ("words:4", "ok")]
    text = seen.answer.body.decode()
    assert text.count("[DONE]") == 1
    assert len({json.loads(line[6:])["id"] for line in text.splitlines() if line.startswith("data: {")}) == 1
    spot.wait_closed("never-answers:s")


def test_a_head_without_a_body_is_no_answer_yet(spot: Spot) -> None:
    seen = spot.ask("headed", stream=True)
    assert seen.tried == [("stalls:0", "outrun"), ("words:2", "ok")]
    assert seen.answer.body.count(b"[DONE]") == 1


@pytest.mark.parametrize("stream", [False, True])
def test_each_attempt_is_translated_for_itself(spot: Spot, stream: bool) -> None:
    seen = spot.ask("crossed", stream=stream)
    assert seen.tried == [("never-answers:c", "outrun"), ("words:5", "ok")]
    assert seen.answer.status == 200
    assert seen.exchange.spoken is None
    asked = spot.requests("never-answers:c")[-1]
    assert asked.path.endswith("/messages")
    seen = spot.ask("crossed", "/v1/messages", stream=stream, max_tokens=50)
    assert seen.tried == [("never-answers:c", "outrun"), ("words:5", "ok")]
    assert seen.exchange.spoken == "openai"


def test_the_first_wins_where_it_answers_first_and_the_second_is_closed_at_once(spot: Spot) -> None:
    seen = spot.ask("first-wins")
    assert seen.tried == [("signal:asked-1:never-answers", "outrun"), ("after:asked-1:words:3", "ok")]
    spot.wait_closed("signal:asked-1:never-answers")
    assert seen.exchange.attempts[0].cost_usd is not None
    assert seen.exchange.deployment == "acme/after:asked-1:words:3"


def test_when_the_first_fails_the_call_goes_on_with_the_second(spot: Spot) -> None:
    with spot.gateway.connect(20) as http:
        http.begin("POST", "/v1/chat/completions", model="first-fails", messages=[{"role": "user", "content": "Hi"}])
        until(lambda: spot.calls("signal:asked-2:after:later-2:ok"), "the hedge")
        with spot.gateway.connect(20) as other:
            assert other.chat("acme/signal:later-2:ok").status == 200
        answer = http.response()
    assert answer.status == 200
    exchange = spot.of(str(answer.header("x-request-id")))
    assert [one.outcome for one in exchange.attempts] == ["status", "ok"]
    assert exchange.deployment == "acme/signal:asked-2:after:later-2:ok"


def test_an_error_that_no_other_deployment_mends_ends_both(spot: Spot) -> None:
    seen = spot.ask("first-final")
    assert seen.answer.status == 400
    assert [outcome for _, outcome in seen.tried] == ["outrun", "status"]
    spot.wait_closed("signal:asked-3:never-answers")
    assert seen.cost == Decimal(seen.exchange.attempts[0].cost_usd or "0") > 0


def test_when_the_second_fails_the_first_goes_on(spot: Spot) -> None:
    seen = spot.ask("second-fails")
    assert seen.answer.status == 200
    assert seen.tried == [("signal:asked-4:status:500", "status"), ("after:asked-4:ok", "ok")]
    assert seen.exchange.attempts[0].status == 500
    assert seen.exchange.attempts[0].cost_usd is None


def test_when_both_fail_a_third_is_asked_and_the_second_is_not_asked_again(spot: Spot) -> None:
    seen = spot.ask("both-fail")
    assert seen.answer.status == 200
    assert [name for name, _ in seen.tried] == ["signal:asked-5:status:500", "after:asked-5:status:503", "ok:third"]


def test_when_a_filter_withholds_the_second_s_answer_a_third_is_asked_before_the_first_is_asked_again(
    spot: Spot,
) -> None:
    seen = spot.ask("withheld")
    assert seen.answer.json()["choices"][0]["finish_reason"] == "stop"
    assert seen.tried == [("never-answers:w2", "outrun"), ("content-filter", "filtered"), ("words:8", "ok")]
    seen = spot.ask("withheld-last")
    assert [outcome for _, outcome in seen.tried] == ["outrun", "filtered", "status", "ok"]
    assert seen.tried[3][0] == seen.tried[0][0], "who was outrun is the last to be asked, and not left out"


def test_who_was_outrun_is_asked_again_where_nobody_else_is_left(spot: Spot) -> None:
    seen = spot.ask("withheld-pair")
    assert seen.answer.json()["choices"][0]["finish_reason"] == "content_filter", "better than an error"
    assert [outcome for _, outcome in seen.tried] == ["outrun", "filtered", "timeout"]
    assert seen.tried[2][0] == seen.tried[0][0]


def test_a_hedge_is_one_of_the_further_attempts_that_a_route_may_make(spot: Spot) -> None:
    seen = spot.ask("all-tries")
    assert len(seen.tried) == 2
    assert seen.answer.status == 503
    assert spot.calls("ok:fourth") == 0


@pytest.mark.parametrize(
    ("name", "never", "fields"),
    [
        ("no-retries", "ok:never-1", {}),
        ("alone", "ok:never-0", {}),
        ("streams-on", "ok:never-3", {"stream": True}),
        ("no-budget", "ok:never-4", {}),
        ("few-known", "ok:never-6", {}),
    ],
)
def test_nobody_else_is_asked(spot: Spot, name: str, never: str, fields: dict[str, Any]) -> None:
    seen = spot.ask(name, **fields)
    assert seen.answer.status == 200
    assert [outcome for _, outcome in seen.tried] == ["ok"]
    assert spot.calls(never) == 0


def test_a_percentile_is_learned_from_the_deployment_s_own_answers(spot: Spot) -> None:
    end = time.monotonic() + 1.2  # it is found anew once a second
    with spot.gateway.connect(20) as http:
        asked = 0
        while asked < 25 or time.monotonic() < end:
            assert http.chat("usual").status == 200
            asked += 1
            time.sleep(0.02)
        assert http.chat("acme/signal:silent:ok").status == 200
    seen = spot.ask("usual")
    assert seen.tried == [("until:silent:never-answers", "outrun"), ("words:7", "ok")]


def test_what_an_unknown_price_adds_is_unknown(spot: Spot) -> None:
    seen = spot.ask("unpriced")
    assert seen.tried == [("never-answers:u", "outrun"), ("words:6", "ok")]
    assert seen.exchange.attempts[0].usage is not None
    assert (seen.exchange.attempts[0].cost_usd, seen.cost) == (None, None)
    assert seen.answer.header("x-steelyard-cost-usd") is None


def test_what_the_retry_budget_refuses_is_counted(spot: Spot) -> None:
    before = spot.metric("steelyard_retries_refused_total", route="no-budget")
    spot.ask("no-budget")
    assert spot.metric("steelyard_retries_refused_total", route="no-budget") == before + 1
    assert spot.metric("steelyard_retries_total", route="no-budget", kind="hedge") == 0


def test_a_form_is_never_sent_twice(spot: Spot) -> None:
    with spot.gateway.connect(20) as http:
        boundary = "b0undary"
        parts = f'--{boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\nform\r\n--{boundary}\r\n'
        parts += 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nsound\r\n'
        body = f"{parts}--{boundary}--\r\n".encode()
        head = {"content-type": f"multipart/form-data; boundary={boundary}"}
        answer = http.request("POST", "/v1/audio/transcriptions", body, head)
    assert answer.status == 200
    exchange = spot.of(str(answer.header("x-request-id")))
    assert [one.outcome for one in exchange.attempts] == ["ok"]


def test_a_client_that_leaves_ends_both(spot: Spot) -> None:
    with spot.gateway.connect(20) as http:
        http.begin("POST", "/v1/chat/completions", model="left", messages=[{"role": "user", "content": "Hi"}])
        until(lambda: spot.calls("never-answers:l2"), "the hedge")
    spot.wait_closed("never-answers:l1")
    spot.wait_closed("never-answers:l2")
    (exchange,) = until(lambda: spot.on("left"), "the record")
    assert [one.outcome for one in exchange.attempts] == ["client_gone", "client_gone"]
    assert Decimal(exchange.cost_usd or "0") == 2 * sent_cost(exchange.request_bytes)


def test_hedges_are_counted(spot: Spot) -> None:
    spot.ask("whole")
    assert spot.metric("steelyard_retries_total", route="whole", kind="hedge") >= 1
    assert spot.metric("steelyard_hedges_won_total", route="whole") >= 1


LIMITED = {
    "poor": route("slow-first-byte:0.3", "ok:poor-2", **SOON),
    "rich": route("never-answers:rich", "words:3", **SOON),
    "full": route("slow-first-byte:0.31", "ok:full-2", **SOON),
    "crowd": route("slow-first-byte:0.08", "slow-first-byte:0.06", hedge_after_s=0.02),
    "unsent": {"deployments": ["down/mute", "acme/never-answers:u2"], **SOON},
}
RULES = f"""{budget("poor", "0.003")}{budget("rich", "1")}{budget("crowd", "0.12")}{budget("unsent", "1")}
[[limits]]
scope = "route:rich"
tokens_per_day = 100000
requests_per_day = 1000
[[limits]]
scope = "deployment:acme/ok:full-2"
requests_per_day = 1
"""


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spot]:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # TLS that is never completed
        down = f"https://127.0.0.1:{mute.getsockname()[1]}/v1"
        with spotted(tmp_path_factory.mktemp("hedges-limited"), LIMITED, RULES, down=down) as found:
            wait_ready(found.gateway)
            yield found


def test_a_budget_that_has_room_for_one_attempt_pays_for_no_second(limited: Spot) -> None:
    seen = limited.ask("poor")
    assert seen.answer.status == 200
    assert limited.calls("ok:poor-2") == 0
    assert limited.metric("steelyard_hedges_no_room_total", route="poor") == 1
    wait_standing(limited.gateway, route_poor_usd_total=(seen.cost, 0))


def test_budgets_and_limits_count_what_both_attempts_took_and_one_call(limited: Spot) -> None:
    seen = limited.ask("rich", stream=True)
    usage = seen.exchange.usage
    assert usage is not None
    assert seen.tried == [("never-answers:rich", "outrun"), ("words:3", "ok")]
    wait_standing(
        limited.gateway,
        route_rich_usd_total=(seen.cost, 0),
        route_rich_tokens_per_day=((usage.input or 0) + (usage.output or 0), 0),
        route_rich_requests_per_day=(1, 0),
    )


def test_an_attempt_of_which_nothing_was_sent_leaves_the_cost_of_the_other_known(limited: Spot) -> None:
    with limited.gateway.connect(20) as http:
        http.begin("POST", "/v1/chat/completions", model="unsent", messages=[{"role": "user", "content": "Hi"}])
        until(lambda: limited.calls("never-answers:u2"), "the hedge")
    (exchange,) = until(lambda: limited.on("unsent"), "the record")
    assert [(one.deployment, one.cost_usd is None) for one in exchange.attempts] == [
        ("down/mute", True),
        ("acme/never-answers:u2", False),
    ]
    assert exchange.usage is not None
    spent = sent_cost(exchange.request_bytes)
    assert Decimal(exchange.cost_usd or "0") == spent > 0
    wait_standing(limited.gateway, route_unsent_usd_total=(spent, 0))


def test_a_deployment_s_own_limit_holds_for_hedges(limited: Spot) -> None:
    with limited.gateway.connect() as http:
        assert http.chat("acme/ok:full-2").status == 200
    asked = limited.calls("ok:full-2")
    seen = limited.ask("full")
    assert [outcome for _, outcome in seen.tried] == ["ok"]
    assert limited.calls("ok:full-2") == asked


def test_hedged_calls_in_parallel_never_cost_more_than_their_budget(limited: Spot) -> None:
    clients = [limited.gateway.connect(20) for _ in range(120)]
    for http in clients:
        http.begin(
            "POST",
            "/v1/chat/completions",
            model="crowd",
            messages=[{"role": "user", "content": "Hi"}],
            max_tokens=60,
        )
    numbers = [_number_of(http) for http in clients]
    exchanges = [limited.of(number) for number in numbers]
    spent = sum((Decimal(one.cost_usd or "0") for one in exchanges), Decimal(0))
    raced = sum(len(one.attempts) > 1 for one in exchanges)
    assert raced > 0, "the budget has room for all calls, and for a part of their hedges"
    assert 0 < spent <= Decimal("0.12")
    wait_standing(limited.gateway, route_crowd_usd_total=(spent, 0))


def _number_of(http: RawHTTP) -> str:
    number = http.response().header("x-request-id")
    http.close()
    assert number is not None
    return number

"""Limits of requests, tokens, calls under way and input, over the wire."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.http_rig import Front
from tests.gateway.limits_rig import limited, wait_ready, wait_standing
from tests.gateway.upstream_rig import ANSWER, Reply, ScriptedUpstream, exchange_of, until
from tests.support import GatewayUnderTest, config_text
from tests.support.journal import wait_journalled

ANTHROPIC = {"anthropic-version": "2023-06-01"}
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 20}
CLIENTS: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    ("openai", "/v1/chat/completions", {"model": "to-openai", **ASK}, {}),
    ("responses", "/v1/responses", {"model": "to-responses", "input": "Hi", "max_output_tokens": 20}, {}),
    ("anthropic", "/v1/messages", {"model": "to-anthropic", **ASK}, ANTHROPIC),
    (
        "gemini",
        "/v1beta/models/to-gemini:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "generationConfig": {"maxOutputTokens": 20}},
        {},
    ),
]


ROUTES = ("requests", "hourly", "tokens", "asked", "searched", "busy", "bytes", *(f"to-{one[0]}" for one in CLIENTS))
RULES = """
[[limits]]
scope = "route:requests"
requests_per_minute = 4
[[limits]]
scope = "route:hourly"
requests_per_hour = 1
[[limits]]
scope = "route:tokens"
tokens_per_minute = 1500
[[limits]]
scope = "route:asked"
tokens_per_minute = 900
[[limits]]
scope = "route:searched"
tokens_per_minute = 900
[[limits]]
scope = "route:acme/unbounded"
tokens_per_minute = 900
[[limits]]
scope = "route:busy"
concurrent = 2
[[limits]]
scope = "route:bytes"
input_bytes = 400
""" + "".join(
    f'[[limits]]\nscope = "route:to-{one[0]}"\nrequests_per_minute = 2\ntokens_per_day = 10000\n' for one in CLIENTS
)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """One gateway for many tests: each has a route of its own, and a limit of that route."""
    routes = {name: {"deployments": ["acme/ok"]} for name in ROUTES}
    routes["busy"] = {"deployments": ["acme/endless:0.05"]}
    with limited(tmp_path_factory.mktemp("limits"), RULES, routes=routes) as front:
        yield front


def limit_headers(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers if "ratelimit" in name}


def test_streams_and_whole_answers_count_alike(front: Front) -> None:
    with front.connect() as http:
        statuses = [http.chat("requests", stream=number % 2 == 0).status for number in range(6)]
    assert statuses == [200, 200, 200, 200, 429, 429]


def test_a_refusal_is_on_record_and_says_when_to_come_again(front: Front) -> None:
    with front.connect() as http:
        assert http.chat("hourly").status == 200
        refused = http.chat("hourly")
        assert refused.status == 429
        assert refused.error_code == "rate_limit_exceeded"
        assert 3500 < int(refused.header("retry-after") or 0) <= 3661
        last = exchange_of(front.gateway, refused)
        assert (last.status, last.outcome, last.attempts) == (429, "rejected", ())
        assert last.error is not None
        assert "1 requests per hour" in last.error
        metrics = front.gateway.metrics()
    assert 'steelyard_limits_refusals_total{scope="route",limit="requests_per_hour"} 1' in metrics
    assert 'steelyard_limits_usage_ratio{scope="route:hourly",limit="requests_per_hour"} 1' in metrics


def test_tokens_are_reserved_by_their_bound_and_settled_by_what_was_used(front: Front) -> None:
    with front.connect() as http:
        spent = 0
        for number in range(4):  # each may take over 800
            answer = http.chat("tokens", max_tokens=800, stream=number % 2 == 0)
            assert answer.status == 200
            usage = exchange_of(front.gateway, answer).usage
            assert usage is not None
            spent += (usage.input or 0) + (usage.output or 0)
        wait_standing(front.gateway, route_tokens_tokens_per_minute=(spent, 0))
        refused = http.chat("tokens", max_tokens=2000)
    assert refused.status == 429
    assert refused.header("x-should-retry") == "false"
    assert refused.header("retry-after") is None


def test_every_way_to_ask_for_a_long_answer_is_counted(front: Front) -> None:
    with front.connect() as http:
        for fields in ({"n": 10, "max_tokens": 90}, {"max_completion_tokens": 900}, {"max_tokens": 900}):
            assert http.chat("asked", **fields).status == 429
        assert http.chat("asked", max_tokens=100).status == 200


@pytest.mark.parametrize("name", ["web_search_options", "search_parameters", "plugins"])
def test_a_chat_that_has_the_provider_search_may_take_more_than_its_text(front: Front, name: str) -> None:
    with front.connect() as http:
        answer = http.chat("searched", max_tokens=100, **{name: {}})
        assert (answer.status, answer.error_code) == (400, "max_tokens_required"), "no length of context is known"
        assert http.chat("searched", max_tokens=100, **{name: None}).status == 200


def test_an_answer_without_a_bound_must_be_given_one(front: Front) -> None:
    with front.connect() as http:
        unbounded = http.chat("acme/unbounded")
        assert (unbounded.status, unbounded.error_code) == (400, "max_tokens_required")
        assert http.chat("acme/unbounded", max_tokens=100).status in (200, 404)


def test_calls_under_way_are_bounded_until_they_are_left(front: Front) -> None:
    with front.connect() as first, front.connect() as second, front.connect() as third:
        for http in (first, second):
            http.begin_chat("busy", stream=True)
            assert http.head().status == 200
        assert third.chat("busy").status == 429
        first.reset()
        until(lambda: 'scope="route:busy",limit="concurrent"} 0.5' in front.gateway.metrics(), "a call less")
        third.begin_chat("busy", stream=True)
        assert third.head().status == 200


def test_a_body_over_the_limit_is_refused(front: Front) -> None:
    with front.connect() as http:
        assert http.chat("bytes").status == 200
        refused = http.chat("bytes", messages=[{"role": "user", "content": "x" * 400}])
        assert (refused.status, refused.error_code) == (429, "input_too_large")


@pytest.mark.parametrize(("client", "path", "body", "headers"), CLIENTS, ids=[one[0] for one in CLIENTS])
def test_each_dialect_is_told_in_its_own_words(
    front: Front, client: str, path: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    with front.connect() as http:
        answers = [http.request("POST", path, headers=headers, **body) for _ in range(3)]
    assert [one.status for one in answers] == [200, 200, 429], answers
    refused = answers[2].json()
    named = limit_headers(answers[1])
    if client == "anthropic":
        assert (refused["type"], refused["error"]["type"]) == ("error", "rate_limit_error")
        assert refused["error"]["details"]["error_code"] == "rate_limit_exceeded"
        assert named["anthropic-ratelimit-requests-limit"] == "2"
        assert named["anthropic-ratelimit-requests-remaining"] == "0"
        assert named["anthropic-ratelimit-tokens-limit"] == "10000"
        assert named["anthropic-ratelimit-requests-reset"].endswith("Z")
    else:
        error = refused["error"]
        assert error["status"] == "RESOURCE_EXHAUSTED" if client == "gemini" else error["code"] == "rate_limit_exceeded"
        assert named["x-ratelimit-limit-requests"] == "2"
        assert named["x-ratelimit-remaining-requests"] == "0"
        assert named["x-ratelimit-reset-requests"] in ("1m1s", "1m0s")
        assert named["x-ratelimit-limit-tokens"] == "10000"
        assert 9000 < int(named["x-ratelimit-remaining-tokens"]) < 10000
        assert named["x-ratelimit-reset-tokens"].startswith("24h")
    assert set(limit_headers(answers[2])) == set(named)


def test_our_limits_are_told_in_the_place_of_the_provider_s(tmp_path: Path) -> None:
    extra = b"x-ratelimit-limit-requests: 9999\r\nX-RateLimit-Remaining-Tokens: 8888\r\nopenai-processing-ms: 7\r\n"
    length = b"content-length: %d\r\n" % len(ANSWER)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(ANSWER), ANSWER)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + extra
    forms = [head + length + b"\r\n" + ANSWER, head + b"transfer-encoding: chunked\r\n\r\n" + chunks]
    with ScriptedUpstream(lambda number: Reply((forms[number % 2],))) as upstream:
        text = config_text({"acme": upstream.base_url})
        rules = '\n[[limits]]\nscope = "all"\nrequests_per_minute = 5\n'
        with GatewayUnderTest(text + rules, tmp_path) as gateway:
            wait_ready(gateway)
            with gateway.connect() as http:
                answers = [http.chat("acme/ok") for _ in forms]
    for number, answer in enumerate(answers):
        assert limit_headers(answer) == {
            "x-ratelimit-limit-requests": "5",
            "x-ratelimit-remaining-requests": str(4 - number),
            "x-ratelimit-reset-requests": "1m1s",
        }
        assert answer.header("openai-processing-ms") == "7"


def test_a_deployment_that_is_full_leaves_the_call_to_the_next(tmp_path: Path) -> None:
    rules = '[[limits]]\nscope = "deployment:acme/ok"\nrequests_per_minute = 2\n'
    routes = {"assistant": {"deployments": ["acme/ok", "acme/words:3"]}}
    with limited(tmp_path, rules, routes=routes) as front, front.connect() as http:
        answers = [http.chat("assistant", stream=number == 1) for number in range(4)]
        named = [one.header("x-steelyard-deployment") for one in answers]
        assert named == ["acme/ok", "acme/ok", "acme/words:3", "acme/words:3"]
        wait_standing(front.gateway, deployment_acme_ok_requests_per_minute=(2, 0))
        alone = http.chat("acme/ok")
    assert (alone.status, alone.error_code) == (429, "rate_limit_exceeded")


def test_retries_and_fallbacks_are_one_request_of_the_key_and_each_one_of_its_deployment(tmp_path: Path) -> None:
    rules = """
[[limits]]
scope = "key:*"
requests_per_minute = 100
tokens_per_minute = 100000
[[limits]]
scope = "deployment:*"
requests_per_minute = 100
"""
    routes = {"assistant": {"deployments": ["acme/status:500", "acme/ok"], "retries": 1}}
    with limited(tmp_path, rules, routes=routes, models=("ok", "status:500")) as front, front.connect() as http:
        assert http.chat("assistant").status == 200
        (one,) = wait_journalled(front.gateway.home, 1)
        assert one.usage is not None
        wait_standing(
            front.gateway,
            key_none_requests_per_minute=(1, 0),
            key_none_tokens_per_minute=((one.usage.input or 0) + (one.usage.output or 0), 0),
            deployment_acme_status_500_requests_per_minute=(1, 0),
            deployment_acme_ok_requests_per_minute=(1, 0),
        )


def test_keys_teams_and_users_are_told_apart(tmp_path: Path) -> None:
    rules = """
[[limits]]
scope = "team:red"
requests_per_minute = 5
[[limits]]
scope = "key:one"
requests_per_minute = 3
[[limits]]
scope = "user:*"
requests_per_minute = 2
"""
    with limited(tmp_path, rules) as front:
        one = front.gateway.new_key("one", "--team", "red", "--project", "x")
        two = front.gateway.new_key("two", "--team", "red")
        asked = [(one, "ann"), (one, "ann"), (one, "ann"), (one, "bob"), (one, "cid"), (two, "ann"), (two, "bob")]
        assert _statuses(front, asked) == [200, 200, 429, 200, 429, 200, 200]
        assert _statuses(front, [(two, "cid")]) == [429], "its team has had five"


def test_anthropic_s_user_counts_as_a_user(tmp_path: Path) -> None:
    with limited(tmp_path, '[[limits]]\nscope = "user:*"\nrequests_per_minute = 1\n') as front:
        with front.connect() as http:
            asks = [{"model": "acme/ok", **ASK, "metadata": {"user_id": user}} for user in ("ann", "ann", "bob")]
            assert [http.request("POST", "/v1/messages", None, ANTHROPIC, **ask).status for ask in asks] == [
                200,
                429,
                200,
            ]
        assert [one.end_user for one in wait_journalled(front.gateway.home, 3)] == ["ann", "ann", "bob"]


def _statuses(front: Front, asked: list[tuple[str, str]]) -> list[int]:
    found = []
    with front.connect() as http:
        for key, user in asked:
            http.begin_chat("acme/ok", key, user=user)
            found.append(http.response().status)
    return found


def test_a_new_configuration_keeps_what_was_counted(tmp_path: Path) -> None:
    with limited(tmp_path, '[[limits]]\nscope = "all"\nrequests_per_minute = 2\n') as front, front.connect() as http:
        assert [http.chat("acme/ok").status for _ in range(3)] == [200, 200, 429]
        text = front.gateway.config_path.read_text()
        front.gateway.config_path.write_text(text.replace("requests_per_minute = 2", "requests_per_minute = 3"))
        _wait_told(front, "took the new configuration")
        assert [http.chat("acme/ok").status for _ in range(2)] == [200, 429]
        text = text.replace("requests_per_minute = 2", "requests_per_minute = 9\nrequests_per_day = 4")
        front.gateway.config_path.write_text(text)
        _wait_told(front, "took the new configuration", 2)
        wait_ready(front.gateway)
        assert [http.chat("acme/ok").status for _ in range(2)] == [200, 429], "three were counted before this rule was"


def _wait_told(front: Front, words: str, times: int = 1) -> None:
    end = time.monotonic() + 15
    while front.gateway.stderr.count(words) < times:
        assert time.monotonic() < end, front.gateway.stderr
        time.sleep(0.05)


def test_without_limits_nothing_is_told_of_any(tmp_path: Path) -> None:
    with limited(tmp_path, "") as front, front.connect() as http:
        assert limit_headers(http.chat("acme/ok")) == {}
        assert "steelyard_limits" not in front.gateway.metrics()
        assert not (front.gateway.home / "limits.json").exists()

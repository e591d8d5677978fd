"""What a provider can do wrong, and what the client and the record then say. One attempt each: no retries here."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import clean_provider
from tests.fake import FakeProvider
from tests.gateway.upstream_rig import exchange_of, fronted, until
from tests.support import GatewayUnderTest, RawHTTP, Response, free_port
from tests.support.journal import journalled
from tests.support.quick import quickly

# model at the fake provider: status and code for the client, outcome on record
WHOLE_FAULTS = {
    "cut:before-headers": (502, "upstream_cut", "cut"),
    "cut:before-headers:rst": (502, "upstream_cut", "cut"),
    "cut:in-headers": (502, "upstream_cut", "cut"),
    "cut:after-headers": (502, "upstream_cut", "cut"),
    "cut:mid-body": (502, "upstream_cut", "cut"),
    "cut:mid-body:rst": (502, "upstream_cut", "cut"),
    "never-answers": (504, "upstream_timeout_first_byte", "timeout"),
    "slow-headers:0.05": (504, "upstream_timeout_first_byte", "timeout"),
    "stalls:1": (504, "upstream_timeout_idle", "timeout"),
    "html-200": (502, "upstream_invalid", "invalid"),
    "html-502": (502, "upstream_status", "status"),
    "bad-json": (502, "upstream_invalid", "invalid"),
    "wrong-type": (502, "upstream_invalid", "invalid"),
    "json-list": (502, "upstream_invalid", "invalid"),
    "empty-200": (502, "upstream_invalid", "invalid"),
    "no-content": (502, "upstream_invalid", "invalid"),
    "stream-for-json": (502, "upstream_invalid", "invalid"),
    "redirect": (502, "upstream_status", "status"),
    "status:401": (502, "upstream_authentication", "status"),
    "status:403": (502, "upstream_authentication", "status"),
    "bad-status-line": (502, "upstream_invalid", "invalid"),
    "bad-header": (502, "upstream_invalid", "invalid"),
    "two-lengths": (502, "upstream_invalid", "invalid"),
    "length-and-chunks": (502, "upstream_invalid", "invalid"),
    "bad-chunk": (502, "upstream_invalid", "invalid"),
    "header-injection": (502, "upstream_invalid", "invalid"),
    "switching": (502, "upstream_invalid", "invalid"),
    "endless-headers": (502, "upstream_invalid", "invalid"),
}
# Faults of a stream after its first event has been passed on: the code in the error event, the outcome on record.
STREAM_FAULTS = {
    "cut:mid-stream:3": ("upstream_cut", "cut"),
    "cut:mid-stream:3:rst": ("upstream_cut", "cut"),
    "cut:mid-event:3": ("upstream_cut", "cut"),
    "no-done": ("upstream_cut", "cut"),
    "finish-no-done": ("upstream_cut", "cut"),
    "stalls:2": ("upstream_timeout_idle", "timeout"),
}
# Faults of a stream before its first event.
EARLY_STREAM_FAULTS = {
    "cut:before-headers": (502, "upstream_cut", "cut"),
    "cut:after-headers": (502, "upstream_cut", "cut"),
    "empty-stream": (502, "upstream_cut", "cut"),
    "json-for-stream": (502, "upstream_invalid", "invalid"),
    "html-200": (502, "upstream_invalid", "invalid"),
    "html-502": (502, "upstream_status", "status"),
    "never-answers": (504, "upstream_timeout_first_byte", "timeout"),
    "slow-body:5": (504, "upstream_timeout_idle", "timeout"),
    "stalls:0": (504, "upstream_timeout_idle", "timeout"),
}
KEY = "sk-provider-key-that-nobody-may-see"


def once(model: str) -> str:
    """Return the name of the route that tries a model once."""
    return "once-" + re.sub("[^a-z0-9]+", "-", model)


provider = pytest.fixture(scope="module")(clean_provider)


@pytest.fixture(scope="module")
def served(provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    quick = {"connect": 2, "first_byte": 0.3, "idle": 0.3, "total": 5}
    models = {*WHOLE_FAULTS, *STREAM_FAULTS, *EARLY_STREAM_FAULTS, "error-event:3", "error-event:0", "error-200"}
    routes = {once(model): {"deployments": [f"acme/{model}"], "retries": 0, "timeout_s": quick} for model in models}
    routes["total"] = {
        "deployments": ["acme/slow-chunks:0.05:1000"],
        "retries": 3,
        "timeout_s": {"first_byte": 2, "idle": 2, "total": 0.6},
    }
    providers: dict[str, Any] = {
        "acme": {"base_url": provider.base_url, "api_key": "env:ACME_KEY"},
        "closed": f"http://127.0.0.1:{free_port()}/v1",
        "nowhere": "http://no-such-host.invalid/v1",
        "odd": f"http://{'a' * 70}.invalid/v1",
    }
    directory = tmp_path_factory.mktemp("faults")
    with fronted(directory, providers, routes=routes, env={"ACME_KEY": KEY}) as gateway:
        yield gateway
        assert KEY not in gateway.stderr


@pytest.mark.parametrize("model", WHOLE_FAULTS)
def test_a_fault_is_told_to_the_client_and_recorded(served: GatewayUnderTest, model: str) -> None:
    status, code, outcome = WHOLE_FAULTS[model]
    with served.connect() as http:
        began = time.monotonic()
        answer = http.chat(once(model))
        took = time.monotonic() - began
    assert (answer.status, answer.error_code) == (status, code)
    assert took < 5, "no limit of time may be overrun by much"
    assert KEY.encode() not in answer.body
    message = answer.json()["error"]["message"]
    assert f"acme/{model}" in message
    assert answer.header("x-steelyard-deployment") == f"acme/{model}"
    exchange = exchange_of(served, answer)
    assert (exchange.status, exchange.outcome, exchange.route) == (status, outcome, once(model))
    assert [(one.deployment, one.outcome) for one in exchange.attempts] == [(f"acme/{model}", outcome)]
    assert exchange.error == message
    assert exchange.usage is None
    assert exchange.cost_usd is None
    assert exchange.response_bytes == len(answer.body)


@pytest.mark.parametrize("model", EARLY_STREAM_FAULTS)
def test_a_stream_that_fails_before_its_first_event_is_answered_with_a_status(
    served: GatewayUnderTest, model: str
) -> None:
    status, code, outcome = EARLY_STREAM_FAULTS[model]
    with served.connect() as http:
        answer = http.chat(once(model), stream=True)
        assert (answer.status, answer.error_code) == (status, code)
        assert http.request("GET", "/livez").status == 200, "the connection is still good"
    exchange = exchange_of(served, answer)
    assert (exchange.outcome, exchange.stream) == (outcome, True)


@pytest.mark.parametrize("model", STREAM_FAULTS)
def test_a_stream_that_breaks_ends_with_an_error_event_and_is_closed(served: GatewayUnderTest, model: str) -> None:
    code, outcome = STREAM_FAULTS[model]
    with served.connect() as http:
        answer = http.chat(once(model), stream=True)
        assert http.closed()
    assert answer.status == 200
    *events, last = [json.loads(payload) for payload in answer.payloads() if payload != "[DONE]"]
    assert b"[DONE]" not in answer.body
    assert events
    assert all("choices" in event for event in events), "only whole events are passed on"
    assert last["error"]["code"] == code
    assert last["error"]["message"]
    exchange = exchange_of(served, answer)
    assert (exchange.status, exchange.outcome) == (200, outcome)
    assert [one.outcome for one in exchange.attempts] == [outcome]
    assert exchange.response_bytes == len(answer.body)
    assert exchange.usage is not None
    if model == "finish-no-done":  # usage was asked for, and came
        assert exchange.usage.estimated is False
    else:
        assert exchange.usage.estimated is True
        assert exchange.usage.output == len(events)


def test_an_error_event_in_the_middle_is_passed_on_and_recorded(served: GatewayUnderTest) -> None:
    with served.connect() as http:
        answer = http.chat(once("error-event:3"), stream=True)
        assert http.closed()
    assert b"[DONE]" not in answer.body
    assert "The server had an error" in json.loads(answer.payloads()[-1])["error"]["message"]
    exchange = exchange_of(served, answer)
    assert (exchange.status, exchange.outcome) == (200, "error_event")
    assert [(one.outcome, one.status) for one in exchange.attempts] == [("error_event", 200)]


@pytest.mark.parametrize(("model", "stream"), [("error-event:0", True), ("error-200", False)])
def test_an_error_in_an_answer_s_place_has_an_error_s_status(
    served: GatewayUnderTest, model: str, stream: bool
) -> None:
    with served.connect() as http:
        answer = http.chat(once(model), stream=stream)
    assert answer.status == 502
    assert answer.json()["error"]["message"] in (
        "The server had an error while processing your request.",
        "Provider returned error",
    )
    exchange = exchange_of(served, answer)
    assert (exchange.outcome, exchange.status) == ("status", 502)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("closed/m", "refused the connection"),
        ("nowhere/m", "cannot be resolved"),
        ("odd/m", "cannot be resolved"),
    ],
)
def test_a_provider_that_cannot_be_reached_is_named_with_the_reason(
    served: GatewayUnderTest, model: str, words: str
) -> None:
    with served.connect() as http:
        began = time.monotonic()
        answer = http.chat(model)
        took = time.monotonic() - began
    assert (answer.status, answer.error_code) == (502, "upstream_unreachable")
    assert words in answer.json()["error"]["message"]
    assert took < 5
    exchange = exchange_of(served, answer)
    assert exchange.outcome == "refused"
    assert [one.outcome for one in exchange.attempts] == ["refused"] * 3


def test_the_total_time_bounds_a_stream_that_keeps_coming(served: GatewayUnderTest) -> None:
    with served.connect() as http:
        began = time.monotonic()
        answer = http.chat("total", stream=True)
        took = time.monotonic() - began
        assert http.closed()
    assert json.loads(answer.payloads()[-1])["error"]["code"] == "upstream_timeout_total"
    assert 0.5 < took < 5
    assert exchange_of(served, answer).outcome == "timeout"


def test_a_bad_request_of_the_client_is_passed_on_untouched(served: GatewayUnderTest, provider: FakeProvider) -> None:
    with served.connect() as http, RawHTTP(provider.base_url) as direct:
        straight = direct.request(
            "POST", "/v1/chat/completions", headers={"authorization": f"Bearer {KEY}"}, model="status:400", messages=[]
        )
        before = len(provider.requests)
        answer = http.chat("acme/status:400")
    assert answer.status == 400
    assert answer.body == straight.body
    assert len(provider.requests) == before + 1, "a bad request is not tried again"
    exchange = exchange_of(served, answer)
    assert (exchange.status, exchange.outcome) == (400, "status")
    assert [(one.outcome, one.status) for one in exchange.attempts] == [("status", 400)]


def test_a_refused_key_is_not_tried_again_and_its_text_is_kept_from_the_client(
    served: GatewayUnderTest, provider: FakeProvider
) -> None:
    before = len(provider.requests)
    with served.connect() as http:
        answers: list[Response] = []
        # There is nothing to wait for.
        quickly(lambda: answers.append(http.chat(f"acme/status:401:again-{len(answers)}")), 0.12)
        answer = answers[-1]
    assert (answer.status, answer.error_code) == (502, "upstream_authentication")
    assert b"sk-abc" not in answer.body
    assert "steelyard check" in answer.json()["error"]["message"]
    assert len(provider.requests) == before + len(answers)


def test_the_gateway_still_answers_and_lets_no_connection_leak(
    served: GatewayUnderTest, provider: FakeProvider
) -> None:
    with served.connect() as http:
        assert http.chat("acme/ok").status == 200
    until(lambda: "steelyard_calls_in_flight 0\n" in served.metrics(), "the end of all calls")
    exchanges = journalled(served.home)
    assert len({one.id for one in exchanges}) == len(exchanges)
    for one in exchanges:
        assert one.last_byte_ms is not None
        assert all(0 <= tried.started_ms <= tried.ended_ms <= one.last_byte_ms for tried in one.attempts)
        assert one.first_byte_ms is None or one.first_byte_ms <= one.last_byte_ms
    until(lambda: provider.open_connections <= 2, "the close of connections that broke")

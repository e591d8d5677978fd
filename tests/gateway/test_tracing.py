"""Trace context goes through the gateway: untouched without a collector, else with our spans in it."""

from opentelemetry.sdk.resources import Resource

from steelyard.core.traces import attempt_span, exchange_span, read_parent
from steelyard.telemetry.semconv import LATEST
from steelyard.telemetry.spans import spans_of
from tests.cli.program import until
from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.support import config_text, wait_journalled
from tests.telemetry.collector import Collector

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
STATE = "rojo=00f067aa0ba902b7"


def traced_fields(provider: FakeProvider, number: int = -1) -> dict[str, str]:
    fields = provider.requests[number].headers
    return {name: value for name, value in fields if name in ("traceparent", "tracestate")}


def test_without_a_collector_the_bytes_stay_as_they_are(gateway: StartGateway, provider: FakeProvider) -> None:
    under_test = gateway()
    with under_test.connect() as http:
        body = {"model": "acme/ok", "messages": [{"role": "user", "content": "Hi"}]}
        trace = {"traceparent": PARENT, "tracestate": STATE}
        assert http.request("POST", "/v1/chat/completions", None, trace, **body).status == 200
        assert traced_fields(provider) == trace
        assert http.request("POST", "/v1/chat/completions", None, {}, **body).status == 200
        assert traced_fields(provider) == {}
    assert [one.traceparent for one in wait_journalled(under_test.home, 2)] == [None, None]


def test_a_call_is_a_part_of_its_client_s_trace_and_its_provider_s_of_it(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    with Collector() as collector:
        under_test = gateway(config_text({"acme": provider.base_url}) + f'\n[otel]\nendpoint = "{collector.url}"\n')
        with under_test.beside("clerk"), under_test.connect() as http:
            body = {"model": "acme/ok", "messages": [{"role": "user", "content": "Hi"}]}
            fields = {"traceparent": PARENT, "tracestate": STATE}
            answer = http.request("POST", "/v1/chat/completions", None, fields, **body)
            told = traced_fields(provider)
            until(lambda: len(collector.spans) == 2, "two spans")
            own, attempt = collector.spans
            name = answer.header("x-request-id") or ""
            passed_on = read_parent(told["traceparent"])
            assert passed_on is not None
            assert f"{passed_on.trace:032x}" == PARENT[3:35] == own.trace_id.hex()
            assert passed_on.span == attempt_span(name, 0) == int(attempt.span_id.hex(), 16)
            assert passed_on.sampled
            assert told["tracestate"] == STATE
            assert own.parent_span_id.hex() == PARENT[36:52]
            assert int(own.span_id.hex(), 16) == exchange_span(name)
            assert [one.traceparent for one in wait_journalled(under_test.home)] == [PARENT]


def test_without_a_parent_a_trace_begins_and_a_malformed_one_is_none(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    with Collector() as collector:
        under_test = gateway(config_text({"acme": provider.base_url}) + f'\n[otel]\nendpoint = "{collector.url}"\n')
        with under_test.connect() as http:
            body = {"model": "acme/ok", "messages": [{"role": "user", "content": "Hi"}]}
            for fields in ({}, {"traceparent": "00-0-0-0", "tracestate": STATE}):
                answer = http.request("POST", "/v1/chat/completions", None, dict(fields), **body)
                told = traced_fields(provider)
                passed_on = read_parent(told["traceparent"])
                assert passed_on is not None
                assert f"req_{passed_on.trace:032x}" == answer.header("x-request-id")
                assert "tracestate" not in told
        assert [one.traceparent for one in wait_journalled(under_test.home, 2)] == [None, None]


def test_both_attempts_of_a_hedged_call_are_spans_under_the_numbers_that_their_providers_were_told(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    models = ["after:traced:words:2", "signal:traced:never-answers"]
    routes = {"raced": {"deployments": [f"acme/{model}" for model in models], "hedge_after_s": 0.05}}
    with Collector() as collector:
        text = config_text({"acme": provider.base_url}, routes=routes)
        under_test = gateway(text + f'\n[otel]\nendpoint = "{collector.url}"\n')
        with under_test.connect() as http:
            assert http.chat("raced").status == 200
        (exchange,) = wait_journalled(under_test.home)
    told = {
        request.json()["model"]: read_parent(traced_fields(provider, number)["traceparent"])
        for number, request in enumerate(provider.requests)
    }
    shown = {
        span.name.partition(" ")[2]: span.context.span_id
        for span in spans_of(exchange, LATEST, Resource.create({}))[1:]
        if span.context is not None
    }
    assert shown == {model: found.span for model, found in told.items() if found is not None}
    assert set(shown) == set(models)
    assert [one.outcome for one in exchange.attempts] == ["outrun", "ok"]

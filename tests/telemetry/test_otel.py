"""A collector gets each exchange as spans, and what was measured."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.proto.trace.v1.trace_pb2 import Status as SpanStatus

from steelyard.config.settings import OtelSettings
from steelyard.core.exchange import Attempt, Exchange
from steelyard.core.usage import Usage
from steelyard.journal.follower import Follower
from steelyard.journal.writer import JournalWriter
from steelyard.telemetry.otel import BATCH, OtelSink
from tests.journal.samples import exchange
from tests.telemetry.collector import Collector, attributes

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ID = f"{7:032x}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


class MakeSink(Protocol):
    def __call__(self, collector: Collector, names: Literal["latest", "1.36"] = "latest") -> OtelSink: ...


@pytest.fixture
def sink(collector: Collector) -> Iterator[MakeSink]:
    made: list[OtelSink] = []

    def make(collector: Collector, names: Literal["latest", "1.36"] = "latest") -> OtelSink:
        made.append(OtelSink(OtelSettings(collector.url, names), {}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def call(number: int = 7, **changes: object) -> Exchange:
    usual = {"received_at": time.time(), "endpoint": "chat/completions"}
    return exchange(number, **{**usual, **changes})


def test_an_exchange_is_a_span_with_one_below_it_for_each_attempt(sink: MakeSink, collector: Collector) -> None:
    sink(collector).take([call(stream=True)])
    own, failed, answered = collector.spans
    assert collector.services == {"steelyard"}
    assert [one.trace_id.hex() for one in collector.spans] == [ID] * 3
    assert len({one.span_id for one in collector.spans}) == 3
    assert (own.parent_span_id, failed.parent_span_id, answered.parent_span_id) == (b"", own.span_id, own.span_id)
    assert [one.name for one in collector.spans] == ["chat assistant", "chat gpt-4.1", "chat gpt-4.1"]
    kinds = [one.kind for one in collector.spans]
    assert kinds == [Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_CLIENT]
    codes = [one.status.code for one in collector.spans]
    assert codes == [SpanStatus.STATUS_CODE_UNSET, SpanStatus.STATUS_CODE_ERROR, SpanStatus.STATUS_CODE_UNSET]
    assert own.end_time_unix_nano - own.start_time_unix_nano == 812_200_000
    assert failed.start_time_unix_nano - own.start_time_unix_nano == 100_000


def test_spans_have_the_names_of_today(sink: MakeSink, collector: Collector) -> None:
    sink(collector).take([call(stream=True)])
    own, failed, answered = (attributes(one.attributes) for one in collector.spans)
    assert own == {
        "gen_ai.operation.name": "chat",
        "http.response.status_code": 200,
        "steelyard.exchange": f"req_{ID}",
        "steelyard.route": "assistant",
        "steelyard.key": "team-a",
        "steelyard.deployment": "openai/gpt-4.1",
        "steelyard.dialect": "openai",
        "steelyard.outcome": "ok",
        "steelyard.cost_usd": 0.00026,
    }
    assert failed == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "acme",
        "gen_ai.request.model": "gpt-4.1",
        "error.type": "refused",
        "steelyard.outcome": "refused",
    }
    assert answered.pop("gen_ai.response.time_to_first_chunk") == pytest.approx(0.7975)
    assert answered == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "gpt-4.1-2025-04-14",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 50,
        "http.response.status_code": 200,
        "steelyard.outcome": "ok",
    }


def test_old_names_are_given_to_those_who_ask_for_them(sink: MakeSink, collector: Collector) -> None:
    old = sink(collector, "1.36")
    old.take([call(stream=True)])
    old.close()
    told = attributes(collector.spans[-1].attributes)
    assert told["gen_ai.system"] == "openai"
    assert told["gen_ai.usage.input_tokens"] == 100
    assert not {"gen_ai.provider.name", "gen_ai.request.stream", "gen_ai.usage.cache_read.input_tokens"} & told.keys()
    assert set(collector.metrics) == {"gen_ai.client.operation.duration", "gen_ai.client.token.usage", "steelyard.cost"}


def test_a_client_s_trace_is_continued(sink: MakeSink, collector: Collector) -> None:
    sink(collector).take([call(traceparent=PARENT)])
    own = collector.spans[0]
    assert {one.trace_id.hex() for one in collector.spans} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert own.parent_span_id.hex() == "00f067aa0ba902b7"
    assert own.span_id.hex() == ID[16:]


def test_a_trace_that_is_not_sampled_is_not_sent(sink: MakeSink, collector: Collector) -> None:
    sink(collector).take([call(traceparent=PARENT[:-1] + "0"), call(8)])
    assert {one.trace_id.hex() for one in collector.spans} == {f"{8:032x}"}


def test_a_rejected_call_is_one_span(sink: MakeSink, collector: Collector) -> None:
    sink(collector).take([call(outcome="rejected", status=404, attempts=(), route=None, deployment=None, usage=None)])
    (own,) = collector.spans
    assert own.name == "chat"
    assert attributes(own.attributes)["error.type"] == "rejected"
    assert own.status.code == SpanStatus.STATUS_CODE_UNSET


def test_a_provider_s_status_is_the_class_of_the_error(sink: MakeSink, collector: Collector) -> None:
    tried = (Attempt("acme/m", "status", 0.0, 5.0, 503, "overloaded: SECRET"),)
    sink(collector).take([call(outcome="status", status=502, attempts=tried, usage=None, error="SECRET")])
    assert attributes(collector.spans[1].attributes)["error.type"] == "503"
    assert not any(b"SECRET" in one.SerializeToString() for one in collector.spans)


def test_what_was_measured_is_sent_too(sink: MakeSink, collector: Collector) -> None:
    measuring = sink(collector)
    measuring.take([call(stream=True), call(8, usage=Usage(9, 9, estimated=True), cost_usd=None)])
    measuring.close()
    duration = collector.metrics["gen_ai.client.operation.duration"]
    (point,) = duration.histogram.data_points
    assert duration.unit == "s"
    assert (point.count, point.sum) == (2, pytest.approx(1.6192))
    assert attributes(point.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.response.model": "gpt-4.1-2025-04-14",
    }
    tokens = collector.metrics["gen_ai.client.token.usage"].histogram.data_points
    assert {attributes(one.attributes)["gen_ai.token.type"]: one.sum for one in tokens} == {"input": 100, "output": 20}
    assert collector.metrics["gen_ai.client.operation.time_to_first_chunk"].histogram.data_points[0].count == 1
    assert collector.metrics["steelyard.cost"].sum.data_points[0].as_double == pytest.approx(0.00026)


def test_what_a_collector_refused_is_sent_when_it_takes_again(
    sink: MakeSink, collector: Collector, tmp_path: Path
) -> None:
    writer = JournalWriter(tmp_path, "w0", 1 << 20)
    for number in range(1, 4):
        writer.append(call(number))
    sending = sink(collector)
    follower = Follower(tmp_path, "otel", sending, batch=BATCH)
    collector.refuses = 400
    with pytest.raises(OSError, match="not taken"):
        follower.step()
    assert collector.refused == 1
    collector.refuses = None
    assert follower.step() == 3
    sending.close()
    assert [one.trace_id.hex() for one in collector.spans[::3]] == [f"{number:032x}" for number in (1, 2, 3)]
    (point,) = collector.metrics["gen_ai.client.operation.duration"].histogram.data_points
    assert point.count == 3


def test_a_collector_that_is_away_is_complained_of_once(
    sink: MakeSink, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    sending = sink(collector)
    for _ in range(2):
        collector.refuses = 400
        for _ in range(3):
            with pytest.raises(OSError, match="not taken"):
                sending.take([call()])
        collector.refuses = None
        sending.take([call()])
    assert [one.getMessage()[:22] for one in caplog.records] == ["Failed to export spans"] * 2


def test_what_is_older_than_an_hour_holds_nobody_up(sink: MakeSink, collector: Collector) -> None:
    collector.refuses = 400
    sink(collector).take([call(received_at=time.time() - 3700)])
    assert collector.refused == 0

"""Spans and metrics of exchanges, sent to a collector by OTLP over HTTP."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExportResult

from steelyard import __version__
from steelyard.config.settings import OtelSettings
from steelyard.core.exchange import Exchange
from steelyard.telemetry import semconv
from steelyard.telemetry.semconv import names_for
from steelyard.telemetry.spans import call_attributes, error_type, spans_of

__all__ = ["BATCH", "OtelSink"]

BATCH: Final = 200
"""Exchanges of one request to the collector."""

_OLDEST_S: Final = 3600.0
"""What is older is not sent: a collector that refuses a batch for ever must not hold up all that comes after it."""

_TIMEOUT_S: Final = 4.0
"""So that the clerk ends in time, also when the collector does not answer."""


class _Once(logging.Filter):
    """Lets a complaint of the SDK's pass that is another than the one before: it is tried again every few seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.told = ""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        is_new = text != self.told
        self.told = text
        return is_new


class OtelSink:
    """Sends exchanges to a collector. The ids of spans follow from those of exchanges: what comes twice, after a kill,
    comes as the same spans. Metrics begin at 0 with each start, as OpenTelemetry has it."""

    def __init__(self, settings: OtelSettings, env: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._closed = False
        self._names = names_for(settings.names, env.get("OTEL_SEMCONV_STABILITY_OPT_IN", ""))
        self._resource = Resource.create({"service.name": env.get("OTEL_SERVICE_NAME") or "steelyard"})
        timeout = None if "OTEL_EXPORTER_OTLP_TIMEOUT" in env else _TIMEOUT_S
        base = settings.endpoint.rstrip("/") if settings.endpoint is not None else None
        self._spans = OTLPSpanExporter(endpoint=base and f"{base}/v1/traces", timeout=timeout)
        exporter = OTLPMetricExporter(endpoint=base and f"{base}/v1/metrics", timeout=timeout)
        self._metrics = MeterProvider([PeriodicExportingMetricReader(exporter)], self._resource, shutdown_on_exit=False)
        meter = self._metrics.get_meter("steelyard", __version__)
        self._duration = meter.create_histogram(
            semconv.DURATION,
            "s",
            "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=semconv.DURATION_BOUNDS,
        )
        self._tokens = meter.create_histogram(
            semconv.TOKEN_USAGE,
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=semconv.TOKEN_BOUNDS,
        )
        self._first_chunk = None
        if self._names.first_chunk_metric is not None:
            self._first_chunk = meter.create_histogram(
                self._names.first_chunk_metric,
                "s",
                "Time to receive the first chunk of a streamed answer.",
                explicit_bucket_boundaries_advisory=semconv.DURATION_BOUNDS,
            )
        self._cost = meter.create_counter("steelyard.cost", "{USD}", "Known cost of calls in US dollars.")
        self._once = {logging.getLogger(one.__module__): _Once() for one in (OTLPSpanExporter, OTLPMetricExporter)}
        for logger, once in self._once.items():
            logger.addFilter(once)

    def resume(self, mark: object) -> None:
        """There is nothing to be looked at: a collector cannot be asked what it has."""

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Send exchanges. Raises OSError when the collector did not take them."""
        since = self._clock() - _OLDEST_S
        fresh = [one for one in exchanges if one.received_at >= since]
        spans = [span for one in fresh for span in spans_of(one, self._names, self._resource)]
        if spans and self._spans.export(spans) is not SpanExportResult.SUCCESS:
            raise OSError("the collector has not taken the spans")
        if spans:
            for once in self._once.values():
                once.told = ""  # the next time that it is away is another one
        for one in fresh:
            self._measure(one)

    def close(self) -> None:
        """Send what metrics there are, and end; once."""
        if self._closed:
            return
        self._closed = True
        self._metrics.shutdown(timeout_millis=_TIMEOUT_S * 1000)
        self._spans.shutdown()  # type: ignore[no-untyped-call]  # the SDK leaves this one untyped
        for logger, once in self._once.items():
            logger.removeFilter(once)

    def _measure(self, exchange: Exchange) -> None:
        it = exchange
        if it.deployment is None or not it.attempts:
            return
        attributes = call_attributes(it, self._names)
        last = it.attempts[-1]
        error = error_type(it.outcome, last.status)
        failed = {semconv.ERROR_TYPE: error} if error is not None else {}
        self._duration.record((last.ended_ms - last.started_ms) / 1000, {**attributes, **failed})
        if self._first_chunk is not None and it.stream and it.first_byte_ms is not None:
            self._first_chunk.record((it.first_byte_ms - last.started_ms) / 1000, attributes)
        if it.usage is not None and not it.usage.estimated:
            # gen-ai-metrics.md: a usage that the instrumentation cannot obtain must not be reported.
            for kind, count in (("input", it.usage.input), ("output", it.usage.output)):
                if count is not None:
                    self._tokens.record(count, {**attributes, semconv.TOKEN_TYPE: kind})
        if it.cost_usd is not None:
            self._cost.add(float(it.cost_usd), attributes)

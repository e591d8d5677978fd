"""An exchange as spans: one for itself, and one below it for each attempt at a deployment."""

from collections.abc import Mapping
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from steelyard import __version__
from steelyard.core.exchange import Attempt, Exchange
from steelyard.core.traces import attempt_span, exchange_span, read_parent, trace_of
from steelyard.telemetry import semconv
from steelyard.telemetry.semconv import Names, operation_of, provider_of

__all__ = ["SCOPE", "Value", "call_attributes", "error_type", "spans_of"]

Value = str | bool | int | float | tuple[str, ...]

SCOPE: Final = InstrumentationScope("steelyard", __version__)

_WELL: Final = frozenset(("ok", "client_gone", "outrun"))
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


def spans_of(exchange: Exchange, names: Names, resource: Resource) -> list[ReadableSpan]:
    """Return the spans of an exchange, its own first; none when its client's trace is not sampled.

    Usage stands on the span of the attempt that answered alone, so that nobody who adds spans up counts it twice."""
    it = exchange
    parent = read_parent(it.traceparent) if it.traceparent is not None else None
    if parent is not None and not parent.sampled:
        return []
    trace = parent.trace if parent is not None else trace_of(it.id)
    above = SpanContext(parent.trace, parent.span, is_remote=True, trace_flags=_SAMPLED) if parent is not None else None
    own = SpanContext(trace, exchange_span(it.id), is_remote=False, trace_flags=_SAMPLED)
    asked = it.route or it.deployment
    begin = _nanoseconds(it.received_at, 0.0)
    spans = [
        ReadableSpan(
            " ".join(filter(None, (operation_of(it.endpoint), asked))),
            own,
            above,
            resource,
            _own_attributes(it),
            kind=SpanKind.SERVER,
            status=_status(it.outcome),
            start_time=begin,
            end_time=_nanoseconds(it.received_at, it.last_byte_ms or 0.0),
            instrumentation_scope=SCOPE,
        )
    ]
    # They are numbered as they began; on record, the one that answered is the last (a hedged call makes two at once).
    places = range(len(it.attempts))
    begun = sorted(places, key=lambda place: (it.attempts[place].started_ms, place))
    for place, attempt in enumerate(it.attempts):
        last, number = place == places[-1], begun.index(place)
        spans.append(
            ReadableSpan(
                f"{operation_of(it.endpoint)} {_model(attempt.deployment)}",
                SpanContext(trace, attempt_span(it.id, number), is_remote=False, trace_flags=_SAMPLED),
                own,
                resource,
                _attempt_attributes(it, attempt, names, last=last),
                kind=SpanKind.CLIENT,
                status=_status(attempt.outcome),
                start_time=_nanoseconds(it.received_at, attempt.started_ms),
                end_time=_nanoseconds(it.received_at, attempt.ended_ms),
                instrumentation_scope=SCOPE,
            )
        )
    return spans


def call_attributes(exchange: Exchange, names: Names) -> dict[str, Value]:
    """Return what tells calls apart, also in metrics: of an exchange that reached a deployment."""
    deployment = exchange.deployment or ""
    found: dict[str, Value] = {
        semconv.OPERATION: operation_of(exchange.endpoint),
        names.provider: provider_of(deployment, names),
        semconv.REQUEST_MODEL: _model(deployment),
    }
    if exchange.model_reported is not None:
        found[semconv.RESPONSE_MODEL] = exchange.model_reported
    return found


def error_type(outcome: str, status: int | None) -> str | None:
    """Return the class of an error: the provider's status where it answered with one, else how it ended."""
    if outcome in _WELL:
        return None
    return str(status) if outcome == "status" and status is not None else outcome


def _own_attributes(it: Exchange) -> Mapping[str, Value]:
    found: dict[str, Value | None] = {
        semconv.OPERATION: operation_of(it.endpoint),
        semconv.HTTP_STATUS: it.status,
        semconv.ERROR_TYPE: error_type(it.outcome, it.status),
        "steelyard.exchange": it.id,
        "steelyard.route": it.route,
        "steelyard.key": it.key,
        "steelyard.deployment": it.deployment,
        "steelyard.dialect": it.dialect,
        "steelyard.outcome": it.outcome,
        "steelyard.cost_usd": float(it.cost_usd) if it.cost_usd is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _attempt_attributes(it: Exchange, attempt: Attempt, names: Names, *, last: bool) -> Mapping[str, Value]:
    found: dict[str, Value | None] = {
        semconv.OPERATION: operation_of(it.endpoint),
        names.provider: provider_of(attempt.deployment, names),
        semconv.REQUEST_MODEL: _model(attempt.deployment),
        semconv.HTTP_STATUS: attempt.status,
        semconv.ERROR_TYPE: error_type(attempt.outcome, attempt.status),
        "steelyard.outcome": attempt.outcome,
    }
    if last:
        found |= _answer_attributes(it, names)
    return {name: value for name, value in found.items() if value is not None}


def _answer_attributes(it: Exchange, names: Names) -> dict[str, Value | None]:
    usage = it.usage
    found: dict[str, Value | None] = {
        semconv.RESPONSE_MODEL: it.model_reported,
        semconv.FINISH_REASONS: (it.finish_reason,) if it.finish_reason is not None else None,
    }
    if it.stream and names.stream is not None:
        found[names.stream] = True
    if it.stream and names.first_chunk is not None and it.first_byte_ms is not None:
        found[names.first_chunk] = (it.first_byte_ms - it.attempts[-1].started_ms) / 1000
    if usage is not None:
        found[semconv.INPUT_TOKENS] = usage.input
        found[semconv.OUTPUT_TOKENS] = usage.output
        parts = (
            (names.cache_read, usage.cached),
            (names.cache_creation, usage.cache_write),
            (names.reasoning, usage.reasoning),
        )
        found |= {name: count for name, count in parts if name is not None}
        if usage.estimated:
            found["steelyard.tokens_estimated"] = True
    return found


def _model(deployment: str) -> str:
    return deployment.partition("/")[2] or deployment


def _status(outcome: str) -> Status:
    return Status(StatusCode.UNSET if outcome in _WELL or outcome == "rejected" else StatusCode.ERROR)


def _nanoseconds(seconds: float, milliseconds: float) -> int:
    return int(seconds * 1e9) + int(milliseconds * 1e6)

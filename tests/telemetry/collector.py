"""A collector of OpenTelemetry on loopback, which takes what a real one takes and can be told to refuse it."""

import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

__all__ = ["Collector", "attributes"]


class Collector:
    """OTLP over HTTP, in binary Protobuf (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"). `refuses`: the status that
    it answers with instead of taking anything."""

    def __init__(self) -> None:
        self.refuses: int | None = None
        self.refused = 0
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self.metrics: dict[str, Metric] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                assert self.headers["content-type"] == "application/x-protobuf"
                self.send_response(collector.take(self.path, content))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, path: str, content: bytes) -> int:
        """Take one request; return the status."""
        if self.refuses is not None:
            self.refused += 1
            return self.refuses
        if path == "/v1/traces":
            for traced in ExportTraceServiceRequest.FromString(content).resource_spans:
                self.services.add(str(attributes(traced.resource.attributes)["service.name"]))
                self.spans += [span for scope in traced.scope_spans for span in scope.spans]
            return 200
        if path == "/v1/metrics":
            for measured in ExportMetricsServiceRequest.FromString(content).resource_metrics:
                self.metrics |= {one.name: one for scope in measured.scope_metrics for one in scope.metrics}
            return 200
        return 404


def attributes(pairs: Iterable[KeyValue]) -> dict[str, object]:
    """Return attributes as Python has them."""
    found: dict[str, object] = {}
    for pair in pairs:
        kind = pair.value.WhichOneof("value")
        assert kind is not None
        value = getattr(pair.value, kind)
        found[pair.key] = [one.string_value for one in value.values] if kind == "array_value" else value
    return found

"""What the gateway answers by itself: health, metrics, the list of models."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from steelyard.core.errors import Forbidden, NotFound
from steelyard.gateway.answers import answer, bodiless
from steelyard.gateway.listing import model_body, models_body
from steelyard.gateway.memory import PATIENCE_S
from steelyard.gateway.surface import dialect_of

if TYPE_CHECKING:
    from steelyard.gateway.client import Client
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.incoming import Incoming
    from steelyard.keys.key import Key

__all__ = ["Pages"]

_JSON = b"application/json"
_PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"


class Pages:
    """Answers GET requests."""

    __slots__ = ("_gateway",)

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def serve(self, client: Client, incoming: Incoming) -> None:
        """Answer one request. Raises CallError."""
        path = incoming.path.removeprefix("/v1beta").removeprefix("/v1")
        status, kind, body = self._page(path, incoming.key, dialect_of(incoming.target, incoming.headers))
        keep_alive = incoming.keep_alive and not self._gateway.leaving
        fields = b"content-type: %b\r\nx-request-id: %b\r\n" % (kind, self._gateway.next_id().encode())
        whole = answer(status, fields, body, keep_alive=keep_alive)
        if incoming.method == b"HEAD":
            whole = bodiless(whole)
        client.write(whole)
        client.answered(keep_alive=keep_alive)

    def _page(self, path: str, key: Key | None, dialect: str) -> tuple[int, bytes, bytes]:
        gateway = self._gateway
        if path in ("/livez", "/health/liveness"):
            return 200, _JSON, b'{"status":"ok"}'
        if path in ("/readyz", "/health/readiness"):
            return self._readiness()
        if path == "/metrics":
            return 200, _PROMETHEUS, gateway.metrics_page.answer().encode()
        purpose = key.purpose if key is not None else None
        if path == "/models":
            listed = [name for name in gateway.plans.names_for(purpose) if _visible(name, key)]
            return 200, _JSON, models_body(listed, dialect, gateway.meter.started_at)
        name = unquote(path.removeprefix("/models/"), errors="replace")  # SDKs escape the slash of "provider/model"
        if not name.isprintable():
            raise NotFound("A model's name holds no control characters.", code="model_not_found", param="model")
        gateway.plans.outline(name, purpose)
        if not _visible(name, key):
            raise Forbidden(f'The key may not use "{name}".', param="model")
        gateway.plans.find(name, purpose)
        return 200, _JSON, model_body(name, dialect, gateway.meter.started_at)

    def _readiness(self) -> tuple[int, bytes, bytes]:
        gateway = self._gateway
        if gateway.draining:
            return 503, _JSON, b'{"status":"draining"}'
        if gateway.behind:
            return 503, _JSON, b'{"status":"overloaded"}'
        limiter = gateway.limiter
        if limiter is not None and limiter.limits.pending and gateway.clock() < gateway.began_at + PATIENCE_S:
            return 503, _JSON, b'{"status":"restoring"}'
        if not gateway.journal.writable and gateway.plans.records:
            reason = {"status": "not_recordable", "reason": gateway.journal.problem}
            return 503, _JSON, msgspec.json.encode(reason)
        return 200, _JSON, b'{"status":"ok"}'


def _visible(name: str, key: Key | None) -> bool:
    return key is None or key.routes is None or name in key.routes

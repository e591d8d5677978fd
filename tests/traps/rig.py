"""A gateway in front of one provider that speaks five dialects, and translation without either."""

import json
from typing import Any

from steelyard.core.losses import Losses
from steelyard.core.request import Request
from steelyard.dialects.dialect import Asked, ClientDialect, UpstreamDialect
from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, Response

__all__ = ["ASK", "CITY", "UPSTREAMS", "Rig", "translated"]

UPSTREAMS = {
    "openai": "/v1",
    "openai-responses": "/v1",
    "anthropic": "/v1",
    "gemini": "/v1beta",
    "bedrock": "",
}
"""Every dialect of an upstream, and the path of its API at the provider."""

ASK = [{"role": "user", "content": "What is the weather like?"}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Rig:
    """Asks in each dialect; `model` is `up-DIALECT/NAME`. `sent` is what the provider was last asked."""

    def __init__(self, gateway: GatewayUnderTest, provider: FakeProvider) -> None:
        self.gateway = gateway
        self.provider = provider

    def post(self, path: str, fields: dict[str, Any]) -> Response:
        with self.gateway.connect() as http:
            return http.request("POST", path, json.dumps(fields).encode(), {"content-type": "application/json"})

    def chat(self, model: str, **fields: Any) -> Response:
        return self.post("/v1/chat/completions", {"model": model, "messages": ASK, **fields})

    def messages(self, model: str, **fields: Any) -> Response:
        return self.post("/v1/messages", {"model": model, "max_tokens": 4096, "messages": ASK, **fields})

    @property
    def sent(self) -> Any:
        return self.provider.requests[-1].json()

    @property
    def count(self) -> int:
        return len(self.provider.requests)


def translated(upstream: UpstreamDialect, client: ClientDialect, *pieces: bytes) -> Response:
    """Return what a client is shown of an upstream's stream, as the body of an answer."""
    request = Request(dialect=client.name, model="m", messages=(), stream=True, include_usage=True)
    writer = client.writer(Asked(request, "req_0192f0c1a2b37c4d8e9f0a1b2c3d4e5f", 1760000000), Losses())
    reader = upstream.reader()
    events = [event for piece in pieces for event in reader.feed(piece)] + reader.finish()
    return Response(200, (), b"".join(writer.write(event) for event in events))

"""What tests of the gateway's client side share: requests as bytes, and answers without what differs each time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, RawHTTP, Response, TornError, config_text

__all__ = ["CHAT", "Front", "answers", "ask", "body_of", "chunked", "essence", "front", "head", "read_answer", "sent"]

CHAT = "/v1/chat/completions"
_VOLATILE = frozenset(("date", "x-request-id"))


class Front(Struct, frozen=True):
    """A gateway and the provider behind it."""

    gateway: GatewayUnderTest
    provider: FakeProvider

    def connect(self, timeout_s: float = 10.0) -> RawHTTP:
        return self.gateway.connect(timeout_s)


@contextmanager
def front(
    directory: Path,
    server: dict[str, Any] | None = None,
    provider: FakeProvider | None = None,
    env: dict[str, str] | None = None,
    **tables: Any,
) -> Iterator[Front]:
    """Run a gateway with `[server]` settings in front of a provider `acme`; what it sends there must be clean HTTP."""
    with provider or FakeProvider() as upstream:
        config = config_text({"acme": upstream.base_url}, server=server, **tables)
        with GatewayUnderTest(config, directory, env=env) as gateway:
            yield Front(gateway, upstream)
        assert upstream.malformed == []
        assert upstream.failures == []


def body_of(model: str = "acme/ok", **fields: Any) -> bytes:
    """Return the body of a chat request."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "Hi"}], **fields}).encode()


def head(method: str, path: str, *lines: str, host: str = "localhost", version: str = "1.1") -> bytes:
    """Return a request's head with a Host field and these lines."""
    every = [f"{method} {path} HTTP/{version}", f"Host: {host}", *lines, "", ""]
    return "\r\n".join(every).encode("latin-1")


def ask(body: bytes | None = None, *lines: str, path: str = CHAT, version: str = "1.1") -> bytes:
    """Return a whole POST request with its length."""
    body = body_of() if body is None else body
    return head("POST", path, *lines, f"Content-Length: {len(body)}", version=version) + body


def chunked(*pieces: bytes, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """Return a body in chunked transfer coding."""
    parts = [b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces if piece]
    return b"".join([*parts, b"0\r\n", trailers, b"\r\n"])


def essence(answer: Response) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    """Return an answer without what differs each time."""
    return answer.status, tuple(pair for pair in answer.headers if pair[0] not in _VOLATILE), answer.body


def read_answer(http: RawHTTP, method: str = "POST") -> Response:
    """Read one answer that must have an id; an error must be in OpenAI's shape and tell what to do."""
    answer = http.response(method)
    assert (answer.header("x-request-id") or "").startswith("req_"), answer
    if answer.status >= 400 and method != "HEAD":
        assert answer.error_code != "", answer
        assert len(answer.json()["error"]["message"]) > 15, answer
    return answer


def answers(http: RawHTTP) -> list[Response]:
    """Read answers until the gateway closes."""
    found = []
    while True:
        try:
            found.append(read_answer(http))
        except TornError as end:
            if end.received:
                raise
            return found


def sent(gateway: GatewayUnderTest, *pieces: bytes) -> list[Response]:
    """Send bytes on a connection of their own, end it, and return every answer."""
    with gateway.connect() as http:
        for piece in pieces:
            http.send(piece)
        return answers(http)

"""One gateway for all faults: what was asked of it, what its client saw, what was called, and what is on record."""

import json
import re
import secrets
import time
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from msgspec import Struct

from steelyard.core.exchange import Exchange
from steelyard.journal.tail import Tail
from tests.fake import FakeProvider
from tests.gateway.upstream_rig import until
from tests.support import GatewayUnderTest, Response, config_text

__all__ = [
    "KEY",
    "PATIENT",
    "PRICE",
    "QUESTION",
    "QUICK",
    "USD",
    "Asking",
    "Observed",
    "Record",
    "Rig",
    "configuration",
    "count",
    "new_trace",
    "said",
]

Dialect = Literal["openai", "anthropic"]

KEY = "sk-provider-key-that-nobody-may-see"
QUESTION = "Hi there"
USD = {"input": Decimal("2.00") / 10**6, "output": Decimal("8.00") / 10**6}
PRICE = {"price": {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "8.00"}}
_LATELY_S, _LAST = 10.0, 64
PATIENT = {"connect": 5, "first_byte": 10, "idle": 10, "total": 30}
QUICK = {"connect": 2, "first_byte": 1.0, "idle": 1.0, "total": 2.5}
"""For faults that are silence."""


class Asking(Struct, frozen=True):
    """A call: the fault, whether it streams, whether another deployment stands by, and the dialects of both sides."""

    fault: str
    stream: bool
    fallback: bool
    client: Dialect = "openai"
    upstream: str = "chat"

    @property
    def route(self) -> str:
        return f"{'on' if self.fallback else 'off'}-{self.upstream}-{slug(self.fault)}"

    @property
    def deployment(self) -> str:
        return f"{self.upstream}/{self.fault}"


class Observed(Struct, frozen=True):
    """All there is to see of a call. `text` is what the client read as the model's words; `ended`: the stream ended as
    its dialect's streams end; `error`: the error that the client was told, whole or as the stream's last event;
    `called` and `backup_called`: requests that the two providers received."""

    response: Response
    exchange: Exchange
    text: str
    ended: bool
    error: dict[str, Any] | None
    called: int
    backup_called: int
    closed: bool

    @property
    def code(self) -> str | None:
        assert self.error is not None, self.response
        code: str | None = self.error.get("code")
        return code


def slug(text: str) -> str:
    text = text.replace(":-", ":less-")
    return re.sub("[^a-z0-9]+", "-", text.lower())


def configuration(
    provider: FakeProvider, backup: FakeProvider, faults: Iterable[tuple[str, bool]], upstreams: Iterable[str]
) -> str:
    """Return the configuration with a route for each fault (and whether it is silence) with and without a fallback."""
    # Under another name there is another pool: what was left of one provider's connections is not another's.
    hosts = dict.fromkeys(upstreams, "127.0.0.1") | {"messages": "localhost"}
    providers: dict[str, Any] = {
        name: {
            "dialect": "anthropic" if name == "messages" else "openai",
            "base_url": f"http://{host}:{provider.port}/v1",
            "api_key": "env:ACME_KEY",
        }
        for name, host in hosts.items()
    }
    providers["backup"] = {"base_url": backup.base_url, "api_key": "env:ACME_KEY"}
    routes: dict[str, Any] = {}
    prices: dict[str, Any] = {"backup/ok": PRICE}
    for fault, silent in faults:
        limits = QUICK if silent else PATIENT
        for upstream in upstreams:
            alone = Asking(fault, False, False, upstream=upstream)
            beside = Asking(fault, False, True, upstream=upstream)
            prices[alone.deployment] = PRICE
            routes[alone.route] = {"deployments": [alone.deployment], "retries": 0, "timeout_s": limits}
            # Two attempts at one deployment would wait in between: the fallback is the second.
            pair = [alone.deployment, "backup/ok"]
            routes[beside.route] = {"deployments": pair, "retries": 1, "timeout_s": limits}
    return config_text(providers, routes=routes, deployments=prices)


class Record:
    """The journal, read once."""

    def __init__(self, home: Path) -> None:
        self._tail = Tail(home / "journal", {})
        self._turn = Lock()
        self.exchanges: dict[str, Exchange] = {}

    def read(self) -> None:
        with self._turn:
            batch = self._tail.read(limit=100_000)
            assert batch.findings == (), batch.findings
            self._tail.accept(batch)
            for entry in batch.entries:
                assert entry.exchange.id not in self.exchanges, f"{entry.exchange.id} is on record twice"
                self.exchanges[entry.exchange.id] = entry.exchange

    def of(self, number: str) -> Exchange:
        """Wait for the exchange of that id."""

        def found() -> Exchange | None:
            self.read()
            return self.exchanges.get(number)

        return until(found, f"the record of {number}", 5)


class Rig:
    """Asks, and observes everything that came of it. Threads may ask at once for different faults."""

    def __init__(self, gateway: GatewayUnderTest, provider: FakeProvider, backup: FakeProvider) -> None:
        self.gateway = gateway
        self.provider = provider
        self.backup = backup
        self.record = Record(gateway.home)

    def ask(self, asking: Asking, question: str = QUESTION) -> Observed:
        trace = new_trace()
        with self.gateway.connect(20) as http:
            path, body = _request(asking, question)
            response = http.request("POST", path, None, {"traceparent": trace}, **body)
            broken = asking.stream and response.status == 200 and not said(asking.client, True, response)[1]
            closed = http.closed() if broken else False
        number = response.header("x-request-id")
        assert number is not None, response
        text, ended, error = said(asking.client, asking.stream, response)
        return Observed(
            response,
            self.record.of(number),
            text,
            ended,
            error,
            count(self.provider, trace),
            count(self.backup, trace),
            closed,
        )


def new_trace() -> str:
    """Return a `traceparent` (W3C Trace Context), which is passed on with every request of a call."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def count(provider: FakeProvider, trace: str) -> int:
    """Return how many requests of that trace have come, within the last seconds."""
    sent, since = trace.encode(), time.monotonic() - _LATELY_S
    lately = [one for one in list(provider.connections) if one.closed_at is None or one.closed_at > since]
    return sum(sent in request.raw_head for one in lately for request in one.requests[-_LAST:])


def _request(asking: Asking, question: str) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {"model": asking.route, "messages": [{"role": "user", "content": question}]}
    if asking.stream:
        body["stream"] = True
    if asking.client == "anthropic":
        return "/v1/messages", {**body, "max_tokens": 500}
    return "/v1/chat/completions", body


def said(client: Dialect, stream: bool, response: Response) -> tuple[str, bool, dict[str, Any] | None]:
    """Return what a client reads: the model's words, whether the answer ended as it should, and an error.

    It reads leniently, and passes over what is no JSON: nothing broken may be taken for a clean end."""
    if response.status >= 400:
        error: dict[str, Any] = response.json()["error"]
        return "", False, error
    if not stream:
        try:
            return _whole(client, response.json()), True, None
        except UnicodeDecodeError:
            return response.body.decode("latin-1"), True, None
    return _chat(response) if client == "openai" else _messages(response)


def _whole(client: Dialect, answer: dict[str, Any]) -> str:
    if client == "anthropic":
        return "".join(block["text"] for block in answer["content"] if block["type"] == "text")
    return "".join(choice["message"]["content"] for choice in answer["choices"])


def _chat(response: Response) -> tuple[str, bool, dict[str, Any] | None]:
    text, ended, error = "", False, None
    for one in _payloads(response):
        assert not ended, f"{one!r} after [DONE]"
        assert error is None, f"{one!r} after an error"
        if one == "[DONE]":
            ended = True
            continue
        event = _loaded(one)
        if "error" in event:
            error = event["error"]
        for choice in event.get("choices") or () if isinstance(event.get("choices"), list) else ():
            text += choice["delta"].get("content") or ""
    return text, ended, error


def _messages(response: Response) -> tuple[str, bool, dict[str, Any] | None]:
    text, ended, error = "", False, None
    for one in _payloads(response):
        assert not ended, f"{one!r} after message_stop"
        assert error is None, f"{one!r} after an error"
        event = _loaded(one)
        ended = event.get("type") == "message_stop"
        if event.get("type") == "error":
            error = event["error"]
        if event.get("type") == "content_block_delta":
            text += event["delta"].get("text") or ""
    return text, ended, error


def _payloads(response: Response) -> list[str]:
    text = response.body.decode("utf-8", errors="replace").replace("\r\n", "\n")
    return [
        line.removeprefix("data:").removeprefix(" ")
        for event in text.split("\n\n")[:-1]
        for line in event.split("\n")
        if line.startswith("data:")
    ]


def _loaded(payload: str) -> dict[str, Any]:
    try:
        event = json.loads(payload)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}

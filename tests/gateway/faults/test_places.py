"""Providers that cannot be reached, and connections that break below HTTP: names, ports, TLS."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from msgspec import Struct

from tests.fake import FakeProvider, expired, self_signed
from tests.gateway.faults.rig import KEY, PRICE, Record, count, new_trace, said
from tests.gateway.faults.table import SAYING
from tests.support import GatewayUnderTest, config_text, free_port

Manner = Literal["reset", "close", "garbage", "silence"]
LIMITS = {"connect": 0.7, "first_byte": 3, "idle": 3, "total": 10}


class Place(Struct, frozen=True):
    """Where nothing can be asked. `words`: what the client is told of the reason."""

    words: str
    code: str = "upstream_unreachable"
    outcome: str = "refused"
    status: int = 502


PLACES = {
    "refusing": Place("it refused the connection"),
    "nowhere": Place("its host name cannot be resolved"),
    "untrusted": Place("its certificate is not trusted (self-signed certificate)"),
    "expired": Place("its certificate is not trusted (certificate has expired)"),
    "wrong-name": Place("its certificate is not trusted (Hostname mismatch"),
    "tls-reset": Place("could not be reached"),
    "tls-close": Place("could not be reached"),
    "tls-garbage": Place("TLS failed"),
    "tls-silence": Place("connect", "upstream_timeout_connect", "timeout", 504),
}

# Behind a TLS that is well: what comes of a stream.
SECURE = {
    "cut:before-headers:rst": 0,
    "cut:before-headers": 0,
    "cut:in-headers:rst": 0,
    "cut:after-headers": 0,
    "cut:mid-stream:3:rst": 2,
    "cut:mid-stream:3": 2,
    "cut:mid-event:4": 3,
}
"""Each with the number of words that reach the client."""


@contextmanager
def accepting(manner: Manner) -> Iterator[int]:
    """Accept, read what comes first, and then do as `manner` says; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    one, _ = listener.accept()
                except OSError:
                    return
                accepted.append(one)
                one.recv(4096)
                if manner == "reset":
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if manner == "garbage":
                    one.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                if manner != "silence":
                    one.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for one in accepted:
            one.close()


class Served(Struct, frozen=True):
    gateway: GatewayUnderTest
    providers: dict[str, FakeProvider]
    backup: FakeProvider
    record: Record


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("places")
    with ExitStack() as stack:
        backup = stack.enter_context(FakeProvider())
        secure = _certified(stack, home)
        providers: dict[str, Any] = {
            "refusing": f"http://127.0.0.1:{free_port()}/v1",
            "nowhere": "http://no-such-host.invalid/v1",
            "untrusted": secure["well"][0].base_url,
            **{name: {"base_url": one.base_url, "ca_file": str(ca)} for name, (one, ca) in secure.items()},
        }
        manners: tuple[Manner, ...] = ("reset", "close", "garbage", "silence")
        for manner in manners:
            providers[f"tls-{manner}"] = f"https://127.0.0.1:{stack.enter_context(accepting(manner))}/v1"
        providers = {name: one if isinstance(one, dict) else {"base_url": one} for name, one in providers.items()}
        config = config_text(
            {name: {**one, "api_key": "env:ACME_KEY"} for name, one in providers.items()} | {"backup": backup.base_url},
            routes=_routes(),
            deployments={"backup/ok": PRICE},
        )
        gateway = stack.enter_context(GatewayUnderTest(config, home, env={"ACME_KEY": KEY}))
        yield Served(gateway, {name: one for name, (one, _) in secure.items()}, backup, Record(gateway.home))
        assert gateway.stderr.count("\n") == 1, gateway.stderr


def _certified(stack: ExitStack, home: Path) -> dict[str, tuple[FakeProvider, Path]]:
    made: dict[str, tuple[FakeProvider, Path]] = {}
    for name, names in (("well", "DNS:localhost"), ("wrong-name", "DNS:elsewhere.example")):
        (home / name).mkdir()
        pair = self_signed(home / name, names)
        made[name] = (stack.enter_context(FakeProvider(certificate=pair)), pair[0])
    pair = expired(home)
    made["expired"] = (stack.enter_context(FakeProvider(certificate=pair)), pair[0])
    return made


def _routes() -> dict[str, Any]:
    asked = {name: f"{name}/ok" for name in PLACES} | {f"well-{n}": f"well/{one}" for n, one in enumerate(SECURE)}
    routes: dict[str, Any] = {}
    for name, deployment in asked.items():
        routes[f"{name}-alone"] = {"deployments": [deployment], "retries": 0, "timeout_s": LIMITS}
        routes[f"{name}-beside"] = {"deployments": [deployment, "backup/ok"], "retries": 1, "timeout_s": LIMITS}
    return routes


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fallback", ["alone", "beside"])
@pytest.mark.parametrize("name", PLACES)
def test_a_provider_that_cannot_be_reached_is_told_apart_and_gets_nothing(
    served: Served, name: str, fallback: str, stream: bool
) -> None:
    place, trace = PLACES[name], new_trace()
    body: dict[str, Any] = {"model": f"{name}-{fallback}", "messages": [{"role": "user", "content": "Hi"}]}
    with served.gateway.connect() as http:
        answer = http.request("POST", "/v1/chat/completions", None, {"traceparent": trace}, **body, stream=stream)
    exchange = served.record.of(answer.header("x-request-id") or "")
    text, ended, error = said("openai", stream, answer)
    tried = [(one.deployment, one.outcome) for one in exchange.attempts]
    assert all(
        one.requests == [] for key, each in served.providers.items() if key != "well" for one in each.connections
    )
    if fallback == "beside":
        assert (answer.status, text, ended) == (200, SAYING, True)
        assert tried == [(f"{name}/ok", place.outcome), ("backup/ok", "ok")]
        assert count(served.backup, trace) == 1
        assert exchange.cost_usd is not None
        return
    assert (answer.status, exchange.outcome) == (place.status, place.outcome)
    assert error is not None
    assert error["code"] == place.code
    assert place.words in error["message"]
    assert KEY not in error["message"]
    assert tried == [(f"{name}/ok", place.outcome)]
    assert (exchange.usage, exchange.cost_usd) == (None, None)


@pytest.mark.parametrize("fallback", ["alone", "beside"])
@pytest.mark.parametrize("fault", SECURE)
def test_a_connection_of_tls_that_breaks_is_a_cut(served: Served, fault: str, fallback: str) -> None:
    words, trace = SECURE[fault], new_trace()
    route = f"well-{list(SECURE).index(fault)}-{fallback}"
    body: dict[str, Any] = {"model": route, "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with served.gateway.connect() as http:
        answer = http.request("POST", "/v1/chat/completions", None, {"traceparent": trace}, **body)
        assert not words or http.closed()
    exchange = served.record.of(answer.header("x-request-id") or "")
    text, ended, error = said("openai", True, answer)
    assert count(served.providers["well"], trace) == 1
    if not words and fallback == "beside":
        assert (answer.status, text, ended) == (200, SAYING, True)
        assert [one.outcome for one in exchange.attempts] == ["cut", "ok"]
        return
    assert count(served.backup, trace) == 0
    assert text.split() == SAYING.split()[:words]
    assert not ended
    assert error is not None
    assert error["code"] == "upstream_cut"
    assert (answer.status, exchange.outcome) == (200 if words else 502, "cut")

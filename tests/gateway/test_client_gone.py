"""A client that leaves takes its upstream with it; one that reads slowly slows its upstream down."""

import resource
import socket
import statistics
import time
from pathlib import Path

import pytest

from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.gateway.upstream_rig import fronted, one_exchange, until
from tests.support import GatewayUnderTest, config_text
from tests.support.journal import wait_journalled

MANY = 15
PRICE = {"price": {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "8.00"}}


@pytest.mark.parametrize("by", ["fin", "rst"])
@pytest.mark.parametrize(
    ("model", "stream", "status"),
    [
        ("endless:0.005", True, 200),  # in the middle of a stream
        ("never-answers", True, 499),  # before the first byte
        ("never-answers", False, 499),
        ("stalls:1", False, 499),  # in the middle of a whole answer
        ("stalls:0", True, 499),  # after the headers
    ],
)
def test_the_upstream_is_closed_at_once_when_its_client_leaves(
    gateway: StartGateway, provider: FakeProvider, model: str, stream: bool, status: int, by: str
) -> None:
    deployment = f"acme/{model}"
    served = gateway(config_text({"acme": provider.base_url}, deployments={deployment: PRICE}))
    delays = []
    for count in range(1, MANY + 1):
        http = served.connect()
        http.begin_chat(deployment, stream=stream)
        request = provider.wait_requests(count)[-1]
        if status == 200:
            http.head()
            provider.wait(lambda request=request: request.events_sent >= 3, "three events")  # type: ignore[misc]
        else:
            time.sleep(0.01)
        left = time.monotonic()
        http.close() if by == "fin" else http.reset()
        delays.append(provider.wait_closed(request) - left)
    print(f"{model}: upstream closed after {statistics.median(delays) * 1000:.2f} ms, at most {max(delays) * 1000:.2f}")
    assert statistics.median(delays) < 0.1
    assert max(delays) < 0.5
    exchanges = wait_journalled(served.home, MANY)
    assert {(one.outcome, one.status) for one in exchanges} == {("client_gone", status)}
    for one in exchanges:
        assert [tried.outcome for tried in one.attempts] == ["client_gone"]
        assert one.usage is not None
        assert one.usage.estimated
        assert (one.usage.output or 0) >= (3 if status == 200 else 0)
        assert one.usage.input == one.request_bytes // 4
        assert one.cost_usd is not None
    assert "steelyard_calls_in_flight 0\n" in served.metrics()


def test_a_client_that_leaves_while_connecting_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        acme = f"https://127.0.0.1:{listener.getsockname()[1]}/v1"  # TLS that is never completed
        with fronted(tmp_path, {"acme": acme}) as served:
            http = served.connect()
            http.begin_chat("acme/m")
            accepted, _ = listener.accept()
            accepted.settimeout(5)
            assert accepted.recv(1) == b"\x16", "a TLS handshake begins"
            left = time.monotonic()
            http.close()
            while accepted.recv(65536):
                pass
            assert time.monotonic() - left < 3  # it would try for 5 to connect
            accepted.close()
            exchange = one_exchange(served)
            assert (exchange.outcome, exchange.status, exchange.usage) == ("client_gone", 499, None)
            assert [one.outcome for one in exchange.attempts] == ["client_gone"]


def test_a_client_that_leaves_during_a_pause_has_no_further_attempt_made(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    routes = {"patient": {"deployments": ["acme/status:429:retry-after=1"], "retries": 5}}
    served = gateway(config_text({"acme": provider.base_url}, routes=routes))
    http = served.connect()
    http.begin_chat("patient")
    provider.wait_requests(1)
    time.sleep(0.1)
    http.close()
    exchange = one_exchange(served)
    assert (exchange.outcome, exchange.status) == ("client_gone", 499)
    assert [one.outcome for one in exchange.attempts] == ["status"], "the pause is no attempt"
    time.sleep(1.1)
    assert len(provider.requests) == 1


def test_a_client_that_leaves_early_with_a_pipelined_request_stops_both(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    served = gateway()
    http = served.connect()
    http.begin_chat("acme/never-answers")
    http.begin_chat("acme/ok")
    (request,) = provider.wait_requests(1)
    http.close()
    provider.wait_closed(request, 1)
    time.sleep(0.1)
    assert len(provider.requests) == 1
    assert one_exchange(served).outcome == "client_gone"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"], ids=["relayed", "translated"])
def test_what_a_stream_said_of_its_tokens_at_its_beginning_is_not_taken_for_all(
    gateway: StartGateway, provider: FakeProvider, path: str
) -> None:
    claude = {"dialect": "anthropic", "base_url": provider.base_url, "headers": {"x-api-key": "env:A_KEY"}}
    served = gateway(config_text({"claude": claude}), env={"A_KEY": "sk-1"})
    asked = {"model": "claude/scene:cut-stream", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with served.connect() as http:
        assert http.request("POST", path, None, None, max_tokens=100, **asked).status == 200
    usage = one_exchange(served).usage
    assert usage is not None
    assert usage.input == 21  # message_start tells it, and 1 of output
    assert (usage.output or 0) >= 3
    assert usage.estimated


def resident_mb(served: GatewayUnderTest) -> float:
    pages = int(Path(f"/proc/{served.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


@pytest.mark.parametrize("first", [None, "acme/big-body:3000000"], ids=["alone", "behind-another-answer"])
def test_a_client_that_does_not_read_holds_the_upstream_back(
    gateway: StartGateway, provider: FakeProvider, first: str | None
) -> None:
    """Idle time counts only while the gateway reads; the memory in between is bounded."""
    routes = {"flood": {"deployments": ["acme/flood:60000000"], "timeout_s": {"idle": 0.5}}}
    served = gateway(config_text({"acme": provider.base_url}, routes=routes, server={"write_timeout_s": 30}))
    before = resident_mb(served)
    with served.connect(30) as http:
        if first is not None:
            http.begin_chat(first)
            provider.wait_requests(1)
        http.begin_chat("flood", stream=True)
        request = provider.wait_requests(1 if first is None else 2)[-1]
        time.sleep(1.2)
        sent = request.sent_bytes
        assert sent < 30_000_000, "kernel buffers aside, the provider is made to wait"
        assert resident_mb(served) - before < 30
        if first is not None:
            assert http.response().status == 200
        received = b"".join(http.parts(http.head()))
    assert len(received) > 59_000_000
    assert received.endswith(b"data: [DONE]\n\n")
    assert resident_mb(served) - before < 60
    assert [one.outcome for one in wait_journalled(served.home, 1 if first is None else 2)][-1] == "ok"


def test_what_comes_with_the_head_while_the_client_reads_nothing_starts_no_clock(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    routes = {"later": {"deployments": ["acme/joined-start:1"], "timeout_s": {"idle": 0.3}}}
    served = gateway(config_text({"acme": provider.base_url}, routes=routes))
    with served.connect(30) as http:
        http.begin_chat("acme/big-body:8000000")
        provider.wait_requests(1)
        http.begin_chat("later", stream=True)
        request = provider.wait_requests(2)[-1]
        provider.wait(lambda: request.events_sent >= 3, "the rest of the stream")
        assert http.response().status == 200
        assert b"".join(http.parts(http.head())).endswith(b"data: [DONE]\n\n")
    assert [one.outcome for one in wait_journalled(served.home, 2)] == ["ok", "ok"]


def test_a_client_that_never_reads_is_closed(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway(config_text({"acme": provider.base_url}, server={"write_timeout_s": 0.5}))
    with served.connect() as http:
        http.begin_chat("acme/flood:100000000", stream=True)
        request = provider.wait_requests(1)[0]
        began = time.monotonic()
        provider.wait_closed(request, 5)
        assert 0.3 < time.monotonic() - began < 3
    exchange = one_exchange(served)
    assert (exchange.outcome, exchange.status) == ("client_gone", 200)
    until(lambda: "steelyard_client_connections 1\n" in served.metrics(), "the close of the client")

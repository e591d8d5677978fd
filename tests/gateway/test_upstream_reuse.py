"""Connections to providers are used again only where that is safe, and a stale one costs nobody an error."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.gateway.upstream_rig import ANSWER, Reply, ScriptedUpstream, exchange_of, fronted, until
from tests.support import config_text
from tests.support.journal import wait_journalled

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(ANSWER), ANSWER)
POISON = PLAIN.replace(b'"Hi"', b'"No"')
ONCE = {"once": {"deployments": ["acme/m"], "retries": 0}}


@pytest.mark.parametrize("model", ["stale-keepalive", "stale-keepalive:next"])
def test_a_connection_that_went_stale_is_replaced_without_an_attempt_being_lost(
    gateway: StartGateway, provider: FakeProvider, model: str
) -> None:
    routes = {"once": {"deployments": [f"acme/{model}"], "retries": 0}}
    served = gateway(config_text({"acme": provider.base_url}, routes=routes))
    with served.connect() as http:
        for stream in (False, True, False, False):
            answer = http.chat("once", stream=stream)
            assert answer.status == 200
            exchange = exchange_of(served, answer)
            assert (exchange.outcome, len(exchange.attempts)) == ("ok", 1)


def test_after_a_provider_s_restart_no_call_fails(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway(
        config_text({"acme": provider.base_url}, routes={"once": {**ONCE["once"], "deployments": ["acme/ok"]}})
    )
    crowd = [served.connect() for _ in range(6)]
    for http in crowd:
        http.begin_chat("once", stream=True)
    assert [http.response().status for http in crowd] == [200] * 6
    opened = len(provider.connections)
    provider.stop()
    provider.start()
    for http in crowd:
        http.begin_chat("once")
    assert [http.response().status for http in crowd] == [200] * 6
    assert len(provider.connections) > opened
    assert all(len(one.attempts) == 1 for one in wait_journalled(served.home, 12))
    for http in crowd:
        http.close()


def test_a_connection_serves_many_calls(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway()
    with served.connect() as http:
        for number in range(20):
            model = ("ok", "chunked-json", "gzip-stream", "chunked-trailers")[number % 4]
            assert http.chat(f"acme/{model}", stream=number % 8 > 3 and model != "chunked-json").status == 200
    # A client may ask again between [DONE] and the last chunk, when the connection is not yet free.
    assert len(provider.connections) <= 4


def test_a_fresh_connection_that_is_closed_is_a_failed_attempt(tmp_path: Path) -> None:
    with ScriptedUpstream(lambda _: Reply((), "fin")) as upstream:
        with fronted(tmp_path, {"acme": upstream.base_url}, routes=ONCE) as served, served.connect() as http:
            answer = http.chat("once")
            assert (answer.status, answer.error_code) == (502, "upstream_cut")
        assert len(upstream.requests) == 1


@contextmanager
def slamming_server() -> Iterator[int]:
    """A server that closes every connection as soon as it has accepted it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def slam() -> None:
            while True:
                try:
                    accepted, _ = server.accept()
                except OSError:
                    return
                accepted.close()

        thread = threading.Thread(target=slam, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_connection_that_is_closed_at_once_fails_quickly(tmp_path: Path) -> None:
    with (
        slamming_server() as port,
        fronted(tmp_path, {"acme": f"http://127.0.0.1:{port}/v1"}, routes=ONCE) as served,
        served.connect() as http,
    ):
        for _ in range(30):
            began = time.monotonic()
            answer = http.chat("once")
            assert answer.status in (502, 503), answer
            assert time.monotonic() - began < 2


@pytest.mark.parametrize("first", [PLAIN, CHUNKED], ids=["length", "chunks"])
def test_an_answer_that_nobody_asked_for_reaches_no_pipelined_request(tmp_path: Path, first: bytes) -> None:
    with ScriptedUpstream(lambda n: Reply((first + POISON,)) if n == 0 else Reply((PLAIN,))) as upstream:
        with fronted(tmp_path, {"acme": upstream.base_url}) as served, served.connect() as http:
            http.begin_chat("acme/m")
            http.begin_chat("acme/m")
            http.begin_chat("acme/m")
            assert [http.response().body for _ in range(3)] == [ANSWER] * 3
        assert not upstream.connections[0].open


def test_an_answer_that_comes_late_and_unasked_reaches_nobody(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway()
    with served.connect() as http:
        for _ in range(5):
            assert http.chat("acme/unasked-answer").json()["object"] == "chat.completion"
            until(lambda: provider.open_connections == 0, "the close of the connection")


def test_an_answer_before_the_request_was_sent_wholly_is_passed_on(tmp_path: Path) -> None:
    with FakeProvider(body_limit=100_000) as provider:
        with fronted(tmp_path, {"acme": provider.base_url}) as served, served.connect() as http:
            answer = http.chat("acme/ok", messages=[{"role": "user", "content": "x" * 8_000_000}])
            assert (answer.status, answer.json()["error"]["message"]) == (413, "Maximum content size limit exceeded.")
            assert http.chat("acme/ok").status == 200
        assert provider.malformed == []


def form(size: int) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a form whose file ends with what looks like a request."""
    inner = b"POST /v1/smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    body = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nacme/m\r\n--b\r\n'
    body += b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    body += b"x" * size + inner + b"\r\n--b--\r\n"
    return {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(len(body))}, body


def test_a_form_that_is_answered_early_leaves_no_half_sent_request_behind(tmp_path: Path) -> None:
    """Else the next call's request would be read as the rest of this one's body: smuggling."""
    with ScriptedUpstream(lambda _: Reply((PLAIN,)), before_body=True) as upstream:
        with fronted(tmp_path, {"acme": upstream.base_url}) as served:
            headers, body = form(200_000)
            with served.connect() as http:
                head = "\r\n".join(
                    ["POST /v1/audio/transcriptions HTTP/1.1", f"Host: {http.host}", *map(": ".join, headers.items())]
                )
                http.send(head.encode() + b"\r\n\r\n" + body[:50_000])
                assert http.response().body == ANSWER
            with served.connect() as http:
                assert http.chat("acme/m").body == ANSWER
        first, second = upstream.connections[:2]
        assert [request.path for request in first.requests] == ["/v1/audio/transcriptions"]
        assert [request.path for request in second.requests] == ["/v1/chat/completions"]


def test_a_form_is_never_sent_on_an_idle_connection_that_may_be_stale(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    """It passes through, so it could not be sent again; its own connection serves others afterwards."""
    served = gateway()
    headers, body = form(300_000)
    with served.connect() as http:
        assert http.chat("acme/stale-keepalive:next").status == 200
        for count in (2, 3):
            answer = http.request("POST", "/v1/audio/transcriptions", body.replace(b"acme/m", b"acme/ok"), headers)
            assert answer.status == 200, answer
            assert len(provider.connections) == count
        for _ in range(3):
            assert http.chat("acme/ok").status == 200
    assert len(provider.connections) == 3


def test_an_event_without_end_is_broken_off(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = (head, *[b"100000\r\n" + b"x" * 0x100000 + b"\r\n"] * 80)
    with ScriptedUpstream(lambda _: Reply(pieces, "silence", pause_s=0)) as upstream:
        with fronted(tmp_path, {"acme": upstream.base_url}, routes=ONCE) as served, served.connect(30) as http:
            answer = http.chat("once", stream=True)
            assert (answer.status, answer.error_code) == (502, "upstream_invalid")
            assert exchange_of(served, answer).outcome == "invalid"
        assert not upstream.connections[0].open


@pytest.mark.parametrize(("end", "cut"), [("fin", 0), ("fin", 30), ("rst", 30)])
def test_a_body_that_ends_with_its_connection_is_whole_or_an_error(tmp_path: Path, end: str, cut: int) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + ANSWER[: len(ANSWER) - cut]
    ends = {"fin": Reply((reply,), "fin"), "rst": Reply((reply,), "rst")}
    with (
        ScriptedUpstream(lambda _: ends[end]) as upstream,
        fronted(tmp_path, {"acme": upstream.base_url}, routes=ONCE) as served,
        served.connect() as http,
    ):
        answer = http.chat("once")
        if cut:
            assert answer.status == 502
            assert exchange_of(served, answer).outcome == ("invalid" if end == "fin" else "cut")
        else:
            assert (answer.status, answer.body) == (200, ANSWER)


def test_a_second_answer_in_one_read_is_not_relayed(tmp_path: Path) -> None:
    event = (
        b"data: " + json.dumps({"choices": [{"delta": {}, "finish_reason": None}]}).encode() + b"\n\ndata: [DONE]\n\n"
    )
    stream = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(event) + event
    with ScriptedUpstream(lambda _: Reply((stream + POISON,))) as upstream:
        with fronted(tmp_path, {"acme": upstream.base_url}) as served, served.connect() as http:
            for _ in range(2):
                assert http.chat("acme/m", stream=True).body == event
        assert len(upstream.connections) == 2

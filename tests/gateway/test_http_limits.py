"""Nothing that a client sends is endless, and every refusal can be read."""

import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway.http_rig import CHAT, Front, answers, ask, body_of, chunked, front, head, read_answer
from tests.support import GatewayUnderTest, RawHTTP, TornError, config_text, free_port

BODY_LIMIT = 20_000
HEADER_LIMIT = 4096
SERVER = {
    "max_body_bytes": BODY_LIMIT,
    "max_header_bytes": HEADER_LIMIT,
    "header_timeout_s": 0.5,
    "body_timeout_s": 0.5,
    "keepalive_s": 1.5,
}
FORM = ("POST", "/v1/audio/transcriptions", "Content-Type: multipart/form-data; boundary=B")
OPENING = b"--B\r\nContent-Disposition: form-data; name=file\r\n\r\n"
CHUNKS = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("limits"), SERVER) as served:
        yield served


def refused(http: RawHTTP, status: int, code: str) -> None:
    """Read a refusal, behind which the connection ends."""
    found = answers(http)
    assert [(one.status, one.error_code, one.header("connection")) for one in found] == [(status, code, "close")]


def body_of_size(size: int) -> bytes:
    return body_of(pad="x" * (size - len(body_of(pad=""))))


@pytest.mark.parametrize("request_line", [("POST", CHAT), FORM])
def test_a_length_over_the_limit_is_refused_before_the_body_comes(served: Front, request_line: tuple[str, ...]) -> None:
    with served.connect() as http:
        http.send(head(*request_line, f"Content-Length: {BODY_LIMIT + 1}"))
        refused(http, 413, "body_too_large")


@pytest.mark.parametrize("request_line", [("POST", CHAT), FORM])
def test_chunks_over_the_limit_are_refused_as_soon_as_they_are(served: Front, request_line: tuple[str, ...]) -> None:
    with served.connect() as http:
        http.send(head(*request_line, CHUNKS) + b"%x\r\n%b\r\n" % (len(OPENING), OPENING))
        for _ in range(20):
            http.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
        refused(http, 413, "body_too_large")


def test_a_body_of_just_the_limit_passes(served: Front) -> None:
    whole = body_of_size(BODY_LIMIT)
    with served.connect() as http:
        for request in (ask(whole), head("POST", CHAT, CHUNKS) + chunked(whole[:9000], whole[9000:]), ask(whole)):
            http.send(request)
            assert read_answer(http).status == 200
        http.send(ask(body_of_size(BODY_LIMIT + 1)))
        refused(http, 413, "body_too_large")
    assert len(served.provider.requests[-1].json()["pad"]) == len(json.loads(whole)["pad"])


def test_an_oversized_request_that_waits_is_not_answered_cut_short(served: Front) -> None:
    # All in one read, so that the body's end is seen together with its excess.
    request = body_of()
    late = head("POST", CHAT, CHUNKS) + chunked(request, b" " * BODY_LIMIT)
    with served.connect() as http:
        http.send(ask(body_of("acme/slow-first-byte:0.2")) + late)
        first, second = answers(http)
    assert (first.status, second.status) == (200, 413)


def test_requests_that_wait_share_one_limit(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(body_of("acme/slow-first-byte:0.2")) + ask(body_of_size(BODY_LIMIT - 10)) * 2)
        found = answers(http)
    assert [one.status for one in found] == [200, 200, 413]


@pytest.mark.parametrize("keep", [True, False])
def test_a_refusal_can_be_read_while_the_body_is_still_being_sent(served: Front, keep: bool) -> None:
    # 8 MB fit into no socket's buffers: unless the gateway reads on, the client's writing never ends, or its answer
    # is lost to a reset.
    with served.connect() as http:
        http.send(head("POST", CHAT, "Content-Length: 8000000", *(() if keep else ("Connection: close",))))
        for _ in range(80):
            http.send(b"x" * 100_000)
        refused(http, 413, "body_too_large")


def test_a_client_that_does_not_stop_sending_is_cut_off_in_the_end(served: Front) -> None:
    with served.connect() as http:
        http.send(head("POST", CHAT, "Content-Length: 8000000"))
        assert read_answer(http).status == 413
        # It lingers for two seconds after the last byte; whoever sends on after that is reset.
        wait_until(lambda: _is_reset(http, 2.6), 9)


def _is_reset(http: RawHTTP, pause_s: float) -> bool:
    time.sleep(pause_s)
    try:
        http.send(b"x")
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def wait_until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Poll until `condition()` holds."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def trickle(http: RawHTTP, piece: bytes, pause_s: float, timeout_s: float) -> None:
    """Send a piece again and again until an answer comes."""
    http.socket.settimeout(pause_s)
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        try:
            http.send(piece)
            if http.socket.recv(1, socket.MSG_PEEK):
                break
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            break
    http.socket.settimeout(10)


def headers_of(size: int) -> list[str]:
    return [f"X-{i}: " + "y" * 90 for i in range(size // 97)]


@pytest.mark.parametrize("pause_s", [0, 0.005])
@pytest.mark.parametrize("request_line", [("GET", "/livez"), ("GET", "/v1/models"), ("POST", CHAT)])
def test_headers_over_the_limit_are_refused(served: Front, request_line: tuple[str, str], pause_s: float) -> None:
    many = headers_of(4 * HEADER_LIMIT)
    for name, lines in {
        "many": many,
        "one": ["X: " + "y" * 4 * HEADER_LIMIT],
        "the same again": ["X: " + "y" * 90] * len(many),
        "a name": ["X" * 4 * HEADER_LIMIT + ": y"],
    }.items():
        with served.connect() as http:
            request = head(*request_line, *lines)
            step = len(request) if not pause_s else 1000
            for at in range(0, len(request), step):
                http.send(request[at : at + step])
                time.sleep(pause_s)
            answer = read_answer(http)
            assert (answer.status, answer.error_code) == (431, "headers_too_large"), name


def test_a_target_over_the_limit_is_refused(served: Front) -> None:
    with served.connect() as http:
        http.send(head("GET", "/" + "x" * 2 * HEADER_LIMIT))
        assert read_answer(http).status == 431


def test_endless_headers_are_refused(served: Front) -> None:
    with served.connect() as http:
        http.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        trickle(http, b"X: " + b"y" * 500 + b"\r\n", 0.001, 5)
        refused(http, 431, "headers_too_large")


def test_headers_of_just_under_the_limit_pass(served: Front) -> None:
    lines = headers_of(HEADER_LIMIT - 300)
    for request in (head("GET", "/livez", *lines), ask(None, *lines)):
        with served.connect() as http:
            for _ in range(2):
                http.send(request)
                assert read_answer(http).status == 200


def test_trailers_and_extensions_are_not_endless_either(served: Front) -> None:
    with served.connect() as http:
        http.send(head("POST", CHAT, CHUNKS) + b"0\r\n")
        try:
            for i in range(300):
                http.send(b"X-%d: " % i + b"y" * 1000 + b"\r\n")
                time.sleep(0.0005)
        except (BrokenPipeError, ConnectionResetError):
            pass
        refused(http, 400, "malformed_http")


def test_chunks_that_are_nearly_empty_are_refused(served: Front) -> None:
    with served.connect() as http:
        http.send(head("POST", CHAT, CHUNKS))
        extension = b"1;x=" + b"y" * 500 + b"\r\nx\r\n"
        try:
            for _ in range(400):
                http.send(extension)
        except (BrokenPipeError, ConnectionResetError):
            pass
        refused(http, 400, "malformed_http")


def test_slow_headers_time_out(served: Front) -> None:
    request = head("GET", "/livez", *headers_of(2000))
    begun = time.monotonic()
    with served.connect() as http:
        for at in range(len(request)):
            http.send(request[at : at + 1])
            if time.monotonic() - begun > 0.3:
                break
            time.sleep(0.05)
        refused(http, 408, "request_timeout")
    assert 0.4 < time.monotonic() - begun < 3


def test_headers_that_trickle_time_out_though_each_byte_comes_soon(served: Front) -> None:
    begun = time.monotonic()
    with served.connect() as http:
        http.send(b"GET /livez HTTP/1.1\r\nX: ")
        trickle(http, b"y", 0.02, 5)
        refused(http, 408, "request_timeout")
    assert 0.4 < time.monotonic() - begun < 4


@pytest.mark.parametrize("request_line", [("POST", CHAT), FORM])
@pytest.mark.parametrize("framing", ["Content-Length: 5000", CHUNKS])
def test_a_body_that_never_ends_times_out(served: Front, request_line: tuple[str, ...], framing: str) -> None:
    begun = time.monotonic()
    with served.connect() as http:
        http.send(head(*request_line, framing) + (b"%x\r\n" % len(OPENING) if framing == CHUNKS else b"") + OPENING)
        refused(http, 408, "request_timeout")
    assert 0.9 < time.monotonic() - begun < 4


def test_a_slow_request_behind_a_long_answer_times_out_after_it(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(body_of("acme/slow-chunks:0.1:20", stream=True)) + b"GET /livez HTTP/1.1\r\n")
        stream, late = answers(http)
    assert stream.payloads()[-1] == "[DONE]"
    assert late.status == 408


def test_an_idle_connection_is_closed_without_a_word(served: Front) -> None:
    with served.connect() as fresh, served.connect() as used:
        used.send(ask())
        assert read_answer(used).status == 200
        begun = time.monotonic()
        assert fresh.closed()
        assert used.closed()
        assert 1.0 < time.monotonic() - begun < 4


def test_a_connection_in_use_is_not_idle(served: Front) -> None:
    with served.connect() as http:
        http.send(ask(body_of("acme/slow-first-byte:2.5")))
        assert read_answer(http).status == 200
        http.send(head("GET", "/livez"))
        assert read_answer(http).status == 200


def test_a_client_that_does_not_read_is_cut_off(tmp_path: Path) -> None:
    with front(tmp_path, {"write_timeout_s": 0.5}) as served, served.connect() as http:
        http.send(ask(body_of("acme/flood:30000000", stream=True)))
        request = served.provider.wait_requests()[0]
        served.provider.wait_closed(request)
        assert request.sent_bytes < 30_000_000
        with pytest.raises(TornError):
            http.response()


def test_connections_over_the_limit_are_told_so(tmp_path: Path) -> None:
    with front(tmp_path, {"max_connections": 3}) as served:
        held = [served.connect() for _ in range(3)]
        for http in held:
            http.send(head("GET", "/livez"))
            assert read_answer(http).status == 200
        with served.connect() as late:
            late.send(ask())
            answer = read_answer(late)
            assert (answer.status, answer.error_code, answer.header("retry-after")) == (503, "busy", "1")
            assert late.closed()
        held.pop().close()
        wait_until(lambda: _is_served(served), 5)
        for http in held:
            http.send(ask())
            assert read_answer(http).status == 200
            http.close()


def test_as_many_files_may_be_open_as_the_system_allows(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with front(tmp_path) as served:
            assert resource.prlimit(served.gateway.process.pid, resource.RLIMIT_NOFILE)[0] > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_clients_are_told_so_before_the_files_run_out(tmp_path: Path) -> None:
    port = free_port()
    command = f'ulimit -n 100 && exec "{sys.executable}" -m steelyard gateway --port {port}'
    env = {**os.environ, "STEELYARD_HOME": str(tmp_path / "home")}
    with subprocess.Popen(["bash", "-c", command], cwd=tmp_path, env=env, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _statuses(port, 1) == [200], 30)
            wait_until(lambda: _statuses(port, 50) == [200] * 18 + [503] * 32, 20)
        finally:
            process.terminate()


def _statuses(port: int, count: int) -> list[int]:
    """Open so many connections at once, and ask on each."""
    held: list[RawHTTP] = []
    try:
        for _ in range(count):
            held.append(RawHTTP(f"http://127.0.0.1:{port}"))
            held[-1].send(head("GET", "/livez"))
        return [http.response().status for http in held]
    except ConnectionRefusedError:
        return []
    finally:
        for http in held:
            http.close()


def _is_served(served: Front) -> bool:
    with served.connect() as http:
        http.send(head("GET", "/livez"))
        return read_answer(http).status == 200


def test_a_flood_of_connections_leaves_nothing_behind(served: Front) -> None:
    def knock() -> None:
        for i in range(40):
            http = served.connect()
            if i % 3:
                http.send(ask()[: i * 5])
            (http.close if i % 2 else http.reset)()

    threads = [threading.Thread(target=knock) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: "steelyard_client_connections 1\n" in served.gateway.metrics(), 5)


def test_bodies_of_clients_that_have_gone_are_not_kept(tmp_path: Path) -> None:
    def anonymous() -> int:
        status = Path(f"/proc/{gateway.process.pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) * 1024

    body = body_of("nobody/none", messages=[{"role": "user", "content": "x" * 8_000_000}])
    with GatewayUnderTest(config_text({"acme": "http://127.0.0.1:9/v1"}), tmp_path) as gateway:
        seen = []
        for _ in range(16):
            with gateway.connect() as http:
                http.send(ask(body))
                assert read_answer(http).status == 404
            seen.append(anonymous())
    assert seen[-1] - seen[3] < 40_000_000, seen  # were they kept, it would be 96 MB

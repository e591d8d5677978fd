"""TLS to providers is verified; proxies of the environment are used, with their credentials."""

import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fake import FakeProvider, FakeProxy, self_signed
from tests.gateway.upstream_rig import exchange_of, fronted

ONCE = {"once": {"deployments": ["acme/ok"], "retries": 0, "timeout_s": {"connect": 0.5}}}
LOGIN = "wei:p%40ss:word"  # as it stands in a URL; the password is p@ss:word


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[FakeProvider, Path]]:
    certificate, key = self_signed(tmp_path, "DNS:localhost,IP:127.0.0.1,IP:0.0.0.0")
    with FakeProvider(certificate=(certificate, key)) as provider:
        yield provider, certificate
        assert provider.malformed == []


def test_a_certificate_of_nobody_known_is_refused(secure: tuple[FakeProvider, Path], tmp_path: Path) -> None:
    provider, _ = secure
    with fronted(tmp_path, {"acme": provider.base_url}, routes=ONCE) as served, served.connect() as http:
        answer = http.chat("once")
        assert (answer.status, answer.error_code) == (502, "upstream_unreachable")
        assert "certificate is not trusted" in answer.json()["error"]["message"]
        assert exchange_of(served, answer).outcome == "refused"
    assert provider.requests == [], "nothing, and no key, may be sent before the certificate is verified"


def test_an_authority_of_one_s_own_is_trusted(secure: tuple[FakeProvider, Path], tmp_path: Path) -> None:
    provider, certificate = secure
    acme = {"base_url": provider.base_url, "ca_file": str(certificate)}
    with fronted(tmp_path, {"acme": acme}, routes=ONCE) as served, served.connect() as http:
        for stream in (False, True, False):
            assert http.chat("once", stream=stream).status == 200
        broken = http.chat("acme/cut:mid-stream:2", stream=True)
        assert b"upstream_cut" in broken.body
        assert b"[DONE]" not in broken.body
        assert exchange_of(served, broken).outcome == "cut"
    assert len(provider.connections) <= 2


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "DNS:elsewhere.example")
    with FakeProvider(certificate=(certificate, key)) as provider:
        acme = {"base_url": provider.base_url, "ca_file": str(certificate)}
        with fronted(tmp_path, {"acme": acme}, routes=ONCE) as served, served.connect() as http:
            answer = http.chat("once")
            assert answer.status == 502
            assert "localhost" in answer.json()["error"]["message"]
        assert provider.requests == []


@contextmanager
def listening(answer: bytes, seen: list[bytes]) -> Iterator[int]:
    """A server for one connection that answers the first bytes with `answer` and keeps all that it is sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            accepted, _ = listener.accept()
            with accepted:
                while piece := accepted.recv(1000):
                    seen.append(piece)
                    if answer and len(seen) == 1:
                        accepted.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(3)
        assert not thread.is_alive(), "the gateway closed the connection"


def test_a_server_without_tls_is_told_apart(tmp_path: Path) -> None:
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n", []) as port:
        acme = f"https://127.0.0.1:{port}/v1"
        with fronted(tmp_path, {"acme": acme}, routes=ONCE) as served, served.connect() as http:
            answer = http.chat("once")
            assert (answer.status, answer.error_code) == (502, "upstream_unreachable")
            assert "TLS failed" in answer.json()["error"]["message"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_does_not_come_about_times_out(tmp_path: Path, scheme: str) -> None:
    """A listener whose queue is full drops SYNs; one that accepts and says nothing never completes TLS."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0 if scheme == "http" else 10)
        address = listener.getsockname()
        fillers = []
        if scheme == "http":
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(address)
                fillers.append(filler)
        acme = f"{scheme}://127.0.0.1:{address[1]}/v1"
        with fronted(tmp_path, {"acme": acme}, routes=ONCE) as served, served.connect() as http:
            began = time.monotonic()
            answer = http.chat("once")
            took = time.monotonic() - began
            assert (answer.status, answer.error_code) == (504, "upstream_timeout_connect")
            assert 0.4 < took < 5
            assert exchange_of(served, answer).outcome == "timeout"
        for filler in fillers:
            filler.close()


# Loopback is never called through a proxy; 0.0.0.0 leads to it all the same, but is no loopback address by name.


def test_plain_calls_go_through_the_proxy_with_its_credentials(tmp_path: Path) -> None:
    with FakeProvider() as provider, FakeProxy(credentials="wei:p@ss:word") as proxy:
        env = {"HTTP_PROXY": f"http://{LOGIN}@127.0.0.1:{proxy.port}"}
        acme = {"base_url": f"http://0.0.0.0:{provider.port}/v1", "api_key": "env:ACME_KEY"}
        with fronted(tmp_path, {"acme": acme}, routes=ONCE, env={**env, "ACME_KEY": "sk-1"}) as served:
            with served.connect() as http:
                for stream in (False, True):
                    assert http.chat("once", stream=stream).status == 200
            assert "p@ss" not in served.stderr
        assert [request.target for request in proxy.requests] == [
            f"http://0.0.0.0:{provider.port}/v1/chat/completions"
        ] * 2
        assert all(request.header("host") == f"0.0.0.0:{provider.port}" for request in proxy.requests)
        assert [request.header("authorization") for request in provider.requests] == ["Bearer sk-1"] * 2
        assert proxy.failures == []


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
def test_tls_goes_through_a_tunnel_with_its_credentials(
    secure: tuple[FakeProvider, Path], tmp_path: Path, variable: str
) -> None:
    provider, certificate = secure
    with FakeProxy(credentials="wei:p@ss:word") as proxy:
        env = {variable: f"http://{LOGIN}@127.0.0.1:{proxy.port}", "ACME_KEY": "sk-1"}
        acme = {
            "base_url": f"https://0.0.0.0:{provider.port}/v1",
            "ca_file": str(certificate),
            "api_key": "env:ACME_KEY",
        }
        with fronted(tmp_path, {"acme": acme}, routes=ONCE, env=env) as served, served.connect() as http:
            for stream in (False, True):
                assert http.chat("once", stream=stream).status == 200
        assert len(proxy.requests) <= 2
        tunnel = proxy.requests[0]
        assert (tunnel.method, tunnel.target) == ("CONNECT", f"0.0.0.0:{provider.port}")
        wanted = base64.b64encode(b"wei:p@ss:word").decode()
        assert tunnel.header("proxy-authorization") == f"Basic {wanted}"
        assert tunnel.header("authorization") is None
        assert len(provider.requests) == 2
        assert all(request.header("proxy-authorization") is None for request in provider.requests)


@pytest.mark.parametrize(("login", "refuse"), [("", None), ("wei:wrong@", None), (f"{LOGIN}@", 403)])
def test_a_proxy_that_refuses_is_named_without_its_password(
    secure: tuple[FakeProvider, Path], tmp_path: Path, login: str, refuse: int | None
) -> None:
    provider, certificate = secure
    with FakeProxy(credentials="wei:p@ss:word", refuse=refuse) as proxy:
        env = {"https_proxy": f"http://{login}127.0.0.1:{proxy.port}"}
        acme = {"base_url": f"https://0.0.0.0:{provider.port}/v1", "ca_file": str(certificate)}
        with fronted(tmp_path, {"acme": acme}, routes=ONCE, env=env) as served, served.connect() as http:
            answer = http.chat("once")
            assert answer.status == 502
            message = answer.json()["error"]["message"]
            assert ("403" if refuse else "407") in message
            assert "wei" not in message
            assert exchange_of(served, answer).outcome == "refused"
    assert provider.requests == []


@pytest.mark.parametrize("exempt", ["0.0.0.0", "*", "example.com, 0.0.0.0:{port}"])
def test_no_proxy_exempts_a_host(tmp_path: Path, exempt: str) -> None:
    with FakeProvider() as provider, FakeProxy() as proxy:
        env = {"HTTP_PROXY": proxy.url, "NO_PROXY": exempt.format(port=provider.port)}
        acme = f"http://0.0.0.0:{provider.port}/v1"
        with fronted(tmp_path, {"acme": acme}, routes=ONCE, env=env) as served, served.connect() as http:
            assert http.chat("once").status == 200
        assert proxy.requests == []


def test_this_machine_is_called_without_a_proxy(tmp_path: Path) -> None:
    with FakeProvider() as provider, FakeProxy() as proxy:
        acme, env = provider.base_url, {"HTTP_PROXY": proxy.url}
        with fronted(tmp_path, {"acme": acme}, routes=ONCE, env=env) as served, served.connect() as http:
            assert http.chat("once").status == 200
        assert proxy.requests == []


def test_a_kind_of_proxy_that_is_not_spoken_is_refused_in_words(tmp_path: Path) -> None:
    env = {"HTTP_PROXY": "socks5://u:secret@127.0.0.1:1080"}
    with fronted(tmp_path, {"acme": "http://0.0.0.0:9/v1"}, routes=ONCE, env=env) as served, served.connect() as http:
        answer = http.chat("once")
        assert (answer.status, answer.error_code) == (502, "proxy_not_supported")
        assert "socks5://127.0.0.1:1080" in answer.json()["error"]["message"]
        assert b"secret" not in answer.body


def test_a_proxy_that_never_answers_is_left_after_the_connect_time(tmp_path: Path) -> None:
    seen: list[bytes] = []
    with listening(b"", seen) as port:
        env = {"HTTPS_PROXY": f"http://127.0.0.1:{port}"}
        acme = "https://0.0.0.0:9/v1"
        with fronted(tmp_path, {"acme": acme}, routes=ONCE, env=env) as served, served.connect() as http:
            answer = http.chat("once")
            assert (answer.status, answer.error_code) == (504, "upstream_timeout_connect")
    assert b"".join(seen).startswith(b"CONNECT 0.0.0.0:9 HTTP/1.1\r\n")

"""A changed configuration takes effect while calls run on; a broken one changes nothing and is explained."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fake import FakeProvider
from tests.gateway.http_rig import ask, body_of, essence, head, read_answer
from tests.support import GatewayUnderTest, RawHTTP, Response, config_text

Rewrite = Callable[[GatewayUnderTest, str], None]


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def gateway(tmp_path: Path, provider: FakeProvider) -> Iterator[GatewayUnderTest]:
    with GatewayUnderTest(config(provider, old="acme/words:1"), tmp_path) as gateway:
        yield gateway


def config(provider: FakeProvider, server: dict[str, Any] | None = None, **routes: str) -> str:
    return config_text(
        {"acme": provider.base_url},
        server=server,
        routes={name: {"deployments": [one]} for name, one in routes.items()},
    )


def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def chat(http: RawHTTP, model: str, **fields: Any) -> Response:
    http.send(ask(body_of(model, **fields)))
    return read_answer(http)


def status(gateway: GatewayUnderTest, model: str) -> int:
    with gateway.connect() as http:
        return chat(http, model).status


def overwrite(gateway: GatewayUnderTest, text: str) -> None:
    gateway.config_path.write_text(text, encoding="utf-8")


def replace(gateway: GatewayUnderTest, text: str) -> None:
    fresh = gateway.config_path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, gateway.config_path)


def hang_up(gateway: GatewayUnderTest, text: str) -> None:
    overwrite(gateway, text)
    gateway.signal(signal.SIGHUP)


@pytest.mark.parametrize("rewrite", [overwrite, replace, hang_up])
def test_a_new_route_is_served_and_an_old_one_no_more(
    gateway: GatewayUnderTest, provider: FakeProvider, rewrite: Rewrite
) -> None:
    with gateway.connect() as http:
        for _ in range(3):  # so that the connection's head is known
            assert chat(http, "old").status == 200
        rewrite(gateway, config(provider, new="acme/words:2"))
        until(lambda: status(gateway, "new") == 200)
        assert chat(http, "old").status == 404
        assert chat(http, "new").json()["usage"]["completion_tokens"] == 2
    assert "took the new configuration" in gateway.stderr


def test_a_running_stream_ends_as_it_began(gateway: GatewayUnderTest, provider: FakeProvider) -> None:
    with gateway.connect() as http:
        http.send(ask(body_of("acme/slow-chunks:0.05:30", stream=True)))
        answer = http.head()
        hang_up(gateway, config(provider, new="acme/words:2"))
        until(lambda: status(gateway, "new") == 200)
        texts = list(http.payloads(answer))
        assert texts[-1] == "[DONE]"
        assert len(texts) >= 31
        assert chat(http, "new").status == 200


def test_a_route_may_change_between_two_requests_of_a_connection(
    gateway: GatewayUnderTest, provider: FakeProvider
) -> None:
    with gateway.connect() as http:
        for words in (2, 3, 4):
            replace(gateway, config(provider, old=f"acme/words:{words}"))
            until(lambda words=words: chat(http, "old").json()["usage"]["completion_tokens"] == words)  # type: ignore[misc]


BROKEN = {
    "no TOML": "[server\nport = ",
    "an unknown key": '[server]\nhots = "x"\n',
    "a wrong type": "[server]\nmax_body_bytes = true\n",
    "an unknown provider": '[routes.new]\ndeployments = ["acmee/x"]\n',
    "an empty route": "[routes.new]\ndeployments = []\n",
    "not UTF-8": "",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("by_signal", [True, False])
def test_a_broken_file_keeps_the_old_configuration_and_says_why(
    gateway: GatewayUnderTest, name: str, by_signal: bool
) -> None:
    with gateway.connect() as http:
        before = essence(chat(http, "old"))
        text = BROKEN[name]
        gateway.config_path.write_bytes(text.encode() or b"\xff\xfe[server]")
        if by_signal:
            gateway.signal(signal.SIGHUP)
        until(lambda: "kept the old configuration" in gateway.stderr)
        assert essence(chat(http, "old")) == before
    said = [line for line in gateway.stderr.splitlines() if "kept the old configuration" in line]
    assert str(gateway.config_path) in said[0]
    assert gateway.ready_status() == 200


def test_a_file_that_is_mended_is_taken(gateway: GatewayUnderTest, provider: FakeProvider) -> None:
    overwrite(gateway, "[server")
    until(lambda: "kept the old configuration" in gateway.stderr)
    overwrite(gateway, config(provider, new="acme/words:2"))
    until(lambda: status(gateway, "new") == 200)


def test_a_file_that_vanishes_keeps_the_old_configuration(gateway: GatewayUnderTest, provider: FakeProvider) -> None:
    gateway.config_path.unlink()
    until(lambda: "kept the old configuration" in gateway.stderr)
    assert status(gateway, "old") == 200
    overwrite(gateway, config(provider, old="acme/words:1", new="acme/words:2"))
    until(lambda: status(gateway, "new") == 200)


def test_a_file_that_is_being_written_is_not_read_by_halves(gateway: GatewayUnderTest, provider: FakeProvider) -> None:
    text = config(provider, old="acme/words:2")
    half = text.index("[routes")
    with gateway.connect() as http:
        for _ in range(3):
            with gateway.config_path.open("w") as file:  # cut off now
                time.sleep(0.15)
                file.write(text[:half])
                file.flush()
                time.sleep(0.25)
                file.write(text[half:])
            for _ in range(8):
                assert chat(http, "old").status == 200
                time.sleep(0.1)
        assert chat(http, "old").json()["usage"]["completion_tokens"] == 2


def test_limits_change_at_once_on_connections_that_stand(gateway: GatewayUnderTest, provider: FakeProvider) -> None:
    with gateway.connect() as http:
        for _ in range(3):
            assert chat(http, "old", pad="x" * 2000).status == 200
        replace(gateway, config(provider, {"max_body_bytes": 1500}, old="acme/words:1", new="acme/words:1"))
        until(lambda: status(gateway, "new") == 200)
        assert chat(http, "old").status == 200
        assert chat(http, "old", pad="x" * 2000).status == 413
        assert http.closed()


def test_what_needs_a_restart_is_said(gateway: GatewayUnderTest, provider: FakeProvider) -> None:
    replace(gateway, config(provider, {"host": "127.0.0.2"}, new="acme/words:1"))
    until(lambda: status(gateway, "new") == 200)
    assert "host" in gateway.stderr
    assert "restart" in gateway.stderr.lower()


def test_a_file_that_changes_all_the_time_never_stops_the_service(
    gateway: GatewayUnderTest, provider: FakeProvider
) -> None:
    good = [config(provider, old="acme/words:1"), config(provider, old="acme/words:2"), "[broken"]
    with gateway.connect() as http:
        for count in range(60):
            replace(gateway, good[count % 3])
            gateway.signal(signal.SIGHUP)
            assert chat(http, "old").json()["usage"]["completion_tokens"] in (1, 2)
    with gateway.connect() as http:
        http.send(head("GET", "/livez"))
        assert read_answer(http).status == 200

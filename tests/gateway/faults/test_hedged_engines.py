"""Hedges at local models: one that runs is asked like any other, one that does not is started, as by any call."""

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from steelyard.config.engine_directory import EngineEntry, EngineTable, engines_file
from tests.gateway.faults.spot import Spot, spotted
from tests.gateway.upstream_rig import until

SOON: dict[str, Any] = {"hedge_after_s": 0.05}
ROUTES = {
    "running": {"deployments": ["acme/never-answers:e1", "local/ok"], **SOON},
    "absent": {"deployments": ["acme/slow-first-byte:0.3", "local/absent"], **SOON},
    "starting": {"deployments": ["acme/after:asked-e3:ok", "local/idle"], **SOON},
    "started": {"deployments": ["acme/never-answers:e4", "local/echo"], **SOON},
}


class Keeper:
    """Stands for the keeper of engines: it is asked to start one, and says where that answers, or nothing."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.started = ""
        self.asked: list[str] = []
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                head = connection.recv(65_536).decode()
                if not head:
                    return  # it is closed from here
                self.asked.append(head.partition(" HTTP")[0])
                if self.started:
                    body = msgspec.json.encode({"address": self.started})
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                else:
                    connection.recv(1)
                    self.closed.set()

    def close(self) -> None:
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join(10)
        self._listener.close()


@pytest.fixture(scope="module")
def keeper() -> Iterator[Keeper]:
    keeper = Keeper()
    yield keeper
    keeper.close()


@pytest.fixture(scope="module")
def spot(tmp_path_factory: pytest.TempPathFactory, keeper: Keeper) -> Iterator[Spot]:
    directory = tmp_path_factory.mktemp("hedged-engines")
    for name in ("ok", "absent", "idle", "echo"):
        folder = directory / "home" / "models" / name
        folder.mkdir(parents=True)
        (folder / "model.gguf").write_bytes(b"GGUF")
    with spotted(directory, ROUTES) as found:
        models = {
            "ok": EngineEntry("ready", f"http://127.0.0.1:{found.provider.port}"),
            "absent": EngineEntry("failed", "http://127.0.0.1:1"),
            "idle": EngineEntry("stopped"),
            "echo": EngineEntry("stopped"),
        }
        path = engines_file(found.gateway.home)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(msgspec.json.encode(EngineTable(keeper.address, os.getpid(), models)))
        yield found
        path.unlink()


def test_a_local_model_that_runs_is_asked_like_any_other(spot: Spot) -> None:
    seen = spot.ask("running")
    assert seen.answer.status == 200
    assert seen.tried == [("never-answers:e1", "outrun"), ("ok", "ok")]
    assert seen.exchange.deployment == "local/ok"
    spot.wait_closed("never-answers:e1")


def test_a_local_model_that_cannot_be_reached_leaves_the_first_alone(spot: Spot) -> None:
    seen = spot.ask("absent")
    assert seen.answer.status == 200
    assert seen.tried == [("absent", "refused"), ("slow-first-byte:0.3", "ok")]
    assert seen.exchange.attempts[0].cost_usd is None


def test_a_hedge_starts_a_local_model_and_waits_for_it_no_longer_than_the_first_is_silent(
    spot: Spot, keeper: Keeper
) -> None:
    with spot.gateway.connect(20) as http:
        http.begin("POST", "/v1/chat/completions", model="starting", messages=[{"role": "user", "content": "Hi"}])
        until(lambda: keeper.asked, "the start")
        with spot.gateway.connect(20) as other:
            assert other.chat("acme/signal:asked-e3:ok").status == 200
        answer = http.response()
    assert keeper.asked == ["POST /start/idle"]
    exchange = spot.of(str(answer.header("x-request-id")))
    assert [(one.deployment, one.outcome) for one in exchange.attempts] == [
        ("local/idle", "outrun"),
        ("acme/after:asked-e3:ok", "ok"),
    ]
    assert exchange.attempts[0].usage is None, "it was never asked anything"
    assert keeper.closed.wait(10), "the gateway waits for it no longer; the keeper goes on"


def test_a_local_model_that_a_hedge_has_started_answers(spot: Spot, keeper: Keeper) -> None:
    keeper.started = f"http://127.0.0.1:{spot.provider.port}"
    seen = spot.ask("started")
    assert seen.answer.status == 200
    assert seen.tried == [("never-answers:e4", "outrun"), ("echo", "ok")]

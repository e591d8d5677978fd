import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from steelyard.config.settings import ModelSettings
from steelyard.engines.llama import CANNOT_LOAD
from steelyard.engines.order import EngineOrder, order_for
from steelyard.engines.store import ModelStore, StoredModel
from tests.engines import gguf_bytes as gguf
from tests.engines.calls import ask, busy_slots, call, connect, is_alive, send, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def spawn(order: EngineOrder) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "steelyard.engines.llama", msgspec.json.encode(order).decode()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def address_of(engine: "subprocess.Popen[bytes]") -> str:
    assert engine.stdout is not None
    line = engine.stdout.readline()
    assert line, engine.stderr.read().decode() if engine.stderr else ""
    address: str = json.loads(line)["address"]
    return address


def small(model: StoredModel, context: int = 1024) -> EngineOrder:
    return order_for(model, ModelSettings(context=context, slots=2, threads=1))


@pytest.fixture(scope="module")
def engine(smollm: StoredModel) -> Iterator[str]:
    with spawn(small(smollm)) as process:
        try:
            yield address_of(process)
        finally:
            process.kill()


def test_the_model_answers_on_loopback_under_its_name(engine: str) -> None:
    assert engine.startswith("http://127.0.0.1:")
    assert ask(engine, "Say hello.")
    status, _, models = call(engine, "GET", "/v1/models")
    assert (status, [model["id"] for model in models["data"]]) == (200, ["smollm2-135m"])


def test_each_slot_has_the_context_that_was_asked_for(engine: str) -> None:
    slots = call(engine, "GET", "/slots")[2]

    assert [slot["n_ctx"] for slot in slots] == [1024, 1024]


def test_an_answer_streams_token_by_token(engine: str) -> None:
    question = {
        "messages": [{"role": "user", "content": "Count from one to ten."}],
        "max_tokens": 12,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    arrivals: list[float] = []
    received = b""
    with connect(engine) as connection:
        send(connection, "POST", "/v1/chat/completions", question)
        while not received.endswith(b"\r\n0\r\n\r\n"):
            block = connection.recv(65536)
            assert block
            received += block
            arrivals.append(time.perf_counter())

    events = [line for line in received.split(b"\n") if line.startswith(b"data: ")]
    assert events[-1] == b"data: [DONE]"
    usage = json.loads(events[-2].removeprefix(b"data: "))["usage"]
    assert usage["completion_tokens"] == 12
    assert len(arrivals) >= 8  # not one lump
    assert arrivals[-1] - arrivals[1] > 0.02


def test_connections_are_kept_alive(engine: str) -> None:
    with connect(engine) as connection:
        for _ in range(3):
            send(connection, "GET", "/health")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_client_that_leaves_a_stream_frees_its_slot(engine: str) -> None:
    question = {"messages": [{"role": "user", "content": "Tell me a story."}], "max_tokens": 800, "stream": True}
    with connect(engine) as connection:
        send(connection, "POST", "/v1/chat/completions", {**question, "ignore_eos": True})
        until(lambda: b"data:" in connection.recv(65536))
        assert busy_slots(engine) == 1

    left_at = time.monotonic()
    until(lambda: busy_slots(engine) == 0, within_s=3)
    assert time.monotonic() - left_at < 3  # 800 tokens take more than 8 s here


def test_a_page_in_a_browser_gets_no_leave_to_read(engine: str) -> None:
    _, headers, _ = call(engine, "GET", "/v1/models", headers="Origin: http://pages.example\r\n")

    assert headers.get("access-control-allow-origin", "") == ""


def test_a_prompt_longer_than_the_context_is_refused(engine: str) -> None:
    status, _, answer = call(engine, "POST", "/v1/completions", {"prompt": "word " * 1500, "max_tokens": 1})

    assert status == 400
    assert "context" in answer["error"]["message"]


def test_sigterm_stops_the_engine_in_mid_answer(smollm: StoredModel) -> None:
    with spawn(small(smollm, context=256)) as process:
        try:
            address = address_of(process)
            with connect(address) as connection:
                send(connection, "POST", "/v1/completions", {"prompt": "Once", "max_tokens": 200, "stream": True})
                connection.recv(10)
                process.send_signal(signal.SIGTERM)
                assert process.wait(20) == -signal.SIGTERM
        finally:
            process.kill()
    host, port = address.removeprefix("http://").split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


def test_the_engine_ends_when_its_standard_input_closes(smollm: StoredModel) -> None:
    with spawn(small(smollm, context=256)) as process:
        try:
            address_of(process)
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(5) == 0
        finally:
            process.kill()


PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_the_engine_dies_with_a_parent_that_is_killed_even_while_it_loads(smollm: StoredModel) -> None:
    order = [sys.executable, "-m", "steelyard.engines.llama", msgspec.json.encode(small(smollm, 256)).decode()]
    with subprocess.Popen([sys.executable, "-c", PARENT, *order], stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            # The library is mapped just before the model loads.
            until(lambda: "xllamacpp" in Path(f"/proc/{pid}/maps").read_text())
        finally:
            parent.kill()
    until(lambda: not is_alive(pid), within_s=5)


def test_a_file_that_is_no_model_for_llama_cpp_ends_with_its_reason(tmp_path: Path) -> None:
    odd = gguf.write(
        tmp_path / "odd.gguf", gguf.whole([gguf.pair("general.architecture", gguf.STRING, gguf.text("odd"))])
    )
    model = ModelStore(tmp_path / "home").pull(str(odd))

    with spawn(order_for(model, ModelSettings(threads=1))) as process:
        # Its standard input stays open: an engine without a keeper ends silently.
        assert process.stdout is not None
        assert process.stderr is not None
        errors, output = process.stderr.read(), process.stdout.read()
        process.wait(timeout=30)

    assert process.returncode == CANNOT_LOAD
    assert output == b""
    assert b"unknown model architecture: 'odd'" in errors


def test_an_order_defaults_to_what_the_model_was_trained_for(tmp_path: Path) -> None:
    model = ModelStore(tmp_path / "home").pull(str(gguf.write(tmp_path / "tiny.gguf", gguf.whole())))

    assert order_for(model, ModelSettings()).context == 512
    assert order_for(model, ModelSettings(context=2048)).context == 2048
    assert order_for(model, ModelSettings(embeddings=True)).purpose == "embeddings"


def test_embeddings_are_answered_when_they_are_configured(smollm: StoredModel) -> None:
    with spawn(order_for(smollm, ModelSettings(context=256, slots=1, threads=1, embeddings=True))) as process:
        try:
            status, _, answer = call(address_of(process), "POST", "/v1/embeddings", {"input": "word " * 200})
        finally:
            process.kill()

    assert status == 200, answer
    assert len(answer["data"][0]["embedding"]) == 576

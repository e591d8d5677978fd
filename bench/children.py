"""Processes that a measurement starts, and that never outlive it."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from bench.cpu import members
from bench.figures import BenchError

__all__ = ["Child", "connect", "free_port"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1  # prctl(2)


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def connect(port: int) -> socket.socket:
    """Return a connection to a port of this machine."""
    return socket.create_connection(("127.0.0.1", port), timeout=30)


class Child:
    """A process in a session of its own, so that all its descendants can be counted and ended."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        name: str = "",
        hold_stdin: bool = False,
        fds: Sequence[int] = (),
    ) -> None:
        self.name = name or command[0]
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.PIPE if hold_stdin else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=fds,
                preexec_fn=_die_with_parent,
            )
        self.session = self.process.pid

    def wait_port(self, port: int, timeout_s: float = 20.0) -> None:
        """Wait until somebody accepts on the port."""
        end = time.monotonic() + timeout_s
        while True:
            try:
                connect(port).close()
                return
            except OSError:
                self.must_live()
                if time.monotonic() > end:
                    raise BenchError(f"{self.name} does not accept on port {port}.\n{self.output}") from None
                time.sleep(0.005)

    def must_live(self) -> None:
        """Raise when the process ended."""
        if self.process.poll() is not None:
            raise BenchError(f"{self.name} ended with {self.process.returncode}.\n{self.output}")

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL for whatever of its session is left after 10 s."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + 10
        while time.monotonic() < end and (self.process.poll() is None or any(members(self.session))):
            time.sleep(0.01)
        for pid, _ in list(members(self.session)):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

"""`steelyard` as a process, and as a call."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from tests.forked import run_forked

__all__ = ["Program", "clean_environment", "is_alive", "run_loaded", "run_program", "until"]

_FINDS_PROVIDERS = ("_API_KEY", "_BASE_URL", "_PROXY", "_TOKEN", "_HOST", "_ENDPOINT")


def clean_environment(home: Path) -> dict[str, str]:
    """Return the environment without what would let a program find real providers, proxies or configurations."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().endswith(_FINDS_PROVIDERS) and not name.startswith("STEELYARD_")
    }
    return {**kept, "STEELYARD_HOME": str(home / "home"), "HOME": str(home)}


def run_program(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `steelyard` to its end in a directory that is its home too."""
    command = [sys.executable, "-m", "steelyard", *arguments]
    full = {**clean_environment(cwd), **env}
    return subprocess.run(
        command, cwd=cwd, env=full, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90
    )


def run_loaded(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `steelyard` as `run_program` does, in a process that finds its modules loaded: for what it says alone."""
    return run_forked(arguments, {**clean_environment(cwd), **env}, cwd, 90)


def until(found: Callable[[], Any], what: str, timeout_s: float = 30.0) -> Any:
    """Wait until something is true, and return it."""
    end = time.monotonic() + timeout_s
    while not (value := found()):
        assert time.monotonic() < end, f"not within {timeout_s} s: {what}"
        time.sleep(0.02)
    return value


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Program:
    """`steelyard …` in the background, in a session of its own. What it prints is collected."""

    def __init__(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "steelyard", *arguments],
            cwd=cwd,
            env={**clean_environment(cwd), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.notes: list[str] = []
        self._readers = [
            threading.Thread(target=self._collect, args=(self.process.stdout, self.lines)),
            threading.Thread(target=self._collect, args=(self.process.stderr, self.notes)),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pids = [*self.pids(), self.process.pid]
        self.process.kill()
        for pid in pids:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        for reader in self._readers:
            reader.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    @property
    def told(self) -> str:
        """All that it has printed, for assertions that fail."""
        return "\n".join([*self.lines, *self.notes])

    def events(self, kind: str, member: str | None = None) -> list[dict[str, Any]]:
        """Return the events that `up --json` has printed."""
        rows = [json.loads(line) for line in list(self.lines)]
        return [row for row in rows if row["event"] == kind and member in (None, row["member"])]

    def pids(self) -> list[int]:
        """Return all children that were ever started."""
        return [json.loads(line)["pid"] for line in list(self.lines) if '"pid":' in line]

    def pid_of(self, member: str) -> int:
        """Return the child that was started last under this name."""
        pid: int = self.events("started", member)[-1]["pid"]
        return pid

    def wait_ready(self, *members: str, times: int = 1) -> None:
        """Wait until each of the members has been ready so often."""
        until(lambda: all(len(self.events("ready", one)) >= times for one in members), f"{members} ready")

    @property
    def address(self) -> str:
        """Where the gateway serves."""
        address: str = self.events("ready", "gateway")[-1]["address"]
        return address

    def end(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 30.0) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float = 30.0) -> int:
        """Return the exit code, when all that it has printed is here."""
        code = self.process.wait(timeout_s)
        for reader in self._readers:
            reader.join(timeout_s)
        return code

    @staticmethod
    def _collect(stream: Any, lines: list[str]) -> None:
        for line in stream:
            lines.append(line.rstrip("\n"))  # noqa: PERF401  # the test looks at them as they come

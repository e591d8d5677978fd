"""The gateway as a user starts it: a process with a configuration file and a home of its own."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.forked import Forked, run_forked
from tests.support.catalogue import keep_catalogue
from tests.support.ports import free_port
from tests.support.rawhttp import RawHTTP, TornError

__all__ = ["GatewayUnderTest"]


class GatewayUnderTest:
    """`steelyard gateway --config FILE --port N`, ready when the constructor returns.

    Its home is `directory/home`, with the catalogue as an earlier start has kept it; its environment this one without
    keys, addresses and proxies of providers, and `env`.
    `stop()` asserts that it drained, exited with 0 and left no process; a failure shows what it wrote to stderr.
    """

    def __init__(
        self, config: str, directory: Path, *, env: Mapping[str, str] | None = None, arguments: tuple[str, ...] = ()
    ) -> None:
        self.directory = directory
        self.home = directory / "home"
        self.config_path = directory / "steelyard.toml"
        self.config_path.write_text(config, encoding="utf-8")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.base_url = f"{self.url}/v1"
        self._env = {**_clean_environment(), "STEELYARD_HOME": str(self.home), **(env or {})}
        self._arguments = arguments
        self._stderr_path = directory / "gateway.stderr.log"
        keep_catalogue(self.home / "catalogue")
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.stop()
        else:
            self.kill()

    def start(self, timeout_s: float = 20.0) -> None:
        """Start the process (again), and wait until `/readyz` says 200."""
        command = ["gateway", "--config", str(self.config_path), "--port", str(self.port), *self._arguments]
        self.process = Forked(command, self._env, self._stderr_path)
        end = time.monotonic() + timeout_s
        while self.ready_status() != 200:
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise AssertionError(f"The gateway is not ready (exit code {self.process.returncode}).\n{self.stderr}")
            time.sleep(0.01)

    def ready_status(self) -> int | None:
        """Return the status of `/readyz`, `None` when nobody answers."""
        try:
            with RawHTTP(self.url, timeout_s=5) as http:
                return http.request("GET", "/readyz").status
        except (OSError, TornError):
            return None

    def connect(self, timeout_s: float = 10.0) -> RawHTTP:
        """Return a new connection."""
        return RawHTTP(self.url, timeout_s)

    def metrics(self) -> str:
        """Return the text of `/metrics`."""
        with self.connect() as http:
            return http.request("GET", "/metrics").body.decode()

    def steelyard(self, *arguments: str) -> Any:
        """Run `steelyard … --json` with this gateway's home and configuration's directory; return what it printed."""
        done = run_forked([*arguments, "--json"], self._env, self.directory)
        assert done.returncode == 0, f"{arguments}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def new_key(self, name: str, *options: str) -> str:
        """Make a caller's key; return it once the gateway knows it, and lets nobody in without one."""
        secret: str = self.steelyard("keys", "create", name, *options, "--config", str(self.config_path))["key"]
        end = time.monotonic() + 20
        while not (self._models_for({}) == 401 != self._models_for({"Authorization": f"Bearer {secret}"})):
            assert time.monotonic() < end, f"the key {name} is not known"
            time.sleep(0.01)
        return secret

    def _models_for(self, headers: dict[str, str]) -> int:
        with self.connect() as http:
            return http.request("GET", "/v1/models", headers=headers).status

    @contextmanager
    def beside(self, *arguments: str) -> Iterator[None]:
        """Run another process of this gateway's configuration (`clerk`, `engine`): it has said what it does when the
        block begins, and is ended by SIGTERM behind it."""
        told = self.directory / f"{arguments[0]}.log"
        told.write_bytes(b"")
        process = Forked([*arguments, "--config", str(self.config_path)], self._env, told)
        try:
            end = time.monotonic() + 30
            while not told.stat().st_size:
                assert process.poll() is None, f"{arguments} ended with {process.returncode}"
                assert time.monotonic() < end, f"{arguments} says nothing"
                time.sleep(0.01)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(20)
        assert code == 0, told.read_text()

    @property
    def stderr(self) -> str:
        """What the process wrote, since the first start."""
        return self._stderr_path.read_text(errors="replace") if self._stderr_path.exists() else ""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        self.process.send_signal(number)

    def stop(self, timeout_s: float = 40.0) -> None:
        """End by SIGTERM and assert a clean end: exit code 0, no process left, no traceback."""
        if self.process.returncode is not None:
            return
        self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"The gateway did not end within {timeout_s} s of SIGTERM.\n{self.stderr}") from None
        left = self._group_alive()
        self._kill_group()
        assert code == 0, f"The gateway ended with {code}.\n{self.stderr}"
        assert not left, f"The gateway left processes behind.\n{self.stderr}"
        assert "Traceback (most recent call last)" not in self.stderr, self.stderr

    def kill(self) -> None:
        """End by SIGKILL, with all its processes, asserting nothing."""
        self._kill_group()
        self.process.wait(10)

    def _group_alive(self) -> bool:
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _kill_group(self) -> None:
        self.process.kill()  # it may not have become a session's leader yet
        if self._group_alive():
            os.killpg(self.process.pid, signal.SIGKILL)


def _clean_environment() -> dict[str, str]:
    """Return the environment without what would let a gateway find real providers or proxies."""
    ends = ("_API_KEY", "_BASE_URL", "_PROXY", "_TOKEN", "_HOST", "_ENDPOINT")
    return {k: v for k, v in os.environ.items() if not k.upper().endswith(ends) and not k.startswith("STEELYARD_")}

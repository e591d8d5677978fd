"""`steelyard` as a process that finds its modules loaded: a server of the standard library imports them, and forks.

A gateway takes 0.4 s of CPU to start, nearly all of it for imports, and the tests start one a thousand times. It is a
process like any other, with files, sockets and signals of its own. What tests/cli starts is started as users do it,
but for what is only there to be looked at.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

__all__ = ["Forked", "run_forked"]


class Forked:
    """`steelyard ARGUMENTS` in a session of its own, used like a Popen. Its output goes to the end of `log`; what it
    prints on stdout to the end of `out`, where that is given."""

    def __init__(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        out: Path | None = None,
        cwd: Path | None = None,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.loaded"])
        self._process: ForkServerProcess = context.Process(
            target=_run, args=(list(arguments), dict(env), str(log), str(out or log), cwd and str(cwd)), daemon=True
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, a signal's number below zero, or None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout_s: float) -> int:
        """Return the exit code as soon as there is one. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout_s)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("steelyard", timeout_s)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.send_signal(signal.SIGKILL)


def run_forked(
    arguments: Sequence[str], env: Mapping[str, str], cwd: Path, timeout_s: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run `steelyard ARGUMENTS` to its end. Raises subprocess.TimeoutExpired."""
    with tempfile.TemporaryDirectory() as made:
        out, log = Path(made, "stdout"), Path(made, "stderr")
        process = Forked(arguments, env, log, out=out, cwd=cwd)
        try:
            code = process.wait(timeout_s)
        finally:
            process.kill()
        return subprocess.CompletedProcess(list(arguments), code, out.read_text(), log.read_text())


def _run(arguments: list[str], env: dict[str, str], log: str, out: str, cwd: str | None) -> None:
    os.setsid()
    os.dup2(_appended(out), 1)
    os.dup2(_appended(log), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if cwd is not None:
        os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["steelyard", *arguments]
    from steelyard.cli import main

    main()


def _appended(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

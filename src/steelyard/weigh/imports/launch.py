"""Run another's program to its end, and tell its last words where it fails."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from steelyard.core.errors import SteelyardError

__all__ = ["Errand", "failure", "last_lines", "run_errand"]

_POLL_S: Final = 0.1
_GRACE_S: Final = 10.0
_MOST_LINES: Final = 15
_TAIL_BYTES: Final = 16_384
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""ECMA-48: control sequences, operating system commands, and the short ones."""


class Errand(Struct, frozen=True):
    """A command, what its environment has beside this one's, where all that it prints goes, and how long it may take
    (None: as long as it likes). `name` is how it is called to people."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    timeout_s: float | None = None


def run_errand(errand: Errand, told: Callable[[str], None]) -> None:
    """Run a command, in a process group of its own that ends with this call; `told` gets its last line now and then.

    Raises SteelyardError with its last lines where it cannot be started, fails, or takes too long."""
    began = time.monotonic()
    with errand.log.open("wb") as output:
        try:
            running = subprocess.Popen(
                errand.command,
                env={**os.environ, **errand.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise SteelyardError(f"{errand.name} could not be started: {error}") from error
    try:
        while running.poll() is None:
            if errand.timeout_s is not None and time.monotonic() - began > errand.timeout_s:
                raise SteelyardError(failure(errand, f"was stopped after {errand.timeout_s:g} s (--timeout)"))
            told(next(iter(last_lines(errand.log, 1)), ""))
            time.sleep(_POLL_S)
    finally:
        _end(running)
    if running.returncode:
        raise SteelyardError(failure(errand, _ended(running.returncode)))


def last_lines(log: Path, most: int = _MOST_LINES) -> list[str]:
    """Return the last lines that say something. What a line overwrote of itself, as progress bars do, is left out."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        text = _ESCAPES.sub("", file.read().decode(errors="replace"))
    # A carriage return goes back to the line's start: of what stands between two, the last that is not blank is seen.
    lines = (next((part for part in reversed(line.split("\r")) if part.strip()), "") for line in text.split("\n"))
    return [line.rstrip() for line in lines if line.strip()][-most:]


def failure(errand: Errand, how: str) -> str:
    """Return the text of an error: how it went, and the last lines."""
    lines = last_lines(errand.log)
    said = ["It said nothing."] if not lines else ["Its last lines:", *(f"  {line}" for line in lines)]
    return "\n".join([f"{errand.name} {how}.", *said, f"All of it: {errand.log}"])


def _ended(code: int) -> str:
    if code >= 0:
        return f"failed with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def _end(running: subprocess.Popen[bytes]) -> None:
    """End a program's whole group: what it has started too."""
    for number, grace_s in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, None)):
        try:
            os.killpg(running.pid, number)
        except ProcessLookupError:
            break
        try:
            running.wait(grace_s)
        except subprocess.TimeoutExpired:
            continue
    running.wait()

"""An environment of other people's clients: large packages, which neither the project nor its tests otherwise need.

`python -m tests.clients.environment` makes it, once for each list of requirements, and prints where it is: below
`STEELYARD_TEST_CLIENTS`, or the user's cache directory. Runs at the same time wait for each other.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FRONTS", "PLAY", "Environment", "Making", "place"]

FRONTS = {
    "google_sdk": "google-genai-3",
    "instructor_library": "openai-2",
    "litellm_sdk": "openai-2",
    "llm_tool": "openai-2",
}
"""Programs, and the directory of packages that they need in other versions than all others do."""

PLAY = Path(__file__).parent / "programs" / "play.py"
_LISTS = Path(__file__).parent / "requirements"
_MOST_S = 300.0
_COMPLETE = "complete"


@dataclass(frozen=True)
class Environment:
    """A directory with Python and the packages, complete.

    No Struct: the module is run by a Python that has nothing but the standard library.
    """

    path: Path

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the command that runs a program with these packages and no others."""
        front = str(self.path / FRONTS[program]) if program in FRONTS else ""
        return [str(self.path / "bin" / "python"), "-I", str(PLAY), front, program, *arguments]


class Making:
    """The making of the environment, by a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.clients.environment"]
        self._log = place().with_suffix(".log")
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=PLAY.parents[3], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self) -> Environment | str:
        """Return the environment once it is complete, or why there is none."""
        try:
            code = self._process.wait(_MOST_S)
        except subprocess.TimeoutExpired:
            self.stop()
            return f"the environment of clients is not complete after {_MOST_S:.0f} s"
        if code == 0:
            return Environment(place())
        said = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in said if "ERROR" in line or "error" in line] or said or ["it says nothing"]
        return f"the environment of clients cannot be made: {errors[-1][:300]} (see {self._log})"

    def stop(self) -> None:
        """End it, complete or not: the next run begins anew."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)


def place() -> Path:
    """Return where the environment is, or will be: another place for other requirements and another Python."""
    lists = b"".join(path.name.encode() + path.read_bytes() for path in sorted(_LISTS.iterdir()))
    name = f"clients-{hashlib.sha256(lists + sys.version.encode()).hexdigest()[:12]}"
    usual = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "steelyard-test"
    chosen = os.environ.get("STEELYARD_TEST_CLIENTS")
    return (Path(chosen) if chosen else usual) / name


def make(path: Path) -> None:
    """Make the environment, unless it is complete. Raises CalledProcessError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    began = time.time()
    failed = path.with_suffix(".failed")
    with _alone(path.with_suffix(".lock")):
        if (path / _COMPLETE).exists():
            return
        if failed.exists() and failed.stat().st_mtime >= began:
            raise SystemExit(failed.read_text())  # another run has just tried, while this one waited
        try:
            _make(path)
        except subprocess.CalledProcessError as error:
            failed.write_text(f"ERROR: another run could not make it either: {error}")
            raise


def _make(path: Path) -> None:
    # Not below the others' priority: it would be made when all other tests are over, on one core.
    shutil.rmtree(path, ignore_errors=True)
    uv = shutil.which("uv")
    if uv is not None:
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(path))
    else:
        _run(sys.executable, "-m", "venv", "--without-pip", str(path))
    for wanted in sorted(_LISTS.iterdir()):
        front = wanted.stem if wanted.stem in FRONTS.values() else None
        _run(*_install(uv, path, wanted, path / front if front else None))
    for program in sorted(PLAY.parent.glob("*.py")):
        if program != PLAY:
            # Compiles what is used, and only that. What cannot be loaded is a matter of the tests, not of skipping.
            _run(*Environment(path).command(program.stem), check=False)
    (path / _COMPLETE).touch()


def _install(uv: str | None, path: Path, wanted: Path, front: Path | None) -> list[str]:
    """Return the command that installs a list, which names all that is needed: nothing is left to find out."""
    python = str(path / "bin" / "python")
    target = ["--target", str(front)] if front is not None else []
    exact = ["--no-deps", "--only-binary", ":all:", *target, "-r", str(wanted)]
    if uv is not None:
        return [uv, "pip", "install", "--quiet", "--python", python, *exact]
    quiet = ["-q", "--disable-pip-version-check", "--no-input", "--no-compile", "--retries", "2"]
    return [sys.executable, "-m", "pip", "--python", python, "install", *quiet, *exact]


def _run(*command: str, check: bool = True) -> None:
    subprocess.run(command, check=check, stdin=subprocess.DEVNULL, stdout=sys.stderr)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    make(place())
    print(place())

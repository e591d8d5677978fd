"""What the supervisor of a data directory says of itself, in a file: who works, and how the latest restart went."""

import contextlib
import fcntl
import os
from pathlib import Path

import msgspec
from msgspec import Struct

__all__ = ["Roster", "RosterFile", "Worker", "namespace", "read_roster"]


class Worker(Struct, frozen=True):
    """A process that serves."""

    member: str
    pid: int


class Roster(Struct, frozen=True):
    """`namespace`: where `pid` and those of the workers have a meaning (pid_namespaces(7)); None: there is but one.
    `begun` and `done` number the rolling restarts; `failure` says why the latest one that is done was not carried
    through, `notes` what it could not take over."""

    pid: int
    namespace: str | None
    workers: tuple[Worker, ...] = ()
    begun: int = 0
    done: int = 0
    failure: str | None = None
    notes: tuple[str, ...] = ()


class RosterFile:
    """The file, written anew whenever something changes. A lock on a file beside it says that its writer lives."""

    def __init__(self, data_dir: Path) -> None:
        self._path = _path(data_dir)
        self._lock: int | None = None

    def open(self) -> bool:
        """Begin, and return True; unless another supervisor works in the same data directory, or the directory cannot
        be written: then `steelyard restart` does not find this one."""
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(_lock(self._path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
            else:
                self._lock = lock
        return self._lock is not None

    def write(self, roster: Roster) -> None:
        """Say how things stand."""
        if self._lock is None:
            return
        fresh = self._path.with_suffix(".fresh")
        with contextlib.suppress(OSError):  # a full disk is told of by the gateways
            fresh.write_bytes(msgspec.json.encode(roster))
            fresh.replace(self._path)

    def close(self) -> None:
        """Remove the file."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            os.close(self._lock)
            self._lock = None


def read_roster(data_dir: Path) -> Roster | None:
    """Return what the supervisor of a data directory says; None when none runs."""
    path = _path(data_dir)
    try:
        with _lock(path).open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return msgspec.json.decode(path.read_bytes(), type=Roster)
    except (OSError, msgspec.MsgspecError):
        return None
    return None


def namespace() -> str | None:
    """Return the name of this process's namespace of process ids: a container has its own."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _path(data_dir: Path) -> Path:
    return data_dir / "run" / "supervisor.json"


def _lock(path: Path) -> Path:
    return path.with_suffix(".lock")

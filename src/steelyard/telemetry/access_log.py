"""The access log: a file, or standard output, to which each exchange is written as one line."""

import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from steelyard.core.exchange import Exchange
from steelyard.telemetry.access_line import BEGINS, line_of

__all__ = ["AccessLog", "AccessStream", "Mark", "secret_of"]

_MODE: Final = 0o640
"""Whoever ships logs may be of another user's group; logrotate's `create` says which."""

_STDOUT: Final = 1
_HEAD: Final = BEGINS.encode()
_LOOKED_BACK: Final = 16 * 1024 * 1024
"""Bytes that the lines of one batch have at most, and more."""


class Mark(Struct, frozen=True, array_like=True):
    """A file, wherever it was moved to, and how many of its bytes are known to be right."""

    device: int
    inode: int
    size: int


class _Id(Struct):
    id: str


class AccessLog:
    """The lines of one file. When the file was moved away, as logrotate does it, a new one is begun.

    After a kill the lines behind the mark are read: what is there already is not written again, and a torn line is cut
    off. They are looked for in the file of the mark, under its own name or another that begins with it, as rotated
    files have.
    """

    def __init__(self, path: str | Path, secret: bytes) -> None:
        self._path = Path(path)
        self._secret = secret
        self._fd = -1
        self._there: set[str] = set()

    def close(self) -> None:
        """Release the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def resume(self, mark: object) -> None:
        """Find out what was written behind a mark. Raises OSError."""
        self.close()
        self._there = set()
        left = _LOOKED_BACK
        for path, start in self._behind(msgspec.convert(mark, Mark | None)):
            ids, read = _ids_behind(path, start, left)
            self._there |= ids
            left -= read

    def take(self, exchanges: Sequence[Exchange]) -> Mark:
        """Write exchanges that are not there yet; return the mark behind them. Raises OSError; what was written of them
        then is found by `resume`."""
        self._reopen()
        lines = [line_of(one, self._secret) + b"\n" for one in exchanges if one.id not in self._there]
        self._there.difference_update(one.id for one in exchanges)
        _write_all(self._fd, b"".join(lines))
        now = os.fstat(self._fd)
        return Mark(now.st_dev, now.st_ino, now.st_size)

    def _reopen(self) -> None:
        """Have the file open that has the path now."""
        if self._fd >= 0:
            own = os.fstat(self._fd)
            try:
                there = self._path.stat()
            except FileNotFoundError:
                there = None
            if there is not None and (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino):
                return
            self.close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)

    def _behind(self, mark: Mark | None) -> list[tuple[Path, int]]:
        """Return the files that may hold lines behind a mark, the newest first, each with the place to read from: its
        own file and those written to since; all of them when its file is gone or there never was a mark."""
        files = []
        for path in {self._path, *self._path.parent.glob(f"{_literal(self._path.stem)}*")}:
            try:
                there = path.stat()
            except FileNotFoundError:
                continue  # it was moved or deleted meanwhile
            if stat.S_ISREG(there.st_mode):
                files.append((there, path))
        files.sort(key=lambda one: one[0].st_mtime_ns, reverse=True)
        if mark is not None:
            for own, path in files:
                if (own.st_dev, own.st_ino) == (mark.device, mark.inode):
                    since = [(one, 0) for there, one in files if one != path and there.st_mtime_ns >= own.st_mtime_ns]
                    return [*since, (path, mark.size)]
        return [(path, 0) for _, path in files]


class AccessStream:
    """The lines on standard output. What was written there cannot be looked at again: after a kill the exchanges of the
    last batch may come a second time."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def close(self) -> None:
        """Standard output is not ours to close."""

    def resume(self, mark: object) -> None:
        """There is nothing to be looked at."""

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Write exchanges. Raises OSError."""
        _write_all(_STDOUT, b"".join(line_of(one, self._secret) + b"\n" for one in exchanges))


def secret_of(data_dir: Path) -> bytes:
    """Return what an installation hashes its users with, made when it is first asked for. Raises OSError."""
    path = data_dir / "log.key"
    if not path.exists():
        fresh = data_dir / f"log.key.{os.getpid()}"
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(secrets.token_bytes(32))
        fresh.replace(path)
    return path.read_bytes()[:64]


def _ids_behind(path: Path, start: int, most: int) -> tuple[set[str], int]:
    """Return the ids of a file's lines from a place on, of its last `most` bytes, and how many bytes were read. A torn
    last line of ours is cut off; a file that is not ours, as a compressed one, is left alone."""
    with path.open("rb") as file:
        if not _HEAD.startswith(file.read(len(_HEAD))):
            return set(), 0
        size = file.seek(0, os.SEEK_END)
        begin = max(start, size - most)
        if size <= begin:
            return set(), 0  # nothing, or it was cut in the place of being moved
        file.seek(begin)
        content = file.read()
    whole = content.rfind(b"\n") + 1
    torn = content[whole:]
    if torn and torn[: len(_HEAD)] == _HEAD[: len(torn)]:
        os.truncate(path, begin + whole)
    found = set()
    for line in content[:whole].splitlines():
        try:
            found.add(msgspec.json.decode(line, type=_Id).id)
        except msgspec.DecodeError:
            continue  # somebody else's line
    return found, len(content)


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _write_all(fd: int, content: bytes) -> None:
    """Write all bytes. write(2) may write fewer than it was given. Raises OSError."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]

"""One file of the journal: its name, the lock that says its writer lives, its room on disk.

A file begins with MAGIC, frames follow. Its writer holds an exclusive flock(2) on it for as long as it may still write;
the kernel drops the lock with the last descriptor, so a writer that was killed is known to be dead. A file gets its
segment name only after it is locked and has its room: nobody sees an unlocked file that will still grow.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import sys
from pathlib import Path

from msgspec import Struct

__all__ = [
    "FIRST",
    "MAGIC",
    "Segment",
    "SegmentName",
    "is_locked",
    "make_directory",
    "named_segments",
    "spare_files",
    "write_all",
]

MAGIC = b"SYJRNL\x00\x01"
"""Six letters and the version of the file format, big-endian."""

FIRST = len(MAGIC)
"""Offset of the first frame."""

_SUFFIX = ".journal"
_SPARE_SUFFIX = ".spare"


class SegmentName(Struct, frozen=True, order=True):
    """`<worker>-<started ms>-<number>.journal`. One run of one worker writes its numbers in order."""

    started_ms: int
    worker: str
    number: int

    def __str__(self) -> str:
        return f"{self.worker}-{self.started_ms}-{self.number:06d}{_SUFFIX}"

    @property
    def run(self) -> tuple[int, str]:
        """The run that wrote the segment: within it, and only within it, order matters."""
        return self.started_ms, self.worker

    @classmethod
    def parse(cls, name: str) -> "SegmentName | None":
        """Return the parts of a file's name, or `None` when it names no segment."""
        if not name.endswith(_SUFFIX):
            return None
        parts = name.removesuffix(_SUFFIX).rsplit("-", 2)
        if len(parts) != 3 or not (parts[1].isdecimal() and parts[2].isdecimal()):
            return None
        parsed = cls(int(parts[1]), parts[0], int(parts[2]))
        return parsed if str(parsed) == name else None


class Segment:
    """A file that this process may write: locked, with its room reserved. `at` is where the next frame goes."""

    __slots__ = ("at", "fd", "path", "size")

    def __init__(self, fd: int, path: Path, size: int) -> None:
        self.fd = fd
        self.path = path
        self.size = size
        self.at = FIRST

    @classmethod
    def reserve(cls, directory: Path, size: int) -> "Segment":
        """Return a spare file of `size` bytes that cannot run out of disk. Raises OSError when there is no room."""
        while True:
            path = directory / f"{secrets.token_hex(8)}{_SPARE_SUFFIX}"
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            segment = cls(fd, path, size)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                if os.fstat(fd).st_nlink == 0:
                    # Recovery took the file for a dead writer's in the moment before it was locked.
                    segment.discard()
                    continue
                _allocate(fd, size)
                write_all(fd, MAGIC, 0)
            except BaseException:  # whatever it is goes on from here, and leaves no file behind
                segment.discard()
                raise
            return segment

    @property
    def left(self) -> int:
        """Bytes of room for further frames."""
        return self.size - self.at

    def name(self, name: SegmentName) -> None:
        """Give a spare file its place in the journal; from now on readers see it."""
        target = self.path.with_name(str(name))
        self.path.rename(target)
        self.path = target

    def close(self) -> None:
        """Cut the file to what was written, and let readers know that it is complete. An empty one is removed."""
        if self.fd < 0:
            return
        # The room that was not used is worth less than an error here: readers also stop at its zeros.
        with contextlib.suppress(OSError):
            if self.at > FIRST:
                os.ftruncate(self.fd, self.at)
            else:
                self.path.unlink()
        os.close(self.fd)
        self.fd = -1

    def discard(self) -> None:
        """Remove a file in which nothing was written."""
        with contextlib.suppress(OSError):
            self.path.unlink()
        os.close(self.fd)
        self.fd = -1


def write_all(fd: int, content: bytes, at: int) -> None:
    """Write all bytes at an offset. pwrite(2) may write fewer than it was given; the rest is written by further calls.
    Raises OSError."""
    written = os.pwrite(fd, content, at)
    if written == len(content):
        return
    rest = memoryview(content)
    while written < len(rest):
        step = os.pwrite(fd, rest[written:], at + written)
        if step == 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        written += step


def is_locked(fd: int) -> bool:
    """Say whether a living writer holds the open file."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    return False


def make_directory(directory: Path) -> None:
    """Make the journal's directory, readable by its owner only. Raises OSError."""
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)


def named_segments(directory: Path) -> list[SegmentName]:
    """Return the segments of a directory, oldest run first; none when there is no such directory."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(filter(None, map(SegmentName.parse, names)))


def spare_files(directory: Path) -> list[Path]:
    """Return the files of a directory that wait for a segment name."""
    return list(directory.glob(f"*{_SPARE_SUFFIX}"))


def _allocate(fd: int, size: int) -> None:
    if sys.platform == "darwin":
        # macOS has no posix_fallocate(3); zeros written are room reserved.
        write_all(fd, bytes(size), 0)
    else:
        os.posix_fallocate(fd, 0, size)

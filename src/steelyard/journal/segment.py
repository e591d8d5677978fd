"""One file that a writer of the journal may write: the lock that says its writer lives, its room on disk.

A file begins with MAGIC, frames follow. Its writer holds an exclusive flock(2) on it for as long as it may still write;
the kernel drops the lock with the last descriptor, so a writer that was killed is known to be dead. A file gets its
segment name only after it is locked and has its room: nobody sees an unlocked file that will still grow.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import sys
from pathlib import Path
from typing import Final

__all__ = ["FIRST", "MAGIC", "SPARE_SUFFIX", "Segment", "write_all"]

MAGIC: Final = b"SYJRNL\x00\x01"
"""Six letters and the version of the file format, big-endian."""

FIRST: Final = len(MAGIC)
"""Offset of the first frame."""

SPARE_SUFFIX: Final = ".spare"


class Segment:
    """A file that this process may write: locked, with its room reserved. `at` is where the next frame goes."""

    __slots__ = ("at", "fd", "path", "size")

    def __init__(self, fd: int, path: Path, size: int) -> None:
        self.fd = fd
        self.path = path
        self.size = size
        self.at = FIRST

    @classmethod
    def reserve(cls, directory: Path, size: int) -> Segment:
        """Return a spare file of `size` bytes that cannot run out of disk. Raises OSError when there is no room."""
        while True:
            path = directory / f"{secrets.token_hex(8)}{SPARE_SUFFIX}"
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

    def name(self, name: str) -> None:
        """Give a spare file its place in the journal; from now on readers see it."""
        target = self.path.with_name(name)
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


def _allocate(fd: int, size: int) -> None:
    if sys.platform == "darwin":
        # macOS has no posix_fallocate(3); zeros written are room reserved.
        write_all(fd, bytes(size), 0)
    else:
        os.posix_fallocate(fd, 0, size)

"""Cut what dead writers left half-written."""

import contextlib
import fcntl
import os
from pathlib import Path

from msgspec import Struct

from steelyard.journal.ends import is_damaged
from steelyard.journal.frames import Scan, scan
from steelyard.journal.segment import FIRST, MAGIC
from steelyard.journal.segments import is_locked, named_segments, spare_files

__all__ = ["Recovery", "recover"]

_CHUNK = 1 << 20


class Recovery(Struct, frozen=True):
    """What was done: segments cut to their last whole frame, the bytes given back to the disk, and findings, one line
    for each file that could not be set right. A finding is for a person; it stops nobody."""

    cut: tuple[str, ...] = ()
    freed_bytes: int = 0
    findings: tuple[str, ...] = ()


def recover(directory: Path, worker: str | None = None) -> Recovery:
    """Cut torn and unused tails of segments whose writer is dead; of one worker, or of all. Never raises OSError.

    Damaged segments stay as they are: `Tail` reads what is before the damage and says so.
    """
    cut: list[str] = []
    findings: list[str] = []
    freed = 0
    _remove_spares(directory)
    for name in named_segments(directory):
        if worker is not None and name.worker != worker:
            continue
        try:
            gain = _cut(directory / str(name))
        except OSError as error:
            findings.append(f"{name}: could not be cut to its whole frames ({error.strerror}); it is read all the same")
            continue
        if gain:
            cut.append(str(name))
            freed += gain
    return Recovery(tuple(cut), freed, tuple(findings))


def _remove_spares(directory: Path) -> None:
    for path in spare_files(directory):
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                # Exclusive: a writer that has just made the file and waits for its lock sees that it is gone.
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(fd)


def _cut(path: Path) -> int:
    """Return the bytes that were cut off; 0 for a living or a damaged segment."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        if is_locked(fd) or (size > 0 and os.pread(fd, 1, size - 1) != b"\0"):
            # Unused room and interrupted writes both end in zeros: a file that does not was closed, or is damaged.
            return 0
        head = os.pread(fd, FIRST, 0)
        if head != MAGIC:
            if any(head):
                return 0
            end = 0
        else:
            end, found = _last_whole(fd, size)
            if end == size or is_damaged(fd, end, found):
                return 0
        if end <= FIRST:
            path.unlink()
        else:
            os.ftruncate(fd, end)
        return size - end
    finally:
        os.close(fd)


def _last_whole(fd: int, size: int) -> tuple[int, Scan]:
    """Return the offset after the last whole frame, and how the frames ended there."""
    at = FIRST
    wanted = _CHUNK
    while True:
        buffer = os.pread(fd, min(wanted, size - at), at)
        found = scan(buffer)
        at += found.at
        if not found.exhausted or at + found.wanted > size or len(buffer) < min(wanted, size - at + found.at):
            return at, found
        wanted = max(_CHUNK, found.wanted)

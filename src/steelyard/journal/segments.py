"""The files of the journal: their names, and whether a living writer holds them."""

import fcntl
import os
from pathlib import Path

from msgspec import Struct

from steelyard.journal.segment import SPARE_SUFFIX

__all__ = [
    "SegmentName",
    "is_locked",
    "make_directory",
    "named_segments",
    "spare_files",
]

_SUFFIX = ".journal"


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
    return list(directory.glob(f"*{SPARE_SUFFIX}"))

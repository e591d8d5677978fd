"""Move bytes and know their sha256."""

import hashlib
from pathlib import Path
from typing import IO

from steelyard.core.errors import StoreError
from steelyard.engines.progress import Progress, Report

__all__ = ["copy_stream", "expect", "hash_file"]

_BLOCK = 1 << 20


def copy_stream(source: IO[bytes], target: IO[bytes], total_bytes: int | None, report: Report) -> str:
    """Copy `source` to `target` and return the sha256 of what went through, as hexadecimal digits."""
    digest = hashlib.sha256()
    done = 0
    while block := source.read(_BLOCK):
        digest.update(block)
        target.write(block)
        done += len(block)
        report(Progress("checking", done, total_bytes))
    return digest.hexdigest()


def hash_file(path: Path, report: Report) -> str:
    """Return the sha256 of the file at `path`, as hexadecimal digits."""
    digest = hashlib.sha256()
    done, total = 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            report(Progress("checking", done, total))
    return digest.hexdigest()


def expect(found: str, expected: str, what: str) -> None:
    """Raise StoreError unless the two checksums are the same."""
    if found != expected.lower():
        raise StoreError(
            f"{what} was refused: its checksum is {found}, expected {expected}. The download was damaged, or somebody "
            "changed the file. Nothing was kept; pull it again."
        )

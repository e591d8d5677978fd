"""Tell a torn end, which is normal after a kill, from damage, which is worth a word."""

import os

from steelyard.journal.frames import Scan, Stop

__all__ = ["is_damaged"]

_CHUNK = 1 << 20


def is_damaged(fd: int, at: int, found: Scan) -> bool:
    """Say whether a file without a living writer holds, from `at` on, more than a write that was interrupted.

    An interrupted write(2) has copied a front part of its frame into room that reads as zeros: the frame's last byte
    and all behind it are zero. A length that points behind the end of the file cannot come from a write into reserved
    room.
    """
    if found.stop is Stop.SHORT:
        return True
    begin = at + found.wanted - 1 if found.stop is Stop.BAD else at
    while chunk := os.pread(fd, _CHUNK, begin):
        if any(chunk):
            return True
        begin += len(chunk)
    return False

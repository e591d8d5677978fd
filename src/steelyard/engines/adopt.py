"""Bring a file of this machine into the store without doubling it where that can be avoided."""

import errno
import fcntl
import os
from pathlib import Path

from steelyard.engines.checksums import copy_stream, hash_file
from steelyard.engines.progress import Report

__all__ = ["adopt_file"]

_FICLONE = 0x40049409  # ioctl_ficlonerange(2), linux/fs.h: _IOW(0x94, 9, int)


def adopt_file(source: Path, target: Path, report: Report) -> str:
    """Make `target` the same bytes as `source` and return their sha256.

    First choice is a clone that shares its blocks (btrfs, xfs, bcachefs): independent, and takes no room. Next a hard
    link: takes no room and outlives the original's deletion, but whoever writes into the original writes into the
    store; models are replaced, not edited, and the card's sha256 shows it. On another file system, a copy. Never a
    symbolic link, which would break when the original is moved."""
    if _clone(source, target) or _link(source, target):
        return hash_file(target, report)
    with source.open("rb") as reading, target.open("wb") as writing:
        return copy_stream(reading, writing, source.stat().st_size, report)


def _clone(source: Path, target: Path) -> bool:
    with source.open("rb") as reading, target.open("wb") as writing:
        try:
            fcntl.ioctl(writing, _FICLONE, reading.fileno())
        except OSError:  # EOPNOTSUPP, EXDEV, ENOTTY, EINVAL…: each file system has its own way to say no
            pass
        else:
            return True
    target.unlink()
    return False


def _link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError as error:
        # proc_sys_fs(5), protected_hardlinks: EPERM for files of others; EXDEV: another file system.
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP):
            return False
        raise
    return True

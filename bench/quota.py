"""A part of a core for each of some processes, where the kernel can be asked for that: control groups with CFS
bandwidth control (kernel documentation, "CFS Bandwidth Control"; "Control Group v2", `cpu.max`)."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

__all__ = ["can_limit", "limited"]

_V1 = Path("/sys/fs/cgroup/cpu")
_V2 = Path("/sys/fs/cgroup")
_PERIOD_US = 10_000


def can_limit() -> bool:
    """Say whether groups can be made here: that takes root, and the controller."""
    try:
        with _group("probe", 0.5):
            return True
    except OSError:
        return False


@contextmanager
def limited(pids: list[int], part: float) -> Iterator[None]:
    """Let each of these processes have this part of a core, and no more. Raises OSError."""
    with ExitStack() as stack:
        for number, pid in enumerate(pids):
            group = stack.enter_context(_group(str(number), part))
            (group / "cgroup.procs").write_text(str(pid))
        yield


@contextmanager
def _group(name: str, part: float) -> Iterator[Path]:
    first = (_V1 / "cpu.cfs_quota_us").exists() or (_V1 / "cpu.shares").exists()
    group = (_V1 if first else _V2) / f"steelyard-bench-{os.getpid()}-{name}"
    group.mkdir()
    try:
        quota = int(_PERIOD_US * part)
        if first:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD_US}")
        yield group
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            (group.parent / "cgroup.procs").write_text(pid)
        group.rmdir()

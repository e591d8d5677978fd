"""CPU time and memory of a process with all that it started, from /proc (proc(5))."""

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["cpu_s", "members", "peak_rss_mb"]

_TICKS = os.sysconf("SC_CLK_TCK")


def members(session: int) -> Iterator[tuple[int, list[str]]]:
    """Yield process id and the fields of `stat` after the command's name, of every process of a session."""
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            # The name is in parentheses and may itself hold any of them.
            fields = stat.rpartition(")")[2].split()
            if int(fields[3]) == session:
                yield int(entry), fields


def cpu_s(session: int) -> float:
    """Return user and system seconds of a session's processes, and of those children that they have waited for."""
    # proc(5): utime, stime, cutime and cstime are fields 14 to 17; `fields` begins with field 3.
    return sum(sum(map(int, fields[11:15])) for _, fields in members(session)) / _TICKS


def peak_rss_mb(session: int) -> float:
    """Return the resident memory of a session's largest process now, in MB (10^6 bytes)."""
    sizes = [_status_kb(pid, "VmRSS:") for pid, _ in members(session)]
    return max(sizes, default=0) * 1024 / 1e6


def _status_kb(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)

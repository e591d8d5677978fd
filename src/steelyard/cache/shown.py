"""How the caches of gateways stand, for others to read: a file for each gateway in the data directory."""

import os
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec import Struct

__all__ = ["RouteStanding", "Snapshot", "show", "shown", "withdraw"]


class RouteStanding(Struct, frozen=True):
    """One route's answers in memory, and what calls were told since the process began. `saved_usd` is what the answers
    had cost that were given again, where that was known."""

    route: str
    entries: int
    bytes: int
    hits: int
    misses: int
    bypasses: int
    saved_usd: Decimal


class Snapshot(Struct, frozen=True):
    """How the cache of one process stood at a moment (seconds since the epoch)."""

    process: int
    at: float
    max_bytes: int
    evicted: int
    routes: tuple[RouteStanding, ...]


_decode = msgspec.json.Decoder(Snapshot).decode


def show(data_dir: Path, snapshot: Snapshot) -> None:
    """Write how the cache of this process stands."""
    path = data_dir / f"cache-{snapshot.process}.json"
    fresh = path.with_name(f"{path.name}.new")
    with suppress(OSError):  # a full disk is told of by the journal
        fresh.write_bytes(msgspec.json.encode(snapshot))
        fresh.chmod(0o600)
        os.replace(fresh, path)


def withdraw(data_dir: Path, process: int) -> None:
    """Remove what a process has written."""
    with suppress(OSError):
        (data_dir / f"cache-{process}.json").unlink(missing_ok=True)


def shown(data_dir: Path) -> list[Snapshot]:
    """Return how the caches of the processes stand that run; what others have left is removed."""
    found = []
    for path in sorted(data_dir.glob("cache-*.json")):
        try:
            one = _decode(path.read_bytes())
        except (OSError, msgspec.DecodeError):
            continue
        if _runs(one.process):
            found.append(one)
        else:
            withdraw(data_dir, one.process)
    return found


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:
        return True  # as another user
    except (OSError, OverflowError):
        return False
    return True

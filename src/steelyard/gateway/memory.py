"""What the gateway's limits counted before it started, and how they stand, for others to read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from steelyard.core.errors import StoreError
from steelyard.journal.tail import exchanges_behind
from steelyard.limits import Limits, Recalled, Spent, Standing, Sums, Want

if TYPE_CHECKING:
    from steelyard.gateway.gateway import Gateway
    from steelyard.keys.ring import KeyRing

__all__ = ["PATIENCE_S", "Ask", "Keys", "Memory", "Snapshot", "keys_of", "lately"]

Ask = Callable[[tuple[Want, ...]], dict[Want, list[Spent]]]
"""Asks the ledger; it may wait, and raises StoreError."""

Keys = dict[str, tuple[str, str | None, str | None]]
"""Name, team and project of each key that was ever made, by its id."""

PATIENCE_S = 0.2
"""For how long readiness waits for the ledger. Later than that, calls that a limit concerns are told to come again."""

_AGAIN_S = 1.0


class Snapshot(Struct, frozen=True):
    """How limits stood at a moment (seconds since the epoch), and the process that says so."""

    process: int
    at: float
    standings: list[Standing]


def keys_of(ring: KeyRing) -> Keys:
    """Return name, team and project of each key that was ever made, by its id."""
    return {key.id: (key.name, key.team, key.project) for key in ring.keys}


def lately(journal_dir: Path, wants: Iterable[Want]) -> dict[Want, list[Spent]]:
    """Return what all calls took that the journal has, by question. Raises StoreError."""
    sums = Sums(wants)
    for one in exchanges_behind(journal_dir, {}):
        sums.add(one)
    return sums.answers()


class Memory:
    """Fills limits with what was counted before, and writes how they stand to a file in the data directory. `ask` runs
    in a thread: the loop waits for no database."""

    def __init__(self, ask: Ask, data_dir: Path) -> None:
        self._ask = ask
        self._path = data_dir / "limits.json"
        self._task: asyncio.Task[None] | None = None
        self._shown: list[Standing] = []
        self.gateway: Gateway | None = None

    def begin(self, limits: Limits, ring: Callable[[], KeyRing], clocks: tuple[Callable[[], float], ...]) -> None:
        """Begin to ask what the limits wait for."""
        self.stop()
        if limits.pending:
            self._task = asyncio.get_running_loop().create_task(self._fill(limits, ring, clocks))

    def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _fill(self, limits: Limits, ring: Callable[[], KeyRing], clocks: tuple[Callable[[], float], ...]) -> None:
        clock, wall_clock = clocks
        while limits.pending:
            asked_at = wall_clock()
            try:
                answers = await asyncio.to_thread(self._ask, limits.wants(asked_at))
            except StoreError as error:
                if self.gateway is not None:
                    self.gateway.notices.complain(f"{error} Calls that a limit concerns are refused until then.")
                await asyncio.sleep(_AGAIN_S)
                continue
            limits.take_back(asked_at, Recalled(answers, keys_of(ring())), clock(), wall_clock())

    def show(self, limits: Limits | None, now: float, wall: float) -> None:
        """Write how the limits stand, where that has changed. Called about once a second."""
        gone = bool(self._shown) and not self._path.exists()  # another worker has removed it, which has ended
        if limits is not None and not limits.touched and not gone:
            return
        found = limits.standings(now, wall) if limits is not None and not limits.pending else []
        if limits is not None and not limits.pending:
            limits.touched = False
        # What resets at which moment changes with the clock.
        if not gone and [(one.scope, one.limit, one.most, one.used, one.reserved) for one in found] == [
            (one.scope, one.limit, one.most, one.used, one.reserved) for one in self._shown
        ]:
            return
        self._shown = found
        fresh = self._path.with_name("limits.json.new")
        with suppress(OSError):  # a full disk is told of by the journal
            fresh.write_bytes(msgspec.json.encode(Snapshot(os.getpid(), wall, found)))
            fresh.chmod(0o600)
            os.replace(fresh, self._path)

    def forget(self) -> None:
        """Remove what was written: nobody counts any more."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

"""A rolling restart: each gateway is replaced by a new process, of today's code and configuration."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from steelyard.cli.child import Event, Tell
from steelyard.cli.life import Life
from steelyard.cli.roster import Roster, RosterFile, Worker, namespace
from steelyard.core.errors import ConfigError
from steelyard.metrics.snapshots import Snapshots

__all__ = ["Renewal"]

_LATER = ("clerk",)
"""Members that are ended and started again when all gateways are new: nobody waits for them."""


class Renewal:
    """Replaces processes whenever `wanted` is set: the gateways one by one, each new one beside the old one until it is
    ready, then the clerk. The first that does not get ready ends it; the rest goes on as before. The sockets belong to
    the supervisor throughout.

    `look` reads the configuration anew, and returns what of it new processes cannot take over; it raises ConfigError
    when they could not start with it."""

    def __init__(self, data_dir: Path, look: Callable[[], tuple[str, ...]]) -> None:
        self.wanted = asyncio.Event()
        self._look = look
        self._file = RosterFile(data_dir)
        self._snapshots = Snapshots(data_dir)
        self._roster = Roster(os.getpid(), namespace())
        self._lives: Sequence[Life] = ()
        self._tell: Tell = lambda _: None
        self._alone = False
        self._task: asyncio.Task[None] | None = None

    def begin(self, lives: Sequence[Life], tell: Tell) -> None:
        """Wait for wishes from now on."""
        self._lives = lives
        self._tell = tell
        self._alone = self._file.open()
        self._forget_counts()
        self._write()
        self._task = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Wait no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._forget_counts()
        self._file.close()

    def _forget_counts(self) -> None:
        """Have gateways count anew with this supervisor; those of another one that works here count on."""
        if self._alone:
            with suppress(OSError):
                self._snapshots.clear()

    def note(self, event: Event) -> None:
        """Take note of what happened to a member: what a gateway counted that has ended stays counted."""
        gone = event.kind in ("died", "ended")
        if gone and event.pid is not None and event.member.startswith("gateway"):
            with suppress(OSError):  # a full disk: its last figures are shown as they are
                self._snapshots.bury(event.member.partition("-")[2] or "0", event.pid)
        self._write()

    def _write(self, **changed: object) -> None:
        serving = [(life.member.name, life.child) for life in self._lives]
        workers = tuple(Worker(name, child.pid) for name, child in serving if child is not None and child.is_up)
        was = self._roster
        self._roster = replace(was, workers=workers, **changed)
        if self._roster != was or not workers:
            self._file.write(self._roster)

    async def _run(self) -> None:
        while True:
            await self.wanted.wait()
            self.wanted.clear()
            self._write(begun=self._roster.begun + 1)
            notes: tuple[str, ...] = ()
            try:
                notes = self._look()
                failure = await self._replace_all()
            except (ConfigError, OSError) as error:  # OSError: there is no room for another process
                failure = str(error)
            self._write(done=self._roster.begun, failure=failure, notes=notes)
            for note in notes:
                self._tell(Event("said", "up", note))
            text = f"the restart was broken off: {failure}" if failure else "all gateways have been replaced"
            self._tell(Event("restarted", "up", text))

    async def _replace_all(self) -> str | None:
        """Return None, or why it was broken off."""
        for life in self._lives:
            if life.member.fds:
                reason = await life.replace()
                if reason is not None:
                    return f"{life.member.name}: {reason}"
        for life in self._lives:
            if life.member.name in _LATER:
                await life.renew()
        return None

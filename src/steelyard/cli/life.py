"""The life of one member: start it, start it again when it dies, put another process in its place, end it."""

import asyncio
import signal
import time
from typing import Literal

from msgspec import Struct

from steelyard.cli.child import Child, Event, Member, Tell, manner

__all__ = ["Life", "Pauses"]

CANNOT_START = 2
"""The exit code for bad usage and bad input: starting again would not help."""

_LOOK_S = 1.0
_READY_S = 60.0
_MOST_DOUBLINGS = 60


class Pauses(Struct, frozen=True):
    """The pause before a restart doubles from `first_s` to `longest_s`; a life of `quick_s` seconds begins anew."""

    first_s: float = 0.1
    longest_s: float = 30.0
    quick_s: float = 60.0


class Life:
    """The life of one member, from one start to the next, until `end`. `child` is the process that serves now."""

    def __init__(self, member: Member, tell: Tell, pauses: Pauses) -> None:
        self.member = member
        self.child: Child | None = None
        self._tell = tell
        self._pauses = pauses
        self._ending = asyncio.Event()
        self._replaced = asyncio.Event()
        self._renewed: Child | None = None
        self._others: dict[Child, asyncio.Task[None]] = {}
        self._was_ready = False
        self._deaths = 0

    async def live(self) -> int:
        """Keep it running. Return 0 after `end`, or its exit code when it can never start."""
        while not self.member.wanted():
            if await self._rest(_LOOK_S):
                return 0
        while not self._ending.is_set():
            child = self.child or await self._begin()
            if child is None or not await self._outlived(child):
                continue
            self.child = None
            code = child.ended.result()
            self._was_ready = self._was_ready or child.ready.is_set()
            if self._ending.is_set() or child is self._renewed:
                self._say("ended", manner(code), pid=child.pid)
                continue
            if code == CANNOT_START and not self._was_ready:
                self._say("died", manner(code), pid=child.pid)
                return code
            if time.monotonic() - child.began >= self._pauses.quick_s:
                self._deaths = 0
            await self._mourn(manner(code), child.pid)
        return 0

    async def replace(self) -> str | None:
        """Start another process beside the one that serves; when it is ready, have that one retire. Return None, or why
        the old one goes on."""
        if self._ending.is_set():
            return "it is being ended"
        fresh = await self._start(self.child.pid if self.child is not None and self.child.is_up else None)
        seen_off = self._others[fresh] = asyncio.create_task(self._see_off(fresh))
        ready = asyncio.create_task(fresh.ready.wait())
        await asyncio.wait([ready, fresh.ended], timeout=_READY_S, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if not fresh.is_up or self._ending.is_set():
            reason = f"was not ready within {_READY_S:g} s" if not fresh.ended.done() else manner(fresh.ended.result())
            await fresh.end()
            return f"the new process {reason}" + (f": {fresh.said}" if fresh.said else "")
        seen_off.cancel()
        del self._others[fresh]
        old, self.child = self.child, fresh
        self._was_ready = True
        self._replaced.set()
        if old is not None and not old.ended.done():
            self._retire(old)
        return None

    async def renew(self) -> None:
        """End it, and have it started again at once."""
        child = self.child
        if child is not None:
            self._renewed = child
            await child.end()

    async def end(self) -> None:
        """End all its processes, by SIGKILL where SIGTERM is not enough, and return when they have ended."""
        self._ending.set()
        await asyncio.gather(*(child.end() for child in self._children()))

    def kill(self) -> None:
        """End it by SIGKILL; it is not started again."""
        self._ending.set()
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its processes that run."""
        for child in self._children():
            child.signal(number)

    def _children(self) -> list[Child]:
        return [*([self.child] if self.child is not None else []), *self._others]

    async def _start(self, succeeds: int | None = None) -> Child:
        child = await Child.start(self.member, self._tell, succeeds)
        if self._ending.is_set():
            child.signal(signal.SIGTERM)  # `end` came while it was made
        return child

    async def _begin(self) -> Child | None:
        """Return the process that serves from now on; None: it could not be started, or `replace` came first."""
        try:
            child = await self._start()
        except OSError as error:  # there is no room for another process, or the program is gone
            await self._mourn(f"could not be started: {error.strerror or error}", None)
            return None
        if self.child is not None:
            self._retire(child)
            return None
        self.child = child
        return child

    async def _mourn(self, text: str, pid: int | None) -> None:
        """Tell how it ended, and wait before the next start."""
        pause = min(self._pauses.first_s * 2.0 ** min(self._deaths, _MOST_DOUBLINGS), self._pauses.longest_s)
        self._deaths += 1
        self._say("died", text, pid=pid, pause_s=pause)
        await self._rest(pause)

    def _retire(self, child: Child) -> None:
        self._others[child] = asyncio.create_task(self._see_off(child))
        child.instruct("retire")
        self._say("retires", "takes no more connections; it ends when its clients have gone", pid=child.pid)

    async def _outlived(self, child: Child) -> bool:
        """Wait; return whether the process ended while it was the one that serves."""
        self._replaced.clear()
        replaced = asyncio.create_task(self._replaced.wait())
        await asyncio.wait([child.ended, replaced], return_when=asyncio.FIRST_COMPLETED)
        replaced.cancel()
        return self.child is child

    async def _see_off(self, child: Child) -> None:
        """Tell of the end of a process that does not serve, or no longer."""
        await asyncio.wait([child.ended])
        self._others.pop(child, None)
        self._say("ended", manner(child.ended.result()), pid=child.pid)

    def _say(
        self, kind: Literal["died", "retires", "ended"], text: str, *, pid: int | None, pause_s: float | None = None
    ) -> None:
        self._tell(Event(kind, self.member.name, text, pid, pause_s))

    async def _rest(self, pause_s: float) -> bool:
        """Wait; return whether the end has come meanwhile."""
        try:
            async with asyncio.timeout(pause_s):
                await self._ending.wait()
        except TimeoutError:
            return False
        return True

"""One child of the supervisor: start it, hear it, start it again when it dies, end it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

__all__ = ["Event", "Life", "Member", "Pauses", "Tell"]

CANNOT_START = 2
"""The exit code for bad usage and bad input: starting again would not help."""

_LOOK_S = 1.0
_LONGEST_LINE = 64 * 1024


class Member(Struct, frozen=True):
    """A command of ours to be kept running. `arguments` follow `steelyard`. Members of a lower `stage` are ended
    first; each gets `stop_s` seconds after SIGTERM. It is started as soon as `wanted` says so."""

    name: str
    arguments: tuple[str, ...]
    stage: int = 0
    stop_s: float = 10.0
    wanted: Callable[[], bool] = lambda: True


class Pauses(Struct, frozen=True):
    """The pause before a restart doubles from `first_s` to `longest_s`; a life of `quick_s` seconds begins anew."""

    first_s: float = 0.1
    longest_s: float = 30.0
    quick_s: float = 60.0


class Event(Struct, frozen=True):
    """What happened to a member. `ready`: `text` is the first line that it wrote to standard output, unless that is
    an error; `said`: any other line; `died`: `text` says how, and it is started again after `pause_s` seconds (`None`:
    it is not)."""

    kind: Literal["started", "ready", "said", "died", "ended"]
    member: str
    text: str = ""
    pid: int | None = None
    pause_s: float | None = None


Tell = Callable[[Event], None]


class Life:
    """The life of one member, from one start to the next, until `end`."""

    def __init__(self, member: Member, tell: Tell, pauses: Pauses) -> None:
        self.member = member
        self._tell = tell
        self._pauses = pauses
        self._ending = asyncio.Event()
        self._child: asyncio.subprocess.Process | None = None
        self._was_ready = False
        self._is_ready = False

    async def live(self) -> int:
        """Keep it running. Return 0 after `end`, or its exit code when it can never start."""
        while not self.member.wanted():
            if await self._rest(_LOOK_S):
                return 0
        quick = 0
        while not self._ending.is_set():
            began = time.monotonic()
            code = await self._run_once()
            if self._ending.is_set():
                self._say("ended", _manner(code))
                break
            if code == CANNOT_START and not self._was_ready:
                self._say("died", _manner(code))
                return code
            quick = quick + 1 if time.monotonic() - began < self._pauses.quick_s else 1
            pause = min(self._pauses.first_s * 2 ** (quick - 1), self._pauses.longest_s)
            self._say("died", _manner(code), pause_s=pause)
            await self._rest(pause)
        return 0

    async def end(self) -> None:
        """End it, by SIGKILL when SIGTERM is not enough, and return when it has ended."""
        self._ending.set()
        child = self._child
        if child is None:
            return
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.member.stop_s):
                await child.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await child.wait()

    def kill(self) -> None:
        """End it by SIGKILL; it is not started again."""
        self._ending.set()
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, when it runs."""
        if self._child is not None and self._child.returncode is None:
            self._child.send_signal(number)

    async def _run_once(self) -> int:
        self._is_ready = False
        child = await asyncio.create_subprocess_exec(
            # -P: what lies in the working directory is none of our modules.
            *(sys.executable, "-P", "-m", "steelyard", *self.member.arguments),
            *("--supervisor", str(os.getpid()), "--json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends its children in order
        )
        self._child = child
        self._say("started", pid=child.pid)
        if self._ending.is_set():
            self.signal(signal.SIGTERM)  # `end` came while it was made
        if child.stdout is None or child.stderr is None:
            raise RuntimeError("a child without pipes")
        await asyncio.gather(self._hear(child.stdout, self._announced), self._hear(child.stderr, self._said))
        code = await child.wait()
        self._child = None
        return code

    async def _hear(self, stream: asyncio.StreamReader, line_came: Callable[[str], None]) -> None:
        rest = b""
        while content := await stream.read(_LONGEST_LINE):
            *lines, rest = (rest + content).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                line_came(line.decode(errors="replace").rstrip())
        if rest:
            line_came(rest.decode(errors="replace").rstrip())

    def _announced(self, line: str) -> None:
        if line.startswith('{"error":'):
            return  # the same words come on standard error
        if self._is_ready:
            self._said(line)
            return
        self._is_ready = self._was_ready = True
        self._say("ready", line)

    def _said(self, line: str) -> None:
        if line:
            self._say("said", line)

    def _say(
        self,
        kind: Literal["started", "ready", "said", "died", "ended"],
        text: str = "",
        *,
        pid: int | None = None,
        pause_s: float | None = None,
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


def _manner(code: int) -> str:
    if code < 0:
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"
    return f"ended with exit code {code}"

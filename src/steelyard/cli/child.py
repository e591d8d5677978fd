"""One process of a member, from its start to its end."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from msgspec import Struct

__all__ = ["Child", "Event", "Member", "Tell", "manner"]

_LONGEST_LINE = 64 * 1024


class Member(Struct, frozen=True):
    """A command of ours to be kept running. `arguments` follow `steelyard`. Members of a lower `stage` are ended
    first; each gets `stop_s` seconds after SIGTERM. It is started as soon as `wanted` says so. `fds` are the sockets
    that a gateway inherits, which is told through its standard input what to do with them."""

    name: str
    arguments: tuple[str, ...]
    stage: int = 0
    stop_s: float = 10.0
    wanted: Callable[[], bool] = lambda: True
    fds: tuple[int, ...] = ()


class Event(Struct, frozen=True):
    """What happened to a member. `ready`: `text` is the first line that it wrote to standard output, unless that is
    an error; `said`: any other line; `died`: `text` says how, and it is started again after `pause_s` seconds (`None`:
    it is not); `retires`: another process has taken its place, and it ends when its clients have gone; `restarted`,
    of the supervisor itself: whether all processes were replaced."""

    kind: Literal["started", "ready", "said", "died", "retires", "ended", "restarted"]
    member: str
    text: str = ""
    pid: int | None = None
    pause_s: float | None = None


Tell = Callable[[Event], None]


class Child:
    """A running process. `ended` has its exit code, `ready` is set at its first line, `said` is its latest note."""

    def __init__(self, member: Member, tell: Tell, process: asyncio.subprocess.Process) -> None:
        self.began = time.monotonic()
        self.pid = process.pid
        self.ready = asyncio.Event()
        self.said = ""
        self._member = member
        self._tell = tell
        self._process = process
        tell(Event("started", member.name, pid=process.pid))
        self.ended = asyncio.get_running_loop().create_task(self._attend())

    @classmethod
    async def start(cls, member: Member, tell: Tell, succeeds: int | None = None) -> "Child":
        """Start a member's command. `succeeds`: the process whose place a gateway is to take."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            # -P: what lies in the working directory is none of our modules.
            *(sys.executable, "-P", "-m", "steelyard", *member.arguments),
            *("--supervisor", str(os.getpid()), "--json"),
            *(("--succeeds", str(succeeds)) if succeeds is not None and member.fds else ()),
            stdin=pipe if member.fds else asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            pass_fds=member.fds,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends its children in order
        )
        return cls(member, tell, process)

    @property
    def is_up(self) -> bool:
        """Whether it serves."""
        return self.ready.is_set() and not self.ended.done()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, when it runs."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    def instruct(self, line: str) -> None:
        """Tell a gateway what to do."""
        pipe = self._process.stdin
        if pipe is not None and not pipe.is_closing():
            pipe.write(f"{line}\n".encode("ascii"))

    async def end(self) -> None:
        """End it, by SIGKILL when SIGTERM is not enough, and return when it has ended."""
        self.signal(signal.SIGTERM)
        await asyncio.wait([self.ended], timeout=self._member.stop_s)
        if not self.ended.done():
            self.signal(signal.SIGKILL)
            await asyncio.wait([self.ended])

    async def _attend(self) -> int:
        process = self._process
        if process.stdout is None or process.stderr is None:
            raise RuntimeError("a child without pipes")
        await asyncio.gather(_hear(process.stdout, self._announced), _hear(process.stderr, self._note))
        code = await process.wait()
        if process.stdin is not None:
            process.stdin.close()
            with suppress(OSError):  # what it did not read
                await process.stdin.wait_closed()
        return code

    def _announced(self, line: str) -> None:
        if line.startswith('{"error":'):
            return  # the same words come on standard error
        if self.ready.is_set():
            self._note(line)
            return
        self.ready.set()
        self._tell(Event("ready", self._member.name, line))

    def _note(self, line: str) -> None:
        if line:
            self.said = line
            self._tell(Event("said", self._member.name, line))


async def _hear(stream: asyncio.StreamReader, line_came: Callable[[str], None]) -> None:
    rest = b""
    while content := await stream.read(_LONGEST_LINE):
        *lines, rest = (rest + content).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            line_came(line.decode(errors="replace").rstrip())
    if rest:
        line_came(rest.decode(errors="replace").rstrip())


def manner(code: int) -> str:
    """Say how a process ended."""
    if code < 0:
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"
    return f"ended with exit code {code}"

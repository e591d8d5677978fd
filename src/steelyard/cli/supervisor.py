"""All processes of one machine under one supervisor: started together, kept running, replaced and ended in order."""

import asyncio
import signal
import sys
from collections.abc import Sequence

from steelyard.cli.child import Event, Member, Tell
from steelyard.cli.cover import Cover
from steelyard.cli.edge import INTERRUPTED
from steelyard.cli.life import Life, Pauses
from steelyard.cli.listeners import Listeners
from steelyard.cli.renewal import Renewal

__all__ = ["Supervisor"]

_HASTE_S = 1.5
"""A gateway writes what is left of its answers for a second at most."""


class Supervisor:
    """Keep `members` running until SIGTERM, SIGINT or `stop`. A second signal has gateways drop their calls, and
    ends by SIGKILL what is left 1.5 s later; a third one does at once. SIGUSR2: see `Renewal`."""

    def __init__(self, members: Sequence[Member], tell: Tell, listeners: Listeners, renewal: Renewal) -> None:
        self._tell = tell
        self._lives = [Life(member, self._heard, Pauses()) for member in members]
        self._gateways = [life for life in self._lives if life.member.fds]
        self._listeners = listeners
        self._cover = Cover(self._gateways)
        self._renewal = renewal
        self._stopping = asyncio.Event()
        self._hastened = False

    def stop(self) -> None:
        """Begin to end all members."""
        self._stopping.set()

    async def run(self) -> int:
        """Return when all members have ended: with 0, or with the exit code of the one that can never start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_or_hasten)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        lives = [loop.create_task(life.live(), name=life.member.name) for life in self._lives]
        stopping = loop.create_task(self._stopping.wait())
        loop.add_signal_handler(signal.SIGUSR2, self._renewal.wanted.set)
        self._renewal.begin(self._lives, self._tell)
        try:
            await asyncio.wait([*lives, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            self._stopping.set()
            await self._end()
            codes = await asyncio.gather(*lives)
            await self._renewal.end()
        return INTERRUPTED if self._hastened else max(codes)

    def _heard(self, event: Event) -> None:
        self._tell(event)
        if event.kind not in ("ready", "died", "retires", "ended"):
            return
        # Where all have the same socket, nobody need stand in.
        if len(self._listeners.sockets) > 1 and not self._stopping.is_set():
            self._cover.arrange()
        self._renewal.note(event)

    async def _end(self) -> None:
        """The gateway first: while it drains, its calls need the engines."""
        for stage in sorted({life.member.stage for life in self._lives}):
            await asyncio.gather(*(life.end() for life in self._lives if life.member.stage == stage))
            self._listeners.close()  # whoever comes now is refused, and need not wait for the others' end

    def _stop_or_hasten(self) -> None:
        if self._stopping.is_set():
            self._hasten()
        self._stopping.set()

    def _hasten(self) -> None:
        """Have gateways end their calls now and record them, then kill what is left; at once the third time."""
        if self._hastened:
            self._kill()
            return
        self._hastened = True
        for life in self._gateways:
            life.signal(signal.SIGINT)
        asyncio.get_running_loop().call_later(_HASTE_S, self._kill)

    def _kill(self) -> None:
        for life in self._lives:
            life.kill()

    def _hung_up(self) -> None:
        """A terminal that was closed ends us; without one, SIGHUP asks for the configuration to be read again."""
        if sys.stdin is not None and sys.stdin.isatty():
            self._stop_or_hasten()
            return
        for life in self._gateways:
            life.signal(signal.SIGHUP)

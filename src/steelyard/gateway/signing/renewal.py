"""Credentials that expire: got in a thread, renewed before they end, by one attempt at a time."""

import asyncio
import time
from collections.abc import Callable
from threading import Thread
from typing import Final, Protocol

from steelyard.core.errors import SteelyardError, UpstreamError

__all__ = ["Renewal", "Source", "unavailable"]

_LEAST_S: Final = 10.0
"""What credentials must last for a call that is sent with them."""

_EARLY_S: Final = 300.0
"""When they are renewed while they still work. AWS has new ones five minutes before the old ones end (Amazon EC2 User
Guide, "Retrieve security credentials from instance metadata"); Google gives others at any time."""

_PAUSE_S: Final = 10.0
"""The least time between two attempts in the background."""

_MOST_TOLD: Final = 300


class Source(Protocol):
    """Where credentials come from, and the last ones that came."""

    def get(self) -> None:
        """Get new ones. Blocks; called in one thread at a time. Raises UpstreamError."""

    def last(self, seconds: float) -> bool:
        """Say whether there are any that work for so long from now."""


class Renewal:
    """Keeps a source's credentials fresh. Of one event loop; `clock` gives seconds."""

    __slots__ = ("_attempt", "_clock", "_source", "_tried")

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._attempt: asyncio.Future[None] | None = None
        self._tried = -_PAUSE_S

    def ready(self) -> bool:
        """Say whether the credentials work now. Has them renewed in the background, if they will soon not."""
        if not self._source.last(_LEAST_S):
            return False
        if not self._source.last(_EARLY_S) and self._clock() - self._tried >= _PAUSE_S:
            self._begin()
        return True

    async def prepare(self) -> None:
        """Wait until the credentials work. Raises UpstreamError when they cannot be got."""
        if not self._source.last(_LEAST_S):
            # Who stops waiting does not stop the attempt for the others.
            await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Future[None]:
        if self._attempt is None or self._attempt.done():
            self._tried = self._clock()
            loop = asyncio.get_running_loop()
            attempt = self._attempt = loop.create_future()
            attempt.add_done_callback(_observe)
            # A daemon, and no pool's thread: a cloud that does not answer must not keep the gateway from ending.
            Thread(target=self._get, args=(loop, attempt), name="credentials", daemon=True).start()
        return self._attempt

    def _get(self, loop: asyncio.AbstractEventLoop, attempt: asyncio.Future[None]) -> None:
        error: Exception | None = None
        try:
            self._source.get()
        except SteelyardError as reason:
            error = reason
        except Exception as reason:  # the thread's edge: whoever waits must hear of it
            error = unavailable(f"{type(reason).__name__}: {reason}")
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, attempt, error)


def unavailable(reason: str) -> UpstreamError:
    """Return the error that says why there are no credentials: one line of it."""
    line = " ".join(reason.split())
    if len(line) > _MOST_TOLD:
        line = f"{line[:_MOST_TOLD]}…"
    return UpstreamError(f"The provider cannot be called without credentials: {line}", code="credentials_unavailable")


def _settle(attempt: asyncio.Future[None], error: Exception | None) -> None:
    if attempt.done():
        return
    if error is None:
        attempt.set_result(None)
    else:
        attempt.set_exception(error)


def _observe(attempt: asyncio.Future[None]) -> None:
    """Take note of an attempt's end: that nobody waited for one that failed is no fault."""
    if not attempt.cancelled():
        attempt.exception()

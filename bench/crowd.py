"""Thousands of streams that are open at once."""

import asyncio
import time
from collections.abc import Callable
from typing import cast

import uvloop
from msgspec import Struct

__all__ = ["Crowd", "gather"]


class Crowd(Struct, frozen=True):
    """How many streams were asked for, were open together, and came to their end; and memory then, in MB."""

    asked: int
    together: int
    finished: int
    resident_mb: float
    failures: tuple[str, ...] = ()


class _Listener(asyncio.Protocol):
    def __init__(self, request: bytes, first: Callable[[], None], over: Callable[[str | None], None]) -> None:
        self.request = request
        self.first = first
        self.over = over
        self.tail = b""
        self.started = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport, but are no instances of it.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.tail = (self.tail + data)[-600:]
        if not self.started and b"data: " in self.tail:
            self.started = True
            self.first()
        if self.tail.endswith(b"\r\n0\r\n\r\n"):
            whole = b"data: [DONE]" in self.tail
            self._end(None if whole else f"no [DONE]: {self.tail[-100:]!r}")
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"closed: {exc!r} {self.tail[-100:]!r}")

    def _end(self, failure: str | None) -> None:
        self.over(failure)
        self.over = _ignore


def _ignore(_: str | None) -> None:
    """A stream ends once."""


def gather(port: int, request: bytes, count: int, resident: Callable[[], float], release: Callable[[], None]) -> Crowd:
    """Open `count` streams, wait until all have had a chunk, let them run for 3 s, read `resident()`, call `release()`
    and wait until all have ended."""
    return uvloop.run(_gather(port, request, count, resident, release))


async def _gather(
    port: int, request: bytes, count: int, resident: Callable[[], float], release: Callable[[], None]
) -> Crowd:
    loop = asyncio.get_running_loop()
    started = 0
    ends: list[str | None] = []

    def first() -> None:
        nonlocal started
        started += 1

    for begin in range(0, count, 100):
        makers = [
            loop.create_connection(lambda: _Listener(request, first, ends.append), "127.0.0.1", port)
            for _ in range(min(100, count - begin))
        ]
        await asyncio.gather(*makers)
    await _until(lambda: started + len(ends) >= count, 60)
    await asyncio.sleep(3)
    together = started - len(ends)
    memory = resident()
    await loop.run_in_executor(None, release)
    await _until(lambda: len(ends) >= count, 60)
    failures = [end for end in ends if end is not None]
    return Crowd(count, together, len(ends) - len(failures), memory, tuple(failures[:3]))


async def _until(condition: Callable[[], bool], timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:  # noqa: ASYNC110 - the condition is made of many small events
        await asyncio.sleep(0.05)

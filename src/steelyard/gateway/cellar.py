"""The answers on disk, asked in a thread of their own: the loop waits for no file."""

from __future__ import annotations

import time
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf
from typing import Protocol, TypeVar

from steelyard.cache import Entry
from steelyard.core.errors import StoreError

__all__ = ["Cellar", "Disk"]

_T = TypeVar("_T")

_MOST_WAITING = 1024
_MOST_WAITING_BYTES = 64 * 1024 * 1024
"""Beyond so many writes that wait, or so many bytes of theirs, answers are kept in memory alone."""
_PATIENCE_S = 1.0
"""For how long a call waits for a look: a slow store costs hits, and not time without end."""
_LAST_S = 5.0
"""For how long a gateway that ends goes on to write."""


class Disk(Protocol):
    """Where answers lie (`cache.disk.DiskStore`). It may wait, and raises StoreError."""

    max_bytes: int

    def find(self, digest: bytes) -> Entry | None: ...
    def keep(self, digest: bytes, entry: Entry) -> None: ...
    def sift(self, stays: Callable[[str, str | None, float], bool]) -> int: ...
    def marks(self) -> dict[str, float]: ...
    def close(self) -> None: ...


class _Look:
    """One look for an entry. Whoever waits is told once: what was found, or, when it has taken too long, nothing."""

    __slots__ = ("_digest", "_then", "_timer")

    def __init__(
        self, loop: AbstractEventLoop, digest: bytes, then: Callable[[Entry | None], None], patience_s: float
    ) -> None:
        self._digest = digest
        self._then: Callable[[Entry | None], None] | None = then
        self._timer = loop.call_later(patience_s, self.tell, None)

    def ask(self, disk: Disk) -> Entry | None:
        """Look, in the thread, if somebody still waits."""
        return disk.find(self._digest) if self._then is not None else None

    def tell(self, found: Entry | None) -> None:
        """Tell what was found."""
        then, self._then = self._then, None
        if then is not None:
            self._timer.cancel()
            then(found)


class Cellar:
    """One thread, and the store that it opens. What goes wrong is told once in a while, and is a miss."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        open_disk: Callable[[], Disk],
        complain: Callable[[str], None],
        patience_s: float = _PATIENCE_S,
        last_s: float = _LAST_S,
    ) -> None:
        self._loop = loop
        self._patience_s = patience_s
        self._last_s = last_s
        self._until = inf
        self._open = open_disk
        self._complain = complain
        self._disk: Disk | None = None
        self._thread = ThreadPoolExecutor(1, "cache")
        self._writes = 0
        self._written = 0

    def find(self, digest: bytes, then: Callable[[Entry | None], None]) -> None:
        """Look for an entry, and tell `then` in the loop, soon in any case."""
        look = _Look(self._loop, digest, then, self._patience_s)
        self._ask(look.ask).add_done_callback(partial(self._found, look))

    def keep(self, digest: bytes, entry: Entry) -> None:
        """Keep an entry."""
        size = entry.size
        if self._writes < _MOST_WAITING and self._written < _MOST_WAITING_BYTES:
            self._writes += 1
            self._written += size
            self._ask(lambda disk: disk.keep(digest, entry)).add_done_callback(partial(self._kept, size))

    def sift(self, stays: Callable[[str, str | None, float], bool]) -> None:
        """Drop the entries that may not stay, by route, key and moment. `stays` is called in the thread."""
        self._ask(lambda disk: disk.sift(stays)).add_done_callback(self._done)

    def marks(self, then: Callable[[dict[str, float]], None]) -> None:
        """Look up to which moment others have cleared answers, and tell `then` in the loop."""
        self._ask(lambda disk: disk.marks()).add_done_callback(partial(self._looked, then))

    def close(self) -> None:
        """End once all is written, or as much as a slow store takes in a while."""
        self._until = time.monotonic() + self._last_s
        self._thread.shutdown(wait=True)
        if self._disk is not None:
            self._disk.close()

    def _ask(self, question: Callable[[Disk], _T]) -> Future[_T]:
        return self._loop.run_in_executor(self._thread, self._asked, question)

    def _asked(self, question: Callable[[Disk], _T]) -> _T:
        if time.monotonic() > self._until:
            raise StoreError("The gateway has ended before this could be written: the store is slow.")
        if self._disk is None:
            self._disk = self._open()
        return question(self._disk)

    def _found(self, look: _Look, future: Future[Entry | None]) -> None:
        self._done(future)
        look.tell(None if future.exception() is not None else future.result())

    def _looked(self, then: Callable[[dict[str, float]], None], future: Future[dict[str, float]]) -> None:
        self._done(future)
        if future.exception() is None:
            then(future.result())

    def _kept(self, size: int, future: Future[None]) -> None:
        self._writes -= 1
        self._written -= size
        self._done(future)

    def _done(self, future: Future[_T]) -> None:
        error = future.exception()
        if isinstance(error, StoreError):
            self._complain(f"cache: {error}")
        elif error is not None:  # a fault of ours; calls go on without what is on disk
            self._loop.call_exception_handler({"message": "the cache's disk failed", "exception": error})

"""The answers on disk, asked in a thread of their own: the loop waits for no file."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

from steelyard.cache import Entry
from steelyard.core.errors import StoreError

__all__ = ["Cellar", "Disk"]

_T = TypeVar("_T")

_MOST_WAITING = 1024
"""Beyond so many writes that wait, answers are kept in memory alone."""


class Disk(Protocol):
    """Where answers lie (`cache.disk.DiskStore`). It may wait, and raises StoreError."""

    max_bytes: int

    def find(self, digest: bytes) -> Entry | None: ...
    def keep(self, digest: bytes, entry: Entry) -> None: ...
    def sift(self, stays: Callable[[str, str | None, float], bool]) -> int: ...
    def marks(self) -> dict[str, float]: ...
    def close(self) -> None: ...


class Cellar:
    """One thread, and the store that it opens. What goes wrong is told once in a while, and is a miss."""

    def __init__(self, loop: AbstractEventLoop, open_disk: Callable[[], Disk], complain: Callable[[str], None]) -> None:
        self._loop = loop
        self._open = open_disk
        self._complain = complain
        self._disk: Disk | None = None
        self._thread = ThreadPoolExecutor(1, "cache")
        self._writes = 0

    def find(self, digest: bytes, then: Callable[[Entry | None], None]) -> None:
        """Look for an entry, and tell `then` in the loop."""
        self._ask(lambda disk: disk.find(digest)).add_done_callback(partial(self._found, then))

    def keep(self, digest: bytes, entry: Entry) -> None:
        """Keep an entry."""
        if self._writes < _MOST_WAITING:
            self._writes += 1
            self._ask(lambda disk: disk.keep(digest, entry)).add_done_callback(self._kept)

    def sift(self, stays: Callable[[str, str | None, float], bool]) -> None:
        """Drop the entries that may not stay, by route, key and moment. `stays` is called in the thread."""
        self._ask(lambda disk: disk.sift(stays)).add_done_callback(self._done)

    def marks(self, then: Callable[[dict[str, float]], None]) -> None:
        """Look up to which moment others have cleared answers, and tell `then` in the loop."""
        self._ask(lambda disk: disk.marks()).add_done_callback(partial(self._looked, then))

    def close(self) -> None:
        """End once all is written."""
        self._thread.shutdown(wait=True)
        if self._disk is not None:
            self._disk.close()

    def _ask(self, question: Callable[[Disk], _T]) -> Future[_T]:
        return self._loop.run_in_executor(self._thread, self._asked, question)

    def _asked(self, question: Callable[[Disk], _T]) -> _T:
        if self._disk is None:
            self._disk = self._open()
        return question(self._disk)

    def _found(self, then: Callable[[Entry | None], None], future: Future[Entry | None]) -> None:
        self._done(future)
        then(None if future.exception() is not None else future.result())

    def _looked(self, then: Callable[[dict[str, float]], None], future: Future[dict[str, float]]) -> None:
        self._done(future)
        if future.exception() is None:
            then(future.result())

    def _kept(self, future: Future[None]) -> None:
        self._writes -= 1
        self._done(future)

    def _done(self, future: Future[_T]) -> None:
        error = future.exception()
        if isinstance(error, StoreError):
            self._complain(f"cache: {error}")
        elif error is not None:  # a fault of ours; calls go on without what is on disk
            self._loop.call_exception_handler({"message": "the cache's disk failed", "exception": error})

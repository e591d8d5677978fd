"""The thread in which kept answers are looked for: what becomes of calls when the store is slow."""

import asyncio
import threading
import time
from collections.abc import Callable
from math import inf

from steelyard.cache import Entry
from steelyard.gateway.cellar import Cellar
from tests.cache.entries import entry


class SlowStore:
    """A store that answers nothing before it is let."""

    max_bytes = 1 << 30

    def __init__(self) -> None:
        self.may = threading.Event()
        self.began = threading.Event()
        self.found: list[bytes] = []
        self.kept: list[bytes] = []

    def find(self, digest: bytes) -> Entry | None:
        self.began.set()
        self.may.wait(30)
        self.found.append(digest)
        return entry()

    def keep(self, digest: bytes, entry: Entry) -> None:
        self.began.set()
        self.may.wait(30)
        self.kept.append(digest)

    def sift(self, stays: Callable[[str, str | None, float], bool]) -> int:
        raise NotImplementedError  # these tests look and keep, and drop nothing

    def marks(self) -> dict[str, float]:
        return {}

    def close(self) -> None:
        self.may.set()


def test_a_slow_store_costs_hits_and_not_time_without_end() -> None:
    store = SlowStore()
    told: list[Entry | None] = []
    complaints: list[str] = []

    async def ask() -> None:
        cellar = Cellar(asyncio.get_running_loop(), lambda: store, complaints.append, patience_s=0.05)
        first, second = asyncio.Event(), asyncio.Event()
        for digest, over in ((b"a", first), (b"b", second)):

            def tell(found: Entry | None, over: asyncio.Event = over) -> None:
                told.append(found)
                over.set()

            cellar.find(digest, tell)
        async with asyncio.timeout(20):
            await first.wait()
            await second.wait()
        assert await asyncio.to_thread(store.began.wait, 20)
        store.may.set()
        async with asyncio.timeout(20):
            quick = asyncio.get_running_loop().create_future()
            cellar.marks(lambda _: quick.set_result(None))
            await quick
        cellar.close()

    asyncio.run(ask())
    assert told == [None, None]
    assert store.found == [b"a"], "nobody waits for the second any more, and it is not looked for"
    assert complaints == []


def test_what_waits_for_a_slow_store_takes_no_memory_without_end() -> None:
    store = SlowStore()
    large = entry(b"x" * (24 * 1024 * 1024))  # all entries share it

    async def keep() -> None:
        cellar = Cellar(asyncio.get_running_loop(), lambda: store, lambda _: None)
        for name in (b"1", b"2", b"3", b"4", b"5"):
            cellar.keep(name, large)
        store.may.set()
        over = asyncio.get_running_loop().create_future()
        cellar.marks(lambda _: over.set_result(None))
        async with asyncio.timeout(20):
            await over
        cellar.keep(b"6", large)
        cellar.close()

    asyncio.run(keep())
    assert store.kept == [b"1", b"2", b"3", b"6"]


def test_a_gateway_that_ends_does_not_wait_for_a_slow_store_until_all_is_written() -> None:
    store = SlowStore()

    def let_once_it_ends(cellar: Cellar) -> None:
        while cellar._until == inf:
            time.sleep(0.001)
        store.may.set()

    async def keep() -> None:
        cellar = Cellar(asyncio.get_running_loop(), lambda: store, lambda _: None, last_s=0.0)
        for name in (b"1", b"2", b"3"):
            cellar.keep(name, entry())
        assert await asyncio.to_thread(store.began.wait, 20)
        threading.Thread(target=let_once_it_ends, args=(cellar,)).start()
        cellar.close()

    asyncio.run(keep())
    assert store.kept == [b"1"]

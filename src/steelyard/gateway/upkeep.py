"""Sees to the cache of one gateway: what it is to keep, what may not stay, and how it stands."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from steelyard.cache.clearing import EVERY_ROUTE, cleared, cleared_path
from steelyard.cache.shown import RouteStanding, Snapshot, show, withdraw
from steelyard.gateway.cached import AnswerCache
from steelyard.gateway.cellar import Cellar, Disk

if TYPE_CHECKING:
    from steelyard.config.settings import CacheSettings
    from steelyard.gateway.gateway import Gateway
    from steelyard.keys.ring import KeyRing
    from steelyard.policy.plan import Plan

__all__ = ["Upkeep", "snapshot_of"]

_EXPIRE_EVERY_S: Final = 30.0
_ASK_EVERY_S: Final = 2.0
_CLOCK_SLIP_S: Final = 2.0
"""By how much clocks are set without anybody's notice."""
_FILES: Final = ("cache.sqlite3", "cache.sqlite3-wal", "cache.sqlite3-shm", "cache.sqlite3-journal")


class Upkeep:
    """What may stay is asked anew when the configuration, a key, or what was cleared changes: answers of routes that
    are cached no more, or of routes and keys of which nothing is to be recorded, are erased, on disk too."""

    def __init__(self, gateway: Gateway, data_dir: Path, open_disk: Callable[[Path, CacheSettings], Disk]) -> None:
        self._gateway = gateway
        self._data_dir = data_dir
        self._open_disk = open_disk
        self._lasting: tuple[object, ...] = ()
        self._routes: frozenset[str] = frozenset()
        self._unrecorded: frozenset[str] = frozenset()
        self._ring: KeyRing | None = None
        self._cleared: dict[str, float] = {}
        self._cleared_by_others: dict[str, float] = {}
        self._told_by_others: dict[str, float] = {}
        self._asked_others_at = gateway.clock()
        self._cleared_at = 0
        self._expired_at = gateway.clock()
        self._ahead = self._is_ahead()
        self._shown: tuple[object, ...] = ()

    def configure(self, settings: CacheSettings, plans: Mapping[str, Plan]) -> None:
        """Take a new configuration. A route of which nothing is recorded is not cached."""
        gateway = self._gateway
        self._routes = frozenset(name for name in settings.routes if name not in plans or plans[name].record != "none")
        cache = gateway.cache
        if not settings.routes:
            self._end()
            return
        if cache is None:
            cache = gateway.cache = AnswerCache(gateway, settings)
        cache.configure(settings, self.stays)
        lasting = (settings.store, settings.max_disk_bytes, settings.ttl_s)
        if cache.cellar is not None and lasting != self._lasting:
            cache.cellar.close()
            cache.cellar = None
        self._lasting = lasting
        if settings.store != "sqlite":
            self._erase()
        if settings.store != "memory" and cache.cellar is None:
            opened = partial(self._open_disk, self._data_dir, settings)
            cache.cellar = Cellar(gateway.loop, opened, gateway.notices.complain)
        self._look(again=True)

    def stays(self, route: str, key: str | None, made_at: float) -> bool:
        """Say whether an answer may stay."""
        if route not in self._routes or key in self._unrecorded:
            return False
        return all(
            made_at > marks.get(route, 0.0) and made_at > marks.get(EVERY_ROUTE, 0.0)
            for marks in (self._cleared, self._cleared_by_others)
        )

    def tick(self) -> None:
        """See to what has changed. Called twice a second."""
        cache = self._gateway.cache
        if cache is None:
            return
        self._look()
        before, self._ahead = self._ahead, self._is_ahead()
        if self._ahead < before - _CLOCK_SLIP_S:
            # The clock was set back, and nobody knows any more how old an answer is, nor whether it was cleared.
            self._sift(lambda _route, _key, _made_at: False, here=True)
        now = self._gateway.clock()
        if (
            cache.cellar is not None
            and cache.settings.store == "shared"
            and now - self._asked_others_at >= _ASK_EVERY_S
        ):
            self._asked_others_at = now
            cache.cellar.marks(self._heed)
        if now - self._expired_at >= _EXPIRE_EVERY_S:
            self._expired_at = now
            oldest = self._gateway.wall_clock() - cache.settings.ttl_s
            self._sift(lambda _route, _key, made_at: made_at > oldest, here=True)
        self._show(cache)

    def _is_ahead(self) -> float:
        """Return by how much the clock that can be set is ahead of the one that cannot."""
        return self._gateway.wall_clock() - self._gateway.clock()

    def _look(self, *, again: bool = False) -> None:
        ring = self._gateway.access.ring
        if ring is not self._ring:
            self._ring = ring
            unrecorded = frozenset(key.id for key in ring.keys if key.record == "none")
            again = again or unrecorded != self._unrecorded
            self._unrecorded = unrecorded
        try:
            changed_at = os.stat(cleared_path(self._data_dir)).st_mtime_ns
        except OSError:
            changed_at = 0
        if changed_at != self._cleared_at:
            # Who cleared by a clock that was an hour ahead has not cleared what comes in that hour.
            latest = self._gateway.wall_clock() + _CLOCK_SLIP_S
            self._cleared = {route: min(at, latest) for route, at in cleared(self._data_dir).items()}
            self._cleared_at, again = changed_at, True
        if again:
            self._sift(self.stays)

    def _heed(self, marks: dict[str, float]) -> None:
        """Forget what others have cleared in the server that all share."""
        if self._gateway.cache is None or not marks or marks == self._told_by_others:
            return
        self._told_by_others = marks
        latest = self._gateway.wall_clock() + _CLOCK_SLIP_S
        self._cleared_by_others = {route: min(at, latest) for route, at in marks.items()}
        self._sift(self.stays, here=True)

    def _sift(self, stays: Callable[[str, str | None, float], bool], *, here: bool = False) -> None:
        """Drop what may not stay; `here`: by this machine's clock. A server that several share has its own."""
        cache = self._gateway.cache
        assert cache is not None
        cache.memory.sift(lambda entry: stays(entry.route, entry.key, entry.made_at))
        if cache.cellar is not None and not (here and cache.settings.store == "shared"):
            cache.cellar.sift(stays)

    def close(self) -> None:
        """Have all be written that is to be kept."""
        cache = self._gateway.cache
        if cache is not None and cache.cellar is not None:
            cache.cellar.close()
            cache.cellar = None
        withdraw(self._data_dir, os.getpid())

    def _end(self) -> None:
        """There is no cache any more."""
        self.close()
        self._gateway.cache = None
        self._erase()

    def _erase(self) -> None:
        for name in _FILES:
            path = self._data_dir / name
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                self._gateway.notices.complain(
                    f"cache: {path}: {error.strerror}. It could not be erased, and may hold answers: see to it."
                )

    def _show(self, cache: AnswerCache) -> None:
        state = (dict(cache.verdicts), len(cache.memory), cache.memory.size)
        if state != self._shown:
            self._shown = state
            show(self._data_dir, snapshot_of(cache, self._gateway.wall_clock()))


def snapshot_of(cache: AnswerCache, at: float) -> Snapshot:
    """Return how a cache stands."""
    entries: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for one in cache.memory:
        entries[one.route] += 1
        sizes[one.route] += one.size
    told = cache.verdicts
    names = sorted({*cache.settings.routes, *entries, *(route for route, _ in told)})
    rows = tuple(
        RouteStanding(
            name,
            entries[name],
            sizes[name],
            told.get((name, "hit"), 0),
            told.get((name, "miss"), 0),
            told.get((name, "bypass"), 0),
            cache.saved.get(name, Decimal(0)),
        )
        for name in names
    )
    return Snapshot(os.getpid(), at, cache.memory.max_bytes, cache.memory.evicted, rows)

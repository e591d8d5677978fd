"""Build the ledger from the journal: each exchange lands exactly once, whoever is killed when."""

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol

from steelyard.config.settings import LedgerSettings
from steelyard.core.errors import StoreError
from steelyard.core.ids import short_id
from steelyard.journal.recovery import recover
from steelyard.journal.segments import make_directory
from steelyard.journal.tail import BATCH_BYTES, Tail
from steelyard.ledger.intake import drop_position, positions_of, take_in
from steelyard.ledger.retention import prune_older, prune_oversize
from steelyard.ledger.store import Ledger, UnreachableError

__all__ = ["Clerk", "Stop"]

BATCH = 2000
"""Exchanges of one transaction."""

_POLL_S = 0.15
_HOUSEKEEPING_S = 60.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_PATIENCE_S = 86400.0
"""How much longer than its time a segment is kept for a reader beside the ledger."""

_log = logging.getLogger("steelyard.clerk")


class Stop(Protocol):
    """What ends `Clerk.run`; `threading.Event` is one."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float) -> bool: ...


class Clerk:
    """Take the journal of one data directory into a ledger. There is one clerk a directory, held by a lock.

    Positions are stored in the transaction that stores the rows, and are read again after any failure, also after one
    that leaves open whether the transaction stands. `taken` exchanges were taken in by this one; `caught_up_at` is when
    these were all that was there, by the clock. `may_delete` says of a segment whether nobody else has yet to read it.
    """

    def __init__(
        self,
        ledger: Ledger,
        journal_dir: Path,
        settings: LedgerSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Claim the directory. Raises `StoreError` when another clerk has it; connects to nothing as yet."""
        self._ledger = ledger
        self._directory = journal_dir
        self._settings = settings
        self._clock = clock
        self._lock = _claim(journal_dir)
        self._source = _source(journal_dir)
        self._tail: Tail | None = None
        self._house_due = 0.0
        self._pruning = False
        self.may_delete: Callable[[str], bool] = lambda _: True
        self.taken = 0
        self.caught_up_at: float | None = None

    def __enter__(self) -> "Clerk":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let another clerk have the directory."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def step(self) -> int:
        """Take in one batch; return how many exchanges it held. Raises `UnreachableError` when the ledger is away, and
        `StoreError` when the journal holds a version that is not known here."""
        tail = self._tail or self._open()
        self._tail = None
        began = self._clock()
        try:
            batch = tail.read(BATCH)
        except OSError as error:
            raise StoreError(f"The journal {self._directory} cannot be read: {error.strerror}.") from error
        if batch.positions:
            take_in(self._ledger, self._source, batch)
        tail.accept(batch)
        self._tail = tail
        self.taken += len(batch.entries)
        if len(batch.entries) < BATCH and sum(entry.bytes for entry in batch.entries) < BATCH_BYTES:
            self.caught_up_at = began
        for finding in batch.findings:
            _log.warning("journal: %s", finding)
        return len(batch.entries)

    def tidy(self) -> bool:
        """Do one piece of retention; return whether more is left to do. Old journal segments go when none is left."""
        settings = self._settings
        now = self._clock()
        if settings.retention_days > 0 and prune_older(self._ledger, now - settings.retention_days * 86400):
            return True
        if settings.retention_bytes > 0 and prune_oversize(self._ledger, settings.retention_bytes):
            return True
        if settings.retention_days > 0 or settings.retention_bytes > 0:
            self._ledger.shrink()
        self._delete_segments(now - settings.journal_retention_hours * 3600)
        return False

    def run(self, stop: Stop) -> None:
        """Take in until told to stop, then what is left. An unreachable ledger is waited for; the journal keeps all."""
        pause = 0.0
        while not stop.is_set():
            try:
                taken = self.step()
                self._keep_house()
            except UnreachableError as error:
                if not pause:
                    _log.warning("%s. The journal keeps everything; trying again.", error)
                pause = min(max(_FIRST_PAUSE_S, pause * 2), _LONGEST_PAUSE_S)
                stop.wait(pause)
                continue
            if pause:
                _log.warning("The ledger %s is back.", self._ledger.name)
                pause = 0.0
            if taken < BATCH and not self._pruning:
                stop.wait(_POLL_S)
        if not pause:
            self._finish()

    def _open(self) -> Tail:
        """Make the ledger ready, and begin where the last transaction ended."""
        self._ledger.upgrade()
        for finding in recover(self._directory).findings:
            _log.warning("journal: %s", finding)
        return Tail(self._directory, positions_of(self._ledger, self._source))

    def _finish(self) -> None:
        try:
            while self.step():
                continue
        except UnreachableError as error:
            _log.warning("%s. What is left in the journal is taken in at the next start.", error)

    def _keep_house(self) -> None:
        now = time.monotonic()
        if self._pruning or now >= self._house_due:
            self._pruning = self.tidy()
            self._house_due = now + _HOUSEKEEPING_S

    def _delete_segments(self, before: float) -> None:
        """Delete segments that are taken in wholly and were last written before a time.

        First the file, then its position: in the other order a kill in between would have it taken in again."""
        if self._tail is None:
            return
        for segment in sorted(self._tail.finished):
            path = self._directory / segment
            try:
                written = path.stat().st_mtime
                if written >= before or not (self.may_delete(segment) or written < before - _PATIENCE_S):
                    continue
                path.unlink()
            except FileNotFoundError:
                # It held nothing, or went in a run that was killed before its position went too.
                pass
            except OSError as error:
                _log.warning("journal: %s cannot be deleted: %s", path, error.strerror)
                continue
            drop_position(self._ledger, self._source, segment)
            self._tail.forget(segment)


def _claim(directory: Path) -> int:
    path = directory / "clerk.lock"
    try:
        make_directory(directory)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"The journal's directory {directory} cannot be used: {error.strerror}. "
            "Give [server] data_dir a directory that this user may write."
        ) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        raise StoreError(
            f"Another clerk (process {holder}) already works on {directory}. Stop it first, or give this one another "
            "[server] data_dir."
        ) from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, b"%d\n" % os.getpid(), 0)
    return fd


def _source(directory: Path) -> str:
    """Return the name under which the ledger keeps this directory's positions; made once, by whoever has the lock.

    Other machines may fill the same ledger, and their segments may have the same names."""
    path = directory / "source"
    if path.exists():
        return path.read_text(encoding="ascii").strip()
    fresh = directory / "source.new"
    fresh.write_text(short_id(secrets.token_bytes) + "\n", encoding="ascii")
    fresh.replace(path)
    return path.read_text(encoding="ascii").strip()

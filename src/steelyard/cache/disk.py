"""Answers on disk: an SQLite file beside the ledger, for a cache that outlives the gateway. Whoever asks it waits."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from steelyard.cache.entry import Entry, encoded, entry_of
from steelyard.cache.shelved import Shelved
from steelyard.core.errors import StoreError

__all__ = ["DiskStore", "forget", "path_in"]

_ENDINGS = ("", "-wal", "-shm", "-journal")
_PATIENCE_S = 2.0
_VERSION = 1
_LOOKS = 64
_COPIES = 2  # SQLite documentation, "Write-Ahead Logging": what is written lies in the log, and then in the file, too
_LEAST_FREE = 500_000_000
_LEAST_PART_FREE = 10
"""So many bytes of a disk, or this part of a small one, are left to the journal, without which no call is answered."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    digest BLOB PRIMARY KEY,
    route TEXT NOT NULL,
    key TEXT,
    made_at REAL NOT NULL,
    size INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_made_at ON entry (made_at);
"""


def path_in(data_dir: Path) -> Path:
    """Return where the file lies."""
    return data_dir / "cache.sqlite3"


def forget(data_dir: Path) -> bool:
    """Remove the file, and what SQLite keeps beside it; return whether there was one."""
    path = path_in(data_dir)
    there = path.exists()
    for ending in _ENDINGS:
        path.with_name(path.name + ending).unlink(missing_ok=True)
    return there


def _make_private(path: Path) -> None:
    """Make the file before SQLite does, which would let others read it. One that others may read is theirs no longer;
    what others may have written is not given to anybody, but removed. Raises OSError.

    A file that is there is not opened: closing it would cancel the locks of this process's own connections (SQLite,
    "How To Corrupt An SQLite Database File", 2.2)."""
    with suppress(FileNotFoundError):
        if path.stat().st_mode & 0o022:
            forget(path.parent)
    for ending in _ENDINGS:
        beside = path.with_name(path.name + ending)
        with suppress(FileNotFoundError):
            if beside.stat().st_mode & 0o077:
                beside.chmod(0o600)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _is_full(error: sqlite3.Error) -> bool:
    """Say whether the disk has no room for what is written. To drop something is written, too."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


class DiskStore:
    """Entries by the digest of what was asked, within a number of bytes, and while the disk has `least_free` more
    (None: as many as suit it). It is used by one thread at a time. Several processes may have the same file open. All
    methods raise StoreError."""

    def __init__(self, data_dir: Path, max_bytes: int, least_free: int | None = None) -> None:
        self._path = path_in(data_dir)
        self.max_bytes = max_bytes
        self._least_free = least_free
        self._grown = max_bytes  # what others have left is not known
        self._file = 0
        self._connection = self._begun()
        self._is_open = True

    def _begun(self) -> sqlite3.Connection:
        try:
            return self._opened()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and not _is_full(error):
                raise StoreError(f"{self._path}: {error}. The cache is in memory alone.") from None
            return self._opened_anew()

    def _opened_anew(self) -> sqlite3.Connection:
        """Open a new file in the place of what is no database, or a broken one, or of one that has no room to be made
        smaller. What it held can be asked for again; left there, it could neither be used nor erased."""
        if self._is_there():  # and not in its place what another process has made anew already
            forget(self._path.parent)
        try:
            return self._opened()
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}. The cache is in memory alone.") from None

    def _opened(self) -> sqlite3.Connection:
        try:
            _make_private(self._path)
            self._file = self._path.stat().st_ino
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror}. The cache is in memory alone.") from None
        connection = sqlite3.connect(self._path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
        try:
            # SQLite documentation, "PRAGMA Statements": what is deleted is overwritten with zeros (secure_delete), and
            # room that it leaves can be given back (auto_vacuum).
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # what a power failure takes can be asked for again
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                connection.execute("DROP TABLE IF EXISTS entry")
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        except BaseException:  # whatever it is goes on from here, and leaves no connection open
            connection.close()
            raise
        return connection

    def _is_there(self) -> bool:
        """Say whether the file that was opened is still the one that others find."""
        try:
            return self._path.stat().st_ino == self._file
        except OSError:
            return False

    def _look(self) -> None:
        """Open the file where that failed before, or where somebody has removed it: it would be nobody else's, and its
        room on the disk would not be free."""
        if not self._is_open or not self._is_there():
            self._part()
            self._connection = self._begun()
            self._is_open = True

    def _part(self) -> None:
        self._is_open = False
        self._connection.close()

    def find(self, digest: bytes) -> Entry | None:
        """Return an entry; None where there is none."""
        with self._told():
            row = self._connection.execute("SELECT content FROM entry WHERE digest = ?", (digest,)).fetchone()
        return entry_of(digest, row[0]) if row is not None else None

    def keep(self, digest: bytes, entry: Entry) -> None:
        """Keep an entry in the place of one that was there; drop the oldest where room is needed."""
        content = encoded(digest, entry)
        more = _COPIES * len(content)
        if self._is_crowded(more):
            self._make_way(more)
            if self._is_crowded(more):
                raise StoreError(
                    f"{self._path}: the disk is nearly full, and what is left is the journal's. Answers are in memory "
                    "alone until some of it is freed."
                )
        with self._told(), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?)",
                (digest, entry.route, entry.key, entry.made_at, len(content), content),
            )
            self._grown += len(content)
            if self._grown > self.max_bytes // _LOOKS:
                self._grown = 0
                # To add all up takes long where there are many: it is done a few times while the store fills, and so
                # many bytes less are allowed.
                self._shrink(self._sum(), self.max_bytes - self.max_bytes // _LOOKS)

    def _sum(self) -> int:
        (size,) = self._connection.execute("SELECT coalesce(sum(size), 0) FROM entry").fetchone()
        return int(size)

    def _shrink(self, size: int, most: int) -> None:
        """Drop the oldest until the rest is so many bytes at most."""
        execute = self._connection.execute
        while size > most:
            digest, gone = execute("SELECT digest, size FROM entry ORDER BY made_at LIMIT 1").fetchone()
            execute("DELETE FROM entry WHERE digest = ?", (digest,))
            size -= gone

    def _is_crowded(self, more: int = 0) -> bool:
        """Say whether others need what is left of the disk, so many bytes taken."""
        try:
            disk = shutil.disk_usage(self._path.parent)
        except OSError:
            return False  # whoever writes is told
        least = min(_LEAST_FREE, disk.total // _LEAST_PART_FREE) if self._least_free is None else self._least_free
        return disk.free < least + more

    def _make_way(self, more: int = 0) -> None:
        """Drop the older half, again and again, while the disk is crowded."""
        size = 1
        while size and self._is_crowded(more):
            with self._told(), self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                size = self._sum()
                self._shrink(size, size // 2)
            if size:
                self._tidy()

    def sift(self, stays: Callable[[str, str | None, float], bool]) -> int:
        """Drop the entries that may not stay, by route, key and moment; return how many these were."""
        with self._told(), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            rows = self._connection.execute("SELECT digest, route, key, made_at FROM entry").fetchall()
            gone = [(digest,) for digest, *facts in rows if not stays(*facts)]
            self._connection.executemany("DELETE FROM entry WHERE digest = ?", gone)
        if gone:
            self._tidy()
        self._make_way()
        return len(gone)

    def clear(self, route: str | None = None) -> int:
        """Drop all entries, or those of a route; return how many these were."""
        return self.sift(lambda named, _key, _at: route is not None and named != route)

    def _tidy(self) -> None:
        """Give room back, and leave nothing of what was dropped in the log of writes."""
        with self._told():
            # A script, since it is run to its end: each step of this pragma gives one page back, and tells no row.
            self._connection.executescript("PRAGMA incremental_vacuum")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def marks(self) -> dict[str, float]:
        """Return nothing: what was cleared stands in the data directory, where all who share the file look."""
        return {}

    def shelved(self) -> list[Shelved]:
        """Return what there is, by route."""
        with self._told():
            rows = self._connection.execute(
                "SELECT route, count(*), sum(size), min(made_at), max(made_at) FROM entry GROUP BY route ORDER BY route"
            ).fetchall()
        return [Shelved(*row) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        self._look()
        try:
            yield
        except sqlite3.Error as error:
            # SQLITE_CORRUPT and SQLITE_NOTADB; others are of its subclasses.
            if type(error) is sqlite3.DatabaseError or _is_full(error):
                self._part()
                self._connection = self._opened_anew()
                self._is_open = True
                raise StoreError(f"{self._path}: {error}. It is made anew; what it held is gone.") from None
            raise StoreError(f"{self._path}: {error}. Free the disk, or remove the file: it is a cache.") from None

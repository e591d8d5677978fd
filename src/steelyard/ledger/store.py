"""SQLite or PostgreSQL behind one door."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError

from steelyard.core.errors import StoreError
from steelyard.ledger.migrations import HEAD, upgrade

__all__ = ["Ledger", "UnreachableError", "open_ledger", "sqlite_url"]

_UPGRADE_LOCK = 0x737465656C79
"""PostgreSQL's advisory lock for upgrades: any number will do that no other application in the database uses."""


class UnreachableError(StoreError):
    """The database does not answer, or cannot write at present. Trying again may help."""


class Ledger:
    """One database. Opening it connects to nothing: `upgrade`, `reading` and `writing` do.

    They raise `UnreachableError` when the database does not answer, and never tell its password.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._checked = False
        # A URL encodes what is no ASCII; a file is known by its path.
        database = engine.url.database
        is_file = engine.dialect.name == "sqlite" and database
        self.name = str(database) if is_file else engine.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    def upgrade(self) -> None:
        """Make or update the tables. Two at once wait for each other; nothing is left half-done."""
        if (path := self._path()) is not None:
            _make_private(path)
        with self._connected() as connection, connection.begin():
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
            self._refuse_newer(connection)
            upgrade(connection)
        self._checked = True

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one state of the ledger. Raises `StoreError` when there is no ledger as yet."""
        path = self._path()
        if path is not None and not path.exists():
            raise StoreError(
                f"There is no ledger at {path} yet. Start `steelyard up` or `steelyard clerk`; it makes one."
            )
        with self._connected(write=False) as connection, connection.begin():
            if not self._checked:
                self._refuse_newer(connection)
                self._refuse_older(connection)
                self._checked = True
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection whose changes stand together when the block ends, or not at all."""
        with self._connected() as connection, connection.begin():
            yield connection

    def shrink(self) -> None:
        """Give room that was freed back to the file system. PostgreSQL's own autovacuum does it there."""
        if self.is_sqlite:
            with self._connected() as connection:
                # Each step of the statement frees one page; of the driver's calls only this one takes all steps.
                driver: Any = connection.connection.driver_connection
                try:
                    driver.executescript("PRAGMA incremental_vacuum")
                except sqlite3.OperationalError as error:
                    raise UnreachableError(f"The ledger {self.name} cannot be shrunk: {error}") from error

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _connected(self, *, write: bool = True) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection.execution_options(steelyard_write=write)
        except (OperationalError, InterfaceError) as error:
            # Not chained: the driver's own error may quote the connection's parameters.
            raise UnreachableError(f"The ledger {self.name} cannot be used: {self._words(error)}") from None
        except DatabaseError as error:
            if type(error) is not DatabaseError:
                raise
            # SQLite's word for a file that is damaged, or none of its own.
            raise StoreError(
                f"The ledger {self.name} cannot be used: {self._words(error)}. Move the file away; "
                "a new ledger is made from the journal that is still there."
            ) from None

    def _path(self) -> Path | None:
        database = self._engine.url.database
        return Path(database) if self.is_sqlite and database else None

    def _words(self, error: DBAPIError) -> str:
        # libpq's words have several lines: the same failure over again for another kind of TLS, advice as a question.
        lines = (" ".join(line.split()).strip(" .") for line in str(error.orig).splitlines())
        text = "; ".join(dict.fromkeys(line for line in lines if line and not line.startswith("Is the server running")))
        password = self._engine.url.password
        return text.replace(str(password), "***") if password else text

    def _revision(self, connection: sa.Connection) -> str | None:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return found

    def _refuse_newer(self, connection: sa.Connection) -> None:
        found = self._revision(connection)
        if found is not None and found > HEAD:
            raise StoreError(
                f"The ledger {self.name} was written by a newer Steelyard (schema {found}, this one knows {HEAD}). "
                "Use that version or a newer one."
            )

    def _refuse_older(self, connection: sa.Connection) -> None:
        if self._revision(connection) != HEAD:
            raise StoreError(
                f"The ledger {self.name} has no tables of this version yet. "
                "Start `steelyard up` or `steelyard clerk`; it makes them."
            )


def open_ledger(url: str) -> Ledger:
    """Return the ledger behind an SQLAlchemy URL. Raises `StoreError` when there is no such kind, or no driver."""
    try:
        parsed = sa.make_url(url)
        engine = sa.create_engine(parsed, hide_parameters=True, pool_pre_ping=True, connect_args=_connect_args(parsed))
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != "psycopg":
            cause = f"the driver {error.name} is not installed"
        elif isinstance(error, ModuleNotFoundError):
            cause = "psycopg is not installed; run pip install -e '.[postgres]' in the clone of Steelyard"
        else:
            cause = "it is not a database address that Steelyard knows"
        raise StoreError(
            f"[ledger] url cannot be used: {cause}. It looks like postgresql+psycopg://USER:PASSWORD@HOST/DATABASE "
            "or sqlite:////absolute/path."
        ) from None
    if engine.dialect.name == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise StoreError("[ledger] url must name a file: sqlite:////absolute/path. In memory it would be lost.")
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return Ledger(engine)


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite ledger in a file."""
    return sa.URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def _connect_args(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"timeout": 30.0}
    return {"connect_timeout": 5, "application_name": "steelyard"}


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Transactions begin where we say (SQLAlchemy documentation, SQLite, "Serializable isolation / Savepoints").
    connection.isolation_level = None
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        # Only has an effect before there are tables, and would wait for a writer afterwards.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    for pragma in (
        "journal_mode=WAL",  # readers do not wait for the clerk
        "synchronous=NORMAL",  # safe in WAL mode against a killed process; the journal outlives the rest
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # IMMEDIATE: a writer waits for its turn at the beginning, where waiting works, not in the middle, where it fails
    # (SQLite documentation, "Transaction", 2.2).
    write = connection.get_execution_options().get("steelyard_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _make_private(path: Path) -> None:
    """Make the file before SQLite does, which would let others read it. Its WAL file takes over the same mode.

    A file that is there is not opened: closing it would cancel the locks of this process's own connections, and others
    would then delete the WAL that they write to (SQLite, "How To Corrupt An SQLite Database File", 2.2)."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise UnreachableError(f"The ledger {path} cannot be written: {error.strerror}") from error

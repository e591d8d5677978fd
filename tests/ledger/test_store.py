"""The store: one door to both databases, upgrades that do not clash, errors that keep secrets."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from steelyard.core.errors import StoreError
from steelyard.ledger import schema
from steelyard.ledger.migrations import HEAD
from steelyard.ledger.store import Ledger, UnreachableError, open_ledger, sqlite_url
from tests.ledger.postgres import PostgresServer

ROOT = Path(__file__).parents[2]


def test_the_migrations_make_the_tables_of_the_schema(ledger: Ledger) -> None:
    ledger.upgrade()
    with ledger.reading() as connection, warnings.catch_warnings():
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_the_last_step_is_the_one_this_version_needs() -> None:
    config = Config()
    config.set_main_option("script_location", "steelyard.ledger:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_an_upgrade_can_be_repeated(ledger: Ledger) -> None:
    ledger.upgrade()
    ledger.upgrade()
    with ledger.reading() as connection:
        assert connection.execute(sa.select(schema.head)).all() == [(1, 0, 0)]


@pytest.mark.slow
def test_upgrades_at_the_same_moment_do_not_clash(url: str) -> None:
    command = [sys.executable, "-m", "tests.ledger.upgrader", url]
    children = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    outcomes = [child.communicate(b"go\n", timeout=60) for child in children]
    assert [(child.returncode, err) for child, (_, err) in zip(children, outcomes, strict=True)] == [(0, b"")] * 3
    ledger = open_ledger(url)
    with ledger.reading() as connection:
        assert connection.execute(sa.select(schema.head)).all() == [(1, 0, 0)]
    ledger.close()


def test_a_ledger_of_a_newer_version_is_refused(ledger: Ledger, url: str) -> None:
    ledger.upgrade()
    with ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    again = open_ledger(url)
    with pytest.raises(StoreError, match=r"newer Steelyard \(schema 9999, this one knows"):
        again.upgrade()
    with pytest.raises(StoreError, match="newer Steelyard"), again.reading():
        pass
    again.close()


def test_a_database_without_a_ledger_says_who_makes_one(ledger: Ledger) -> None:
    with pytest.raises(StoreError, match="steelyard clerk"), ledger.reading():
        pass


def test_reading_makes_no_file(tmp_path: Path) -> None:
    ledger = open_ledger(sqlite_url(tmp_path / "none.sqlite3"))
    with pytest.raises(StoreError, match="no ledger at"), ledger.reading():
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_its_owners_only_and_others_read_while_one_writes(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.sqlite3"
    ledger = open_ledger(sqlite_url(path))
    ledger.upgrade()
    with ledger.writing() as writer, ledger.reading() as reader:
        writer.execute(sa.update(schema.head).values(next_seq=5))
        assert reader.execute(sa.select(schema.head.c.next_seq)).scalar_one() == 0
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    ledger.close()


def test_a_file_that_is_no_database_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"this is no database " * 300)
    ledger = open_ledger(sqlite_url(path))
    with pytest.raises(StoreError, match=r"file is not a database.*Move the file away"):
        ledger.upgrade()
    ledger.close()


def test_a_failed_block_changes_nothing(ledger: Ledger) -> None:
    ledger.upgrade()

    def fail() -> None:
        with ledger.writing() as connection:
            connection.execute(sa.update(schema.head).values(next_seq=5))
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fail()
    with ledger.reading() as connection:
        assert connection.execute(sa.select(schema.head.c.next_seq)).scalar_one() == 0


def test_an_unreachable_server_is_named_without_its_password() -> None:
    ledger = open_ledger("postgresql+psycopg://steel:top-secret-77@127.0.0.1:1/ledger")
    with pytest.raises(UnreachableError, match=r"steel:\*\*\*@127.0.0.1:1/ledger cannot be used: .*refused") as caught:
        ledger.upgrade()
    assert "top-secret-77" not in str(caught.value)
    assert caught.value.__cause__ is None
    ledger.close()


def test_a_wrong_password_is_refused_without_being_told(postgres: PostgresServer) -> None:
    ledger = open_ledger(postgres.url(password="top-secret-77"))
    with pytest.raises(UnreachableError, match="password authentication failed") as caught:
        ledger.upgrade()
    assert "top-secret-77" not in str(caught.value)
    ledger.close()


@pytest.mark.parametrize(
    "url", ["", "ledger.db", "nosuch://x", "sqlite://", "sqlite:///:memory:", "oracle://x:hush@y/z"]
)
def test_a_url_that_is_none_is_an_error_that_shows_a_good_one(url: str) -> None:
    with pytest.raises(StoreError, match=r"sqlite:////absolute/path") as caught:
        open_ledger(url)
    assert "hush" not in str(caught.value)

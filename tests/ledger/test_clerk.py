"""The clerk: each exchange once, whatever is killed, whatever it says."""

import logging
import random
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from steelyard.config.settings import LedgerSettings
from steelyard.core.errors import StoreError
from steelyard.core.usage import Usage
from steelyard.journal.segments import named_segments
from steelyard.journal.writer import JournalWriter
from steelyard.ledger import schema
from steelyard.ledger.clerk import Clerk
from steelyard.ledger.queries import show, tail
from steelyard.ledger.store import Ledger, UnreachableError, open_ledger, sqlite_url
from tests.journal.samples import exchange
from tests.ledger.postgres import PostgresServer
from tests.ledger.samples import journal_of

ROOT = Path(__file__).parents[2]
NOTHING_SPECIAL = LedgerSettings()


def _taken(ledger: Ledger) -> list[int]:
    """Return the numbers of all exchanges in the ledger, in its order."""
    with ledger.reading() as connection:
        rows = connection.execute(
            sa.select(schema.exchange.c.seq, schema.exchange.c.id).order_by(schema.exchange.c.seq)
        )
        return [int(row.id.removeprefix("req_"), 16) for row in rows]


def _take_all(clerk: Clerk) -> int:
    total = 0
    while taken := clerk.step():
        total += taken
    return total


@contextmanager
def _running(clerk: Clerk) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=clerk.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def _until(condition: "object", seconds: float = 20.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def test_it_takes_in_what_is_there_and_what_comes(ledger: Ledger, tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "w0", 64 * 1024)
    with Clerk(ledger, tmp_path, NOTHING_SPECIAL) as clerk:
        assert clerk.step() == 0
        for number in range(500):
            writer.append(exchange(number))
            if number % 100 == 50:
                clerk.step()
        _take_all(clerk)
        assert _taken(ledger) == list(range(500))
    writer.close()


def test_a_new_clerk_goes_on_where_the_last_one_ended(ledger: Ledger, tmp_path: Path) -> None:
    for round_ in range(3):
        journal_of(tmp_path, [exchange(100 * round_ + n) for n in range(100)])
        with Clerk(ledger, tmp_path, NOTHING_SPECIAL) as clerk:
            assert _take_all(clerk) == 100
    assert _taken(ledger) == list(range(300))


@pytest.mark.slow
def test_killed_again_and_again_it_takes_each_exchange_in_exactly_once(url: str, tmp_path: Path) -> None:
    total = 18_000
    journal_of(tmp_path, [exchange(n) for n in range(total)], segment_bytes=256 * 1024)
    chance = random.Random(11)
    command = [sys.executable, "-m", "tests.ledger.ingester", url, str(tmp_path)]
    kills = 0
    for lines in (1, 3, 2, 1, 1000):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            for _ in range(lines):
                if not child.stdout.readline():
                    break
            else:
                # Somewhere in the batch that follows, reading, writing or committing.
                time.sleep(chance.uniform(0, 0.12))
                child.kill()
                kills += 1
    assert kills == 4
    ledger = open_ledger(url)
    assert _taken(ledger) == list(range(total))
    with ledger.reading() as connection:
        assert connection.execute(sa.select(schema.exchange.c.seq)).scalars().all() == list(range(total))
        assert connection.execute(sa.select(schema.head.c.next_seq)).scalar_one() == total
    ledger.close()


def test_a_second_clerk_for_the_same_directory_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    with (
        Clerk(ledger, tmp_path, NOTHING_SPECIAL),
        pytest.raises(StoreError, match=r"Another clerk \(process \d+\) already works on"),
    ):
        Clerk(ledger, tmp_path, NOTHING_SPECIAL)
    Clerk(ledger, tmp_path, NOTHING_SPECIAL).close()


def test_directories_of_several_machines_fill_one_ledger_though_their_segments_have_the_same_names(
    ledger: Ledger, tmp_path: Path
) -> None:
    for machine in range(2):
        directory = tmp_path / str(machine)
        writer = JournalWriter(directory, "w0", 64 * 1024, clock=lambda: 1_760_000_000.0)
        for n in range(10 + machine):
            writer.append(exchange(100 * machine + n))
        writer.close()
    assert named_segments(tmp_path / "0") == named_segments(tmp_path / "1")
    for machine in range(2):
        with Clerk(ledger, tmp_path / str(machine), NOTHING_SPECIAL) as clerk:
            assert _take_all(clerk) == 10 + machine
    assert _taken(ledger) == [*range(10), *range(100, 111)]


def test_values_that_a_database_cannot_hold_do_not_stop_it(ledger: Ledger, tmp_path: Path) -> None:
    absurd = 2**64 - 1
    noise = secrets.token_hex(8000)
    hostile = exchange(
        1,
        route=noise,
        key=noise,
        deployment="nul\x00nul",
        error="a\x00b",
        end_user="\x00",
        request_bytes=absurd,
        usage=Usage(absurd, 5),
        cost_usd="1e99999",
        received_at=1e300,
    )
    journal_of(tmp_path, [exchange(0), hostile, exchange(2)])
    with Clerk(ledger, tmp_path, NOTHING_SPECIAL) as clerk:
        assert _take_all(clerk) == 3
    kept = show(ledger, hostile.id).exchange
    assert kept.usage == Usage(None, 5)
    assert kept.route is not None
    assert (len(kept.route), kept.route[:499]) == (500, noise[:499])
    assert kept.error in ("a\x00b", "a\ufffdb")
    assert _taken(ledger) == [0, 1, 2]


def test_exchanges_older_than_their_retention_go_with_their_bodies(ledger: Ledger, tmp_path: Path) -> None:
    now = 1_760_000_000.0
    old = [exchange(n, received_at=now - 2 * 86400 - n, request=b"old") for n in range(30)]
    journal_of(tmp_path, [*old, *(exchange(n, received_at=now - 60, request=b"new") for n in range(30, 40))])
    with Clerk(ledger, tmp_path, LedgerSettings(retention_days=1), clock=lambda: now) as clerk:
        _take_all(clerk)
        while clerk.tidy():
            continue
        assert _taken(ledger) == list(range(30, 40))
        with ledger.reading() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(schema.content)).scalar_one() == 10
        # A number is never given twice, and what went does not come back.
        journal_of(tmp_path, [exchange(40, received_at=now)])
        _take_all(clerk)
    assert [found.seq for found in tail(ledger, 2)] == [39, 40]


def test_the_first_exchanges_go_when_the_ledger_is_over_its_size(ledger: Ledger, tmp_path: Path) -> None:
    journal_of(tmp_path, [exchange(n, request=bytes(10_000)) for n in range(100)])
    with Clerk(ledger, tmp_path, LedgerSettings(retention_bytes=300_000)) as clerk:
        _take_all(clerk)
        while clerk.tidy():
            continue
    kept = _taken(ledger)
    assert kept == list(range(100 - len(kept), 100))
    assert 25 <= len(kept) <= 30
    with ledger.reading() as connection:
        counted = connection.execute(sa.select(schema.head.c.recorded_bytes)).scalar_one()
        there = connection.execute(sa.select(sa.func.sum(schema.exchange.c.recorded_bytes))).scalar_one()
    assert counted == there <= 300_000


def test_a_pruned_sqlite_ledger_gives_its_room_back(tmp_path: Path) -> None:
    ledger = open_ledger(sqlite_url(tmp_path / "ledger.sqlite3"))
    journal_of(tmp_path / "journal", [exchange(n, request=bytes(10_000)) for n in range(200)])
    with Clerk(ledger, tmp_path / "journal", LedgerSettings(retention_bytes=50_000)) as clerk:
        _take_all(clerk)
        while clerk.tidy():
            continue
    with ledger.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA freelist_count").scalar_one() == 0
        assert connection.exec_driver_sql("PRAGMA page_count").scalar_one() * 4096 < 500_000
    ledger.close()


def test_journal_segments_go_when_they_are_taken_in_and_old_and_never_before(ledger: Ledger, tmp_path: Path) -> None:
    journal_of(tmp_path, [exchange(n) for n in range(400)], segment_bytes=32 * 1024)
    closed = named_segments(tmp_path)
    living = JournalWriter(tmp_path, "w1", 32 * 1024)
    living.append(exchange(1000))
    assert len(closed) > 3
    hour = LedgerSettings(journal_retention_hours=1)
    with Clerk(ledger, tmp_path, hour, clock=lambda: time.time() + 7200) as clerk:
        clerk.tidy()
        assert len(named_segments(tmp_path)) == len(closed) + 1, "nothing is taken in yet"
    with Clerk(ledger, tmp_path, hour) as clerk:
        _take_all(clerk)
        clerk.tidy()
        assert len(named_segments(tmp_path)) == len(closed) + 1, "nothing is old yet"
    with Clerk(ledger, tmp_path, hour, clock=lambda: time.time() + 7200) as clerk:
        _take_all(clerk)
        clerk.tidy()
        assert [name.worker for name in named_segments(tmp_path)] == ["w1"]
        living.append(exchange(1001))
        _take_all(clerk)
    with ledger.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.position)).scalar_one() == 1
    assert _taken(ledger) == [*range(400), 1000, 1001]
    living.close()


def test_a_segment_that_others_have_yet_to_read_is_kept_a_day_longer(ledger: Ledger, tmp_path: Path) -> None:
    journal_of(tmp_path, [exchange(n) for n in range(200)])
    first, *others = (str(name) for name in named_segments(tmp_path))
    assert others
    hour = LedgerSettings(journal_retention_hours=1)
    for hours, left in ((2, [first]), (26, [])):
        with Clerk(ledger, tmp_path, hour, clock=lambda hours=hours: time.time() + hours * 3600) as clerk:  # type: ignore[misc]
            clerk.may_delete = lambda segment: segment != first
            _take_all(clerk)
            clerk.tidy()
            assert [str(name) for name in named_segments(tmp_path)] == left


def test_damage_in_the_journal_is_said_once(ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal_of(tmp_path, [exchange(n) for n in range(10)])
    path = tmp_path / str(named_segments(tmp_path)[0])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    for _ in range(2):
        with Clerk(ledger, tmp_path, NOTHING_SPECIAL) as clerk:
            _take_all(clerk)
    assert len([record for record in caplog.records if "damaged at" in record.getMessage()]) == 1
    assert 3 <= len(_taken(ledger)) <= 5


def test_it_runs_until_told_to_stop_and_then_takes_in_what_is_left(ledger: Ledger, tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "w0", 64 * 1024)
    with Clerk(ledger, tmp_path, NOTHING_SPECIAL) as clerk:
        with _running(clerk):
            writer.append(exchange(0))
            _until(lambda: (tmp_path / "source").exists() and _tables_there(ledger) and _taken(ledger) == [0])
            writer.append(exchange(1))
        assert _taken(ledger) == [0, 1]
    writer.close()


def _tables_there(ledger: Ledger) -> bool:
    try:
        _taken(ledger)
    except StoreError:
        return False
    return True


def test_while_postgresql_is_away_it_waits_and_says_so_once(
    postgres: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = postgres.new_database()
    ledger = open_ledger(url)
    writer = JournalWriter(tmp_path, "w0", 64 * 1024)
    writer.append(exchange(0))
    with Clerk(ledger, tmp_path, NOTHING_SPECIAL) as clerk, _running(clerk):
        _until(lambda: _tables_there(ledger) and _taken(ledger) == [0])
        postgres.stop()
        try:
            writer.append(exchange(1))
            _until(lambda: "trying again" in caplog.text)
            with pytest.raises(UnreachableError):
                _taken(ledger)
            time.sleep(0.7)
        finally:
            postgres.start()
        _until(lambda: _taken(ledger) == [0, 1])
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 2
    assert "The journal keeps everything" in said[0]
    assert "is back" in said[1]
    assert postgres.password not in caplog.text
    writer.close()
    ledger.close()


def test_it_can_start_before_its_database(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = open_ledger("postgresql+psycopg://steel:hush-hush@127.0.0.1:1/ledger")
    with Clerk(ledger, tmp_path, NOTHING_SPECIAL) as clerk, _running(clerk):
        _until(lambda: "trying again" in caplog.text)
    assert "hush-hush" not in caplog.text
    ledger.close()

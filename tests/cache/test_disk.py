"""Answers on disk."""

import sqlite3
import stat
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from steelyard.cache import encoded
from steelyard.cache.disk import DiskStore, forget, path_in
from steelyard.core.errors import StoreError
from steelyard.core.losses import Loss
from steelyard.core.usage import Usage
from tests.cache.entries import entry

MOST = 1 << 20
WHOLE = entry(
    b'{"a": "\xc3\xa9"}',
    key="k1",
    usage=Usage(3, 4, reasoning=1),
    usage_raw=b"{}",
    finish_reason="stop",
    model="m",
    cost_usd="0.000164",
    losses=(Loss("seed", "dropped", "why"),),
    spoken="anthropic",
)


def test_what_was_kept_is_found_by_another_who_opens_the_file(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, MOST)
    store.keep(b"a" * 32, WHOLE)
    store.close()
    again = DiskStore(tmp_path, MOST)
    assert again.find(b"a" * 32) == WHOLE
    assert again.find(b"b" * 32) is None
    again.close()


def test_two_may_have_it_open(tmp_path: Path) -> None:
    one, other = DiskStore(tmp_path, MOST), DiskStore(tmp_path, MOST)
    one.keep(b"a", entry())
    other.keep(b"b", entry())
    assert one.find(b"b") == other.find(b"a") == entry()
    one.close()
    other.close()


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    DiskStore(tmp_path, MOST).close()
    assert stat.S_IMODE(path_in(tmp_path).stat().st_mode) == 0o600


def test_a_file_that_others_may_read_is_theirs_no_longer(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, MOST)
    store.keep(b"a", entry())
    files = [path_in(tmp_path), path_in(tmp_path).with_name("cache.sqlite3-wal")]
    for path in files:
        path.chmod(0o644)
    again = DiskStore(tmp_path, MOST)
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600, 0o600]
    assert again.find(b"a") == store.find(b"a") == entry()
    again.close()
    store.close()


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_what_others_may_have_written_is_given_to_nobody(tmp_path: Path, mode: int) -> None:
    store = DiskStore(tmp_path, MOST)
    store.keep(b"a", entry())
    store.close()
    path_in(tmp_path).chmod(mode)
    again = DiskStore(tmp_path, MOST)
    assert again.find(b"a") is None
    assert stat.S_IMODE(path_in(tmp_path).stat().st_mode) == 0o600
    again.close()


def test_the_oldest_go_first_and_the_bound_holds(tmp_path: Path) -> None:
    most = 64 * 1024
    store = DiskStore(tmp_path, most)
    for number in range(40):
        store.keep(bytes([number]), entry(b"x" * 4000, made_at=1000.0 + number))
        assert sum(one.bytes for one in store.shelved()) <= most
    assert store.find(bytes([0])) is None
    assert store.find(bytes([39])) is not None
    store.close()


def test_what_is_erased_is_in_no_file_any_more(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, MOST)
    store.keep(b"a", entry(b"tell nobody" * 400, route="private"))
    store.keep(b"b", entry(b"anybody" * 400))
    assert store.sift(lambda route, _key, _at: route != "private") == 1
    content = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert b"tell nobody" not in content
    assert b"anybody" in content
    assert [(one.route, one.entries) for one in store.shelved()] == [("assistant", 1)]
    assert store.clear() == 1
    store.close()


def test_room_that_erased_answers_leave_is_given_back(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, MOST)
    for number in range(20):
        store.keep(b"%d" % number, entry(b"x" * 40_000))
    store.clear()
    assert path_in(tmp_path).stat().st_size < 100_000
    store.close()


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_broken_file_is_made_anew(tmp_path: Path, content: bytes) -> None:
    path_in(tmp_path).write_bytes(content)
    store = DiskStore(tmp_path, MOST)
    store.keep(b"a", entry())
    assert store.find(b"a") == entry()
    store.close()


def test_a_file_that_is_broken_in_its_middle_is_made_anew_and_keeps_nothing_that_was_to_be_erased(
    tmp_path: Path,
) -> None:
    store = DiskStore(tmp_path, MOST)
    for number in range(20):
        store.keep(b"%d" % number, entry(b"what was said" * 500))
    store.close()
    with path_in(tmp_path).open("r+b") as file:
        file.seek(4096)  # behind the first page, which is read when a file is opened
        file.write(b"\xff" * 40_000)
    store = DiskStore(tmp_path, MOST)
    with pytest.raises(StoreError, match="made anew"):
        store.sift(lambda *_: False)
    assert all(b"what was said" not in file.read_bytes() for file in tmp_path.iterdir())
    store.keep(b"a", entry())
    assert store.find(b"a") == entry()
    store.close()


@pytest.mark.parametrize(
    "damaged",
    [
        lambda kept: kept[:-3],
        lambda kept: kept + b"more",
        lambda kept: kept.replace(b"what was said", b"what was sair"),
        lambda _: encoded(b"b", entry()),
        lambda _: b"",
    ],
    ids=["cut", "longer", "one bit", "another's", "empty"],
)
def test_what_a_disk_has_spoiled_is_given_to_nobody(tmp_path: Path, damaged: Callable[[bytes], bytes]) -> None:
    store = DiskStore(tmp_path, MOST)
    said = entry(b"what was said")
    store.keep(b"a", said)
    store.close()
    with sqlite3.connect(path_in(tmp_path)) as connection:
        connection.execute("UPDATE entry SET content = ?", (damaged(encoded(b"a", said)),))
    connection.close()
    again = DiskStore(tmp_path, MOST)
    assert again.find(b"a") is None
    again.close()


@pytest.mark.parametrize("table", ["entry", "another"])
def test_a_file_of_another_schema_is_made_anew(tmp_path: Path, table: str) -> None:
    connection = sqlite3.connect(path_in(tmp_path))
    connection.executescript(f"CREATE TABLE {table} (other TEXT); PRAGMA user_version = 99")
    connection.close()
    store = DiskStore(tmp_path, MOST)
    assert store.find(b"a") is None
    store.close()


def test_a_directory_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="in memory alone"):
        DiskStore(tmp_path / "nowhere", MOST)


def test_forgetting_leaves_no_file(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, MOST)
    store.keep(b"a", entry())
    assert forget(tmp_path)
    store.close()
    assert [one.name for one in tmp_path.iterdir()] == []
    assert not forget(tmp_path)


def test_on_a_disk_that_is_nearly_full_answers_make_way_for_the_journal(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, MOST)
    for number in range(9):
        store.keep(b"%d" % number, entry(b"what was said" * 5000))
    store.close()
    crowded = DiskStore(tmp_path, MOST, least_free=2**62)
    with pytest.raises(StoreError, match="the disk is nearly full, and what is left is the journal's"):
        crowded.keep(b"a", entry())
    assert crowded.shelved() == []
    assert sum(file.stat().st_size for file in tmp_path.iterdir() if file.suffix != ".sqlite3-shm") < 60_000
    crowded.close()


def test_answers_make_way_for_the_journal_though_none_comes(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, MOST)
    for number in range(9):
        store.keep(b"%d" % number, entry())
    assert store.sift(lambda *_: True) == 0
    assert [one.entries for one in store.shelved()] == [9]
    store.close()
    crowded = DiskStore(tmp_path, MOST, least_free=2**62)
    assert crowded.sift(lambda *_: True) == 0
    assert crowded.shelved() == []
    crowded.close()


def test_a_file_that_has_no_room_to_be_made_smaller_is_made_anew(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, MOST)
    store.keep(b"a", entry(b"what was said" * 5000))
    store._connection.execute("PRAGMA max_page_count = 40")  # as a full disk has it: SQLITE_FULL
    with pytest.raises(StoreError, match=r"full\. It is made anew"):
        store.keep(b"b", entry(b"what was said" * 10_000))
    assert store.find(b"a") is None
    store.keep(b"b", entry(b"what was said" * 10_000))
    assert store.find(b"b") == entry(b"what was said" * 10_000)
    store.close()


def test_a_file_that_is_removed_while_it_is_open_is_begun_anew(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, MOST)
    store.keep(b"a", entry())
    forget(tmp_path)
    assert store.find(b"a") is None
    store.keep(b"b", entry())
    store.close()
    again = DiskStore(tmp_path, MOST)
    assert again.find(b"b") == entry()
    again.close()


def test_what_one_process_has_made_anew_the_other_uses_too(tmp_path: Path) -> None:
    one, other = DiskStore(tmp_path, MOST), DiskStore(tmp_path, MOST)
    for store in (one, other):
        store._connection.execute("PRAGMA max_page_count = 40")
        with pytest.raises(StoreError, match="made anew") if store is one else nullcontext():
            store.keep(b"large", entry(b"what was said" * 20_000))
    one.keep(b"a", entry())
    assert (other.find(b"a"), one.find(b"large")) == (entry(), entry(b"what was said" * 20_000))
    one.close()
    other.close()


def test_a_store_that_could_not_be_opened_again_is_opened_once_it_can(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    store = DiskStore(home, MOST)
    home.rename(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(StoreError, match="No such file or directory"):
            store.keep(b"a", entry())
    home.mkdir()
    store.keep(b"a", entry())
    assert store.find(b"a") == entry()
    store.close()

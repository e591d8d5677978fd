"""The key file on a real disk, with real processes at it."""

import fcntl
import json
import multiprocessing
import multiprocessing.queues
import multiprocessing.synchronize
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.core.errors import ConfigError, StoreError
from steelyard.keys.file import KeyFile
from steelyard.keys.key import Bearer, hash_of
from steelyard.keys.ring import KeyRing

NOW = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "store" / "keys.json", Clock())


def test_a_key_is_kept_without_its_secret(keys: KeyFile) -> None:
    key, secret = keys.create("team-a", ("assistant",), NOW + 90, "full")
    assert secret.startswith("sy-")
    assert len(secret) == 53
    assert (key.name, key.routes, key.expires_at, key.record) == ("team-a", ("assistant",), NOW + 90, "full")
    assert key.created_at == NOW + 1
    assert key.hash == hash_of(secret.encode())
    assert keys.list() == (key,)
    for file in keys.path.parent.iterdir():
        assert secret not in file.read_text()
        assert secret[3:] not in file.read_text()
    assert KeyRing(keys.list()).find(secret.encode(), NOW) == key


def test_keys_of_before_there_were_priorities_are_normal(keys: KeyFile) -> None:
    keys.create("team-a", bearer=Bearer(priority="low"))
    assert [key.priority for key in keys.list()] == ["low"]
    content = json.loads(keys.path.read_bytes())
    del content["keys"][0]["priority"]
    keys.path.write_text(json.dumps(content))
    assert [key.priority for key in keys.list()] == ["normal"]


def test_no_file_means_no_keys(keys: KeyFile) -> None:
    assert keys.list() == ()
    assert not keys.path.parent.exists()


def test_only_the_owner_may_read_the_files(keys: KeyFile) -> None:
    before = os.umask(0)
    try:
        keys.create("team-a")
    finally:
        os.umask(before)
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert {file.name for file in keys.path.parent.iterdir()} == {"keys.json", "keys.json.lock"}
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in keys.path.parent.iterdir())
    assert stat.S_IMODE(keys.path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a/b", "é", "a" * 65, "a\n", "a\x1b[31m"])
def test_a_name_that_cannot_be_typed_is_refused(name: str, keys: KeyFile) -> None:
    with pytest.raises(ConfigError, match="cannot name a key"):
        keys.create(name)
    assert not keys.path.parent.exists()


def test_an_expiry_in_the_past_is_refused(keys: KeyFile) -> None:
    with pytest.raises(ConfigError, match='"team-a" would have expired already'):
        keys.create("team-a", expires_at=NOW)
    assert keys.list() == ()


def test_a_name_belongs_to_one_live_key(keys: KeyFile) -> None:
    first, _ = keys.create("team-a", expires_at=NOW + 10)
    with pytest.raises(StoreError, match=r'A key "team-a" exists.*steelyard keys revoke team-a'):
        keys.create("team-a")
    keys.revoke("team-a")
    second, _ = keys.create("team-a", expires_at=NOW + 10)
    assert second.id != first.id
    while not keys._clock() > NOW + 10:
        pass
    keys.create("team-a")
    assert [key.name for key in keys.list()] == ["team-a"] * 3


def test_a_key_is_revoked_by_name_or_by_id_and_once(keys: KeyFile) -> None:
    first, _ = keys.create("team-a")
    other, _ = keys.create("team-b")
    revoked = keys.revoke("team-a")
    assert revoked.id == first.id
    assert revoked.revoked_at is not None
    with pytest.raises(StoreError, match=r'"team-a" is revoked already. Nothing was changed.'):
        keys.revoke("team-a")
    again, _ = keys.create("team-a")
    with pytest.raises(StoreError, match="is revoked already"):
        keys.revoke(first.id)
    assert keys.revoke("team-a").id == again.id
    assert keys.revoke(other.id).name == "team-b"
    assert not any(key.live(NOW) for key in keys.list())


def test_an_unknown_name_gets_the_nearest(keys: KeyFile) -> None:
    keys.create("team-alpha")
    with pytest.raises(StoreError, match=r'No key has the name or id "team-alfa". Did you mean "team-alpha"'):
        keys.revoke("team-alfa")
    with pytest.raises(StoreError, match="`steelyard keys list` shows them"):
        keys.revoke("zzz")


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"version": 1}',
        b'{"version": "1", "keys": []}',
        b'{"version": 1, "keys": [{"id": "x"}]}',
        b'{"version": 1, "keys": [], "more": 1}',
        b'{"version": 1, "keys": [{"id":"x","name":"x","hash":"zz","routes":null,"record":null,"created_at":1}]}',
    ],
)
def test_a_damaged_file_is_never_taken_for_an_empty_one(damage: bytes, keys: KeyFile) -> None:
    keys.create("team-a")
    keys.path.write_bytes(damage)
    for attempt in (keys.list, lambda: keys.create("team-b"), lambda: keys.revoke("team-a")):
        with pytest.raises(StoreError, match=r"keys\.json is damaged .*Restore it from a backup, or move it away"):
            attempt()
    assert keys.path.read_bytes() == damage


def test_a_file_of_a_later_version_is_refused(keys: KeyFile) -> None:
    keys.path.parent.mkdir()
    keys.path.write_text('{"version": 2, "rings": []}')
    with pytest.raises(StoreError, match=r"has version 2; this Steelyard reads 1. Update Steelyard."):
        keys.list()


def test_a_file_that_is_gone_is_not_taken_for_none(keys: KeyFile) -> None:
    keys.create("team-a")
    keys.path.unlink()
    with pytest.raises(
        StoreError, match=r"is gone, though keys were made here. Restore it from a backup; or, to begin"
    ):
        keys.list()
    keys.path.with_name("keys.json.lock").unlink()
    assert keys.list() == ()


def test_a_file_that_everybody_may_write_is_refused(keys: KeyFile) -> None:
    keys.create("team-a")
    keys.path.chmod(0o666)
    with pytest.raises(StoreError, match=r"can be written by everybody.*chmod 600"):
        keys.list()
    keys.path.chmod(0o664)
    assert len(keys.list()) == 1


def test_a_directory_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written: File exists"):
        KeyFile(tmp_path / "file" / "keys.json").create("team-a")
    (tmp_path / "keys.json").mkdir()
    with pytest.raises(StoreError, match="cannot be read: Is a directory"):
        KeyFile(tmp_path / "keys.json").list()


def test_what_a_killed_writer_left_does_no_harm(keys: KeyFile) -> None:
    keys.create("team-a")
    left = keys.path.with_name("keys.json.new")
    left.write_text("{ half a fi")
    keys.create("team-b")
    assert [key.name for key in keys.list()] == ["team-a", "team-b"]
    assert not left.exists()


def create_many(path: str, name: str, count: int, together: "multiprocessing.synchronize.Barrier") -> None:
    keys = KeyFile(Path(path))
    together.wait(30)
    for number in range(count):
        keys.create(f"{name}-{number}")
        if number % 2:
            keys.revoke(f"{name}-{number}")


@pytest.mark.slow
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shares=st.lists(st.integers(1, 5), min_size=2, max_size=3))
def test_processes_that_write_at_once_lose_nothing_and_readers_see_whole_files(
    shares: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("store") / "keys.json"
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(len(shares))
    writers = [
        spawn.Process(target=create_many, args=(str(path), f"writer{at}", share, together))
        for at, share in enumerate(shares)
    ]
    for writer in writers:
        writer.start()
    seen = 0
    while any(writer.is_alive() for writer in writers):
        count = len(KeyFile(path).list())  # raises when it meets half a file
        assert count >= seen
        seen = count
        time.sleep(0.0005)
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    expected = {f"writer{at}-{number}": number % 2 for at, share in enumerate(shares) for number in range(share)}
    assert {key.name: int(key.revoked_at is not None) for key in KeyFile(path).list()} == expected


def try_to_create(
    path: str, results: "multiprocessing.queues.Queue[str]", together: "multiprocessing.synchronize.Barrier"
) -> None:
    together.wait(30)
    try:
        results.put(KeyFile(Path(path)).create("team-a")[1])
    except StoreError as error:
        results.put(f"refused: {error}")


@pytest.mark.slow
def test_of_processes_that_want_one_name_one_gets_it(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    results: multiprocessing.queues.Queue[str] = spawn.Queue()
    arguments = (str(tmp_path / "keys.json"), results, spawn.Barrier(3))
    rivals = [spawn.Process(target=try_to_create, args=arguments) for _ in range(3)]
    for rival in rivals:
        rival.start()
    answers = [results.get(timeout=30) for _ in rivals]
    for rival in rivals:
        rival.join()
    (secret,) = (answer for answer in answers if not answer.startswith("refused: "))
    assert sum(answer.startswith('refused: A key "team-a" exists.') for answer in answers) == 2
    (key,) = KeyFile(tmp_path / "keys.json").list()
    assert key.hash == hash_of(secret.encode())


WRITE_FOR_EVER = """
import sys
from pathlib import Path
from steelyard.keys.file import KeyFile
keys = KeyFile(Path(sys.argv[1]))
number = 0
while True:
    keys.create(f"{sys.argv[2]}-{number}")
    print(number, flush=True)
    number += 1
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_loses_no_key_that_it_announced(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    for turn in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(path), f"turn{turn}"], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        announced = [int(writer.stdout.readline()) for _ in range(2 + turn)]
        time.sleep(0.0007 * turn)  # so that the kill falls on different steps of a change
        writer.send_signal(signal.SIGKILL)
        announced += [int(line) for line in writer.stdout.read().split()]
        writer.stdout.close()
        writer.wait()
        names = {key.name for key in KeyFile(path).list()}
        assert names >= {f"turn{turn}-{number}" for number in announced}
    KeyFile(path).create("last")


def test_a_writer_waits_for_the_lock_and_a_reader_does_not(keys: KeyFile) -> None:
    keys.create("team-a")
    lock = os.open(keys.path.with_name("keys.json.lock"), os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    writer = threading.Thread(target=keys.create, args=("team-b",))
    writer.start()
    assert len(keys.list()) == 1
    writer.join(0.05)
    assert writer.is_alive()
    os.close(lock)
    writer.join(10)
    assert [key.name for key in keys.list()] == ["team-a", "team-b"]


def test_the_file_can_be_read_by_other_tools(keys: KeyFile) -> None:
    key, _ = keys.create("team-a")
    (row,) = json.loads(keys.path.read_text())["keys"]
    assert (row["id"], row["name"], row["hash"]) == (key.id, "team-a", key.hash)

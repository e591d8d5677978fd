"""The ring follows its file, and stays closed when the file is lost."""

import os
import time
from pathlib import Path

import pytest

from steelyard.core.errors import StoreError, Unauthorized
from steelyard.keys.file import KeyFile
from steelyard.keys.watch import KeyWatch


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def test_a_new_key_and_a_revocation_hold_after_the_next_poll(keys: KeyFile) -> None:
    watch = KeyWatch(keys)
    before = watch.ring
    assert not watch.poll()
    key, secret = keys.create("team-a")
    assert watch.poll()
    assert (before.required, watch.ring.required) == (False, True)
    assert watch.ring.find(secret.encode(), time.time()) == key
    keys.revoke("team-a")
    assert watch.poll()
    with pytest.raises(Unauthorized) as caught:
        watch.ring.find(secret.encode(), time.time())
    assert caught.value.code == "key_revoked"
    assert not watch.poll()


def test_no_change_of_many_quick_ones_is_missed(keys: KeyFile) -> None:
    watch = KeyWatch(keys)
    for number in range(20):
        keys.create(f"team-{number}")
        if number % 3 == 0:
            assert watch.poll()
            assert len(watch.ring.keys) == number + 1
    watch.poll()
    assert len(watch.ring.keys) == 20


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 1, "keys": []}'])
def test_a_damaged_or_emptied_file_leaves_the_last_ring(content: bytes, keys: KeyFile) -> None:
    key, secret = keys.create("team-a")
    good = keys.path.read_bytes()
    watch = KeyWatch(keys)
    keys.path.write_bytes(content)
    assert watch.poll()
    assert watch.problem is not None
    assert "keys.json" in watch.problem
    assert watch.ring.required
    assert watch.ring.find(secret.encode(), time.time()) == key
    assert not watch.poll()  # the same problem is reported once
    keys.path.write_bytes(good)
    assert watch.poll()
    assert watch.problem is None


def test_a_deleted_file_leaves_the_last_ring(keys: KeyFile) -> None:
    key, secret = keys.create("team-a")
    watch = KeyWatch(keys)
    keys.path.unlink()
    assert watch.poll()
    assert watch.problem is not None
    keys.path.with_name("keys.json.lock").unlink()
    watch.poll()
    assert watch.problem is not None
    assert watch.ring.find(secret.encode(), time.time()) == key


def test_a_gateway_does_not_start_on_a_damaged_or_lost_file(keys: KeyFile) -> None:
    keys.create("team-a")
    keys.path.write_bytes(b"{")
    with pytest.raises(StoreError, match="is damaged"):
        KeyWatch(keys)
    keys.path.unlink()
    with pytest.raises(StoreError, match="is gone"):
        KeyWatch(keys)


def test_what_was_wrong_may_pass_without_the_file_changing(keys: KeyFile) -> None:
    keys.create("team-a")
    watch = KeyWatch(keys)
    keys.path.chmod(0o666)
    keys.path.write_bytes(keys.path.read_bytes() + b"\n")
    assert watch.poll()
    assert watch.problem is not None
    keys.path.chmod(0o600)
    assert watch.poll()
    assert watch.problem is None


def test_a_poll_without_a_change_costs_little(keys: KeyFile) -> None:
    keys.create("team-a")
    os.utime(keys.path, (1, 1))
    watch = KeyWatch(keys)
    time.sleep(0.06)  # until the file has come to rest: see FileWatch
    watch.poll()
    best = min(_time_of(watch) for _ in range(5))
    assert best < 100e-6


def _time_of(watch: KeyWatch) -> float:
    begun = time.process_time()
    for _ in range(100):
        assert not watch.poll()
    return (time.process_time() - begun) / 100

"""Each exchange stands in the access log once, whoever is killed when and whatever moves the file."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from steelyard.journal.follower import Follower
from steelyard.journal.writer import JournalWriter
from steelyard.telemetry.access_log import AccessLog, secret_of
from tests.journal.samples import exchange

SECRET = bytes(32)


def numbers(*files: Path) -> list[int]:
    """Return the numbers of all lines, each of which must be whole."""
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [int(json.loads(line)["id"].removeprefix("req_"), 16) for line in lines]


def journal(directory: Path, count: int) -> JournalWriter:
    writer = JournalWriter(directory, "w0", 1 << 20)
    for number in range(count):
        writer.append(exchange(number))
    return writer


def test_what_was_written_before_a_kill_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    first = AccessLog(file, SECRET)
    mark = first.take([exchange(0), exchange(1)])
    first.take([exchange(2), exchange(3)])  # nobody kept the mark
    second = AccessLog(file, SECRET)
    second.resume([mark.device, mark.inode, mark.size])
    second.take([exchange(number) for number in range(2, 7)])
    assert numbers(file) == list(range(7))


def test_a_torn_line_is_cut_off_and_written_whole(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    first = AccessLog(file, SECRET)
    mark = first.take([exchange(0)])
    first.take([exchange(1), exchange(2)])
    with file.open("r+b") as torn:
        torn.truncate(file.stat().st_size - 10)
    second = AccessLog(file, SECRET)
    second.resume([mark.device, mark.inode, mark.size])
    second.take([exchange(1), exchange(2)])
    assert numbers(file) == [0, 1, 2]


@pytest.mark.parametrize("rotated", ["access.log.1", "access-20261123.log"])
def test_a_file_that_was_moved_is_left_alone(tmp_path: Path, rotated: str) -> None:
    file = tmp_path / "access.log"
    log = AccessLog(file, SECRET)
    log.take([exchange(0)])
    file.rename(tmp_path / rotated)
    log.take([exchange(1)])
    assert numbers(tmp_path / rotated) == [0]
    assert numbers(file) == [1]


@pytest.mark.parametrize("rotated", ["access.log.1", "access-20261123.log"])
def test_a_kill_around_a_rotation_repeats_nothing(tmp_path: Path, rotated: str) -> None:
    file = tmp_path / "access.log"
    first = AccessLog(file, SECRET)
    mark = first.take([exchange(0)])
    first.take([exchange(1)])
    file.rename(tmp_path / rotated)
    first.take([exchange(2)])
    second = AccessLog(file, SECRET)
    second.resume([mark.device, mark.inode, mark.size])
    second.take([exchange(number) for number in (1, 2, 3)])
    assert numbers(tmp_path / rotated, file) == [0, 1, 2, 3]


def test_a_kill_in_the_first_batch_tears_and_repeats_nothing(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    AccessLog(file, SECRET).take([exchange(0), exchange(1)])  # nobody kept the mark
    with file.open("r+b") as torn:
        torn.truncate(file.stat().st_size - 10)
    file.rename(tmp_path / "access.log.1")
    second = AccessLog(file, SECRET)
    second.resume(None)
    second.take([exchange(0), exchange(1)])
    assert numbers(tmp_path / "access.log.1", file) == [0, 1]


def test_a_file_begun_behind_the_mark_and_moved_since_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    first = AccessLog(file, SECRET)
    mark = first.take([exchange(0)])
    file.rename(tmp_path / "access.log.2")
    first.take([exchange(1)])
    file.rename(tmp_path / "access.log.1")
    second = AccessLog(file, SECRET)
    second.resume([mark.device, mark.inode, mark.size])
    second.take([exchange(1), exchange(2)])
    assert numbers(tmp_path / "access.log.2", tmp_path / "access.log.1", file) == [0, 1, 2]


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\n{no line of ours", b"{", b'notes\n{"ti'])
def test_what_is_not_a_log_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    stranger = tmp_path / "access.log.gz"
    stranger.write_bytes(content)
    log = AccessLog(tmp_path / "access.log", SECRET)
    log.resume(None)
    log.take([exchange(0)])
    assert stranger.read_bytes() == (b"" if content == b"{" else content)  # "{" is a line of ours, torn
    assert numbers(tmp_path / "access.log") == [0]


def test_a_file_that_was_cut_in_its_place_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    log = AccessLog(file, SECRET)
    mark = log.take([exchange(0), exchange(1)])
    with file.open("r+b") as copied:
        copied.truncate(0)  # logrotate's copytruncate
    log.take([exchange(2)])
    second = AccessLog(file, SECRET)
    second.resume([mark.device, mark.inode, mark.size])
    second.take([exchange(3)])
    assert numbers(file) == [2, 3]


def test_it_is_readable_by_its_owner_and_group_only(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "access.log"
    AccessLog(file, SECRET).take([exchange(0)])
    assert file.stat().st_mode & 0o137 == 0


def test_a_file_that_cannot_be_opened_is_tried_again(tmp_path: Path) -> None:
    blocked = tmp_path / "access.log"
    blocked.mkdir()
    journal(tmp_path / "journal", 3).close()
    follower = Follower(tmp_path / "journal", "access_log", AccessLog(blocked, SECRET))
    with pytest.raises(OSError, match="directory"):
        follower.step()
    blocked.rmdir()
    assert follower.step() == 3
    assert numbers(blocked) == [0, 1, 2]


@pytest.mark.slow
def test_each_exchange_is_there_once_after_kills_and_rotations(tmp_path: Path) -> None:
    count, seed = 24_000, 20261123
    print("seed", seed)
    chance = random.Random(seed)
    directory, file = tmp_path / "journal", tmp_path / "access.log"
    writer = journal(directory, count)
    rotated = [tmp_path / f"access.log.{number}" for number in range(4)]
    for target in rotated:
        process = subprocess.Popen([sys.executable, "-m", "tests.telemetry.logger", str(directory), str(file)])
        begun = time.monotonic()
        while not file.exists():
            assert time.monotonic() < begun + 30
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.08))
        process.kill()
        process.wait()
        file.rename(target)
    writer.append(exchange(count))
    follower = Follower(directory, "access_log", AccessLog(file, SECRET))
    while follower.step():
        continue
    assert sorted(numbers(*rotated, file)) == list(range(count + 1))


def test_the_key_of_the_hashes_stays_and_is_secret(tmp_path: Path) -> None:
    secret = secret_of(tmp_path)
    assert len(secret) == 32
    assert secret_of(tmp_path) == secret
    assert (tmp_path / "log.key").stat().st_mode & 0o077 == 0

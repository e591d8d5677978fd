"""The writer: what it took is there, and it knows beforehand what it can take."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from steelyard.core.errors import StoreError
from steelyard.journal.framing import encode_frame
from steelyard.journal.segment import FIRST
from steelyard.journal.segments import named_segments
from steelyard.journal.writer import JournalWriter
from tests.journal.samples import drained, exchange

FRAME = len(encode_frame(exchange()))
SEGMENT = FIRST + 10 * FRAME


@contextmanager
def _files_at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` (setrlimit(2), RLIMIT_FSIZE; Python ignores SIGXFSZ)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def _small_disk(at: Path, size: int) -> Iterator[Path]:
    """Mount a real file system of `size` bytes."""
    at.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(at)]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"mounting a small tmpfs is not permitted here: {error}")
    try:
        yield at
    finally:
        subprocess.run(["umount", at], check=True)


def _can_write(writer: JournalWriter) -> bool:
    return writer.writable


def _sizes(directory: Path) -> list[int]:
    return [(directory / str(name)).stat().st_size for name in named_segments(directory)]


def test_what_was_appended_can_be_read_while_the_writer_lives(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "journal", "w0", SEGMENT)
    for number in range(5):
        writer.append(exchange(number))
    assert drained(tmp_path / "journal") == [0, 1, 2, 3, 4]
    writer.close()


def test_the_directory_and_its_files_are_their_owners_only(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "journal"
    writer = JournalWriter(directory, "w0", SEGMENT)
    writer.append(exchange())
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    writer.close()


def test_segments_are_named_by_worker_start_and_number(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "w-7", SEGMENT, clock=lambda: 1_760_000_000.5)
    for number in range(11):
        writer.append(exchange(number))
    assert [str(name) for name in named_segments(tmp_path)] == [
        "w-7-1760000000500-000001.journal",
        "w-7-1760000000500-000002.journal",
    ]
    writer.close()


def test_two_runs_in_one_millisecond_get_different_names(tmp_path: Path) -> None:
    for number in range(3):
        writer = JournalWriter(tmp_path, "w0", SEGMENT, clock=lambda: 1_760_000_000.5)
        writer.append(exchange(number))
        writer.close()
    assert len(named_segments(tmp_path)) == 3
    assert drained(tmp_path) == [0, 1, 2]


def test_a_full_segment_is_cut_to_its_frames_and_the_next_one_is_there_in_time(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "w0", SEGMENT + FRAME // 2)
    for number in range(6):
        writer.append(exchange(number))
    assert len(list(tmp_path.glob("*.spare"))) == 1
    for number in range(6, 25):
        writer.append(exchange(number))
    assert _sizes(tmp_path) == [SEGMENT, SEGMENT, SEGMENT + FRAME // 2]
    writer.close()
    assert _sizes(tmp_path) == [SEGMENT, SEGMENT, FIRST + 5 * FRAME]
    assert list(tmp_path.glob("*.spare")) == []
    assert drained(tmp_path) == list(range(25))


def test_an_exchange_larger_than_a_segment_gets_one_of_its_own_size(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "w0", SEGMENT)
    body = bytes(5 * SEGMENT)
    for number in range(7):
        writer.append(exchange(number, request=body if number == 6 else None))
    writer.append(exchange(7))
    writer.close()
    assert drained(tmp_path) == list(range(8))
    assert len(named_segments(tmp_path)) == 3


def test_a_writer_that_wrote_nothing_leaves_nothing(tmp_path: Path) -> None:
    JournalWriter(tmp_path, "w0", SEGMENT).close()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/journal cannot be made: File exists.*data_dir"):
        JournalWriter(tmp_path / "file" / "journal", "w0", SEGMENT)


def test_without_room_for_a_segment_nothing_is_writable_until_there_is(tmp_path: Path) -> None:
    with _files_at_most(SEGMENT - 1):
        writer = JournalWriter(tmp_path, "w0", SEGMENT)
        assert not _can_write(writer)
        assert "File too large" in (writer.problem or "")
        with pytest.raises(StoreError, match="could not be written to the journal"):
            writer.append(exchange())
        writer.refresh()
        assert not _can_write(writer)
    writer.refresh()
    assert _can_write(writer)
    assert writer.problem is None
    writer.append(exchange(1))
    writer.close()
    assert drained(tmp_path) == [1]


def test_a_write_that_fails_half_way_is_an_error_and_what_follows_is_still_found(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "w0", SEGMENT)
    writer.append(exchange(0))
    with _files_at_most(FIRST + FRAME + FRAME // 2):
        with pytest.raises(StoreError, match=r"req_0*1 could not be written"):
            writer.append(exchange(1))
        assert not _can_write(writer)
    writer.refresh()
    assert _can_write(writer)
    writer.append(exchange(2))
    assert drained(tmp_path) == [0, 2]
    writer.close()
    assert drained(tmp_path) == [0, 2]


def test_an_exchange_too_large_for_the_disk_does_not_spoil_the_segment(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "w0", SEGMENT)
    with _files_at_most(2 * SEGMENT):
        writer.append(exchange(0))
        with pytest.raises(StoreError):
            writer.append(exchange(1, request=bytes(3 * SEGMENT)))
        assert not _can_write(writer)
        writer.refresh()
        assert _can_write(writer)
        writer.append(exchange(2))
    writer.close()
    assert drained(tmp_path) == [0, 2]
    assert len(named_segments(tmp_path)) == 1


def test_a_full_disk_is_known_before_the_call_that_would_not_fit(tmp_path: Path) -> None:
    segment = 256 * 1024
    with _small_disk(tmp_path / "disk", 1024 * 1024) as disk:
        (disk / "ballast").write_bytes(bytes(600 * 1024))
        writer = JournalWriter(disk / "journal", "w0", segment)
        number = 0
        while writer.writable:
            writer.append(exchange(number))
            number += 1
        assert "No space left on device" in (writer.problem or "")
        # Calls under way when the disk filled up still have room: half of a segment.
        for _ in range(writer.reserve // FRAME - 1):
            writer.append(exchange(number))
            number += 1
        writer.refresh()
        assert not _can_write(writer)
        (disk / "ballast").unlink()
        writer.refresh()
        assert _can_write(writer)
        writer.append(exchange(number))
        assert drained(disk / "journal") == list(range(number + 1))
        writer.close()

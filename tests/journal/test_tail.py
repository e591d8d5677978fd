"""Tail: everything once, in order, while it is written."""

import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.core.exchange import SCHEMA
from steelyard.journal.frames import SchemaError
from steelyard.journal.framing import encode_frame
from steelyard.journal.segment import FIRST, MAGIC
from steelyard.journal.segments import named_segments
from steelyard.journal.tail import BATCH_BYTES, Tail
from steelyard.journal.writer import JournalWriter
from tests.journal.samples import drained, exchange, ids

FRAME = len(encode_frame(exchange()))
SEGMENT = FIRST + 10 * FRAME


def _segment(directory: Path, content: bytes, name: str = "w0-1760000000000-000001.journal") -> Path:
    path = directory / name
    path.write_bytes(MAGIC + content)
    return path


def test_it_goes_on_where_it_was_and_reads_nothing_twice(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "w0", SEGMENT)
    tail = Tail(tmp_path, {})
    seen: list[int] = []
    for number in range(35):
        writer.append(exchange(number))
        if number % 3 == 0:
            batch = tail.read()
            tail.accept(batch)
            seen += ids(batch)
            assert seen == list(range(number + 1))
    writer.close()
    batch = tail.read()
    assert seen + ids(batch) == list(range(35))
    tail.accept(batch)
    assert tail.read().entries == []
    assert tail.finished == {str(name) for name in named_segments(tmp_path)}


def test_what_was_not_accepted_comes_again(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "w0", SEGMENT)
    for number in range(15):
        writer.append(exchange(number))
    tail = Tail(tmp_path, {})
    assert tail.read() == tail.read()
    assert ids(tail.read()) == list(range(15))
    writer.close()


def test_another_tail_goes_on_from_the_positions_of_the_first(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "w0", SEGMENT)
    for number in range(25):
        writer.append(exchange(number))
    batch = Tail(tmp_path, {}).read(13)
    assert ids(batch) == list(range(13))
    assert ids(Tail(tmp_path, batch.positions).read()) == list(range(13, 25))
    writer.close()


def test_one_reading_takes_no_more_than_its_limit_in_exchanges_and_bytes(tmp_path: Path) -> None:
    body = bytes(BATCH_BYTES // 4)
    writer = JournalWriter(tmp_path, "w0", SEGMENT)
    for number in range(9):
        writer.append(exchange(number, response=body))
    writer.close()
    tail = Tail(tmp_path, {})
    batch = tail.read()
    assert ids(batch) == [0, 1, 2, 3]
    assert sum(entry.bytes for entry in batch.entries) < 2 * BATCH_BYTES
    assert drained(tmp_path, limit=2) == list(range(9))


def test_a_busy_worker_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    writers = [JournalWriter(tmp_path, f"w{n}", SEGMENT) for n in range(3)]
    for n, writer in enumerate(writers):
        for number in range(30):
            writer.append(exchange(100 * n + number))
    tail = Tail(tmp_path, {})
    first: list[int] = []
    for _ in range(3):
        batch = tail.read(5)
        tail.accept(batch)
        first += ids(batch)
    assert {number // 100 for number in first} == {0, 1, 2}
    for writer in writers:
        writer.close()


@pytest.mark.parametrize("missing", [1, 4, 8, FRAME // 2, FRAME - 1])
def test_a_frame_that_a_living_writer_has_not_finished_is_not_ready(tmp_path: Path, missing: int) -> None:
    writer = JournalWriter(tmp_path, "w0", SEGMENT)
    writer.append(exchange(0))
    path = tmp_path / str(named_segments(tmp_path)[0])
    frame = encode_frame(exchange(1))
    with path.open("r+b") as file:
        file.seek(FIRST + FRAME)
        file.write(frame[: FRAME - missing])
    tail = Tail(tmp_path, {})
    batch = tail.read()
    assert (ids(batch), batch.findings) == ([0], ())
    tail.accept(batch)
    assert tail.read().findings == ()
    # The writer gets on with it.
    writer.append(exchange(1))
    assert ids(tail.read()) == [1]
    writer.close()


def test_a_torn_tail_of_a_dead_writer_is_passed_over_without_a_word(tmp_path: Path) -> None:
    frame = encode_frame(exchange(1))
    _segment(tmp_path, encode_frame(exchange(0)) + frame[: FRAME - 5] + bytes(500))
    _segment(tmp_path, encode_frame(exchange(2)), "w0-1760000000000-000002.journal")
    batch = Tail(tmp_path, {}).read()
    assert (ids(batch), batch.findings) == ([0, 2], ())
    assert len(batch.finished) == 2


@pytest.mark.parametrize("at", [3, 5, 20, FRAME - 1])
def test_damage_is_reported_once_and_the_next_segment_is_read(tmp_path: Path, at: int) -> None:
    content = bytearray(b"".join(encode_frame(exchange(n)) for n in range(3)))
    content[FRAME + at] ^= 0x41
    path = _segment(tmp_path, bytes(content))
    _segment(tmp_path, encode_frame(exchange(9)), "w0-1760000000000-000002.journal")
    tail = Tail(tmp_path, {})
    batch = tail.read()
    assert ids(batch) == [0, 9]
    assert len(batch.findings) == 1
    assert f"{path.name}: damaged at {FIRST + FRAME}" in batch.findings[0]
    again = Tail(tmp_path, batch.positions).read()
    assert (again.entries, again.findings) == ([], ())
    assert path.read_bytes() == MAGIC + bytes(content)


def test_a_foreign_file_is_reported_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "w0-1760000000000-000001.journal").write_bytes(b"something else entirely")
    (tmp_path / "notes.txt").write_text("no journal")
    _segment(tmp_path, encode_frame(exchange(4)), "w0-1760000000000-000002.journal")
    batch = Tail(tmp_path, {}).read()
    assert ids(batch) == [4]
    assert len(batch.findings) == 1
    assert "000001.journal: is not a journal" in batch.findings[0]


def test_a_version_of_tomorrow_stops_the_reading_after_all_before_it(tmp_path: Path) -> None:
    newer = encode_frame(exchange(1)).replace(bytes((0x92, SCHEMA)), bytes((0x92, SCHEMA + 1)), 1)
    payload = newer[8:]
    newer = newer[:4] + zlib.crc32(payload).to_bytes(4, "little") + payload
    _segment(tmp_path, encode_frame(exchange(0)) + newer)
    tail = Tail(tmp_path, {})
    batch = tail.read()
    assert ids(batch) == [0]
    tail.accept(batch)
    with pytest.raises(SchemaError):
        tail.read()


def test_a_journal_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    assert Tail(tmp_path / "nothing", {}).read().entries == []


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 2), st.sampled_from([0, 50, 900, 9000])),
        st.tuples(st.just("close"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("read"), st.integers(1, 20), st.just(0)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


class _Journal:
    """Three workers, one reader, and what each wrote and read."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._writers: dict[int, JournalWriter] = {}
        self._positions: dict[str, int] = {}
        self._number = 0
        self._tail = Tail(directory, {})
        self.written: dict[str, list[int]] = {"w0": [], "w1": [], "w2": []}
        self.read_back: dict[str, list[int]] = {"w0": [], "w1": [], "w2": []}

    def append(self, which: int, size: int) -> None:
        self._number += 1
        if which not in self._writers:
            self._writers[which] = JournalWriter(self._directory, f"w{which}", SEGMENT, clock=lambda: self._number)
        self._writers[which].append(exchange(self._number, worker=f"w{which}", request=bytes(size)))
        self.written[f"w{which}"].append(self._number)

    def close(self, which: int, _: int = 0) -> None:
        if which in self._writers:
            self._writers.pop(which).close()

    def read(self, limit: int, _: int = 0) -> bool:
        batch = self._tail.read(limit)
        self._tail.accept(batch)
        self._positions.update(batch.positions)
        for entry, number in zip(batch.entries, ids(batch), strict=True):
            self.read_back[entry.exchange.worker].append(number)
        return bool(batch.positions)

    def restart(self, _: int, __: int) -> None:
        self._tail = Tail(self._directory, self._positions)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_steps)
def test_however_writing_reading_and_restarts_interleave_each_exchange_is_read_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    journal = _Journal(tmp_path_factory.mktemp("journal"))
    for kind, which, size in steps:
        getattr(journal, kind)(which, size)
    while journal.read(7):
        continue
    for which in range(3):
        journal.close(which)
    assert not journal.read(100)
    assert journal.read_back == journal.written

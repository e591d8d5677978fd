"""Recovery: what a kill leaves behind is cut off, what it acknowledged stays."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.journal.framing import encode_frame
from steelyard.journal.recovery import recover
from steelyard.journal.segment import FIRST, MAGIC
from steelyard.journal.segments import named_segments
from steelyard.journal.writer import JournalWriter
from tests.journal.samples import drained, exchange

FRAME = len(encode_frame(exchange()))
SEGMENT = FIRST + 10 * FRAME
ROOT = Path(__file__).parents[2]


def _killed_after(directory: Path, first: int, acknowledgements: int) -> int:
    """Let a process append until it has acknowledged so many, kill it, and return the last number it acknowledged."""
    command = [sys.executable, "-m", "tests.journal.appender", str(directory), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdout is not None
        for _ in range(acknowledgements):
            child.stdout.readline()
        child.kill()
        # What it wrote before it died counts, too.
        lines = child.stdout.read().split(b"\n")
        child.wait()
    whole = [int(line) for line in lines[:-1]]
    return whole[-1] if whole else first + acknowledgements - 1


@pytest.mark.slow
def test_every_acknowledged_exchange_outlives_sigkill(tmp_path: Path) -> None:
    acknowledged: set[int] = set()
    for round_ in range(6):
        first = round_ * 1_000_000
        last = _killed_after(tmp_path, first, 40 + 61 * round_)
        acknowledged.update(range(first, last + 1))
    assert acknowledged <= set(drained(tmp_path))
    recover(tmp_path)
    found = drained(tmp_path)
    assert found == sorted(set(found))
    assert acknowledged <= set(found)
    # One that was written but not yet acknowledged may be there, once a round.
    assert len(found) <= len(acknowledged) + 6
    assert list(tmp_path.glob("*.spare")) == []


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 5), st.integers(0, FRAME - 1), st.sampled_from([0, 1, 7, 8, 300, 5000]))
def test_a_torn_tail_is_cut_to_the_last_whole_frame(
    tmp_path_factory: pytest.TempPathFactory, whole: int, torn: int, zeros: int
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    path = directory / "w0-1760000000000-000001.journal"
    frames = b"".join(encode_frame(exchange(n)) for n in range(whole))
    rest = encode_frame(exchange(99))[:torn]
    path.write_bytes(MAGIC + frames + rest + bytes(max(FRAME - torn, 0) + zeros))
    done = recover(directory)
    assert done.findings == ()
    if whole:
        assert path.stat().st_size == FIRST + len(frames)
        assert done.cut == (path.name,)
    else:
        assert not path.exists()
    assert drained(directory) == list(range(whole))


def test_a_living_writer_is_left_in_peace(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "w0", SEGMENT)
    for number in range(7):
        writer.append(exchange(number))
    before = sorted(path.name for path in tmp_path.iterdir())
    assert recover(tmp_path).cut == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    for number in range(7, 30):
        writer.append(exchange(number))
    assert drained(tmp_path) == list(range(30))
    writer.close()


def test_a_damaged_segment_is_kept_as_evidence(tmp_path: Path) -> None:
    content = bytearray(MAGIC + b"".join(encode_frame(exchange(n)) for n in range(3)))
    content[FIRST + FRAME + 30] ^= 1
    path = tmp_path / "w0-1760000000000-000001.journal"
    path.write_bytes(content)
    assert recover(tmp_path).cut == ()
    assert path.read_bytes() == content


def test_only_the_worker_that_was_asked_for_is_touched(tmp_path: Path) -> None:
    for worker in ("w0", "w1"):
        (tmp_path / f"{worker}-1760000000000-000001.journal").write_bytes(MAGIC + encode_frame(exchange()) + bytes(900))
    assert recover(tmp_path, "w1").cut == ("w1-1760000000000-000001.journal",)
    assert recover(tmp_path).freed_bytes == 900
    assert len(named_segments(tmp_path)) == 2


def test_recovering_where_there_is_no_journal_does_nothing(tmp_path: Path) -> None:
    assert recover(tmp_path / "nothing").findings == ()

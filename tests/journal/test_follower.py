"""A follower hands everything on in order, and goes on where its sink was."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

import pytest

from steelyard.core.exchange import Exchange
from steelyard.journal.follower import Follower
from steelyard.journal.segments import named_segments
from steelyard.journal.writer import JournalWriter
from tests.journal.samples import exchange


class Collector:
    """A sink that remembers, and fails while it is told to."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.marks: list[object] = []
        self.failing = False
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def resume(self, mark: object) -> None:
        self.marks.append(mark)

    def take(self, exchanges: Sequence[Exchange]) -> object:
        if self.failing:
            raise OSError(28, "No space left on device")
        self.taken += [int(one.id.removeprefix("req_"), 16) for one in exchanges]
        return len(self.taken)


def written(directory: Path, numbers: range, worker: str = "w0") -> JournalWriter:
    writer = JournalWriter(directory, worker, 64 * 1024)
    for number in numbers:
        writer.append(exchange(number))
    return writer


def test_all_that_is_there_is_handed_on_in_order(tmp_path: Path) -> None:
    written(tmp_path, range(300)).close()
    sink = Collector()
    follower = Follower(tmp_path, "log", sink)
    while follower.step():
        continue
    assert sink.taken == list(range(300))
    assert sink.marks == [None]


def test_another_one_of_its_name_goes_on_behind_it(tmp_path: Path) -> None:
    writer = written(tmp_path, range(10))
    first, second = Collector(), Collector()
    Follower(tmp_path, "log", first).step()
    writer.append(exchange(10))
    follower = Follower(tmp_path, "log", second)
    follower.step()
    assert follower.step() == 0
    assert (first.taken, second.taken) == (list(range(10)), [10])
    assert second.marks == [10]


def test_two_names_do_not_know_of_each_other(tmp_path: Path) -> None:
    written(tmp_path, range(5)).close()
    one, other = Collector(), Collector()
    Follower(tmp_path, "one", one).step()
    Follower(tmp_path, "other", other).step()
    assert one.taken == other.taken == list(range(5))


def test_what_a_sink_could_not_take_is_given_again_behind_its_last_mark(tmp_path: Path) -> None:
    writer = written(tmp_path, range(4))
    sink = Collector()
    follower = Follower(tmp_path, "log", sink)
    follower.step()
    writer.append(exchange(4))
    sink.failing = True
    with pytest.raises(OSError, match="No space"):
        follower.step()
    sink.failing = False
    follower.step()
    assert sink.taken == list(range(5))
    assert sink.marks == [None, 4]


def test_it_runs_on_when_its_sink_fails_and_ends_with_nothing_left(tmp_path: Path) -> None:
    writer = written(tmp_path, range(3))
    sink = Collector()
    sink.failing = True
    stop = Event()
    follower = Follower(tmp_path, "log", sink)
    thread = Thread(target=follower.run, args=(stop,))
    thread.start()
    while len(sink.marks) < 2:
        stop.wait(0.01)
    assert sink.taken == []
    sink.failing = False
    while not sink.taken:
        stop.wait(0.01)
    writer.append(exchange(3))
    stop.set()
    thread.join(10)
    assert sink.taken == [0, 1, 2, 3]
    assert sink.closed


def test_positions_of_segments_that_are_gone_are_dropped(tmp_path: Path) -> None:
    written(tmp_path, range(3)).close()
    follower = Follower(tmp_path, "log", Collector())
    follower.step()
    gone = next(tmp_path.glob("*.journal"))
    gone.unlink()
    written(tmp_path, range(3, 6)).close()
    Follower(tmp_path, "log", Collector()).step()
    assert gone.name not in (tmp_path / "log.position").read_text()


def test_it_knows_which_segments_it_has_read_to_their_end(tmp_path: Path) -> None:
    written(tmp_path, range(3)).close()
    living = written(tmp_path, range(3, 6), "w1")
    closed, growing = (str(name) for name in named_segments(tmp_path))
    follower = Follower(tmp_path, "log", Collector())
    assert not follower.has_read(closed)
    while follower.step():
        continue
    assert follower.has_read(closed)
    assert not follower.has_read(growing)
    living.close()


def test_it_knows_when_it_had_everything(tmp_path: Path) -> None:
    written(tmp_path, range(3)).close()
    follower = Follower(tmp_path, "log", Collector(), clock=lambda: 7.0)
    assert follower.caught_up_at is None
    follower.step()
    assert follower.caught_up_at == 7.0


def test_a_position_that_cannot_be_read_begins_anew(tmp_path: Path) -> None:
    written(tmp_path, range(3)).close()
    (tmp_path / "log.position").write_text("{")
    sink = Collector()
    Follower(tmp_path, "log", sink).step()
    assert sink.taken == [0, 1, 2]

"""Each process's page of metrics, kept as a file, so that whoever is asked can show all."""

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from steelyard.metrics.exposition import counted, joined, labelled, summed

__all__ = ["EVERY_S", "Snapshots"]

EVERY_S: Final = 5.0
"""How often a process writes its page."""

_WORKER: Final = "gateway-"
_PAST: Final = "past"
_HOLDS: Final = "# holds "
_MOST_HELD: Final = 16


class Snapshots:
    """The pages of one data directory.

    A gateway under a supervisor shows its page before it answers with it: whoever is asked next shows figures that are
    no older, so that no counter ever goes back. The files of one worker are `gateway-WORKER.PID-START.prom` for each of
    its processes that runs, and `gateway-WORKER.past.prom` for what those counted that have ended. A page that the
    past holds may still lie there for a moment: it is counted once, since the past says what it holds and is read last.
    """

    def __init__(self, data_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self._directory = data_dir / "metrics"
        self._clock = clock
        self._began = int(clock() * 1000)
        self._own: tuple[str, str, str] | None = None

    def show_worker(self, worker: str, pid: int, page: str) -> None:
        """Have others show the page of a worker's process, which is this one, and which shows it from now on whether it
        could be written or not: a full disk is what the page tells of. Raises OSError."""
        name = f"{pid}-{self._began}"
        self._own = (worker, name, page)
        self._write(f"{_WORKER}{worker}.{name}", page)

    def show(self, name: str, page: str) -> None:
        """Have the gateways show the page of a process that is not one of them. Raises OSError."""
        self._write(name, page)

    def bury(self, worker: str, pid: int) -> None:
        """Keep what a worker's process counted that has ended. Only the supervisor does. Raises OSError."""
        for path in sorted(self._directory.glob(f"{_WORKER}{worker}.{pid}-*.prom")):
            page = path.read_text(encoding="utf-8")
            held, past = self._past(worker)
            holds = [*held, path.stem.partition(".")[2]][-_MOST_HELD:]
            whole = summed([past, counted(page)])
            self._write(f"{_WORKER}{worker}.{_PAST}", f"{_HOLDS}{' '.join(holds)}\n{whole}")
            path.unlink()

    def clear(self) -> None:
        """Forget all gateways: those of a supervisor begin to count anew with it. Raises OSError."""
        for path in self._directory.glob(f"{_WORKER}*"):
            path.unlink()

    def single(self, page: str) -> str:
        """Return the page of a gateway that is alone, and what other processes show."""
        return page + joined(self._others())  # whoever is no gateway has metrics of other names

    def all(self, *, several: bool) -> str:
        """Return what all workers show and what other processes show. Of `several` workers, each sample says which."""
        pages: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for path in self._directory.glob(f"{_WORKER}*.prom"):
            worker, _, name = path.stem.removeprefix(_WORKER).partition(".")
            pages[worker][name] = _read(path) if name != _PAST else ""
        if self._own is not None:
            worker, name, own = self._own
            pages[worker][name] = own
        found = []
        for worker in sorted(pages):
            held, past = self._past(worker)
            living = [name for name in pages[worker] if name != _PAST and name not in held]
            living.sort(key=lambda name: int(name.rpartition("-")[2]))
            page = summed([past, *(pages[worker][name] for name in living)])
            found.append(labelled(page, "worker", worker) if several else page)
        return joined([*found, *self._others()])

    def _past(self, worker: str) -> tuple[list[str], str]:
        """Return whose pages the past of a worker holds, and what they counted."""
        text = _read(self._path(f"{_WORKER}{worker}.{_PAST}"))
        first, _, page = text.partition("\n")
        return first.removeprefix(_HOLDS).split(), page

    def _others(self) -> list[str]:
        paths = sorted(self._directory.glob("*.prom"))
        return [_read(path) for path in paths if not path.name.startswith(_WORKER)]

    def _write(self, name: str, page: str) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._directory / f"{name}.fresh"
        fresh.write_text(page, encoding="utf-8")
        fresh.replace(self._path(name))

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.prom"


def _read(path: Path) -> str:
    """Return a page; an empty one when it has just gone."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8")
    return ""

"""Each process's page of metrics, kept as a file, so that whoever is asked can show all."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from steelyard.metrics.exposition import joined, labelled

__all__ = ["EVERY_S", "Snapshots"]

EVERY_S: Final = 5.0
"""How often a process writes its page."""

_WORKER: Final = "gateway-"
_STALE_S: Final = 6 * EVERY_S
"""After how long without a new page a worker counts as gone."""


class Snapshots:
    """The pages of one data directory.

    A worker that is one of several shows its page before it answers with it: whoever is asked next shows figures that
    are no older, so that no counter ever goes back. A single one writes no file.
    """

    def __init__(self, data_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self._directory = data_dir / "metrics"
        self._clock = clock

    def show_worker(self, worker: str, page: str) -> None:
        """Have others show a worker's page. Raises OSError."""
        self._write(f"{_WORKER}{worker}", labelled(page, "worker", worker))

    def show(self, name: str, page: str) -> None:
        """Have the gateways show the page of a process that is not one of them. Raises OSError."""
        self._write(name, page)

    def withdraw_worker(self, worker: str) -> None:
        """Show a worker's page no longer."""
        with suppress(OSError):  # what cannot be taken away grows stale, and is not shown then either
            self._path(f"{_WORKER}{worker}").unlink()

    def single(self, page: str) -> str:
        """Return the page of a gateway that is alone, and what other processes show."""
        return page + joined(self._others())  # whoever is no gateway has metrics of other names

    def all(self) -> str:
        """Return what all workers show, each sample with its worker, and what other processes show."""
        pages = []
        for path in sorted(self._directory.glob(f"{_WORKER}*.prom")):
            with suppress(OSError):  # it has ended meanwhile, and withdrawn its page
                if path.stat().st_mtime >= self._clock() - _STALE_S:
                    pages.append(path.read_text(encoding="utf-8"))
        return joined([*pages, *self._others()])

    def _others(self) -> list[str]:
        pages = []
        for path in sorted(self._directory.glob("*.prom")):
            if not path.name.startswith(_WORKER):
                with suppress(OSError):  # its process has ended meanwhile
                    pages.append(path.read_text(encoding="utf-8"))
        return pages

    def _write(self, name: str, page: str) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._directory / f"{name}.fresh"
        fresh.write_text(page, encoding="utf-8")
        fresh.replace(self._path(name))

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.prom"

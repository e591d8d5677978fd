"""Pull a model with a progress bar."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from steelyard.cli.shown import bytes_text, console
from steelyard.engines.progress import Progress, Report
from steelyard.engines.store import ModelStore, StoredModel

__all__ = ["pull_with_bar"]

_STAGES: Final = {"waiting": "Waiting for another pull", "downloading": "Downloading", "checking": "Checking"}


def pull_with_bar(store: ModelStore, source: str, name: str | None = None) -> StoredModel:
    """Return the model that `source` names, pulled when it is not there. Progress goes to standard error: a bar on a
    terminal, a line a stage elsewhere."""
    with _bar() if sys.stderr.isatty() else _lines() as report:
        return store.pull(source, name=name, report=report)


@contextmanager
def _bar() -> Iterator[Report]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bar(*columns, TimeRemainingColumn(), console=console(stderr=True)) as bar:
        tasks = {}

        def report(progress: Progress) -> None:
            if progress.stage not in tasks:
                tasks[progress.stage] = bar.add_task(_STAGES[progress.stage], total=None)
            bar.update(tasks[progress.stage], completed=progress.done_bytes, total=progress.total_bytes)

        yield report


@contextmanager
def _lines() -> Iterator[Report]:
    told: set[str] = set()

    def report(progress: Progress) -> None:
        if progress.stage in told:
            return
        told.add(progress.stage)
        size = f" ({bytes_text(progress.total_bytes)})" if progress.total_bytes else ""
        print(f"{_STAGES[progress.stage]}{size} …", file=sys.stderr, flush=True)

    yield report

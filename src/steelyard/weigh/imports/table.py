"""Recorded results as one long table, which `weigh recorded` and others read: item, model, score, and what was told."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct

from steelyard.core.errors import ConfigError, StoreError
from steelyard.weigh.imports.tools import Tool
from steelyard.weigh.results.scores import scores_of
from steelyard.weigh.results.sheet import Block, Results, mistaken
from steelyard.weigh.results.sides import side_of

__all__ = ["Sum", "found_below", "found_logs", "long_rows", "sums"]

_OWN: Final = ("item", "model", "score", "epoch")


class Sum(Struct, frozen=True):
    """What one model comes to: `mean` over the items with a score, runs of an item averaged; None: there are none."""

    model: str
    items: int
    scored: int
    missing: int
    mean: float | None


def found_logs(tool: Tool, given: Iterable[str]) -> list[str]:
    """Return the logs, each [MODEL=]FILE; a directory stands for all logs of the tool below it.

    Raises ConfigError for a directory without any and for a file of another kind, StoreError for one that cannot be
    read."""
    found: list[str] = []
    for one in given:
        name, equals, path = one.partition("=")
        prefix, path = (f"{name}=", path) if equals and not Path(one).exists() else ("", one)
        if not Path(path).is_dir():
            _check_log(tool, Path(path))
            found.append(prefix + path)
            continue
        below = found_below(tool, Path(path))
        if not below:
            raise ConfigError(f"{path}: no log of {tool.name} lies there ({', '.join(tool.logs)})")
        found += [f"{prefix}{file}" for file in below]
    return found


def _check_log(tool: Tool, path: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}. Check the path and its mode.") from error
    if not tool.wrote(content):
        raise ConfigError(f"{path}: no log of {tool.name}. `weigh recorded` reads tables and other tools' logs.")


def found_below(tool: Tool, directory: Path) -> list[Path]:
    """Return the logs of a tool below a directory, in order of their paths."""
    return sorted({file for pattern in tool.logs for file in directory.rglob(pattern)})


def long_rows(results: Results) -> list[dict[str, object]]:
    """Return a row for each item, model and run, with every column that a log tells. A missing score is None.

    Raises ConfigError for cells that are no scores."""
    wrong: list[str] = []
    rows = [row for block in results.blocks for row in _rows(block, wrong)]
    if wrong:
        raise mistaken(wrong)
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]


def _rows(block: Block, wrong: list[str]) -> Iterator[dict[str, object]]:
    scores = [None if np.isnan(score) else float(score) for score in scores_of(block, wrong)]
    repeats = block.cells(block.repeat) if block.repeat is not None else [None] * len(scores)
    kept = [name for name in block.sheet.names if name not in (block.item, block.score, block.repeat)]
    columns = {f"log.{name}" if name in _OWN else name: block.cells(name) for name in kept}
    for number, item in enumerate(block.column(block.item).said()):
        row: dict[str, object] = {"item": item, "model": block.model, "score": scores[number]}
        if block.repeat is not None:
            row["epoch"] = repeats[number]
        yield row | {name: cells[number] for name, cells in columns.items()}


def sums(results: Results) -> list[Sum]:
    """Return what each model comes to. Raises ConfigError for scores that contradict each other."""
    found = []
    for model in results.models:
        side = side_of(results, model, failing=False)
        known = side.scores[~np.isnan(side.scores)]
        mean = float(known.mean()) if len(known) else None
        found.append(Sum(model, len(side.items), len(known), side.missing, mean))
    return found

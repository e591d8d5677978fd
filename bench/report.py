"""The report: a table for people, JSON for programs."""

import os
import platform
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import msgspec
from rich.console import Console
from rich.table import Table

from bench.figures import Row

__all__ = ["as_json", "build", "show"]

_NOTES = {
    "compiled": "Steelyard's hot modules are compiled by mypyc.",
    "python": "Steelyard is in Python throughout: nothing of it is compiled.",
}


def show(rows: list[Row], console: Console) -> None:
    """Print one line a row: what, ours, nginx's, the value with its spread, the target, the verdict."""
    table = Table(title="Steelyard against nginx, same machine, same minutes", title_justify="left")
    for name in ("measurement", "steelyard", "nginx", "value (spread)", "target", "", "note"):
        table.add_column(
            name, justify="right" if name in ("steelyard", "nginx", "value (spread)", "target") else "left"
        )
    for row in rows:
        table.add_row(*_cells(row))
    table.caption = _NOTES[build()]
    console.print(table)


def as_json(rows: list[Row]) -> str:
    """Return the rows, the verdict, and the machine they were measured on."""
    verdict = all(row.reached for row in rows)
    whole: dict[str, Any] = {"reached": verdict, "machine": _machine(), "rows": rows}
    return msgspec.json.format(msgspec.json.encode(whole)).decode()


def build() -> Literal["compiled", "python"]:
    """Say which build of Steelyard this environment has: it is the one that is measured."""
    found = find_spec("steelyard.gateway.call")
    compiled = found is not None and found.origin is not None and not found.origin.endswith(".py")
    return "compiled" if compiled else "python"


def _cells(row: Row) -> list[str]:
    verdict = {True: "[green]reached[/]", False: "[red]missed[/]", None: "[yellow]not measured[/]"}[row.reached]
    ratio = " ×" if row.yardstick is not None else ""
    value = f"{_short(row.value)}{ratio} ({_short(row.low)}–{_short(row.high)})" if row.value is not None else "–"
    sense = "≤" if row.sense == "<=" else "≥"
    return [
        row.what,
        _with_unit(row.ours, row.unit),
        _with_unit(row.yardstick, row.unit),
        value,
        f"{sense} {row.target:g}{ratio}",
        verdict,
        row.note,
    ]


def _with_unit(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{_short(value)} {unit}"


def _short(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _machine() -> dict[str, Any]:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "build": build(),
    }

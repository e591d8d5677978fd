"""Metrics written in Prometheus' text format 0.0.4 (prometheus.io, "Exposition formats")."""

from collections.abc import Iterable
from typing import Literal

__all__ = ["Kind", "head", "label", "series"]

Kind = Literal["counter", "gauge", "histogram"]


def head(name: str, kind: Kind, text: str) -> tuple[str, str]:
    """Return the lines that say what a metric is. `text` needs no escaping."""
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def series(name: str, kind: Kind, text: str, samples: Iterable[tuple[str, object]]) -> list[str]:
    """Return all lines of a metric. Samples are labels, separated by commas ("": none), and a value."""
    lines = [*head(name, kind, text)]
    lines += [f"{name}{{{labels}}} {value}" if labels else f"{name} {value}" for labels, value in samples]
    return lines


def label(name: str, value: str) -> str:
    """Return a label of a sample, whatever the value holds."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{name}="{escaped}"'

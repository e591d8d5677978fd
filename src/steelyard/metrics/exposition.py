"""Pages in Prometheus' text format 0.0.4 (prometheus.io, "Exposition formats"), joined into one."""

from collections.abc import Iterable
from decimal import Decimal

__all__ = ["counted", "joined", "labelled", "summed"]

_ADDED = frozenset(
    {
        "steelyard_calls_in_flight",
        "steelyard_client_connections",
        "steelyard_upstream_connections",
        "steelyard_cache_entries",
        "steelyard_cache_bytes",
    }
)
"""Gauges that count what is there now; any other speaks of the process that wrote its page last."""


def labelled(page: str, label: str, value: str) -> str:
    """Return a page whose samples have one more label, in the first place. `value` needs no escaping."""
    added = f'{label}="{value}"'
    return "".join(line if line.startswith("#") else _with(line, added) for line in page.splitlines(keepends=True))


def joined(pages: Iterable[str]) -> str:
    """Return one page with the samples of all, those of one metric together, as the format demands. Where pages tell
    differently what a metric is, the first one counts."""
    families: dict[str, list[str]] = {}
    samples: list[str] = []
    for page in pages:
        fresh = False
        for line in page.splitlines(keepends=True):
            if line.startswith("# HELP "):
                name = line.split(" ", 3)[2]
                fresh = name not in families
                samples = families.setdefault(name, [])
            if fresh or not line.startswith("#"):
                samples.append(line)
    return "".join(line for family in families.values() for line in family)


def counted(page: str) -> str:
    """Return a page without its gauges: what stays true when its process has ended."""
    gauges = {line.split(" ", 3)[2] for line in page.splitlines() if _is_type(line) and line.endswith(" gauge")}
    return "".join(line for line in page.splitlines(keepends=True) if _name_of(line) not in gauges)


def summed(pages: Iterable[str]) -> str:
    """Return one page of several processes that took each other's place, oldest first: counters and histograms are
    added; of gauges the last one counts, but for those that count what is there now. Where pages tell differently what
    a metric is, the first one counts."""
    families: dict[str, dict[str, Decimal | str]] = {}
    gauges: set[str] = set()
    for page in pages:
        family = ""
        for line in page.splitlines():
            if line.startswith("#"):
                family = _name_of(line)
                word, _, text = line.partition(f" {family} ")
                families.setdefault(family, {}).setdefault(f"{word} {family}", text)
                if _is_type(line) and text == "gauge":
                    gauges.add(family)
                continue
            samples = families.setdefault(family, {})
            sample, _, number = line.rpartition(" ")
            before = samples.get(sample) if family not in gauges or family in _ADDED else None
            samples[sample] = number if before is None else Decimal(before) + Decimal(number)
    lines = (line for family in families.values() for line in family.items())
    return "".join(f"{what} {value if isinstance(value, str) else format(value, 'f')}\n" for what, value in lines)


def _is_type(line: str) -> bool:
    return line.startswith("# TYPE ")


def _name_of(line: str) -> str:
    """Return the metric that a line speaks of; of a histogram's samples, their own name."""
    if line.startswith("#"):
        return line.split(" ", 3)[2]
    blank, brace = line.find(" "), line.find("{")
    return line[: brace if 0 <= brace < blank else blank]


def _with(line: str, added: str) -> str:
    """Return a sample with a label more. A name holds neither a brace nor a blank, so the first of them ends it."""
    blank, brace = line.find(" "), line.find("{")
    if 0 <= brace < blank:
        return f"{line[: brace + 1]}{added}{'' if line[brace + 1] == '}' else ','}{line[brace + 1 :]}"
    return f"{line[:blank]}{{{added}}}{line[blank:]}"

"""Pages in Prometheus' text format 0.0.4 (prometheus.io, "Exposition formats"), joined into one."""

from collections.abc import Iterable

__all__ = ["joined", "labelled"]


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


def _with(line: str, added: str) -> str:
    """Return a sample with a label more. A name holds neither a brace nor a blank, so the first of them ends it."""
    blank, brace = line.find(" "), line.find("{")
    if 0 <= brace < blank:
        return f"{line[: brace + 1]}{added}{'' if line[brace + 1] == '}' else ','}{line[brace + 1 :]}"
    return f"{line[:blank]}{{{added}}}{line[blank:]}"

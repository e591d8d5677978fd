"""A strict reader of Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats)."""

import re
from math import inf
from typing import Literal, cast

from msgspec import Struct

__all__ = ["Family", "parse"]

Kind = Literal["counter", "gauge", "histogram"]
Labels = dict[str, str]

_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_NUMBER = re.compile(r"[+-]?Inf|NaN|[+-]?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?")
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


class Family(Struct):
    """One metric: its kind, and samples of name, labels and value."""

    name: str
    kind: Kind
    samples: list[tuple[str, Labels, float]]

    def value(self, name: str, labels: Labels) -> float:
        """Return the one sample of that name with those labels; 0 for a counter that has none yet."""
        found = [value for one, given, value in self.samples if one == name and given == labels]
        assert len(found) <= 1, found
        assert found or self.kind == "counter", (name, labels, self.samples)
        return found[0] if found else 0.0


def parse(text: str) -> dict[str, Family]:
    """Return the families by name; fail on anything that a strict reader would refuse."""
    assert text.endswith("\n")
    families: dict[str, Family] = {}
    helped = ""
    present: Family | None = None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            helped = line.split(" ", 3)[2]
            assert helped not in families, f"{helped} comes twice"
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == helped
            assert kind in ("counter", "gauge", "histogram")
            present = families[name] = Family(name, cast(Kind, kind), [])
        else:
            assert present is not None, line
            _add(present, line)
    for family in families.values():
        _check(family)
    return families


def _add(family: Family, line: str) -> None:
    found = _SAMPLE.fullmatch(line)
    assert found, line
    name, labels, number = found.groups()
    ends = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
    assert name in [family.name + end for end in ends], f"{name} stands in the family {family.name}"
    assert _NUMBER.fullmatch(number), line
    sample = (name, _labels(labels or ""), float(number.replace("Inf", "inf")))
    assert not any(sample[:2] == other[:2] for other in family.samples), f"twice: {line}"
    family.samples.append(sample)


def _labels(text: str) -> Labels:
    labels: Labels = {}
    at = 0
    while at < len(text):
        found = _LABEL.match(text, at)
        assert found, f"not labels: {text}"
        assert found[1] not in labels
        labels[found[1]] = re.sub(r"\\.", lambda escape: _ESCAPES[escape[0]], found[2])
        at = found.end()
    return labels


def _check(family: Family) -> None:
    if family.kind == "counter":
        assert family.name.endswith("_total")
        assert all(value >= 0 for _, _, value in family.samples)
    if family.kind != "histogram":
        return
    for name, labels, count in family.samples:
        if not name.endswith("_count"):
            continue
        buckets = [
            (float(given["le"].replace("Inf", "inf")), value)
            for one, given, value in family.samples
            if one.endswith("_bucket") and {k: v for k, v in given.items() if k != "le"} == labels
        ]
        assert buckets == sorted(buckets)
        assert [value for _, value in buckets] == sorted(value for _, value in buckets)
        assert buckets[-1] == (inf, count)

"""A document held against what comes out of its own rows, and against the files that it names.

Without the files, it is checked that the document is whole (its digest) and that every number of it follows from its
rows and calls. That the rows are what the files hold is checked where the files are given.

Numbers that are not whole are compared with a tolerance of 1e-9, relative or absolute, for other processors and other
versions of NumPy and SciPy round differently; `n_needed`, which is rounded up, with 1. All else must be equal.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonValue
from steelyard.weigh.evidence.again import means_again, outcomes_again, row_scores_again, spending_again, weighed_again
from steelyard.weigh.evidence.canonical import Sealed, digest, plain
from steelyard.weigh.evidence.document import SIDES
from steelyard.weigh.evidence.made import code_here
from steelyard.weigh.judges.judgement import Declared
from steelyard.weigh.judges.template import Template

__all__ = ["TOLERANCE", "Checked", "Difference", "compared", "verified"]

TOLERANCE: Final = 1e-9

_FROM_ROWS: Final = frozenset(
    (
        *("slice", "slice_unknown", "few_items", "few_clusters", "unequal_clusters", "few_differences"),
        *("no_differences", "one_difference", "constant", "worse_within_margin", "methods_disagree", "scale"),
        "clusters",
    )
)
"""Kinds of flags that follow from the rows. The others tell of what only the inputs show."""

_BY_DRAWS: Final = "methods_disagree"


class Difference(Struct, frozen=True):
    """Where a document says something else than what was computed here. `path` as in `$.rows[3].baseline`."""

    path: str
    stated: JsonValue
    computed: JsonValue


class Checked(Struct, frozen=True):
    """What differs, what was compared, and what was not."""

    differences: tuple[Difference, ...]
    compared: tuple[str, ...]
    notes: tuple[str, ...]


def verified(read: Sealed) -> Checked:
    """Return how a document compares with what follows from it."""
    document, evidence = read.document, read.evidence
    found: list[Difference] = []
    notes: list[str] = []
    try:
        found += compared("$.sha256", read.stated, digest(document))
    except ConfigError as error:
        found.append(Difference("$.sha256", read.stated, str(error)))
    found += _repeated(read)
    found += _verdict(read, notes)
    found += _means(read)
    found += _calls(read)
    found += _judged(read)
    told = [
        "the digest",
        f"the verdict with all figures and slices, from {len(evidence.rows):,} rows",
        "means and outcomes",
    ]
    if evidence.calls:
        told.append(f"cost, latency, tokens and scores, from {len(evidence.calls):,} calls")
    if evidence.judges is not None:
        told.append("the digests of what judges were asked by")
        notes.append("What judges and people said is compared where --inputs names the weighing's directory.")
    facts = [side for side in SIDES if evidence.models[side].facts]
    if facts:
        notes.append(
            "What is known of the models is as cards and terms had it on that day; nothing here follows from it."
        )
    return Checked(tuple(found), tuple(told), tuple(notes))


def _repeated(read: Sealed) -> Iterator[Difference]:
    seen: dict[str, int] = {}
    for place, row in enumerate(read.evidence.rows):
        first = seen.setdefault(row.item, place)
        if first != place:
            yield Difference(f"$.rows[{place}].item", row.item, f"each item once, and it is that of $.rows[{first}]")


def _verdict(read: Sealed, notes: list[str]) -> Iterator[Difference]:
    stated = dict(read.document["verdict"])
    try:
        weighing = weighed_again(read.evidence)
    except (ConfigError, ArithmeticError, ValueError) as error:
        yield Difference("$.verdict", stated.get("verdict"), f"nothing: the rows cannot be weighed: {error}")
        return
    computed = plain(weighing)
    flags, again = stated.pop("flags"), computed.pop("flags")
    yield from compared("$.verdict", stated, computed)
    yield from _flags(read, flags, again, notes)


def _flags(
    read: Sealed,
    stated: Sequence[Mapping[str, JsonValue]],
    computed: Sequence[Mapping[str, JsonValue]],
    notes: list[str],
) -> Iterator[Difference]:
    checked = _FROM_ROWS
    theirs, ours = read.evidence.code, code_here()
    if (theirs.numpy, theirs.scipy) != (ours.numpy, ours.scipy):
        versions = f"NumPy {theirs.numpy} and SciPy {theirs.scipy}; here are {ours.numpy} and {ours.scipy}"
        notes.append(f"It was made with {versions}. Second opinions by a bootstrap may differ, and were not compared.")
        checked -= {_BY_DRAWS}
    places = [(place, flag) for place, flag in enumerate(stated) if flag["kind"] in checked]
    wanted = [dict(flag) for flag in computed if flag["kind"] in checked]
    for place, flag in places:
        if dict(flag) in wanted:
            wanted.remove(dict(flag))
        else:
            yield Difference(f"$.verdict.flags[{place}]", dict(flag), "no such flag")
    for flag in wanted:
        yield Difference("$.verdict.flags", "no such flag", flag)
    rest = dict.fromkeys(flag["kind"] for flag in stated if flag["kind"] not in checked | {_BY_DRAWS})
    if rest:
        notes.append(f"Flags that only the inputs can show: {', '.join(rest)}.")


def _means(read: Sealed) -> Iterator[Difference]:
    means, outcomes = means_again(read.evidence), outcomes_again(read.evidence)
    yield from compared("$.outcomes", read.document["outcomes"], plain(outcomes))
    for side, mean in means.items():
        yield from compared(f"$.models.{side}.mean", read.document["models"][side]["mean"], plain(mean))


def _calls(read: Sealed) -> Iterator[Difference]:
    models = read.document["models"]
    try:
        spent = spending_again(read.evidence)
    except ConfigError as error:
        yield Difference("$.calls", "costs", str(error))
        return
    for side in SIDES:
        computed = spent[side]
        yield from compared(f"$.models.{side}.spending", models[side]["spending"], plain(computed))
        if computed is not None:
            yield from compared(f"$.models.{side}.unparsed", models[side]["unparsed"], computed.unparsed)
    if read.evidence.calls:
        places = {row.item: place for place, row in enumerate(read.evidence.rows)}
        for row, side, mean in row_scores_again(read.evidence):
            yield Difference(f"$.rows[{places[row.item]}].{side}", getattr(row, side), mean)


def _judged(read: Sealed) -> Iterator[Difference]:
    """Yield where the texts that judges were asked by are not those of their digests, or a report is of another
    declaration."""
    judges = read.evidence.judges or {}
    stated, report = judges.get("declared"), judges.get("report")
    if not judges:
        return
    try:
        declared = msgspec.convert(stated, Declared)
    except msgspec.ValidationError as error:
        yield Difference("$.judges.declared", "what was declared", str(error))
        return
    template = Template(1, "", declared.kind, declared.prompt, declared.system)
    yield from compared("$.judges.declared.template", declared.template, template.sha256)
    if declared.rubric_text is not None:
        text = sha256(declared.rubric_text.encode("utf-8", "surrogatepass")).hexdigest()
        yield from compared("$.judges.declared.rubric", declared.rubric, text)
    if isinstance(report, dict):
        told = {"template_sha256": declared.template, "rubric_sha256": declared.rubric}
        told |= {name: getattr(declared, name) for name in ("kind", "baseline", "candidate", "margin", "alpha", "seed")}
        for name, value in told.items():
            yield from compared(f"$.judges.report.{name}", report.get(name), value)


def compared(path: str, stated: object, computed: object) -> Iterator[Difference]:
    """Yield where two values of JSON differ, by path, beyond the tolerance."""
    if isinstance(stated, dict) and isinstance(computed, dict):
        for key in dict.fromkeys((*computed, *stated)):
            if key not in stated or key not in computed:
                missing = "no such key"
                yield Difference(f"{path}.{key}", stated.get(key, missing), computed.get(key, missing))
            else:
                yield from compared(f"{path}.{key}", stated[key], computed[key])
    elif isinstance(stated, list | tuple) and isinstance(computed, list | tuple):
        if len(stated) != len(computed):
            yield Difference(f"{path}.length", len(stated), len(computed))
        for place, (one, other) in enumerate(zip(stated, computed, strict=False)):
            yield from compared(f"{path}[{place}]", one, other)
    elif not _same(path, stated, computed):
        yield Difference(path, stated, computed)


def _same(path: str, stated: JsonValue, computed: JsonValue) -> bool:
    numbers = [isinstance(one, int | float) and not isinstance(one, bool) for one in (stated, computed)]
    if not all(numbers):
        return type(stated) is type(computed) and bool(stated == computed)
    if path.endswith(".n_needed"):
        return bool(abs(stated - computed) <= 1)
    if isinstance(stated, int) and isinstance(computed, int):
        return bool(stated == computed)
    return math.isclose(stated, computed, rel_tol=TOLERANCE, abs_tol=TOLERANCE)

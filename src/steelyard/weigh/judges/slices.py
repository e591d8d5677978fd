"""What judges and people say of the items that have one value in a column: a verdict for each, corrected by Holm."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steelyard.core.errors import ConfigError
from steelyard.documents.findings import nearest
from steelyard.weigh.judges.answers import Answered, Answers
from steelyard.weigh.judges.said import Floats
from steelyard.weigh.judges.verdict import Absent, Outcome, Question, outcome, p_values
from steelyard.weigh.results.pairs import Slice, slices_in
from steelyard.weigh.results.sheet import Flag, Sheet
from steelyard.weigh.stats.holm import holm_adjusted, holm_levels
from steelyard.weigh.verdict import decided

__all__ = ["JudgedSlice", "Material", "absent_of", "check_columns", "judged_slices", "slice_flags"]

_REST: Final = {"SWAP": "Over all items it would be SWAP", "DONT": "So it is over all items"}


class JudgedSlice(Outcome, frozen=True, kw_only=True):
    """The outcome of a slice. `ci` has the level at which Holm's procedure decides it; `p_noninferior` is one-sided
    against "worse by the margin or more", adjusted by Holm; None: there is no interval, or no margin."""

    name: str
    value: str
    p_noninferior: float | None


class Material(Struct, frozen=True, eq=False):
    """What slices are cut from: all `items`, the `places` of those that were judged, by how much judges (`lean`) and
    people prefer the candidate there, and which source each is from (`codes`). `people` are by place in `places`."""

    items: Sequence[Answered]
    pair: tuple[str, str]
    places: NDArray[np.int64]
    lean: Floats
    people: Mapping[int, float]
    codes: NDArray[np.int64] | None


def check_columns(answers: Answers, names: Sequence[str]) -> None:
    """Raise ConfigError for columns that cannot be sliced by: that no item has, that have too many values, or in which
    rows of one item differ."""
    for name in names:
        _cut(answers.items, name)
        if name in answers.varying:
            raise ConfigError(
                f'{answers.varying[name]}: "{name}" is another than in an earlier row of the same item. A slice is of '
                "items: take a column that says the same of both models."
            )


def judged_slices(material: Material, names: Sequence[str], question: Question) -> tuple[JudgedSlice, ...]:
    """Return the slices of these columns, each decided at the level that Holm's procedure gives it.

    The family is every slice that has an interval: for each, whether its difference is −margin (without a margin: 0),
    two-sided. Raises ConfigError as `check_columns` does."""
    parts = [
        _Part(one, _of(material, one), _asked(material, one, question))
        for name in dict.fromkeys(names)
        for one in _cut(material.items, name)
    ]
    ps = [p_values(part.of.lean, part.of.people, part.of.codes, part.question) for part in parts]
    tested = [number for number, p in enumerate(ps) if p is not None]
    both = [min(1.0, 2 * min(p)) for p in ps if p is not None]
    levels = dict(zip(tested, holm_levels(both, question.alpha), strict=True))
    adjusted = dict(zip(tested, holm_adjusted(both), strict=True))
    return tuple(
        _told(part, levels.get(number, question.alpha), _one_sided(ps[number], adjusted.get(number), question))
        for number, part in enumerate(parts)
    )


def slice_flags(slices: Sequence[JudgedSlice], whole: Outcome, question: Question) -> tuple[Flag, ...]:
    """Flag the slices that are DON'T, and those of which nothing can be said."""
    margin = question.margin or 0.0
    rest = _REST.get(decided(whole.ci, margin), "Over all items nothing is decided")
    found = [
        Flag(
            "slice",
            f"DON'T for {one.name} = {one.value}: worse by {-one.ci[1]:.3f} to {-one.ci[0]:.3f} (corrected interval, "
            f"{one.judged} judged, {one.labelled} labelled), and the margin is {margin:g}. {rest}.",
        )
        for one in slices
        if one.verdict == "DONT" and one.ci is not None
    ]
    unknown = [f"{one.name} = {one.value} ({one.judged} judged): {one.reason}" for one in slices if one.ci is None]
    if unknown:
        found.append(Flag("slice_unknown", f"Nothing can be said of {'; '.join(unknown)}"))
    return tuple(found)


def absent_of(items: Sequence[Answered], pair: tuple[str, str]) -> Absent:
    """Return the shares of items that only one of the two models has no answer to."""
    lacks = [
        sum(one not in item.outputs and other in item.outputs for item in items) for one, other in (pair, pair[::-1])
    ]
    there = sum(any(model in item.outputs for model in pair) for item in items)
    return Absent(*(count / there if there else 0.0 for count in lacks))


class _Of(Struct, frozen=True, eq=False):
    """What was said of the items of one slice."""

    lean: Floats
    people: Mapping[int, float]
    codes: NDArray[np.int64] | None


class _Part(Struct, frozen=True, eq=False):
    slice: Slice
    of: _Of
    question: Question


def _cut(items: Sequence[Answered], name: str) -> list[Slice]:
    if not any(name in item.row for item in items):
        names = dict.fromkeys(column for item in items for column in item.row)
        near = nearest(name, names) or "."
        raise ConfigError(f'No column is called "{name}"{near} There are: {", ".join(names)}')
    sheet = Sheet("", "", range(len(items)), {name: [item.row.get(name) for item in items]})
    return slices_in(name, sheet.column(name))


def _of(material: Material, one: Slice) -> _Of:
    kept = np.flatnonzero(np.isin(material.places, one.rows))
    people = {at: material.people[place] for at, place in enumerate(kept.tolist()) if place in material.people}
    return _Of(material.lean[kept], people, None if material.codes is None else material.codes[kept])


def _asked(material: Material, one: Slice, question: Question) -> Question:
    absent = absent_of([material.items[place] for place in one.rows.tolist()], material.pair)
    return msgspec.structs.replace(question, absent=absent)


def _told(part: _Part, level: float, p_noninferior: float | None) -> JudgedSlice:
    found = outcome(part.of.lean, part.of.people, part.of.codes, msgspec.structs.replace(part.question, alpha=level))
    told = {name: getattr(found, name) for name in Outcome.__struct_fields__}
    return JudgedSlice(**told, name=part.slice.name, value=part.slice.value, p_noninferior=p_noninferior)


def _one_sided(p: tuple[float, float] | None, adjusted: float | None, question: Question) -> float | None:
    """Return the p-value of non-inferiority that goes with an adjusted two-sided one."""
    if p is None or adjusted is None or question.margin is None:
        return None
    return adjusted / 2 if p[0] <= p[1] else 1 - adjusted / 2

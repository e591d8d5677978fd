"""Two models' scores on the same items, with the items' clusters and slices."""

from collections.abc import Collection
from typing import Final, Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from steelyard.core.errors import ConfigError
from steelyard.documents.findings import nearest
from steelyard.weigh.results.scores import numbers_of
from steelyard.weigh.results.sheet import Column, Flag, Results, mistaken
from steelyard.weigh.results.sides import Side, side_of
from steelyard.weigh.results.source import TEXTS
from steelyard.weigh.stats.clustered import Floats, Ints

__all__ = ["NO_CLUSTER", "SOURCES", "Asked", "Pairs", "Slice", "paired", "slices_in"]

NO_CLUSTER: Final = "none"
SOURCES: Final = ("source", "source_id", "cluster", "cluster_id")
"""Columns that items are clustered by where nobody says otherwise."""
_MOST_SLICES: Final = 60
_MOST_NUMBERS: Final = 12
_UNKNOWN: Final = "unknown"


class Asked(Struct, frozen=True):
    """Which models are to be paired, and how. `cluster` None: by a column `source` or `cluster` where there is one.

    `contaminated` are items, or their texts, that a model may have been trained on: they are left out."""

    baseline: str
    candidate: str
    cluster: str | None = None
    slices: tuple[str, ...] = ()
    missing: Literal["report", "fail"] = "report"
    contaminated: Collection[str] = ()


class Slice(Struct, frozen=True, eq=False):
    """The items that have one value in a column; `rows` are their places among the pairs."""

    name: str
    value: str
    rows: Ints


class Pairs(Struct, frozen=True, eq=False):
    """Scores of both models, an item a place. `codes` says of each item which cluster it belongs to.

    `scale` is the largest difference that two scores can have: 1 where all lie between 0 and 1, else the range seen.
    `sides` are the models as they were read, `places` where among their items each pair comes from, −1: nowhere.
    `one_sided` counts the items that only the baseline, and only the candidate has. `absent` are the values of slices
    of which no item counts, and how many items there are of each."""

    baseline: Floats
    candidate: Floats
    scale: float
    sides: tuple[Side, Side]
    places: tuple[Ints, Ints]
    codes: Ints | None = None
    cluster: str | None = None
    slices: tuple[Slice, ...] = ()
    flags: tuple[Flag, ...] = ()
    one_sided: tuple[int, int] = (0, 0)
    contaminated: int = 0
    absent: tuple[tuple[str, str, int], ...] = ()

    def __len__(self) -> int:
        return len(self.baseline)

    def has(self, column: str) -> bool:
        """Say whether a file of either model has a column."""
        return any(side.has(column) for side in self.sides)

    def item(self, place: int) -> str:
        """Return the name of an item."""
        one, other = (int(at[place]) for at in self.places)
        return self.sides[0].items[one] if one >= 0 else self.sides[1].items[other]

    def where(self, place: int) -> str:
        """Return where an item stands."""
        one, other = (int(at[place]) for at in self.places)
        return self.sides[0].where(one) if one >= 0 else self.sides[1].where(other)


def paired(results: Results, asked: Asked) -> Pairs:
    """Return the pairs. Raises ConfigError for what contradicts itself or is not there, with file and line."""
    if asked.baseline == asked.candidate:
        raise ConfigError(f'"{asked.baseline}" is both baseline and candidate: name two models')
    failing = asked.missing == "fail"
    sides = side_of(results, asked.baseline, failing), side_of(results, asked.candidate, failing)
    both = _places(sides)
    kept = _uncontaminated(sides, both, asked.contaminated)
    first, second = (_scores(side, places[kept]) for side, places in zip(sides, both, strict=True))
    if failing:
        _fail(first, second)
    known = ~(np.isnan(first) | np.isnan(second))
    first, second = first[known], second[known]
    pairs = Pairs(
        *(first, second, _scale(first, second), sides),
        places=(both[0][kept][known], both[1][kept][known]),
        one_sided=(int((both[1] < 0).sum()), int((both[0] < 0).sum())),
        contaminated=int((~kept).sum()),
    )
    cluster, flags = _cluster(pairs, asked.cluster)
    slices = {name: slices_in(name, _column(pairs, name)) for name in asked.slices}
    return replace(
        pairs,
        codes=None if cluster is None else _codes(pairs, cluster),
        cluster=cluster,
        slices=tuple(found for held in slices.values() for found in held),
        flags=flags,
        absent=tuple(found for name, held in slices.items() for found in _absent(pairs, name, held)),
    )


def _places(sides: tuple[Side, Side]) -> tuple[Ints, Ints]:
    """Return where each item stands on either side, −1 where it is not there; first the items of the baseline.

    Raises ConfigError where no item is on both sides."""
    one, other = sides
    if one.items == other.items:
        everywhere = np.arange(len(one.items))
        return everywhere, everywhere
    index = [dict(zip(side.items, range(len(side.items)), strict=True)) for side in sides]
    items = [*one.items, *(item for item in other.items if item not in index[0])]
    places = [np.array([at.get(item, -1) for item in items], dtype=np.intp) for at in index]
    if not ((places[0] >= 0) & (places[1] >= 0)).any():
        raise ConfigError(
            f'No item has results of both models. {one.model} has {len(one.items)} items like "{one.items[0][:60]}", '
            f'{other.model} has {len(other.items)} like "{other.items[0][:60]}".'
        )
    return places[0], places[1]


def _scores(side: Side, places: Ints) -> Floats:
    """Return the scores at some places; NaN where the item is not there."""
    return np.where(places >= 0, side.scores[places], np.nan)


def _fail(*scores: Floats) -> None:
    """Count what is missing as 0, an item that is absent from one side too: it was asked for."""
    for one in scores:
        one[np.isnan(one)] = 0.0
        if len(one) and (one.min() < 0 or one.max() > 1):
            raise ConfigError(
                f"--missing fail counts a missing score as 0, and these scores reach from {one.min():g} to "
                f"{one.max():g}: what a failure is worth there, nobody said. Leave them out (--missing report)."
            )


def _uncontaminated(
    sides: tuple[Side, Side], places: tuple[Ints, Ints], listed: Collection[str]
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Say of each item whether it is kept: neither it nor its text is on the list."""
    kept = np.ones(len(places[0]), dtype=bool)
    if not listed:
        return kept
    known = frozenset(listed)
    for side, at in zip(sides, places, strict=True):
        here = np.flatnonzero(at >= 0)
        kept[here] &= [side.items[place] not in known for place in at[here].tolist()]
        for name in TEXTS:
            column = side.column(name, at)
            if column is not None:
                dirty = np.array([text in known for text in column.texts])
                kept &= ~dirty[column.codes]
    return kept


def _scale(first: Floats, second: Floats) -> float:
    if not len(first):
        return 1.0
    low, high = min(first.min(), second.min()), max(first.max(), second.max())
    return 1.0 if low >= 0 and high <= 1 else float(high - low)


def _column(pairs: Pairs, name: str) -> Column:
    """Return a column, an item a cell. Raises ConfigError for an unknown column and for sides that contradict."""
    told = [side.column(name, at) for side, at in zip(pairs.sides, pairs.places, strict=True)]
    mine, other = told
    if mine is None and other is None:
        names = dict.fromkeys(one for side in pairs.sides for block in side.blocks for one in block.sheet.names)
        near = nearest(name, names) or "."
        raise ConfigError(f'No column is called "{name}"{near} There are: {", ".join(names)}')
    if mine is None:
        assert other is not None
        return other
    if other is None:
        return mine
    return _merged(pairs, name, mine, other)


def _merged(pairs: Pairs, name: str, mine: Column, other: Column) -> Column:
    numbers: dict[str, int] = {}
    shared = [np.array([numbers.setdefault(text, len(numbers)) for text in one.texts]) for one in (mine, other)]
    one, two = shared[0][mine.codes], shared[1][other.codes]
    nothing = numbers.get("", -1)
    apart = np.flatnonzero((one != two) & (one != nothing) & (two != nothing))
    if len(apart):
        raise mistaken(
            [
                f"{pairs.sides[1].where(int(pairs.places[1][place]))}: {name} of item "
                f'"{pairs.item(place)[:40]}" is "{other.texts[other.codes[place]]}", '
                f'and the baseline says "{mine.texts[mine.codes[place]]}"'
                for place in apart.tolist()
            ]
        )
    values = [*mine.values, *other.values]
    codes = np.where(one == nothing, other.codes + len(mine.values), mine.codes)
    return Column(values, [*mine.texts, *other.texts], codes)


def _cluster(pairs: Pairs, given: str | None) -> tuple[str | None, tuple[Flag, ...]]:
    """Return the column to cluster by: the one given, or one that says which source an item is from."""
    if given is not None:
        return (None if given == NO_CLUSTER and not pairs.has(given) else given), ()
    for name in SOURCES:
        if not pairs.has(name):
            continue
        column = _column(pairs, name)
        values = {column.texts[code] for code in np.unique(column.codes).tolist()}
        if 1 < len(values) < len(pairs):
            text = (
                f'{len(pairs)} items share {len(values)} values of "{name}", so they are clustered by it. '
                f"Where they are independent all the same: --cluster {NO_CLUSTER}."
            )
            return name, (Flag("clusters", text),)
    return None, ()


def _codes(pairs: Pairs, cluster: str) -> Ints:
    codes, texts = _grouped(_column(pairs, cluster))
    if "" in texts:
        empty = np.flatnonzero(codes == texts.index("")).tolist()
        raise mistaken([f"{pairs.where(place)}: no {cluster}, and items are clustered by it" for place in empty])
    return codes


def _grouped(column: Column) -> tuple[Ints, list[str]]:
    """Return cells by what they say as text, spaces around it aside, and the texts, in order."""
    held = sorted({column.texts[code].strip() for code in np.unique(column.codes).tolist()})
    number = {text: place for place, text in enumerate(held)}
    table = np.array([number.get(text.strip(), -1) for text in column.texts], dtype=np.intp)
    return table[column.codes], held


def slices_in(name: str, column: Column) -> list[Slice]:
    """Return the slices of a column: its values, or the quarters of what is a number with many values.

    Raises ConfigError where it has too many."""
    numbers = numbers_of(column)
    if numbers is not None and len(np.unique(numbers)) > _MOST_NUMBERS:
        return _quarters(name, numbers)
    codes, texts = _grouped(column)
    if len(texts) > _MOST_SLICES:
        raise ConfigError(f'"{name}" has {len(texts)} values, and {_MOST_SLICES} slices are the most: it is no slice')
    return [Slice(name, text or _UNKNOWN, np.flatnonzero(codes == code)) for code, text in enumerate(texts)]


def _absent(pairs: Pairs, name: str, held: list[Slice]) -> list[tuple[str, str, int]]:
    """Return the values of a column that stand in the files and of which no item counts; none of what was quartered."""
    seen: dict[str, int] = {}
    for side in pairs.sides:
        column = side.column(name, np.arange(len(side.items)))
        if column is None:
            continue
        codes, texts = _grouped(column)
        for text, count in zip(texts, np.bincount(codes, minlength=len(texts)).tolist(), strict=True):
            seen[text or _UNKNOWN] = max(seen.get(text or _UNKNOWN, 0), count)
    kept = {one.value for one in held}
    if not kept <= seen.keys() or len(seen) > _MOST_SLICES:
        return []
    return [(name, value, count) for value, count in sorted(seen.items()) if value not in kept]


def _quarters(name: str, numbers: Floats) -> list[Slice]:
    ends = np.unique(np.quantile(numbers, (0.25, 0.5, 0.75)))
    codes = np.searchsorted(ends, numbers, side="left")
    found = []
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        low, high = numbers[rows].min(), numbers[rows].max()
        found.append(Slice(name, f"{low:g}" if low == high else f"{low:g}–{high:g}", rows))
    return found

"""Paired scores as rows of a document, and such rows as results that can be weighed again.

Cells of slices are kept as they were read, as text, so that numbers are cut into the same quarters again. Rows keep
their order: a bootstrap draws by it.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import numpy as np

from steelyard.weigh.evidence.document import SIDES, LeftOut, Row, Side
from steelyard.weigh.results.pairs import Asked, Pairs
from steelyard.weigh.results.sheet import Block, Results, Sheet
from steelyard.weigh.stats.clustered import Ints

__all__ = ["left_out_of", "results_of_rows", "rows_of"]

_ITEM: Final = "\0item"
_SCORES: Final = ("\0baseline", "\0candidate")
"""Columns that no file's columns are mistaken for."""


def rows_of(pairs: Pairs, slices: Sequence[str]) -> tuple[Row, ...]:
    """Return the pairs as rows, with the cells of some columns."""
    names = tuple(dict.fromkeys(slices))
    cells = {name: _cells(pairs, name) for name in names}
    clusters = [None] * len(pairs) if pairs.cluster is None else _cells(pairs, pairs.cluster)
    scores = zip(pairs.baseline.tolist(), pairs.candidate.tolist(), strict=True)
    return tuple(
        Row(
            item=pairs.item(place),
            cluster=clusters[place],
            slices={name: cells[name][place] for name in names},
            baseline=one,
            candidate=other,
        )
        for place, (one, other) in enumerate(scores)
    )


def _cells(pairs: Pairs, name: str) -> list[str]:
    """Return what a column says of each pair: what the baseline's file says, else what the candidate's does."""
    said = [side.column(name, at) for side, at in zip(pairs.sides, pairs.places, strict=True)]
    one, other = ([""] * len(pairs) if column is None else column.said() for column in said)
    return [mine or theirs for mine, theirs in zip(one, other, strict=True)]


def left_out_of(pairs: Pairs, asked: Asked) -> tuple[LeftOut, ...]:
    """Return the items that are no pairs, in the order of the files, and why."""
    counted = {pairs.item(place) for place in range(len(pairs))}
    held = [dict(zip(side.items, side.scores.tolist(), strict=True)) for side in pairs.sides]
    found = []
    for item in dict.fromkeys((*held[0], *held[1])):
        if item in counted:
            continue
        absent = [item not in side for side in held]
        unscored = [side.get(item) is None or np.isnan(side[item]) for side in held]
        if any(absent):
            found.append(LeftOut(item=item, why="absent", side=SIDES[absent.index(True)]))
        elif any(unscored):
            found.append(LeftOut(item=item, why="missing", side=_which(unscored)))
        else:
            found.append(LeftOut(item=item, why="contaminated", side="both"))
    return tuple(found)


def _which(lacking: Sequence[bool]) -> Side | Literal["both"]:
    return "both" if all(lacking) else SIDES[lacking.index(True)]


def results_of_rows(
    rows: Sequence[Row], slices: Sequence[str], cluster: str | None, models: tuple[str, str], sha256: str
) -> Results:
    """Return rows as results of both models, with the declared slices and the clusters as columns."""
    columns: dict[str, list[object]] = {_ITEM: [row.item for row in rows]}
    for name in slices:
        columns[name] = [row.slices.get(name, "") for row in rows]
    if cluster is not None:
        columns[cluster] = [row.cluster for row in rows]
    for name, side in zip(_SCORES, SIDES, strict=True):
        columns[name] = [getattr(row, side) for row in rows]
    sheet = Sheet("rows", "row", range(1, len(rows) + 1), columns)
    everywhere: Ints = np.arange(len(rows))
    return Results(tuple(_blocks(sheet, everywhere, models)), sha256)


def _blocks(sheet: Sheet, rows: Ints, models: tuple[str, str]) -> Iterator[Block]:
    for model, score in zip(models, _SCORES, strict=True):
        yield Block(model, sheet, rows, _ITEM, score, wide=True)

"""Whether votes can tell how far apart models are: the graph of who beat whom."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from msgspec import Struct
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, connected_components

from steelyard.core.errors import ConfigError
from steelyard.weigh.ranking.clusters import Ints
from steelyard.weigh.ranking.votes import Bools, Tally

__all__ = ["Side", "Standing", "standing_of"]

_SHOWN = 8


class Side(StrEnum):
    """Where a model stands to the core: within it, better or worse by an unbounded amount, or not comparable."""

    CORE = "core"
    ABOVE = "above"
    BELOW = "below"
    APART = "apart"


class Standing(Struct, frozen=True, eq=False):
    """The models whose strengths are finite relative to each other (`core`), each model's side, and its group.

    `groups[i]` numbers the strongly connected parts; `reaches[g, h]`: a chain of wins leads from part g to part h.
    """

    core: tuple[int, ...]
    sides: tuple[Side, ...]
    groups: Ints


def standing_of(models: Sequence[str], tally: Tally) -> Standing:
    """Say which strengths the votes bound, and on which side the others lie.

    Strengths are finite if and only if from every model a chain of wins leads to every other (Ford 1957, "Solution of a
    Ranking Problem from Binary Comparisons"; Hunter 2004, "MM Algorithms for Generalized Bradley–Terry Models";
    a tie counts as a win of both). The core is the largest part for which that holds. Raises ConfigError
    where the models fall into groups that were never compared, and names them.
    """
    beats = sparse.csr_array((tally.wins + tally.ties > 0).astype(np.float64))
    parts, labels = connected_components(beats, directed=True, connection="weak")
    if parts > 1:
        raise ConfigError(_disconnected(models, labels, parts))
    _, groups = connected_components(beats, directed=True, connection="strong")
    played = (tally.wins + tally.wins.T + tally.ties).sum(axis=1)
    sizes = np.bincount(groups)
    weight = np.bincount(groups, weights=played)
    largest = max(range(len(sizes)), key=lambda one: (sizes[one], weight[one]))
    core = np.flatnonzero(groups == largest)
    below = _reached(beats, int(core[0]))
    above = _reached(beats.T.tocsr(), int(core[0]))
    sides = tuple(
        Side.CORE if groups[one] == largest else _side(bool(above[one]), bool(below[one])) for one in range(len(models))
    )
    return Standing(tuple(int(one) for one in core), sides, groups.astype(np.int64))


def _side(above: bool, below: bool) -> Side:
    if above:
        return Side.ABOVE
    return Side.BELOW if below else Side.APART


def _reached(beats: sparse.csr_array, start: int) -> Bools:
    found = np.zeros(beats.shape[0], dtype=np.bool_)
    order = breadth_first_order(beats, start, directed=True, return_predecessors=False)
    found[order] = True
    return found


def _disconnected(models: Sequence[str], labels: Ints, parts: int) -> str:
    groups = [[name for name, label in zip(models, labels, strict=True) if label == part] for part in range(parts)]
    groups.sort(key=len, reverse=True)
    named = "; ".join(_some(group) for group in groups[:_SHOWN])
    more = f"; and {parts - _SHOWN} more" if parts > _SHOWN else ""
    return (
        f"The models fall into {parts} groups that no vote connects, so they cannot be ranked together: {named}{more}. "
        "Rank each group alone, or collect votes between them."
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{{{shown}}}" if len(names) <= _SHOWN else f"{{{shown} and {len(names) - _SHOWN} more}}"

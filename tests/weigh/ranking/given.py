"""Votes and scores that several tests use."""

from collections.abc import Sequence

import numpy as np

from steelyard.weigh.ranking.clusters import Clusters, Floats, Ints, Spread
from steelyard.weigh.ranking.votes import Control, Votes

__all__ = ["CITATIONS", "JOURNALS", "by", "citations", "counted", "independent", "patterned"]

JOURNALS = ("Biometrika", "Comm Statist", "JASA", "JRSS-B")
CITATIONS = ((714, 730, 498, 221), (33, 425, 68, 17), (320, 813, 1072, 142), (284, 276, 325, 188))
"""Stigler (1994), as in Agresti (2002), p. 448: citations of the row's journal by the column's."""


def counted(models: Sequence[str], rows: Sequence[tuple[int, int, int, int, int]]) -> Votes:
    """Return votes from rows of (first, second, wins of the first, wins of the second, ties)."""
    first, second, outcome = [], [], []
    for one, other, won, lost, tied in rows:
        first += [one] * (won + lost + tied)
        second += [other] * (won + lost + tied)
        outcome += [1] * won + [-1] * lost + [0] * tied
    return Votes(tuple(models), np.array(first), np.array(second), np.array(outcome, dtype=np.int8))


def citations() -> Votes:
    """Return one vote a citation between different journals."""
    rows = [(i, j, CITATIONS[i][j], CITATIONS[j][i], 0) for i in range(4) for j in range(i + 1, 4)]
    return counted(JOURNALS, rows)


def patterned() -> tuple[Votes, Clusters, Clusters]:
    """Return 240 votes on five models with a control, and their clusters by 30 prompts and by 16 raters.

    No chance is in them, so that other programs can be given the same."""
    k = np.arange(240)
    first = (k * 7) % 5
    second = (first + 1 + (k * 3) % 4) % 5
    won = ((k * k * 11 + k * 5 + 3 * first) % 17) < 8 + (second - first)
    control = Control("x", ((k * 29) % 23 - 11) / 11, "as given")
    outcome = np.where(won, 1, -1).astype(np.int8)
    votes = Votes(tuple("abcde"), first, second, outcome, (), (control,))
    return votes, Clusters("prompt", k % 30, 30), Clusters("rater", (k * 13 + k // 7) % 16, 16)


def by(codes: Ints, name: str = "source") -> Clusters:
    """Return clusters from codes that leave none out."""
    return Clusters(name, codes, int(codes.max()) + 1)


def independent(errors: Floats, freedom: int = 10_000_000) -> Spread:
    """Return the spread of independent estimates."""
    return Spread(np.diag(errors**2), (), freedom, (freedom + 1,))

"""The names nearest to one that nobody has."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from heapq import nlargest

__all__ = ["nearest"]

_LONGEST = 200
_COMPARED = 24


def nearest(wanted: str, names: Iterable[str], likeness: float = 0.4) -> list[str]:
    """Return up to three names, the nearest first.

    It runs while calls wait, with names that callers choose: difflib takes 0.6 ms a name (measured), so it sees only
    those that share most pairs of letters with what was wanted, of which only the first 200 characters count.
    """
    wanted = wanted[:_LONGEST]
    pairs = _pairs(wanted)
    likely = nlargest(
        _COMPARED, names, key=lambda name: len(pairs & _pairs_of_known(name)) / (len(wanted) + len(name) + 1)
    )
    return get_close_matches(wanted, likely, 3, likeness)


def _pairs(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 2] for at in range(len(text) - 1)) if len(text) > 1 else frozenset((text,))


_pairs_of_known = lru_cache(maxsize=8192)(_pairs)

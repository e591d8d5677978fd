"""What one person said of one pair, or of one answer: a line of `labels.jsonl`."""

from typing import Literal

from msgspec import Struct

__all__ = ["Kind", "Label", "Said"]

Kind = Literal["pairwise", "score"]

Said = Literal["first", "second", "tie", "score", "skip", "undone"]
"""`first` and `second` are places on the screen; `undone` takes back what the rater said before of the same answers."""


class Label(Struct, frozen=True, kw_only=True):
    """A label. `models` are in the order in which their answers were shown; the person did not see the names.

    `answers` are the digests of the answers in that order: of other answers the label says nothing. `at` is an ISO 8601
    time in UTC. `seed` drew the items and the sides. `score` goes with `said` "score" alone."""

    rater: str
    at: str
    kind: Kind
    item: str
    models: tuple[str, ...]
    answers: tuple[str, ...]
    said: Said
    score: int | None = None
    seed: int

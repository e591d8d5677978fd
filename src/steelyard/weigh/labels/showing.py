"""What a person is shown, and in which order: drawn by a seed, so that the labelled items are a random sample."""

from collections.abc import Iterator, Sequence
from random import Random

from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.weigh.judges.answers import Answered, Answers
from steelyard.weigh.labels.label import Kind

__all__ = ["Showing", "showings"]

_BLOCK = 5
"""Items whose answers are mixed with each other where each is scored alone."""


class Showing(Struct, frozen=True):
    """One item with one answer, or two; `models` in the order in which their answers are shown."""

    item: Answered
    models: tuple[str, ...]

    def outputs(self) -> tuple[str, ...]:
        """Return the answers in the order shown."""
        return tuple(self.item.outputs[model] for model in self.models)


def showings(answers: Answers, pair: tuple[str, str], kind: Kind, seed: int, rater: str) -> tuple[Showing, ...]:
    """Return all that could be shown, in order: whoever labels the first n of it labels a random sample.

    Every rater with the same seed gets the same items in the same order, so that raters can be compared; sides are
    drawn for each rater apart. Raises ConfigError where no item has both answers.
    """
    items = [item for item in answers.items if all(model in item.outputs for model in pair)]
    if not items:
        raise ConfigError(f"{answers.source}: no item has an answer of {pair[0]} and one of {pair[1]}")
    Random(seed).shuffle(items)  # noqa: S311  # a sample, and no secret
    sides = Random(f"{seed}:{rater}")  # noqa: S311  # likewise
    return tuple(_pairs(items, pair, sides) if kind == "pairwise" else _alone(items, pair, sides))


def _pairs(items: Sequence[Answered], pair: tuple[str, str], sides: Random) -> Iterator[Showing]:
    for item in items:
        yield Showing(item, pair if sides.random() < 0.5 else pair[::-1])


def _alone(items: Sequence[Answered], pair: tuple[str, str], sides: Random) -> Iterator[Showing]:
    for start in range(0, len(items), _BLOCK):
        block = [Showing(item, (model,)) for item in items[start : start + _BLOCK] for model in pair]
        sides.shuffle(block)
        yield from block

"""In which order calls are made."""

from collections.abc import Collection, Iterator, Sequence
from random import Random

from msgspec import Struct

from steelyard.weigh.runs.plan import Plan, Planned

__all__ = ["Group", "groups_of"]


class Group(Struct, frozen=True):
    """The calls that ask one item once, of each model: they are made together, so that a stop leaves pairs."""

    item: Planned
    repeat: int
    models: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.models)


def groups_of(plan: Plan, items: Sequence[Planned], made: Collection[tuple[str, str, int]] = ()) -> Iterator[Group]:
    """Yield what is to be asked, without the calls (item, model, repeat) that were `made` already.

    The seed alone decides: all items in an order that is drawn anew for each repeat, and within an item the models in
    an order that is drawn too, so that none of them is always first."""
    for repeat in range(plan.repeats):
        random = Random(f"{plan.seed}/{repeat}")  # noqa: S311  # an order that can be made again
        drawn = list(items)
        random.shuffle(drawn)
        for item in drawn:
            models = list(plan.models)
            random.shuffle(models)
            left = tuple(model for model in models if (item.id, model, repeat) not in made)
            if left:
                yield Group(item, repeat, left)

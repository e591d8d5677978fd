"""Types of options that are numbers, where Click's ranges let through what no range holds."""

from typing import Any, Final

import click

__all__ = ["RealRange", "SeedRange"]

_LARGEST: Final = 2**53 - 1


class RealRange(click.FloatRange):
    """Read a number within bounds; but not "nan", which no bound keeps out."""

    # `value` is a default, or a word of the command line; Click says Any.
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        number: float = super().convert(value, param, ctx)
        if number != number:
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class SeedRange(click.IntRange):
    """Read a seed: a whole number from 0, no larger than canonical JSON can hold.

    RFC 8785 writes numbers as IEEE 754 doubles (section 3.2.2.3), of which 2^53 - 1 is the largest sure whole number.
    """

    def __init__(self) -> None:
        super().__init__(0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seed."""
        seed: int = super().convert(value, param, ctx)
        if seed > _LARGEST:
            self.fail(f"{seed} is larger than {_LARGEST}: evidence could not hold it. Give a smaller seed.", param, ctx)
        return seed

"""Where the parts of a bar lie."""

from collections.abc import Sequence

from msgspec import Struct

__all__ = ["Part", "parts_of"]

_WIDTH = 1000.0


class Part(Struct, frozen=True):
    """One part of a bar that is 1000 wide: where it begins, and its width."""

    kind: str
    x: float
    width: float


def parts_of(counts: Sequence[tuple[str, int]]) -> list[Part]:
    """Return the parts of a bar by counts, in their order; none where all are 0."""
    whole = sum(count for _, count in counts)
    parts: list[Part] = []
    before = 0
    for kind, count in counts:
        if count:
            parts.append(Part(kind, round(_WIDTH * before / whole, 2), round(_WIDTH * count / whole, 2)))
        before += count
    return parts

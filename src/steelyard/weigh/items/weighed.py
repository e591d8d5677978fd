"""Which exchanges were made by weighings: they are nobody's traffic."""

from typing import Final

from msgspec import Struct

from steelyard.weigh.runs.folder import Weighings

__all__ = ["weighed_exchanges"]

_FILES: Final = ("calls.jsonl", "judgements.jsonl")


class _Line(Struct):
    """What is read of a call or a judgement."""

    exchange: str | None = None


def weighed_exchanges(weighings: Weighings) -> frozenset[str]:
    """Return the ids of all exchanges that the weighings of a data directory have made. Raises StoreError."""
    found: set[str] = set()
    for name in weighings.ids():
        folder = weighings.find(name)
        for file in _FILES:
            found.update(line.exchange for line in folder.read(file, _Line) if line.exchange is not None)
    return frozenset(found)

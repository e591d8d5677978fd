"""Which exchanges were made by weighings: they are nobody's traffic."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from steelyard.keys.file import KeyFile
from steelyard.weigh.runs.folder import Weighings

__all__ = ["weighed_exchanges", "weighing_keys"]

_FILES: Final = ("calls.jsonl", "judgements.jsonl")
_OWN_KEY: Final = re.compile(r"weigh-[0-9]{13}")
"""What a weighing calls the key that it makes for itself: with the milliseconds since the epoch."""


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


def weighing_keys(data_dir: Path) -> frozenset[str]:
    """Return the ids of keys that weighings have made for themselves: they tell calls of which no weighing knows any
    more, because it was killed or its directory is gone. Raises StoreError."""
    return frozenset(key.id for key in KeyFile(data_dir / "keys.json").list() if _OWN_KEY.fullmatch(key.name))

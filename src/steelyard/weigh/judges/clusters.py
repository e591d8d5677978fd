"""Which items share a source, and are no independent draws."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steelyard.core.errors import ConfigError
from steelyard.documents.findings import nearest
from steelyard.weigh.judges.answers import Answered
from steelyard.weigh.results.sheet import Flag, text_of

__all__ = ["clusters_of"]

_SOURCES: Final = ("source", "source_id", "cluster", "cluster_id")
_NO_CLUSTER: Final = "none"


def clusters_of(items: Sequence[Answered], given: str | None) -> tuple[NDArray[np.int64] | None, tuple[Flag, ...]]:
    """Return which source each item is from: by the column given, or by one that is called so; None: all independent.

    Raises ConfigError where an item does not say."""
    if given is not None:
        if given == _NO_CLUSTER and not any(given in item.row for item in items):
            return None, ()
        lacking = [item for item in items if not text_of(item.row.get(given))]
        if lacking:
            near = nearest(given, lacking[0].row)
            raise ConfigError(f'{lacking[0].place}: no "{given}", and items are clustered by it{near}')
        return _codes(items, given), ()
    for name in _SOURCES:
        values = {text_of(item.row.get(name)) for item in items}
        if "" not in values and 1 < len(values) < len(items):
            text = (
                f'{len(items)} items share {len(values)} values of "{name}", so they are clustered by it. Where they '
                f"are independent all the same: --cluster {_NO_CLUSTER}."
            )
            return _codes(items, name), (Flag("clusters", text),)
    return None, ()


def _codes(items: Sequence[Answered], name: str) -> NDArray[np.int64]:
    numbers: dict[str, int] = {}
    return np.asarray([numbers.setdefault(text_of(item.row[name]), len(numbers)) for item in items], dtype=np.int64)

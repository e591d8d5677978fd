"""Lists of items that a model may have been trained on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from steelyard.core.errors import ConfigError, StoreError
from steelyard.weigh.results.packed import unpacked
from steelyard.weigh.results.sheet import text_of
from steelyard.weigh.results.source import ITEMS

__all__ = ["read_contamination"]

_NAMES: Final = frozenset((*ITEMS, "eval_prompt"))


def read_contamination(path: Path) -> frozenset[str]:
    """Return the items of a list: one a line, or JSON lines whose objects name an item or its text; packed or not.

    Raises ConfigError for a line that names nothing, StoreError for a file that cannot be read."""
    try:
        text = unpacked(path.read_bytes(), str(path)).decode("utf-8-sig")
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}. Check the path and its mode.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: no UTF-8 at byte {error.start}. Save it as UTF-8.") from error
    items: set[str] = set()
    # Not splitlines: an item's text may hold U+2028, and JSON a U+0085.
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if line.strip():
            items |= _items(line.strip(), f"{path}:{number}")
    if not items:
        raise ConfigError(f"{path}: it lists nothing")
    return frozenset(items)


def _items(line: str, where: str) -> set[str]:
    if not line.startswith("{"):
        return {line}
    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigError(f"{where}: no JSON: {error}") from error
    assert isinstance(row, Mapping)
    found = {text_of(value) for name, value in row.items() if name in _NAMES and isinstance(value, str | int)}
    if not found:
        raise ConfigError(f"{where}: no item and no text: one of {', '.join(sorted(filter(None, _NAMES)))}")
    return found

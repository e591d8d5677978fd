"""Values of JSON as RFC 8785 writes them, fast enough for a hundred thousand rows.

The library `rfc8785` writes one piece at a time, in Python. Here `msgspec` writes what it writes as the RFC does:
strings (section 3.2.2.2), whole numbers, and other numbers where neither form has an exponent (3.2.2.3). Keys are
sorted by UTF-16 code units (3.2.3). The library writes all that is left, and refuses what it refuses.
"""

from typing import Final

import msgspec
import rfc8785
from msgspec import Raw

from steelyard.core.loose import JsonObject, JsonValue

__all__ = ["canonical"]

_WHOLE: Final = 2**53
"""Below it, integers are exact as IEEE 754 doubles."""
_SMALL: Final = 1e-4
"""From it to `_WHOLE`, numbers that are not whole are written alike by both: the shortest digits, and no exponent."""


def canonical(value: JsonValue) -> bytes:
    """Return the canonical form of a value of JSON: `rfc8785.dumps(value)`, to the byte.

    Raises `rfc8785.CanonicalizationError` for numbers that are none and for integers of 2^53 and more, it or
    UnicodeEncodeError for strings that are no Unicode, and RecursionError for what is nested too deeply."""
    return msgspec.json.encode(_Writing().ready(value))


class _Writing:
    """Puts values in the form that `msgspec` writes as the RFC does. Rows have the same keys: they are sorted once."""

    def __init__(self) -> None:
        self._orders: dict[tuple[str, ...], list[str]] = {}

    def ready(self, value: JsonValue) -> JsonValue:
        """Return a value with sorted keys, and with whatever is written otherwise as bytes that are kept."""
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is float:
            return _number(value)
        if kind is dict:
            ready = self.ready
            return {name: ready(value[name]) for name in self._order(value)}
        if kind is list or kind is tuple:
            return list(map(self.ready, value))
        if kind is int and -_WHOLE < value < _WHOLE:
            return value
        return Raw(rfc8785.dumps(value))

    def _order(self, value: JsonObject) -> list[str]:
        keys = tuple(value)
        known = self._orders.get(keys)
        if known is None:
            known = self._orders[keys] = _sorted(keys)
        return known


def _sorted(keys: tuple[str, ...]) -> list[str]:
    if any(type(key) is not str for key in keys):
        raise rfc8785.CanonicalizationError("object keys must be strings")
    return sorted(keys, key=_utf16)


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _number(value: float) -> JsonValue:
    if _SMALL <= value < _WHOLE or -_WHOLE < value <= -_SMALL:
        return int(value) if value.is_integer() else value
    return Raw(rfc8785.dumps(value)) if value else 0

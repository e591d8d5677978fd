"""A number as people read it."""

from typing import Final, Literal

__all__ = ["figure"]

_TOO_LONG: Final = 1e9
"""From here on decimals say nothing, and a row of digits hides how large it is."""


def figure(value: float, digits: int = 4, sign: Literal["", "+"] = "") -> str:
    """Return a number with so many decimals; what is very large by its power of ten. `sign` "+": with a plus too."""
    return f"{value:{sign}.{digits}{'e' if abs(value) >= _TOO_LONG else 'f'}}"

"""Write out control characters. It needs nothing slow to import: every command does this."""

from typing import Final

__all__ = ["visible"]

_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_IN_BODIES: Final = {code: text for code, text in _CONTROLS.items() if chr(code) not in "\n\t"}


def visible(text: str, *, lines: bool = False) -> str:
    """Return text with its control characters (ECMA-48: C0, DEL, C1) written out, like \\x1b.

    What callers and providers sent must not command a terminal. `lines`: newlines and tabs stay."""
    return text.translate(_IN_BODIES if lines else _CONTROLS)

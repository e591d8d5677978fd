"""Write out control characters. It needs nothing slow to import: every command does this."""

from typing import Final

__all__ = ["visible"]

_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_IN_BODIES: Final = {code: text for code, text in _CONTROLS.items() if chr(code) not in "\n\t"}
# Unicode Standard Annex 9, section 2: embeddings, overrides and isolates, which turn round the rest of the line.
_TURNS: Final = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_IN_LINES: Final = {**_CONTROLS, **_TURNS}


def visible(text: str, *, lines: bool = False) -> str:
    """Return text with its control characters (ECMA-48: C0, DEL, C1) written out, like \\x1b.

    What callers and providers sent must not command a terminal, nor have a line of a table read as another: what turns
    the direction of writing is written out, too. `lines`: newlines and tabs stay, and so do such turns."""
    return text.translate(_IN_BODIES if lines else _IN_LINES)

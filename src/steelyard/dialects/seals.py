"""Seals of thoughts on their way through a client that speaks another dialect.

A provider signs or encrypts what its model thought, and wants it back as it came in the next turn. Where the client's
dialect has a field for a seal of its own, a foreign seal travels in it with its dialect's name in front, so that it
finds its way back to the provider that can read it, and to no other.
"""

__all__ = ["sealed", "unsealed"]

_MARK = "steelyard."


def sealed(seal: str, dialect: str, wire: str) -> str:
    """Return a seal of `dialect` as it is written in the dialect `wire`."""
    return seal if dialect == wire else f"{_MARK}{dialect}.{seal}"


def unsealed(text: str, wire: str) -> tuple[str, str]:
    """Return whose a seal is that stands in the dialect `wire`, and the seal itself."""
    if text.startswith(_MARK):
        dialect, dot, seal = text[len(_MARK) :].partition(".")
        if dot:
            return dialect, seal
    return wire, text

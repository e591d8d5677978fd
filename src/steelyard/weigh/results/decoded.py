"""Decode JSON as other tools write it: by Python's `json`, which writes NaN where a score is none."""

import json

import msgspec

from steelyard.core.loose import JsonValue

__all__ = ["HalfError", "decoded"]


class HalfError(ValueError):
    """A text ends, or begins, in the middle of a surrogate pair."""


def decoded(content: bytes) -> JsonValue:
    """Decode JSON, and what Python's `json` writes beyond it: NaN. Raises ValueError."""
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return _as_python_writes(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _as_python_writes(content: bytes) -> JsonValue:
    """Decode what `json` reads and no strict reader does; not half a surrogate pair, which nothing can write again."""
    try:
        read = json.loads(content)
        json.dumps(read, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise HalfError("half of a surrogate pair stands in a text, which is no character") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return read

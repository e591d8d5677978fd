"""Proto messages as JSON (protobuf.dev, "ProtoJSON format"): clients may say `systemInstruction` or
`system_instruction`, write numbers as strings, and encode bytes in either alphabet of base64, padded or not.

Google's own Python client sends bytes in the URL's alphabet; most others' decoders take the standard one only.
"""

import re
from functools import lru_cache
from typing import Any

from steelyard.core.parts import Fields
from steelyard.dialects.members import Members, wrong

__all__ = ["Proto", "spread", "standard_base64"]

_JOINT = re.compile(r"(?<=[A-Za-z0-9])_([a-z0-9])")


class Proto(Members):
    """The members of one message, by their names in camel case; a member that is given in both spellings is refused."""

    __slots__ = ()

    def __init__(self, value: Any, at: str = "") -> None:
        super().__init__(_camel(value, at) if isinstance(value, dict) else value, at)

    def integer(self, name: str) -> int | None:
        self._unquote(name)
        return super().integer(name)

    def number(self, name: str) -> float | None:
        self._unquote(name)
        return super().number(name)

    def message(self, name: str) -> "Proto | None":
        """Return the members of a message; None when it is absent."""
        value = self.object(name)
        return Proto(value, self.path(name)) if value is not None else None

    def many(self, name: str) -> list[Any] | None:
        """Return a repeated field; a lone object stands for one of itself, as Google's own examples have it."""
        value = self._left.get(name)
        if isinstance(value, dict):
            del self._left[name]
            return [value]
        return self.array(name)

    def _unquote(self, name: str) -> None:
        value = self._left.get(name)
        if isinstance(value, str):
            try:
                self._left[name] = float(value) if any(one in value for one in ".eE") else int(value)
            except ValueError:
                return  # what reads it says that it is no number


def _camel(value: Fields, at: str) -> Fields:
    for name in value:
        if "_" in name:
            break
    else:
        return value
    found: Fields = {}
    for name, one in value.items():
        told = _told(name)
        if found.get(told) is not None and one is not None:
            path = f"{at}.{told}" if at else told
            raise wrong(path, f"is given twice, once as {name}. Give it once.", "duplicate_field")
        if one is not None or told not in found:
            found[told] = one
    return found


@lru_cache(maxsize=1024)
def _told(name: str) -> str:
    return _JOINT.sub(lambda joint: joint[1].upper(), name)


def spread(extra: Fields, into: Fields) -> None:
    """Put fields that are named by their path (`functionCall.willContinue`) back where they stood."""
    for path, value in extra.items():
        here = into
        *steps, name = path.split(".")
        for step in steps:
            below = here.get(step)
            if not isinstance(below, dict):
                below = here[step] = {}
            here = below
        here[name] = value


def standard_base64(text: str) -> str:
    """Return base64 in the standard alphabet, padded."""
    if "-" in text or "_" in text:
        text = text.replace("-", "+").replace("_", "/")
    return text if len(text) % 4 == 0 else text + "=" * (-len(text) % 4)

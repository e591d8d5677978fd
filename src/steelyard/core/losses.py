"""The loss report: what a target could not be told, field by field."""

from typing import Literal

from msgspec import Struct

__all__ = ["Loss", "Losses", "compact"]

_MOST_COMPACT = 1000


class Loss(Struct, frozen=True, array_like=True):
    """One thing that did not get across. `path` is where it stood, in the words of the dialect that it came from;
    answers' paths begin with `answer.`."""

    path: str
    how: Literal["dropped", "approximated", "added"]
    reason: str


class Losses:
    """Losses while they are found, each path once for each manner."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Loss] = {}

    def dropped(self, path: str, reason: str) -> None:
        """Report that something is not sent."""
        self._found.setdefault((path, "dropped"), Loss(path, "dropped", reason))

    def approximated(self, path: str, reason: str) -> None:
        """Report that something is sent as the nearest that the target has."""
        self._found.setdefault((path, "approximated"), Loss(path, "approximated", reason))

    def added(self, path: str, reason: str) -> None:
        """Report that something was made up, since the target demands it."""
        self._found.setdefault((path, "added"), Loss(path, "added", reason))

    def all(self) -> tuple[Loss, ...]:
        """Return the losses in the order in which they were found."""
        return tuple(self._found.values())


def compact(losses: tuple[Loss, ...]) -> str:
    """Return losses as one header value: `seed dropped; messages[1].name dropped`, cut with a count after 1,000
    characters. Only visible ASCII: other characters are escaped as in JSON."""
    told = []
    size = 0
    for number, loss in enumerate(losses):
        one = _visible(f"{loss.path} {loss.how}")
        size += len(one) + 2
        if size > _MOST_COMPACT:
            told.append(f"and {len(losses) - number} more")
            break
        told.append(one)
    return "; ".join(told)


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if " " <= char <= "~" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()  # beyond the first plane: two, as in JSON
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))

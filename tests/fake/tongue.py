"""A dialect as its provider speaks it: reads requests strictly, and plays scenes."""

from typing import Any, Protocol

from msgspec import Struct

from tests.fake.scenes import Ask, Scene
from tests.fake.seen import ReceivedRequest

__all__ = ["Place", "Tongue", "words_in"]


class Place(Struct, frozen=True):
    """What a request's path says: the model (None: the body says it), whether to stream (None: the body says it), and
    whose house rules count: `vertex` is Google's cloud, `azure` Microsoft's. `counts`: only tokens are to be
    counted; `array`: the stream is one JSON array."""

    model: str | None = None
    stream: bool | None = None
    house: str = ""
    counts: bool = False
    array: bool = False


class Tongue(Protocol):
    """One dialect. Every method is pure."""

    stream_type: str
    overloaded: int
    """The status with which the provider says that it is."""

    def ask(self, request: ReceivedRequest, payload: dict[str, Any], place: Place) -> Ask:
        """Return what is asked; raise Refused for what the provider refuses."""

    def whole(self, ask: Ask, scene: Scene) -> dict[str, Any]:
        """Return the body of an answer."""

    def events(self, ask: Ask, scene: Scene) -> tuple[list[bytes], list[bytes]]:
        """Return a stream's events up to the last word, and those that end it."""

    def failure(self, ask: Ask) -> list[bytes]:
        """Return what tells of a failure in mid-stream."""

    def error(self, status: int, message: str) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
        """Return the body and the headers of an error."""

    def count(self, ask: Ask) -> dict[str, Any]:
        """Return the answer to a question for the number of tokens."""


def words_in(value: Any) -> int:
    """Return the number of words in all strings of a JSON value: a word is a token of this model."""
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, dict):
        return sum(words_in(one) for one in value.values())
    return sum(words_in(one) for one in value) if isinstance(value, list) else 0

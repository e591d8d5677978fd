"""What a client was told, in no dialect, and what it asks."""

from typing import Any

from msgspec import Struct

__all__ = ["CITY_SCHEMA", "PNG", "Call", "Outcome", "Question", "Turn"]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="  # 70 bytes
CITY_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Call(Struct, frozen=True):
    """A call of a tool. `id` is None in dialects that may leave it out."""

    id: str | None
    name: str
    arguments: dict[str, Any]


class Outcome(Struct, frozen=True, kw_only=True):
    """What a client was told. `finish` is "stop", "stop_sequence", "length", "tools", "filter" or "refusal"; None where
    the answer did not end. `usage` is input (cached tokens among it), cached, output (reasoning among it). `native` is
    the assistant's turn, as the client sends it back. `error` is a text."""

    status: int
    text: str = ""
    refusal: str = ""
    thoughts: str = ""
    calls: tuple[Call, ...] = ()
    finish: str | None = None
    stop: str | None = None
    usage: tuple[int, int, int] | None = None
    error: str | None = None
    model: str | None = None
    native: Any = None
    losses: str | None = None
    retry_after: str | None = None

    @property
    def said(self) -> str:
        return self.text + self.refusal


class Turn(Struct, frozen=True):
    """An earlier answer, and the results of its calls in their order."""

    answer: Outcome
    results: tuple[str, ...]


class Question(Struct, frozen=True, kw_only=True):
    """What a client asks. `tool`: offer `get_weather`; `image`: show `PNG`; `earlier`: a turn before."""

    text: str = "What is the weather like?"
    system: str = "Be brief."
    tool: bool = False
    image: bool = False
    schema: dict[str, Any] | None = None
    thinks: bool = False
    stops: tuple[str, ...] = ()
    limit: int | None = None
    earlier: Turn | None = None

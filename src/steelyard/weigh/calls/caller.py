"""What whoever calls models for a weighing asks for, and gets."""

from typing import Protocol

from msgspec import Struct

from steelyard.core.loose import JsonObject

__all__ = ["Caller", "CameBack", "Reply", "Request"]


class Request(Struct, frozen=True):
    """One call: a route or deployment, OpenAI's messages, and the other fields of a chat completion."""

    model: str
    messages: tuple[JsonObject, ...]
    fields: JsonObject = {}


class CameBack(Struct, frozen=True, kw_only=True):
    """What is known of a call that has come back, whatever was asked. `error` says why there is no answer.

    `exchange` is the id under which the gateway recorded it; status None: no answer came at all. `cost_usd` is a
    decimal string, None: unknown. `started_at` is seconds since the epoch, `took_s` seconds until the whole answer was
    there; both of the last try."""

    exchange: str | None
    status: int | None
    error: str | None = None
    finish_reason: str | None = None
    deployment: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: str | None = None
    started_at: float
    took_s: float


class Reply(CameBack, frozen=True, kw_only=True):
    """What came back. `text` None: there is no answer. `code` is the gateway's or the provider's code of the error;
    `attempts` counts the tries."""

    text: str | None
    code: str | None = None
    tool_calls: tuple[JsonObject, ...] = ()
    attempts: int = 1


class Caller(Protocol):
    """Asks a gateway."""

    async def call(self, request: Request) -> Reply:
        """Return the reply, or what went wrong as one. Raises EngineError where the gateway itself is not there."""
        ...

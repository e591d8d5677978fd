"""An item from one exchange: what was asked, as chat completions take it, and what was answered then."""

from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from steelyard.core.answer import Answer
from steelyard.core.errors import BadRequest
from steelyard.core.exchange import Exchange
from steelyard.core.fold import Fold
from steelyard.core.loose import JsonObject
from steelyard.core.losses import Loss, Losses
from steelyard.core.parts import Media, Part, Refusal, Text, ToolCall, ToolResult
from steelyard.core.request import Request
from steelyard.dialects.chat import CHAT
from steelyard.dialects.dialect import Dialect, Facts
from steelyard.dialects.table import DIALECTS
from steelyard.weigh.runs.plan import Planned

__all__ = ["Kept", "LeftOut", "Made", "made"]

Kept: TypeAlias = Literal["media", "tool_calls"]

_NOT_ASKED_AGAIN: Final = (
    *("model", "messages", "stream", "stream_options"),
    # Whom it was for, and where it is kept: it is asked again on nobody's behalf, and for one answer.
    *("user", "safety_identifier", "store", "metadata", "service_tier", "prompt_cache_key", "prompt_cache_retention"),
    *("n", "logprobs", "top_logprobs"),
)
_ANYBODY: Final = Facts("", tells_usage=False)
_DIGEST_DIGITS: Final = 16


class Made(Struct, frozen=True):
    """An item; the digest of what it asks, the same for the same request; and what its translation lost."""

    item: Planned
    digest: str
    losses: tuple[Loss, ...]


class LeftOut(Struct, frozen=True):
    """An exchange that makes no item. `why` is for people."""

    kind: Literal["not_decodable", "media", "tool_calls"]
    why: str


def made(exchange: Exchange, day: str, keep: Collection[Kept]) -> Made | LeftOut:
    """Return an exchange with its bodies as an item, or why it makes none.

    `row` of the item holds `exchange`, `route`, `deployment`, `key` (its id), `purpose`, `dialect`, `day`, `stream`,
    `turns` (messages of the user), `input_bytes`, `cluster` (the same for the turns of one conversation: those that
    begin with the same instructions and the same first message), and `reference`: what was answered then, None where
    that cannot be read; with `tool_calls` in `keep` also `reference_calls`, OpenAI's."""
    dialect = DIALECTS.get(exchange.dialect)
    if dialect is None or exchange.request is None:
        return LeftOut("not_decodable", f"no dialect is called {exchange.dialect}")
    losses = Losses()
    try:
        request = dialect.decode_request(exchange.request, model=exchange.route or "", stream=False)
        if "media" not in keep and _has_media(request):
            return LeftOut("media", "images, sounds or documents")
        wire = msgspec.json.decode(CHAT.encode_request(replace(request, stream=False), _ANYBODY, losses))
    except BadRequest as error:
        return LeftOut("not_decodable", str(error))
    answer = _answer(dialect, exchange)
    calls = _calls(answer)
    if calls and "tool_calls" not in keep:
        return LeftOut("tool_calls", "the answer was calls of tools")
    messages = tuple(wire["messages"])
    fields = {name: value for name, value in wire.items() if name not in _NOT_ASKED_AGAIN}
    row = _row(exchange, day, request, messages)
    row["reference"] = _said(answer)
    if calls:
        row["reference_calls"] = calls
    item = Planned(id=exchange.id, place=exchange.id, messages=messages, request=fields, row=row)
    return Made(item, _digest([messages, fields]), losses.all())


def _row(exchange: Exchange, day: str, request: Request, messages: tuple[JsonObject, ...]) -> JsonObject:
    return {
        "exchange": exchange.id,
        "route": exchange.route,
        "deployment": exchange.deployment,
        "key": exchange.key,
        "purpose": exchange.decided.purpose if exchange.decided is not None else None,
        "dialect": exchange.dialect,
        "day": day,
        "stream": exchange.stream,
        "turns": sum(message["role"] == "user" for message in messages),
        "input_bytes": exchange.request_bytes,
        "cluster": _digest(_beginning(messages)),
    }


def _beginning(messages: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the messages up to the user's first."""
    found = []
    for message in messages:
        found.append(message)
        if message["role"] == "user":
            break
    return found


def _digest(value: object) -> str:
    return sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:_DIGEST_DIGITS]


def _has_media(request: Request) -> bool:
    return any(_is_media(part) for message in request.messages for part in message.parts)


def _is_media(part: Part) -> bool:
    if isinstance(part, ToolResult):
        return any(isinstance(one, Media) for one in part.content)
    return isinstance(part, Media)


def _answer(dialect: Dialect, exchange: Exchange) -> Answer | None:
    """Return what was answered; None where it cannot be read."""
    if exchange.response is None:
        return None
    if exchange.stream:
        reader = dialect.reader()
        events = [*reader.feed(exchange.response), *reader.finish()]
    else:
        events = dialect.decode_answer(exchange.response) or []
    fold = Fold(dialect.name)
    fold.take_all(events)
    return fold.answer() if events and fold.failed is None else None


def _said(answer: Answer | None) -> str | None:
    if answer is None or not answer.choices:
        return None
    texts = [part.text for part in answer.choices[0].parts if isinstance(part, Text | Refusal)]
    return "".join(texts) if texts else None


def _calls(answer: Answer | None) -> list[JsonObject]:
    if answer is None or not answer.choices:
        return []
    return [
        {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}
        for part in answer.choices[0].parts
        if isinstance(part, ToolCall)
    ]

"""A kept answer for another caller: as it was, or in the other form, whole or streaming, with ids of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.core.fold import Fold
from steelyard.core.losses import Losses
from steelyard.dialects.dialect import Asked
from steelyard.dialects.gemini import GEMINI
from steelyard.dialects.table import DIALECTS
from steelyard.gateway.body import JsonBody, PathBody
from steelyard.gateway.keepable import events_of
from steelyard.gateway.surface import model_in, query_of

if TYPE_CHECKING:
    from steelyard.cache import Entry
    from steelyard.gateway.call import Call

__all__ = ["kind_for", "replayed"]


def replayed(call: Call, entry: Entry) -> bytes | None:
    """Return what the caller is told, without transfer coding; None where it cannot be said."""
    same = entry.stream == call.stream
    if same and call.stream and call.ticket is not None:
        same = entry.tells_usage == call.ticket.tells_usage and entry.body.startswith(b"[") is _is_array(call)
    body = entry.body if same else _in_other_form(call, entry)
    if body is None:
        return None
    # Ids that the gateway makes carry the exchange's (`dialects.responses.names`): each caller gets its own.
    before, own = _tail(entry.exchange), _tail(call.id)
    return body.replace(before, own) if before in body else body


def _in_other_form(call: Call, entry: Entry) -> bytes | None:
    body = call.sending
    events = events_of(call.endpoint, entry) if call.endpoint.translates else None
    if events is None or not isinstance(body, JsonBody | PathBody):
        return None
    dialect = DIALECTS[call.endpoint.dialect]
    named = call.endpoint.in_path
    model = model_in(call.incoming.target) if named else None
    request = dialect.decode_request(body.raw, model=model, stream=call.stream if named else None)
    asked, losses = Asked(request, call.id, int(call.received_at)), Losses()
    if call.stream:
        writer = GEMINI.array_writer(asked, losses) if _is_array(call) else dialect.writer(asked, losses)
        return b"".join([writer.write(event) for event in events])
    fold = Fold(dialect.name)
    fold.take_all(events)
    return dialect.encode_answer(fold.answer(), asked, losses)


def _tail(exchange: str) -> bytes:
    return exchange.rpartition("_")[2].encode()


def _is_array(call: Call) -> bool:
    """Say whether a stream is an array of JSON, as Gemini has it without `alt=sse`."""
    return call.endpoint.streamed and query_of(call.incoming.target, "alt") != "sse"


def kind_for(call: Call) -> bytes:
    """Return the content type of what a caller is told."""
    if not call.stream or _is_array(call):
        return b"application/json"
    return b"text/event-stream; charset=utf-8"

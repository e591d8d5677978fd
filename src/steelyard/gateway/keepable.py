"""Which answers may be kept: those that are whole, and that the model alone has given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from steelyard.core.events import Cited, Ended, Event, Failed, Finished, PartBegan, PartEnded, Strange, Used
from steelyard.core.parts import Text, Thinking, ToolCall
from steelyard.dialects.table import DIALECTS

if TYPE_CHECKING:
    from steelyard.cache import Entry
    from steelyard.gateway.surface import Endpoint

__all__ = ["events_of", "is_keepable"]

_decode_array = msgspec.json.Decoder(list[Raw]).decode
# Perplexity's SDK, `StreamChunk` and the whole answer: lists beside `choices`. What is in a string has its quotation
# marks escaped, and is no such name.
_FOUND = re.compile(rb'"(?:citations|search_results)"\s*:\s*\[\s*[^\s\]]')
_DONE = frozenset(("stop", "stop_sequence", "tool_calls"))


def is_keepable(endpoint: Endpoint, entry: Entry) -> bool:
    """Say whether an answer may be given again: every choice of it is complete, nothing was held back or refused, and
    no tool was run but the client's."""
    if not endpoint.translates:
        return not entry.stream
    if endpoint.dialect == "openai" and _tells_what_was_found(entry.body):
        return False
    if not entry.stream and endpoint.dialect == "openai" and _is_plainly_done(entry.body):
        return True
    events = events_of(endpoint, entry)
    if not events or type(events[-1]) is not Ended:
        return False
    finished = 0
    for event in events:
        if isinstance(event, Finished):
            if event.finish.reason not in _DONE:
                return False
            finished += 1
        elif not _is_plain(event):
            return False
    return finished > 0


def _tells_what_was_found(body: bytes) -> bool:
    """Say whether a chat completion, whole or streamed, lists what a search has found."""
    # To look for plain bytes first takes a tenth of the time; nearly no answer has them.
    return (b'"citations"' in body or b'"search_results"' in body) and _FOUND.search(body) is not None


class _Message(Struct):
    refusal: Raw | None = None
    audio: Raw | None = None
    annotations: list[Raw] | None = None


class _Choice(Struct):
    finish_reason: str
    message: _Message


class _Chat(Struct):
    # OpenAI API reference, "The chat completion object".
    choices: list[_Choice]
    error: Raw | None = None


def _is_plainly_done(body: bytes) -> bool:
    """Say whether a whole chat completion is nothing but complete text and tool calls, at a glance; most are. What is
    not plainly so is read closely."""
    try:
        found = _decode_chat(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return found.error is None and bool(found.choices) and all(map(_is_plain_choice, found.choices))


def _is_plain_choice(choice: _Choice) -> bool:
    message = choice.message
    if choice.finish_reason not in ("stop", "tool_calls"):
        return False
    return not message.annotations and _is_nothing(message.refusal) and _is_nothing(message.audio)


def _is_nothing(value: Raw | None) -> bool:
    return value is None or bytes(value) in (b"null", b'""')


_decode_chat = msgspec.json.Decoder(_Chat).decode


def _is_plain(event: Event) -> bool:
    """Say whether an event tells of the model's own words alone. What is cited was found somewhere, by a search mostly;
    what no dialect's documentation has may be anything."""
    if isinstance(event, Failed | Cited | Strange):
        return False
    if isinstance(event, PartBegan | PartEnded):
        value = event.value
        if isinstance(value, Text):
            return not value.citations
        return isinstance(value, Thinking | ToolCall) or (value is None and isinstance(event, PartEnded))
    return True


def events_of(endpoint: Endpoint, entry: Entry) -> list[Event] | None:
    """Return an answer's events, with the usage that its client did not ask for; None where it cannot be read."""
    dialect = DIALECTS[endpoint.dialect]
    if entry.stream:
        reader = dialect.reader()
        events = [*reader.feed(_framed(entry.body)), *reader.finish()]
    else:
        events = dialect.decode_answer(entry.body) or []
    usage = entry.usage
    told = any(isinstance(one, Used) and one.usage is not None for one in events)
    if usage is not None and not usage.estimated and not told and events and isinstance(events[-1], Ended):
        events.insert(len(events) - 1, Used(usage, entry.usage_raw))
    return events or None


def _framed(body: bytes) -> bytes:
    """Return a stream as events, which it is already, or an array of JSON, as Gemini has it without `alt=sse`."""
    if not body.startswith(b"["):
        return body
    try:
        return b"".join([b"data: %b\n\n" % bytes(one) for one in _decode_array(body)])
    except msgspec.DecodeError:
        return b""

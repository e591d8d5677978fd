"""A whole answer, read (Anthropic API reference, "The Message object")."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from steelyard.core.answer import Answer, Choice, Finish
from steelyard.core.errors import BadRequest
from steelyard.core.events import Event
from steelyard.core.fold import unfold
from steelyard.core.parts import Fields
from steelyard.dialects.anthropic.blocks_in import answered_part
from steelyard.dialects.anthropic.usage import extra_of, usage_of
from steelyard.dialects.anthropic.words import NAME, REASONS, named
from steelyard.dialects.dialect import Glance
from steelyard.dialects.members import Members

__all__ = ["decode_answer", "finish_of", "glance"]


class _Message(Struct):
    type: str
    model: str | None = None
    stop_reason: str | None = None
    usage: Raw = Raw(b"")


_decode = msgspec.json.Decoder().decode
_decode_message = msgspec.json.Decoder(_Message).decode
_decode_raw = msgspec.json.Decoder(dict[str, Raw]).decode


def decode_answer(body: bytes) -> list[Event] | None:
    """Return the events of a message; None when it is none."""
    try:
        found = _decode(body)
        if not isinstance(found, dict) or found.get("type") != "message":
            return None
        return list(unfold(_answer(found, body)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadRequest):
        return None


def _answer(found: Fields, body: bytes) -> Answer:
    blocks = Members(found, "answer").array("content") or ()
    parts = tuple(answered_part(block, f"answer.content[{number}]") for number, block in enumerate(blocks))
    usage = found.pop("usage", None)
    told: Fields = usage if isinstance(usage, dict) else {}
    raw = bytes(_decode_raw(body)["usage"]) if told else None
    finish = finish_of(found)
    for name in ("type", "role", "content"):
        found.pop(name, None)
    return Answer(
        NAME,
        (Choice(parts, finish),),
        _text(found.pop("id", None)),
        _text(found.pop("model", None)),
        usage=usage_of(told),
        usage_raw=raw,
        usage_extra=extra_of(told),
        extra=named(found),
    )


def finish_of(delta: Fields) -> Finish | None:
    """Return why an answer ended, and take that out of `delta`; None where it has not."""
    native = _text(delta.pop("stop_reason", None))
    sequence = _text(delta.pop("stop_sequence", None))
    details = delta.pop("stop_details", None)
    if native is None:
        return None
    return Finish(
        REASONS.get(native, "other"), sequence, NAME, native, {} if details is None else {"stop_details": details}
    )


def glance(body: bytes) -> Glance | None:
    """Return what is to be known of an answer that is relayed."""
    try:
        found = _decode_message(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if found.type == "error":
        return Glance(error=True)
    if found.type != "message":
        return None
    raw = bytes(found.usage)
    try:
        told = _decode(raw) if raw else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return Glance(found.model, found.stop_reason)
    return Glance(found.model, found.stop_reason, usage_of(told), raw)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None

"""An upstream's whole answer of the form that nearly all have: one text, one finish, usage, and nothing beside them."""

from typing import Literal

import msgspec
from msgspec import Raw, Struct

from steelyard.core.answer import Finish, FinishReason
from steelyard.core.events import Began, Ended, Event, Finished, PartBegan, PartEnded, Used
from steelyard.core.parts import NOTHING, Fields, Text
from steelyard.dialects.chat.thoughts import NAME
from steelyard.dialects.openai import usage_of

__all__ = ["plain_answer"]

_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}


class _Nothing(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """An array without entries."""


class _Message(Struct, forbid_unknown_fields=True, gc=False):
    content: str
    role: str | None = None
    refusal: None = None
    annotations: _Nothing | None = None
    tool_calls: _Nothing | None = None


class _Choice(Struct, forbid_unknown_fields=True, gc=False):
    message: _Message
    finish_reason: Literal["stop", "length"]
    index: Literal[0] = 0
    logprobs: None = None


class _Answer(Struct, forbid_unknown_fields=True, gc=False):
    id: str
    model: str
    created: int
    choices: tuple[_Choice]
    usage: Raw
    object: str | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None


_decode = msgspec.json.Decoder(_Answer).decode
_ENDED = Ended()
_PART_ENDED = PartEnded(0)
_FINISHED = {word: Finished(Finish(reason, None, NAME, word)) for word, reason in _REASONS.items()}


def plain_answer(body: bytes) -> list[Event] | None:
    """Return the events of a plain answer; None for others."""
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    usage = usage_of(answer.usage)
    choice = answer.choices[0]
    text = choice.message.content
    if usage is None or not text:
        return None
    told = answer.id or None, answer.model or None, answer.created or None
    return [
        Began(*told, _extra(answer), NAME),
        PartBegan(0, "text", Text(text)),
        _PART_ENDED,
        _FINISHED[choice.finish_reason],
        Used(usage, bytes(answer.usage)),
        _ENDED,
    ]


def _extra(answer: _Answer) -> Fields:
    tier, fingerprint = answer.service_tier, answer.system_fingerprint
    if tier is None and fingerprint is None:
        return NOTHING
    told = (("service_tier", tier), ("system_fingerprint", fingerprint))
    return {name: value for name, value in told if value is not None}

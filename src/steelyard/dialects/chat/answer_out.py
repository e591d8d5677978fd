"""A whole answer as a client reads it (API reference, "The chat completion object")."""

import msgspec
from msgspec import Raw

from steelyard.core.answer import Answer, Choice, Finish
from steelyard.core.losses import Losses
from steelyard.core.parts import Fields, Media, Opaque, Refusal, Text, Thinking, ToolCall
from steelyard.core.request import Request
from steelyard.dialects.chat.answer_words import (
    annotation_of,
    finish_extra,
    finish_word,
    image_of,
    told_call,
    told_logprobs,
    told_usage,
)
from steelyard.dialects.chat.content import text_part, thinking_part, with_extra
from steelyard.dialects.chat.thoughts import NAME, field_of, write_thoughts
from steelyard.dialects.chat.tools import write_signature
from steelyard.dialects.dialect import Asked

__all__ = ["asked_for_functions", "encode_answer", "extra_of"]

_encode = msgspec.json.Encoder().encode


def encode_answer(answer: Answer, asked: Asked, losses: Losses) -> bytes:
    """Return the body that tells a client the answer."""
    same = answer.dialect == NAME
    legacy = asked_for_functions(asked.request)
    wire: Fields = {
        "id": answer.id or f"chatcmpl-{asked.id}",
        "object": "chat.completion",
        "created": answer.created if answer.created is not None else asked.created,
        "model": answer.model or asked.request.model,
        "choices": [
            _Told(losses, same=same, legacy=legacy).choice(one, index) for index, one in enumerate(answer.choices)
        ],
    }
    if answer.usage is not None:
        wire["usage"] = Raw(answer.usage_raw) if same and answer.usage_raw else told_usage(answer.usage)
    wire.update(extra_of(answer.extra, losses, same=same))
    if not same:
        for name in answer.usage_extra:
            losses.dropped(f"answer.usage.{name}", "the dialect has no such field")
    return _encode(wire)


def asked_for_functions(request: Request) -> bool:
    """Say whether a client asked with the deprecated `functions`: it knows no tool calls."""
    return request.dialect == NAME and request.at.get("tools") == "functions"


def extra_of(extra: Fields, losses: Losses, *, same: bool) -> Fields:
    """Return the leftover fields of an answer of this dialect; report those of another."""
    if same:
        return extra
    for name in extra:
        losses.dropped(f"answer.{name}", "the dialect has no such field")
    return {}


class _Told:
    """One choice while its parts are put where the dialect has them."""

    __slots__ = (
        "_annotations",
        "_calls",
        "_images",
        "_legacy",
        "_length",
        "_losses",
        "_message",
        "_said",
        "_same",
        "_thoughts",
    )

    def __init__(self, losses: Losses, *, same: bool, legacy: bool) -> None:
        self._losses = losses
        self._same = same
        self._legacy = legacy
        self._message: Fields = {"role": "assistant", "content": None, "refusal": None}
        self._said: list[Text | Thinking] = []
        self._thoughts: list[Thinking] = []
        self._calls: list[ToolCall] = []
        self._images: list[Fields] = []
        self._annotations: list[Fields] = []
        self._length = 0

    def choice(self, choice: Choice, index: int) -> Fields:
        for part in choice.parts:
            self._take(part)
        message = self._message
        self._say(message)
        refused = message["refusal"] is not None
        beside: Fields = {}
        word = None
        if choice.finish is not None:
            beside, word = self._finish(choice.finish, message, refused=refused)
        logprobs = None
        if choice.logprobs is not None:
            told = told_logprobs(choice.logprobs)
            only_refused = refused and not message["content"]
            logprobs = {"content": None if only_refused else told, "refusal": told if only_refused else None}
        return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": word, **beside}

    def _finish(self, finish: Finish, message: Fields, *, refused: bool) -> tuple[Fields, str]:
        beside, inside = finish_extra(finish, self._losses)
        with_extra(message, inside)
        return beside, finish_word(finish, self._losses, refused=refused, legacy=self._legacy)

    def _take(self, part: object) -> None:
        match part:
            case Text():
                self._text(part)
            case Thinking() if field_of(part)[0] == "content":
                self._said.append(part)
            case Thinking():
                self._out_of_order(before=bool(self._said or self._calls))
                self._thoughts.append(part)
            case ToolCall():
                self._calls.append(part)
            case Refusal():
                self._out_of_order(before=bool(self._calls))
                self._message["refusal"] = (self._message["refusal"] or "") + part.text
            case Media():
                image = image_of(part, self._losses)
                if image is not None:
                    self._images.append(image)
            case Opaque() if part.dialect == NAME:
                self._message[part.kind] = part.native
            case Opaque():
                self._losses.dropped(f"answer.{part.kind}", "the dialect has no such part of an answer")

    def _out_of_order(self, *, before: bool) -> None:
        if before:
            self._losses.approximated("answer.content", "thoughts stand before the text, tool calls behind it")

    def _text(self, part: Text) -> None:
        self._out_of_order(before=bool(self._calls))
        for citation in part.citations:
            told = annotation_of(citation, self._losses, before=self._length, length=len(part.text))
            if told is not None:
                self._annotations.append(told)
        write_signature(self._message, part.signature)
        self._length += len(part.text)
        self._said.append(part)

    def _say(self, message: Fields) -> None:
        texts = [one.text for one in self._said if isinstance(one, Text)]
        if len(texts) < len(self._said):
            message["content"] = [
                text_part(one.text) if isinstance(one, Text) else thinking_part(one) for one in self._said
            ]
        elif texts or not (self._calls or message["refusal"] or "audio" in message):
            message["content"] = "".join(texts)
        if self._thoughts:
            write_thoughts(self._thoughts, message, told=True)
        if self._annotations:
            message["annotations"] = self._annotations
        if self._images:
            message["images"] = [{**one, "index": place} for place, one in enumerate(self._images)]
        self._call(message)

    def _call(self, message: Fields) -> None:
        calls = self._calls
        if calls and self._legacy:
            message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments or "{}"}
            if len(calls) > 1:
                self._losses.dropped("answer.tool_calls", "the client asked with functions: it takes one call")
        elif calls:
            told = [told_call(one) for one in calls]
            if self._same:
                told = [with_extra(wire, call.extra) for wire, call in zip(told, calls, strict=True)]
            message["tool_calls"] = told

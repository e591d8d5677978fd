"""A stream as a client reads it (API reference, "The chat completion chunk object"): an event's cost does not grow
with it. Parts may interleave as they come: this dialect tells them apart by field and index."""

from typing import Any

import msgspec
from msgspec import Raw

from steelyard.core.answer import Finish
from steelyard.core.errors import CallError
from steelyard.core.events import (
    Added,
    Began,
    Cited,
    Ended,
    Event,
    Failed,
    Finished,
    Logged,
    PartBegan,
    PartEnded,
    Pinged,
    Sealed,
    Strange,
    Used,
)
from steelyard.core.losses import Losses
from steelyard.core.parts import Fields, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.dialects.chat.answer_out import asked_for_functions, extra_of
from steelyard.dialects.chat.answer_words import (
    annotation_of,
    finish_extra,
    finish_word,
    image_of,
    told_call,
    told_logprobs,
    told_usage,
)
from steelyard.dialects.chat.content import with_extra
from steelyard.dialects.chat.part_out import OpenPart, ToldChoice
from steelyard.dialects.chat.thoughts import NAME, field_of, write_thoughts
from steelyard.dialects.chat.tools import write_signature
from steelyard.dialects.dialect import Asked
from steelyard.dialects.openai import encode_error
from steelyard.dialects.sse import event as sse_event
from steelyard.dialects.stream import DONE

__all__ = ["ChatWriter"]

_encode = msgspec.json.Encoder().encode


class ChatWriter:
    """Writes one stream. Usage, if the client asked for it, comes in a last chunk without choices."""

    __slots__ = (
        "_asked",
        "_choices",
        "_created",
        "_ended",
        "_extra",
        "_head",
        "_id",
        "_legacy",
        "_losses",
        "_model",
        "_parts",
        "_same",
        "_tail",
        "_used",
    )

    def __init__(self, asked: Asked, losses: Losses) -> None:
        self._asked = asked
        self._losses = losses
        self._legacy = asked_for_functions(asked.request)
        self._id: str | None = None
        self._model: str | None = None
        self._created: int | None = None
        self._same = False
        self._extra: Fields = {}
        self._parts: dict[int, OpenPart] = {}
        self._choices: dict[int, ToldChoice] = {}
        self._used: Used | None = None
        self._ended = False
        self._head: bytes | None = None
        self._tail = b""

    def write(self, event: Event) -> bytes:
        """Return what an event makes the client read."""
        if type(event) is Added:
            part = self._parts.get(event.part)
            return self._add(part, event.text) if part is not None else b""
        if self._ended:
            return b""
        match event:
            case Began():
                self._begin(event)
            case PartBegan():
                return self._begin_part(event)
            case PartEnded():
                return self._end_part(event)
            case Sealed():
                return self._seal(event)
            case Cited():
                return self._cite(event)
            case Logged():
                self._choice(event.choice).logged += event.logprobs
            case _:
                return self._write_rest(event)
        return b""

    def _write_rest(self, event: Event) -> bytes:
        match event:
            case Finished():
                return self._finish(event.finish, event.choice)
            case Used():
                self._used = event
            case Pinged():
                return b": ping\n\n"
            case Strange() if event.dialect == NAME:
                return sse_event(event.data, event.event.encode() if event.event is not None else None)
            case Failed():
                return self._fail(event.message, event.kind or "upstream_error", event.code)
            case Ended():
                return self._end()
        return b""

    def fail(self, error: CallError) -> bytes:
        """Return an error in the stream's place, without the terminator: the stream is not complete."""
        if self._ended:
            return b""
        self._ended = True
        return sse_event(encode_error(error))

    def _fail(self, message: str, kind: str, code: str | None) -> bytes:
        self._ended = True
        told = {"message": message, "type": kind, "param": None, "code": code}
        return sse_event(_encode({"error": told}))

    def _begin(self, event: Began) -> None:
        self._same = event.dialect == NAME
        self._extra = {**self._extra, **extra_of(event.extra, self._losses, same=self._same)}
        if self._id is None:
            self._id = event.id
        if self._model is None:
            self._model = event.model
        if self._created is None:
            self._created = event.created
        if event.extra:
            self._frame()

    def _frame(self) -> tuple[bytes, bytes]:
        """Set what stands before and behind the choices of every chunk: one id for the whole stream."""
        asked = self._asked
        if self._id is None:
            self._id = f"chatcmpl-{asked.id}"
        created = self._created if self._created is not None else asked.created
        told = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": self._model or asked.request.model,
            **self._extra,
        }
        self._head = b"data: " + _encode(told)[:-1] + b',"choices":['
        # With usage asked for, every other chunk says that it has none (API reference, `include_usage`).
        self._tail = b'],"usage":null}\n\n' if asked.request.include_usage else b"]}\n\n"
        return self._head, self._tail

    def _choice(self, index: int) -> ToldChoice:
        found = self._choices.get(index)
        if found is None:
            found = self._choices[index] = ToldChoice(index)
        return found

    def _chunk(
        self, choice: ToldChoice, delta: Fields, finish: str | None = None, beside: Fields | None = None
    ) -> bytes:
        """Return a chunk with a delta; the first of a choice tells the role."""
        head, tail = (self._head, self._tail) if self._head is not None else self._frame()
        if not choice.told:
            choice.told = True
            delta = (
                {"role": "assistant", "content": "", **delta}
                if "content" not in delta
                else {"role": "assistant", **delta}
            )
        logprobs = None
        if choice.logged:
            entries = told_logprobs(choice.logged)
            choice.logged = ()
            refused = "refusal" in delta and not delta.get("content")
            logprobs = {"content": None if refused else entries, "refusal": entries if refused else None}
        wire = {"index": choice.index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        if beside:
            wire.update(beside)
        return head + _encode(wire) + tail

    def _add(self, part: OpenPart, text: str) -> bytes:
        choice = part.choice
        part.length += len(text)
        if part.kept is not None:
            part.kept.append(text)
        if part.before and choice.told and not choice.logged and self._head is not None:
            return self._head + part.before + _encode(text) + part.behind + self._tail
        return self._chunk(choice, part.delta(text)) if part.speaks else b""

    def _begin_part(self, event: PartBegan) -> bytes:
        choice = self._choice(event.choice)
        value = event.value
        part = self._parts[event.part] = OpenPart(choice, value)
        match value:
            case Text():
                part.start = choice.length
                shown = self._add(part, value.text) if value.text else b""
                if value.signature is not None:
                    shown += self._sign_text(choice, value.signature)
                for one in value.citations:
                    shown += self._annotate(part, one)
                return shown
            case Thinking() | Refusal():
                choice.refused = choice.refused or isinstance(value, Refusal)
                return self._add(part, value.text) if value.text else b""
            case ToolCall():
                return self._begin_call(part, value)
        return self._whole(choice, value)

    def _begin_call(self, part: OpenPart, call: ToolCall) -> bytes:
        choice = part.choice
        place = choice.calls
        choice.calls += 1
        if self._legacy:
            if place:
                part.silence()
                self._losses.dropped("answer.tool_calls", "the client asked with functions: it takes one call")
                return b""
            part.place_function()
            return self._chunk(choice, {"function_call": {"name": call.name, "arguments": call.arguments}})
        part.place(place)
        wire = told_call(call)
        if not call.custom:
            wire["function"]["arguments"] = call.arguments  # fragments may follow, so no "{}" yet
        part.bare = not call.arguments and not call.custom
        if self._same:
            with_extra(wire, call.extra)
        return self._chunk(choice, {"tool_calls": [{"index": place, **wire}]})

    def _whole(self, choice: ToldChoice, value: Part) -> bytes:
        match value:
            case Media():
                image = image_of(value, self._losses)
                if image is None:
                    return b""
                choice.images += 1
                return self._chunk(choice, {"images": [{**image, "index": choice.images - 1}]})
            case Opaque() if value.dialect == NAME:
                return self._chunk(choice, {value.kind: value.native})
            case Opaque():
                self._losses.dropped(f"answer.{value.kind}", "the dialect has no such part of an answer")
        return b""

    def _end_part(self, event: PartEnded) -> bytes:
        part = self._parts.pop(event.part, None)
        if part is None:
            return b""
        choice = part.choice
        if isinstance(part.value, Text):
            choice.length += part.length
        if isinstance(part.value, Thinking):
            return self._end_thought(part)
        if part.bare and not part.length:
            return self._chunk(choice, part.delta("{}"))  # a call without arguments: clients parse them
        return b""

    def _end_thought(self, part: OpenPart) -> bytes:
        """Tell what seals a thought, once it is whole."""
        thought = part.thought()
        if field_of(thought)[0] not in ("reasoning_details", "thinking_blocks"):
            return b""
        choice = part.choice
        delta: Fields = {}
        write_thoughts([thought], delta, told=False)
        details = delta.get("reasoning_details", ())
        for entry in details:
            if thought.dialect != NAME:
                entry["index"] = choice.thoughts
        choice.thoughts += 1
        return self._chunk(choice, delta)

    def _seal(self, event: Sealed) -> bytes:
        part = self._parts.get(event.part)
        if part is None:
            return b""
        part.signature = event.signature or part.signature
        part.sealed = event.sealed or part.sealed
        if isinstance(part.value, Text) and event.signature is not None:
            return self._sign_text(part.choice, event.signature)
        if isinstance(part.value, ToolCall) and event.signature is not None and part.speaks and not self._legacy:
            wire: Fields = {"index": part.index}
            write_signature(wire, event.signature)
            return self._chunk(part.choice, {"tool_calls": [wire]})
        return b""

    def _sign_text(self, choice: ToldChoice, signature: str) -> bytes:
        wire: Fields = {}
        write_signature(wire, signature)
        return self._chunk(choice, wire)

    def _cite(self, event: Cited) -> bytes:
        part = self._parts.get(event.part)
        return self._annotate(part, event.citation) if part is not None else b""

    def _annotate(self, part: OpenPart, citation: Any) -> bytes:
        told = annotation_of(citation, self._losses, before=part.start, length=part.length)
        return self._chunk(part.choice, {"annotations": [told]}) if told is not None else b""

    def _finish(self, finish: Finish, index: int) -> bytes:
        choice = self._choice(index)
        beside, inside = finish_extra(finish, self._losses)
        word = finish_word(finish, self._losses, refused=choice.refused, legacy=self._legacy)
        return self._chunk(choice, inside, word, beside)

    def _end(self) -> bytes:
        self._ended = True
        used = self._used
        if used is None or not self._asked.request.include_usage or used.usage is None:
            return DONE
        raw = Raw(used.raw) if self._same and used.raw else told_usage(used.usage)
        if not self._same:
            for name in used.extra:
                self._losses.dropped(f"answer.usage.{name}", "the dialect has no such field")
        head = self._head if self._head is not None else self._frame()[0]
        return head + b'],"usage":' + _encode(raw) + b"}\n\n" + DONE

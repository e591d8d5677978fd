"""A client's stream, written event by event (API reference, "Streaming events"). A whole answer is the response object
that its last event carries."""

import msgspec

from steelyard.core.answer import Answer, Finish, TokenLogprob
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
from steelyard.core.fold import unfold
from steelyard.core.losses import Losses
from steelyard.core.parts import Fields, Media, Opaque, Refusal, Text, Thinking, ToolCall
from steelyard.core.usage import Usage
from steelyard.dialects.dialect import Asked
from steelyard.dialects.responses.errors import failure
from steelyard.dialects.responses.names import NAME, made_id
from steelyard.dialects.responses.pens import CallPen, Item, Out, Pen, RefusalPen, TextPen, ThoughtPen, WholePen
from steelyard.dialects.responses.response import Head, ended_as
from steelyard.dialects.responses.thoughts import CALL, seal_item
from steelyard.dialects.responses.usage import usage_out

__all__ = ["StreamWriter", "encode_answer"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_PING = b": ping\n\n"

_OfPart = PartBegan | Added | Sealed | Cited | PartEnded | Strange


def encode_answer(answer: Answer, asked: Asked, losses: Losses) -> bytes:
    """Return the response object of a whole answer."""
    writer = StreamWriter(asked, losses, silent=True)
    for event in unfold(answer):
        writer.write(event)
    return _encode(writer.response)


class StreamWriter:
    """Writes one stream. Parts that begin while another is open wait until it has ended: items never overlap."""

    __slots__ = (
        "_asked",
        "_begun",
        "_finish",
        "_head",
        "_ignored",
        "_item",
        "_logged",
        "_losses",
        "_named",
        "_out",
        "_output",
        "_over",
        "_pen",
        "_refused",
        "_usage",
        "_usage_extra",
        "_waiting",
        "response",
    )

    def __init__(self, asked: Asked, losses: Losses, *, silent: bool = False) -> None:
        self._asked = asked
        self._losses = losses
        self._out = Out(silent=silent)
        self._head = Head(asked, losses)
        self._begun = self._over = self._refused = False
        self._item: Item | None = None
        self._pen: Pen | None = None
        self._waiting: dict[int, list[_OfPart]] = {}
        self._named: dict[str, int] = {}
        self._ignored: set[int] = set()
        self._logged: list[TokenLogprob] = []
        self._output: list[Fields] = []
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._usage_extra: Fields = {}
        self.response: Fields = {}

    def write(self, event: Event) -> bytes:
        """Return what an event makes the client read; b"" for nothing. After `Ended` comes nothing more."""
        pen = self._pen
        if type(event) is Added and pen is not None and pen.part == event.part:
            pen.add(event.text)
            return self._out.flush()
        if not self._over:
            self._take(event)
        return self._out.flush()

    def fail(self, error: CallError) -> bytes:
        """Return `response.failed`: a stream that cannot be completed ends so."""
        if not self._over:
            self._fail(str(error), error.status, error.code)
        return self._out.flush()

    def _take(self, event: Event) -> None:
        match event:
            case PartBegan() if event.choice:
                self._ignored.add(event.part)
                self._losses.dropped(f"answer.choices[{event.choice}]", "a response is one answer")
            case PartBegan() | Added() | Sealed() | Cited() | PartEnded():
                self._begin()
                self._take_part(event)
            case Logged() | Finished() if event.choice:
                """Of a choice that is not told."""
            case Logged():
                self._log(event.logprobs)
            case Finished():
                self._finish = event.finish
            case Ended():
                self._end()
            case _:
                self._take_rest(event)

    def _take_rest(self, event: Began | Used | Pinged | Strange | Failed) -> None:
        match event:
            case Began():
                self._take_head(event)
            case Used():
                self._usage, self._usage_extra = event.usage, event.extra
            case Pinged():
                self._out.raw(_PING)
            case Strange():
                if event.dialect == NAME:
                    self._begin()
                    self._pass_on(event)
            case Failed():
                self._fail(event.message, event.status, event.code)

    def _take_head(self, event: Began) -> None:
        if not self._begun:
            self._head.take(event.id, event.model, event.created)
        self._head.take_extra(event.extra, event.dialect)
        self._begin()

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        if not self._out.silent:
            self.response = self._head.object("in_progress", [])
        self._out.emit("response.created", {"response": self.response})
        self._out.emit("response.in_progress", {"response": self.response})

    # Parts

    def _take_part(self, event: _OfPart) -> None:
        if isinstance(event, PartBegan):
            if self._pen is None:
                self._open(event)
            else:
                self._wait(event)
        elif isinstance(event, Strange):
            self._say_strange(event)
        elif self._pen is not None and event.part == self._pen.part:
            self._grow(self._pen, event)
        elif event.part in self._waiting:
            self._waiting[event.part].append(event)
        elif event.part not in self._ignored and isinstance(event, Sealed):
            self._losses.dropped("answer.signature", "it came after what it seals had ended")

    def _wait(self, event: PartBegan) -> None:
        self._waiting[event.part] = [event]
        if isinstance(event.value, Opaque):
            self._named[str(event.value.native.get("id"))] = event.part

    def _grow(self, pen: Pen, event: Added | Sealed | Cited | PartEnded) -> None:
        match event:
            case Added():
                pen.add(event.text)
            case Sealed():
                pen.seal(event.signature, event.sealed)
            case Cited():
                pen.cite(event.citation)
            case PartEnded():
                pen.end(event.value)
                self._pen = None
                self._open_waiting()

    def _open_waiting(self) -> None:
        while self._pen is None and self._waiting:
            part = next(iter(self._waiting))
            for event in self._waiting.pop(part):
                self._take_part(event)

    def _open(self, event: PartBegan) -> None:
        value = event.value
        match value:
            case Text():
                self._pen = pen = TextPen(self._message(value), event.part, value, self._losses)
                if self._logged:
                    pen.log(self._logged)
                    self._logged = []
            case Refusal():
                self._refused = True
                self._pen = RefusalPen(self._message(value), event.part, value)
            case ToolCall():
                self._pen = CallPen(self._call(value), event.part, value)
            case Thinking():
                self._pen = ThoughtPen(self._thought(value), event.part, value)
            case Opaque() if value.dialect == NAME:
                self._close()
                wire = {"id": self._made_id("item"), **value.native}
                self._pen = WholePen(self._new(wire, None, {}), event.part, value)
            case Media() if value.kind == "image" and value.data is not None:
                self._close()
                self._pen = WholePen(self._new(self._image(value.data), None, {}), event.part, value)
            case _:
                self._ignored.add(event.part)
                self._losses.dropped("answer.content", "the Responses API has no such kind of output")

    def _image(self, data: str) -> Fields:
        # The only item with an image in it is the one that OpenAI's own tool for images makes.
        self._losses.approximated("answer.content", "an image is told as one that a tool made")
        made = self._made_id("ig")
        return {"id": made, "type": "image_generation_call", "status": "completed", "result": data}

    def _made_id(self, kind: str) -> str:
        """Return an id for the next item. Whoever asks has closed the one before."""
        return made_id(kind, self._asked.id, len(self._output))

    def _own_id(self, upstream: str | None, kind: str) -> str:
        """Return an item's id: the upstream's, unless an item had it before."""
        if upstream is None or any(one.get("id") == upstream for one in self._output):
            return self._made_id(kind)
        return upstream

    # Items

    def _message(self, value: Text | Refusal) -> Item:
        item = self._item
        if item is not None and item.wire["type"] == "message" and value.item_id in (None, item.upstream):
            return item
        self._close()
        wire: Fields = {"id": self._own_id(value.item_id, "msg"), "type": "message", "role": "assistant"}
        wire.update({"status": "in_progress", "content": []})
        if value.item_id is not None and "phase" in value.extra:
            wire["phase"] = value.extra["phase"]
        return self._new(wire, value.item_id, {"status": "in_progress", "content": []})

    def _call(self, value: ToolCall) -> Item:
        self._close()
        if value.signature is not None:
            self._seal(CALL, value.signature)
        kind, key, prefix = (
            ("custom_tool_call", "input", "ctc") if value.custom else ("function_call", "arguments", "fc")
        )
        wire: Fields = {"id": self._own_id(value.item_id, prefix), "type": kind, "status": "in_progress"}
        wire.update({key: "", "call_id": value.id, "name": value.name})
        if value.item_id is not None:
            wire.update(value.extra)
        return self._new(wire, value.item_id, {"status": "in_progress"})

    def _thought(self, value: Thinking) -> Item:
        item = self._item
        if (
            item is not None
            and item.wire["type"] == "reasoning"
            and value.item_id is not None
            and value.item_id == item.upstream
        ):
            return item
        self._close()
        wire = {"id": self._own_id(value.item_id, "rs"), "type": "reasoning", "summary": []}
        return self._new(wire, value.item_id, {})

    def _new(self, wire: Fields, upstream: str | None, growing: Fields) -> Item:
        self._close()
        self._item = item = Item(self._out, len(self._output), wire, upstream, growing)
        item.add()
        return item

    def _close(self, status: str = "completed") -> None:
        item = self._item
        if item is not None:
            self._item = None
            self._output.append(item.end(status))
            for what, seal in item.after:
                self._seal(what, seal)

    def _seal(self, what: str, seal: str) -> None:
        """Write the item that carries the seal of what is no thought."""
        item = Item(self._out, len(self._output), seal_item(what, seal, self._made_id("rs")), None, {})
        item.add()
        self._output.append(item.end("completed"))

    # All else

    def _log(self, logprobs: tuple[TokenLogprob, ...]) -> None:
        if isinstance(self._pen, TextPen):
            self._pen.log(logprobs)
        else:
            self._logged.extend(logprobs)

    def _pass_on(self, event: Strange) -> None:
        """Pass on an event of this dialect: behind the item that it is about, where that waits."""
        try:
            told = _decode(event.data)
        except msgspec.DecodeError:
            return
        item_id = told.get("item_id") if isinstance(told, dict) else None
        part = self._named.get(item_id) if isinstance(item_id, str) else None
        if part is not None and part in self._waiting:
            self._waiting[part].append(event)
        elif isinstance(told, dict):
            self._say_strange(event)

    def _say_strange(self, event: Strange) -> None:
        told = _decode(event.data)
        kind = str(told.pop("type", event.event))
        told.pop("sequence_number", None)
        if "output_index" in told:
            if self._item is None or self._item.wire.get("id") != told.get("item_id"):
                self._losses.dropped(f"answer.{kind}", "the item that it is about is not open")
                return
            told["output_index"] = self._item.index
        self._out.emit(kind, told)

    def _fail(self, message: str, status: int, code: str | None) -> None:
        self._begin()
        self._over = True
        if self._pen is None:
            self._close()
        error = failure(message, status, code)
        self.response = self._head.object("failed", self._output, error=error, usage=self._told_usage())
        self._out.emit("response.failed", {"response": self.response})
        self._pen = None

    def _end(self) -> None:
        self._begin()
        self._over = True
        while self._pen is not None:
            self._grow(self._pen, PartEnded(self._pen.part))
        status, why = ended_as(self._finish, self._losses, refused=self._refused)
        self._close(status)
        details = {"reason": why} if why is not None else None
        self.response = self._head.object(status, self._output, incomplete_details=details, usage=self._told_usage())
        self._out.emit(f"response.{status}", {"response": self.response})

    def _told_usage(self) -> Fields | None:
        usage = usage_out(self._usage)
        return {**usage, **self._usage_extra} if usage is not None and self._usage_is_ours() else usage

    def _usage_is_ours(self) -> bool:
        return self._finish is not None and self._finish.dialect == NAME

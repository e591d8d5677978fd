"""What writes one part of an answer as events, and the items that parts belong to.

Order of events, from the API reference, "Streaming events": an item is added, its content parts are added, grow by
deltas and are done, one after the other, then the item is done. `sequence_number` counts all events of a stream.
"""

import msgspec

from steelyard.core.answer import TokenLogprob
from steelyard.core.losses import Losses
from steelyard.core.parts import Citation, Fields, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.dialects.responses.content_out import annotation
from steelyard.dialects.responses.names import NAME
from steelyard.dialects.responses.response import logprobs_out
from steelyard.dialects.responses.thoughts import BREAK, CALLED, TEXT, sealed_text

__all__ = ["CallPen", "Item", "Out", "Pen", "RefusalPen", "TextPen", "ThoughtPen", "WholePen"]

_encode = msgspec.json.Encoder().encode


class Out:
    """Events on their way out. `silent`: they are counted, not written; only the items that they tell of are wanted."""

    __slots__ = ("_chunks", "number", "silent")

    def __init__(self, *, silent: bool) -> None:
        self._chunks: list[bytes] = []
        self.number = 0
        self.silent = silent

    def emit(self, kind: str, fields: Fields) -> None:
        """Write an event under the next number."""
        if not self.silent:
            told = _encode({"type": kind, "sequence_number": self.number, **fields})
            self._chunks.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), told))
        self.number += 1

    def raw(self, line: bytes) -> None:
        """Write what is no event."""
        if not self.silent:
            self._chunks.append(line)

    def flush(self) -> bytes:
        """Return what was written since the last time."""
        chunks = self._chunks
        if not chunks:
            return b""
        written = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        return written


class Item:
    """One item of the output while it grows. `wire` becomes the whole of it; `upstream` is its id there."""

    __slots__ = ("_growing", "after", "index", "out", "upstream", "wire")

    def __init__(self, out: Out, index: int, wire: Fields, upstream: str | None, growing: Fields) -> None:
        """`growing`: the members that the item has as long as it is not done, in the place of those in `wire`."""
        self.out = out
        self.index = index
        self.wire = wire
        self.upstream = upstream
        self.after: list[tuple[str, str]] = []
        self._growing = growing

    def add(self) -> None:
        """Tell that the item begins."""
        self.out.emit(
            "response.output_item.added", {"output_index": self.index, "item": {**self.wire, **self._growing}}
        )

    def end(self, status: str) -> Fields:
        """Tell that the item is done; return it."""
        if "status" in self._growing:
            self.wire["status"] = status
        self.out.emit("response.output_item.done", {"output_index": self.index, "item": self.wire})
        return self.wire

    @property
    def at(self) -> Fields:
        """The members that say in every event which item it is about."""
        return {"item_id": self.wire["id"], "output_index": self.index}


class Pen:
    """Writes one part. `delta` is the type of the event that adds text to it."""

    __slots__ = ("_fragments", "_head", "_middle", "_out", "_tail", "at", "item", "part", "value")

    def __init__(self, item: Item, part: int, value: Part) -> None:
        self.item = item
        self.part = part
        self.value = value
        self.at = item.at
        self._out = item.out
        self._fragments: list[str] = []
        self._head = self._middle = self._tail = b""

    def _ready(self, delta: str, tail: bytes = b"}\n\n") -> None:
        """Prepare what is the same in all deltas, so that each costs no more than its text."""
        self._head = b'event: %b\ndata: {"type":"%b","sequence_number":' % (delta.encode(), delta.encode())
        self._middle = b',%b,"delta":' % _encode(self.at)[1:-1]
        self._tail = tail

    def add(self, text: str) -> None:
        """Write text that comes to the part."""
        if not text:
            return
        self._fragments.append(text)
        out = self._out
        out.raw(b"%b%d%b%b%b" % (self._head, out.number, self._middle, _encode(text), self._tail))
        out.number += 1

    def seal(self, signature: str | None, sealed: str | None) -> None:
        """Take what seals the part."""

    def cite(self, citation: Citation) -> None:
        """Take a citation; only texts have them."""

    def end(self, value: Part | None) -> None:
        """Write that the part is complete. `value` is the whole of it, where the upstream told it once more."""

    def _said(self, otherwise: str) -> str:
        if not self._fragments and otherwise:
            self.add(otherwise)
        return "".join(self._fragments)


class TextPen(Pen):
    """Writes a text of a message."""

    __slots__ = ("_length", "_losses", "_notes", "_pending", "_signature", "logged")

    def __init__(self, item: Item, part: int, value: Text, losses: Losses) -> None:
        super().__init__(item, part, value)
        self.at = {**self.at, "content_index": len(item.wire["content"])}
        self._losses = losses
        self._length = 0
        self._notes: list[Fields] = []
        self._pending: list[TokenLogprob] = []
        self.logged: list[TokenLogprob] = []
        self._signature = value.signature
        self._ready("response.output_text.delta", b',"logprobs":[]}\n\n')
        empty = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
        self._out.emit("response.content_part.added", {**self.at, "part": empty})
        self.add(value.text)
        for citation in value.citations:
            self.cite(citation)

    def add(self, text: str) -> None:
        self._length += len(text)
        if not self._pending or not text:
            super().add(text)
            return
        tail = self._tail
        self._tail = b',"logprobs":%b}\n\n' % _encode(logprobs_out(self._pending))
        self._pending = []
        super().add(text)
        self._tail = tail

    def log(self, logprobs: tuple[TokenLogprob, ...] | list[TokenLogprob]) -> None:
        """Take log probabilities: they go with the next text."""
        self._pending.extend(logprobs)
        self.logged.extend(logprobs)

    def seal(self, signature: str | None, sealed: str | None) -> None:
        self._signature = signature or self._signature

    def cite(self, citation: Citation) -> None:
        note = annotation(citation, self._length)
        if note is None:
            self._losses.dropped("answer.citations", "citations of what has no URL cannot be said here")
            return
        told = {**self.at, "annotation_index": len(self._notes), "annotation": note}
        self._out.emit("response.output_text.annotation.added", told)
        self._notes.append(note)

    def end(self, value: Part | None) -> None:
        whole = value if isinstance(value, Text) else self.value
        assert isinstance(whole, Text)
        text = self._said(whole.text)
        for citation in whole.citations[len(self._notes) :]:
            self.cite(citation)
        logprobs = logprobs_out(self.logged)
        self._out.emit("response.output_text.done", {**self.at, "text": text, "logprobs": logprobs})
        part = {"type": "output_text", "annotations": self._notes, "logprobs": logprobs, "text": text}
        if whole.item_id is not None:
            part.update({name: one for name, one in whole.extra.items() if name != "phase"})
        self._out.emit("response.content_part.done", {**self.at, "part": part})
        self.item.wire["content"].append(part)
        signature = self._signature or whole.signature
        if signature is not None:
            self.item.after.append((TEXT, signature))


class RefusalPen(Pen):
    """Writes a refusal in a message."""

    __slots__ = ()

    def __init__(self, item: Item, part: int, value: Refusal) -> None:
        super().__init__(item, part, value)
        self.at = {**self.at, "content_index": len(item.wire["content"])}
        self._ready("response.refusal.delta")
        self._out.emit("response.content_part.added", {**self.at, "part": {"type": "refusal", "refusal": ""}})
        self.add(value.text)

    def end(self, value: Part | None) -> None:
        refusal = self._said(value.text if isinstance(value, Refusal) else "")
        self._out.emit("response.refusal.done", {**self.at, "refusal": refusal})
        part = {"type": "refusal", "refusal": refusal}
        self._out.emit("response.content_part.done", {**self.at, "part": part})
        self.item.wire["content"].append(part)


class CallPen(Pen):
    """Writes a call of a function or of a custom tool: an item of its own."""

    __slots__ = ("_key", "_kind", "_signature")

    def __init__(self, item: Item, part: int, value: ToolCall) -> None:
        super().__init__(item, part, value)
        self._kind, self._key = (
            ("custom_tool_call_input", "input") if value.custom else ("function_call_arguments", "arguments")
        )
        self._signature: str | None = None
        self._ready(f"response.{self._kind}.delta")
        self.add(value.arguments)

    def seal(self, signature: str | None, sealed: str | None) -> None:
        self._signature = signature or self._signature

    def end(self, value: Part | None) -> None:
        whole = value if isinstance(value, ToolCall) else None
        # Clients decode arguments as JSON, whether there are any or not.
        text = self._said((whole.arguments if whole else "") or ("{}" if self._key == "arguments" else ""))
        self._out.emit(f"response.{self._kind}.done", {**self.at, self._key: text})
        self.item.wire[self._key] = text
        if whole is not None and whole.item_id is not None:
            self.item.wire.update(whole.extra)
        assert isinstance(self.value, ToolCall)
        late = self._signature or (whole.signature if whole else None)
        if late is not None and late != self.value.signature:
            self.item.after.append((CALLED, late))


class ThoughtPen(Pen):
    """Writes a thought: a reasoning item, or its other half. A summary's pieces are parts of their own; a piece of
    text that is the break between two alone begins the next one (the reader of this dialect tells it so)."""

    __slots__ = ("_begun", "_given", "_index", "_kind", "_piece", "_whole")

    def __init__(self, item: Item, part: int, value: Thinking) -> None:
        super().__init__(item, part, value)
        self._kind, self._index = ("summary", "summary_index") if value.summary else ("content", "content_index")
        self._given = value
        self._whole: list[Fields] = []
        self._begun = False
        self._piece: Fields = {}
        if value.breaks:
            self._write_pieces(value)
        else:
            self.add(value.text)

    def _write_pieces(self, value: Thinking) -> None:
        starts = (0, *value.breaks)
        ends = (*(at - len(BREAK) for at in value.breaks), len(value.text))
        for start, end in zip(starts, ends, strict=True):
            if self._begun:
                self._end_piece()
            self._begin_piece()
            super().add(value.text[start:end])

    def add(self, text: str) -> None:
        if not text:
            return
        if text == BREAK and self._given.dialect == NAME and self._begun:
            self._end_piece()
            self._begin_piece()
            return
        if not self._begun:
            self._begin_piece()
        super().add(text)

    def _begin_piece(self) -> None:
        self._begun = True
        self.at = {**self.item.at, self._index: len(self._whole)}
        summary = self._kind == "summary"
        self._ready("response.reasoning_summary_text.delta" if summary else "response.reasoning_text.delta")
        empty = {"type": "summary_text" if summary else "reasoning_text", "text": ""}
        begun = "response.reasoning_summary_part.added" if summary else "response.content_part.added"
        self._out.emit(begun, {**self.at, "part": empty})

    def _end_piece(self) -> None:
        text = "".join(self._fragments)
        self._fragments = []
        summary = self._kind == "summary"
        part = {"type": "summary_text" if summary else "reasoning_text", "text": text}
        done = "response.reasoning_summary_text.done" if summary else "response.reasoning_text.done"
        self._out.emit(done, {**self.at, "text": text})
        ended = "response.reasoning_summary_part.done" if summary else "response.content_part.done"
        self._out.emit(ended, {**self.at, "part": part})
        self._whole.append(part)
        self._begun = False

    def seal(self, signature: str | None, sealed: str | None) -> None:
        given = self._given
        self._given = msgspec.structs.replace(
            given, signature=signature or given.signature, sealed=sealed or given.sealed
        )

    def end(self, value: Part | None) -> None:
        if isinstance(value, Thinking):
            if not self._begun and not self._whole and value.text:
                self._write_pieces(value)
            self.seal(value.signature, value.sealed)
            if value.dialect == NAME:
                self.item.wire.update(value.extra)
        elif self._given.dialect == NAME:
            self.item.wire.update(self._given.extra)
        if self._begun:
            self._end_piece()
        if self._whole:
            self.item.wire[self._kind] = self._whole
        seal = sealed_text(self._given)
        if seal is not None:
            self.item.wire.setdefault("encrypted_content", seal)


class WholePen(Pen):
    """Writes an item that comes whole: its own events, if it has any, come beside."""

    __slots__ = ()

    def end(self, value: Part | None) -> None:
        if isinstance(value, Opaque):
            self.item.wire = {**value.native, "id": self.item.wire["id"]}

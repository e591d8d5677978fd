"""A part of an answer while a client's stream takes it up: what it writes, and what it keeps until it may."""

import msgspec
from msgspec import structs

from steelyard.core.events import PartBegan, PartEnded, Sealed
from steelyard.core.losses import Losses
from steelyard.core.parts import Citation, Fields, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.dialects.anthropic import stream_blocks as blocks
from steelyard.dialects.anthropic.answer_out import report_extra
from steelyard.dialects.anthropic.borrowed import signature_of
from steelyard.dialects.anthropic.words import NAME

__all__ = ["PartWriter", "part_writer"]

_encode = msgspec.json.Encoder().encode


class PartWriter:
    """Writes one part, as a block, or as none or two. Until `open` has given it an index it only keeps what it is
    told."""

    __slots__ = ("_kept", "_start", "_written", "at", "before", "ended", "index", "value")

    _delta = "text_delta"

    def __init__(self, value: Part, start: Fields, at: str) -> None:
        self.value = value
        self.at = at
        self.ended = False
        self.before: bytes | None = None
        """What precedes each fragment, once fragments are written as they come."""
        self.index = -1
        """The next index of a block: behind the part's own, once it has one."""
        self._start = start
        self._kept: list[str] = []
        self._written = False

    def open(self, index: int) -> bytes:
        """Take up the stream, with the block of this index."""
        self.index = index
        return self._begin() + self._flush()

    def add(self, text: str) -> bytes:
        """Take a fragment."""
        if not text:
            return b""
        if self.before is not None:
            return self.before + _encode(text) + blocks.AFTER
        self._kept.append(text)
        return b""

    def seal(self, event: Sealed) -> bytes:
        """Take a seal."""
        return b""

    def cite(self, citation: Citation, losses: Losses) -> bytes:
        """Take a citation."""
        return b""

    def end(self, event: PartEnded) -> None:
        """Take what the upstream says that the part is as a whole: nothing of it is news, mostly."""
        self.ended = True

    def close(self) -> bytes:
        """Give the stream free for the next part."""
        return self._stop()

    def _begin(self) -> bytes:
        self._written = True
        self.before = blocks.before(self.index, self._delta)
        return blocks.start(self.index, self._start)

    def _lazily(self) -> bytes:
        return b"" if self._written else self._begin()

    def _flush(self) -> bytes:
        text = "".join(self._kept)
        self._kept.clear()
        return self.add(text)

    def _stop(self) -> bytes:
        self.index += 1
        self.before = None
        return blocks.stop(self.index - 1)


class _TextWriter(PartWriter):
    """Texts and refusals. Their block begins with their first character: other providers begin texts that stay empty,
    and sent back such a block would be refused. `own`: it is written even so."""

    __slots__ = ("_citations", "_own", "_signature")

    def __init__(self, value: Text | Refusal, start: Fields, at: str, own: bool) -> None:
        super().__init__(value, start, at)
        self._kept.append(value.text)
        self._own = own
        self._signature = value.signature if isinstance(value, Text) else None
        self._citations: list[Citation] = []

    def open(self, index: int) -> bytes:
        self.index = index
        return self._flush() + b"".join(self._cited(one) for one in self._citations)

    def add(self, text: str) -> bytes:
        return self._lazily() + super().add(text) if text and self.index >= 0 else super().add(text)

    def seal(self, event: Sealed) -> bytes:
        self._signature = event.signature or self._signature
        return b""

    def cite(self, citation: Citation, losses: Losses) -> bytes:
        if citation.dialect != NAME:
            losses.dropped(f"{self.at}.citations", "Anthropic's clients know only its citations")
            return b""
        if self.index >= 0:
            return self._cited(citation)
        self._citations.append(citation)
        return b""

    def _cited(self, citation: Citation) -> bytes:
        return self._lazily() + blocks.delta(self.index, "citations_delta", "citation", citation.native)

    def close(self) -> bytes:
        found = self._lazily() + self._stop() if self._written or self._own else b""
        if self._signature is not None:
            # Gemini signs an empty text at the end of a stream: the carrier goes alone then.
            found += blocks.carrier(self.index, self._signature, "text")
            self.index += 1
        return found


class _ThoughtWriter(PartWriter):
    """Thoughts. Their block begins with the first that is known of them: it may turn out to be a redacted one."""

    __slots__ = ("_thought",)

    _delta = "thinking_delta"

    def __init__(self, value: Thinking, start: Fields, at: str) -> None:
        super().__init__(value, start, at)
        self._kept.append(value.text)
        self._thought = value

    def open(self, index: int) -> bytes:
        self.index = index
        return self._flush() + self._signed(self._thought.signature)

    def add(self, text: str) -> bytes:
        return self._lazily() + super().add(text) if text and self.index >= 0 else super().add(text)

    def seal(self, event: Sealed) -> bytes:
        thought = self._thought
        self._thought = structs.replace(
            thought, signature=event.signature or thought.signature, sealed=event.sealed or thought.sealed
        )
        return self._signed(event.signature) if self.index >= 0 else b""

    def _signed(self, signature: str | None) -> bytes:
        """Return the signature of one of Anthropic's own thoughts; others' are written once they are whole."""
        if not signature or self._thought.dialect != NAME:
            return b""
        return self._lazily() + blocks.delta(self.index, "signature_delta", "signature", signature)

    def end(self, event: PartEnded) -> None:
        super().end(event)
        whole, thought = event.value, self._thought
        if isinstance(whole, Thinking):
            self._thought = structs.replace(
                thought,
                signature=thought.signature or (whole.signature if whole.dialect != NAME else None),
                sealed=thought.sealed or whole.sealed,
                item_id=thought.item_id or whole.item_id,
                summary=whole.summary,
            )

    def close(self) -> bytes:
        thought = self._thought
        if thought.dialect != NAME:
            return self._close_foreign()
        found = self._stop() if self._written else b""
        if thought.sealed is not None:
            extra = {
                name: value for name, value in self._start.items() if name not in ("type", "thinking", "signature")
            }
            start = blocks.start(self.index, {"type": "redacted_thinking", "data": thought.sealed, **extra})
            return found + start + self._stop()
        return found or self._begin() + self._stop()

    def _close_foreign(self) -> bytes:
        thought = self._thought
        if not self._written and not (thought.signature or thought.sealed):
            return b""
        begin = self._lazily()
        signed = blocks.delta(self.index, "signature_delta", "signature", signature_of(thought))
        return begin + signed + self._stop()


class _CallWriter(PartWriter):
    """Calls of tools. A signature that is known stands in front, one that comes later behind."""

    __slots__ = ("_custom", "_late", "_signature")

    _delta = "input_json_delta"

    def __init__(self, value: ToolCall, start: Fields, at: str) -> None:
        super().__init__(value, start, at)
        self._kept.append(value.arguments)
        self._signature = value.signature
        self._late: str | None = None
        self._custom = value.custom

    def open(self, index: int) -> bytes:
        self.index = index
        found = b""
        if self._signature is not None:
            found = blocks.carrier(index, self._signature, "call")
            self.index += 1
        found += self._begin()
        if self._custom:
            self.before = None  # free text: it becomes an object's only member, once it is whole
            return found
        return found + self._flush()

    def seal(self, event: Sealed) -> bytes:
        if self.index < 0:
            self._signature = event.signature or self._signature
        else:
            self._late = event.signature if event.signature != self._signature else self._late
        return b""

    def end(self, event: PartEnded) -> None:
        super().end(event)
        whole = event.value
        if isinstance(whole, ToolCall) and self.index < 0 and not any(self._kept):
            self._kept.append(whole.arguments)

    def close(self) -> bytes:
        found = b""
        if self._custom:
            given = _encode({"input": "".join(self._kept)}).decode()
            found = blocks.delta(self.index, self._delta, "partial_json", given)
        found += self._stop()
        if self._late is not None:
            found += blocks.carrier(self.index, self._late, "called")
            self.index += 1
        return found


class _WholeWriter(PartWriter):
    """Blocks that only Anthropic has."""

    __slots__ = ("_input",)

    def __init__(self, value: Opaque, start: Fields, at: str) -> None:
        given = start.get("input")
        self._input = given if isinstance(given, dict) else None
        super().__init__(value, start if self._input is None else {**start, "input": {}}, at)

    def open(self, index: int) -> bytes:
        self.index = index
        found = blocks.start(index, self._start)
        if self._input:
            found += blocks.delta(index, "input_json_delta", "partial_json", _encode(self._input).decode())
        return found


def part_writer(event: PartBegan, own: bool, losses: Losses) -> PartWriter | None:
    """Return the writer of a part that begins; None for what the API has no block for, which is reported."""
    value = event.value
    at = value.at or f"answer.content[{event.part}]"
    if isinstance(value, Opaque):
        extra: Fields = {}
    else:
        extra = value.extra if own else {}
        if not own:
            report_extra(value.extra, at, losses)
    match value:
        case Text() | Refusal():
            writer = _TextWriter(value, {"type": "text", "text": "", **extra}, at, own)
            for citation in value.citations if isinstance(value, Text) else ():
                writer.cite(citation, losses)
            return writer
        case Thinking():
            return _ThoughtWriter(value, {"type": "thinking", "thinking": "", "signature": "", **extra}, at)
        case ToolCall():
            start = {"type": "tool_use", "id": value.id, "name": value.name, "input": {}, **extra}
            return _CallWriter(value, start, at)
        case Opaque() if value.dialect == NAME:
            return _WholeWriter(value, value.native, at)
    losses.dropped(at, "Anthropic's answers have no such block")
    return None

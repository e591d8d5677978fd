"""One choice of an upstream's stream: its deltas, put into parts."""

from typing import Any

from msgspec import structs

from steelyard.core.answer import Finish
from steelyard.core.events import (
    Added,
    Cited,
    Event,
    Logged,
    PartBegan,
    PartEnded,
    PartKind,
    Sealed,
)
from steelyard.core.parts import Fields, Opaque, Part, Refusal, Text, Thinking
from steelyard.dialects.chat.answer_in import Numbers, citation_of, finish_of, images_of, logprobs_of
from steelyard.dialects.chat.calls_in import CallReader
from steelyard.dialects.chat.content import read_content
from steelyard.dialects.chat.thoughts import FIELD, NAME, block_of, detail_of, field_of
from steelyard.dialects.chat.tools import signature_of
from steelyard.dialects.members import Members

__all__ = ["ChoiceReader"]

_PLAIN = ("reasoning_content", "reasoning")
_TEXT_ONLY = frozenset(("content", "role"))
_NAMED = frozenset(("role", "content", "tool_calls", "refusal", "function_call", "reasoning_content", "reasoning"))


class ChoiceReader:
    """Puts a choice's deltas into parts: texts, thoughts and refusals end when another of them begins, calls of tools
    as `CallReader` says."""

    __slots__ = (
        "_audio",
        "_calls",
        "_finish",
        "_index",
        "_left",
        "_numbers",
        "_open",
        "_open_as",
        "_refused",
        "_text",
    )

    def __init__(self, index: int, numbers: Numbers, answer_id: Any) -> None:
        self._index = index
        self._numbers = numbers
        self._calls = CallReader(index, numbers, answer_id)
        self._open = -1
        self._open_as: Any = None
        self._text = -1
        self._refused = False
        self._audio: dict[str, list[Any]] = {}
        self._finish: Fields | None = None
        self._left: Fields = {}

    def take(self, choice: Fields, events: list[Event]) -> None:
        """Take one chunk's delta."""
        logprobs = choice.get("logprobs")
        if logprobs is not None:
            logged = logprobs_of(logprobs)
            if logged:
                events.append(Logged(logged, self._index))
        delta = choice.get("delta")
        if type(delta) is dict:
            content = delta.get("content")
            if type(content) is str and content and len(delta) <= 2 and delta.keys() <= _TEXT_ONLY:
                self._add("text", content, events)  # nearly always
            else:
                self._take_delta(delta, events)
        if choice.get("finish_reason") is not None:
            self._finish = choice

    def _take_delta(self, delta: Fields, events: list[Event]) -> None:
        sealed = delta.get("reasoning_details") or delta.get("thinking_blocks")
        if not (sealed and self._take_sealed(delta, events)):
            for name in _PLAIN:
                text = delta.get(name)
                if type(text) is str and text:
                    self._add(name, text, events)
                    break
        content = delta.get("content")
        if type(content) is str:
            if content:
                self._add("text", content, events)
        elif type(content) is list:
            self._take_content(content, events)
        refusal = delta.get("refusal")
        if type(refusal) is str and refusal:
            self._refused = True
            self._add("refusal", refusal, events)
        self._take_calls(delta, events)
        if not delta.keys() <= _NAMED:
            self._take_rest(delta, events)

    def _take_calls(self, delta: Fields, events: list[Event]) -> None:
        calls, legacy = delta.get("tool_calls"), delta.get("function_call")
        if type(legacy) is dict:
            calls = [{"index": 0, "function": legacy}]
        if type(calls) is list and calls:
            self._end(events)
            for call in calls:
                if type(call) is dict:
                    self._calls.take(call, events)

    def _take_sealed(self, delta: Fields, events: list[Event]) -> bool:
        """Take thoughts with their seals; say whether they told a text."""
        told = False
        for place, entry in enumerate(delta.get("reasoning_details") or ()):
            index = entry.get("index", place) if isinstance(entry, dict) else place
            thought = detail_of(Members(entry), foreign=False)
            told = told or bool(thought.text)
            self._think(thought, ("detail", index, thought.summary, thought.sealed is not None), events)
        if delta.get("reasoning_details"):
            return told
        for block in delta.get("thinking_blocks") or ():
            thought = block_of(Members(block))
            told = told or bool(thought.text)
            mark = f"{FIELD}thinking_blocks:"
            sealed = mark + thought.sealed if thought.sealed else None
            self._think(
                structs.replace(thought, dialect=NAME, signature=mark + (thought.signature or ""), sealed=sealed),
                ("block", sealed),
                events,
            )
        return told

    def _think(self, thought: Thinking, kind: tuple[Any, ...], events: list[Event]) -> None:
        """Go on with the thought that is open, if it is of the same kind, else begin one."""
        if self._open_as != kind or thought.sealed:
            self._begin(kind, "thinking", structs.replace(thought, at=""), events)
            return
        if thought.text:
            events.append(Added(self._open, thought.text))
        if field_of(thought)[1]:
            events.append(Sealed(self._open, thought.signature))
            self._end(events)

    def _take_content(self, content: list[Any], events: list[Event]) -> None:
        for part in read_content(content, "content"):
            match part:
                case Text() if part.text:
                    self._add("text", part.text, events)
                case Thinking() if part.text:
                    self._add("content", part.text, events)
                case Text() | Thinking():
                    """Says nothing."""
                case _:
                    self._whole(structs.replace(part, at=""), events)

    def _add(self, kind: str, text: str, events: list[Event]) -> None:
        if self._open_as == kind:
            events.append(Added(self._open, text))
            return
        if kind == "text":
            self._begin(kind, "text", Text(text), events)
            self._text = self._open
        elif kind == "refusal":
            self._begin(kind, "refusal", Refusal(text), events)
        else:
            self._begin(kind, "thinking", Thinking(text, NAME, FIELD + kind), events)

    def _begin(self, kind: Any, told: PartKind, value: Part, events: list[Event]) -> None:
        self._end(events)
        self._calls.end_whole(events)
        self._open, self._open_as = self._numbers.take(), kind
        events.append(PartBegan(self._open, told, value, self._index))

    def _whole(self, part: Part, events: list[Event]) -> None:
        self._begin(None, "whole", part, events)
        self._end(events)

    def _end(self, events: list[Event]) -> None:
        if self._open >= 0:
            events.append(PartEnded(self._open))
            self._open, self._open_as, self._text = -1, None, -1

    def _take_rest(self, delta: Fields, events: list[Event]) -> None:
        rest = Members(delta)
        for name in (*_NAMED, "reasoning_details", "thinking_blocks"):
            rest.any(name)
        annotations = rest.array("annotations")
        if annotations:
            self._cite(annotations, events)
        for image in images_of(rest.array("images")):
            self._whole(structs.replace(image, at=""), events)
        audio = rest.object("audio")
        if audio is not None:
            for name, value in audio.items():
                self._audio.setdefault(name, []).append(value)
        if "extra_content" in rest:
            signature = signature_of(rest)
            if signature is not None:
                self._sign(signature, events)
        self._left.update((f"message.{name}", one) for name, one in rest.rest().items() if one is not None)

    def _sign(self, signature: str, events: list[Event]) -> None:
        if self._text < 0:
            self._begin("text", "text", Text(""), events)
            self._text = self._open
        events.append(Sealed(self._text, signature))

    def _cite(self, annotations: list[Any], events: list[Event]) -> None:
        if self._text < 0:
            self._begin("text", "text", Text(""), events)
            self._text = self._open
        events += [Cited(self._text, citation_of(one)) for one in annotations if isinstance(one, dict)]

    def close(self, events: list[Event]) -> None:
        """End what is open."""
        self._end(events)
        self._calls.end_all(events)
        if self._audio:
            # Sound comes in pieces of base64: it is told as a whole, once it is.
            native = {name: _together(values) for name, values in self._audio.items()}
            self._whole(Opaque(NAME, "audio", native), events)

    def finish(self) -> Finish | None:
        """Return why the choice ended; None when that was not said."""
        if self._finish is None:
            return None
        return finish_of(self._finish, calls=self._calls.seen > 0, refused=self._refused, left=self._left)


def _together(values: list[Any]) -> Any:
    told = [one for one in values if isinstance(one, str)]
    return "".join(told) if len(told) == len(values) and len(values) > 1 else values[-1]

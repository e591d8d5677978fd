"""An answer, from Gemini's words: the same for a whole one and for the chunks of a stream, which have its shape
(Gemini API reference, "GenerateContentResponse", "Candidate").

A stream does not say where a part ends. A text that follows a text of the same kind in an earlier chunk continues it;
within one chunk each part stands for itself; and a part with a signature or with fields of its own is never joined to
another ("Thought signatures": such parts must not be merged).
"""

import uuid
from collections.abc import Callable
from typing import Any

import msgspec

from steelyard.core.answer import Finish
from steelyard.core.errors import BadRequest
from steelyard.core.events import (
    Added,
    Began,
    Cited,
    Event,
    Finished,
    Logged,
    PartBegan,
    PartEnded,
    PartKind,
    Used,
)
from steelyard.core.parts import Fields, Opaque, Part, Text, Thinking, ToolCall
from steelyard.dialects.gemini.citations import Said, citations_in
from steelyard.dialects.gemini.finish import finish_of
from steelyard.dialects.gemini.logprobs import logprobs_of
from steelyard.dialects.gemini.parts_in import part_of
from steelyard.dialects.gemini.plain import PlainChunk, usage_in

__all__ = ["Intake", "is_answer", "new_call_id"]

_HEAD = frozenset(("candidates", "usageMetadata", "modelVersion", "responseId"))
_PLAIN = frozenset(("content", "index"))
_NAMED = frozenset(("content", "index", "finishReason", "logprobsResult", "citationMetadata"))
_CONTENT = frozenset(("parts", "role"))
_CITING = ("groundingMetadata", "citationMetadata")

_encode = msgspec.json.Encoder().encode


def new_call_id() -> str:
    """Return an id for a call that came without one; no other call of any conversation has it."""
    return f"call_{uuid.uuid4().hex}"


def is_answer(value: Any) -> bool:
    """Say whether a decoded value is an answer, or a chunk of one."""
    return isinstance(value, dict) and ("candidates" in value or "promptFeedback" in value or "usageMetadata" in value)


class _Candidate:
    """A candidate while it grows. `kind` is the open part's: "text", "thinking", or "" where none is open."""

    __slots__ = ("called", "chunk", "cited", "closing", "extra", "index", "kind", "open", "places", "reason", "said")

    def __init__(self, index: int) -> None:
        self.index = index
        self.kind = ""
        self.open = 0
        self.chunk = -1
        self.places = 0
        self.said: dict[int, tuple[int, list[str]]] = {}
        self.closing: list[int] | None = None
        self.cited: set[tuple[int, str | None, int | None, int | None]] = set()
        self.called = False
        self.reason: str | None = None
        self.extra: Fields = {}


class Intake:
    """Takes chunks and gives the events that they tell. Each costs the same, however long the stream. `whole`: every
    candidate has said why it ended, or the prompt was blocked."""

    __slots__ = ("_blocked", "_call_id", "_candidates", "_chunk", "_extra", "_id", "_model", "_parts", "_used")

    def __init__(self, call_id: Callable[[], str]) -> None:
        self._call_id = call_id
        self._candidates: dict[int, _Candidate] = {}
        self._chunk = 0
        self._parts = 0
        self._id: str | None = None
        self._model: str | None = None
        self._extra: Fields | None = None
        self._used = b""
        self._blocked: Finish | None = None

    @property
    def whole(self) -> bool:
        if not self._candidates:
            return self._blocked is not None
        return all(one.reason is not None for one in self._candidates.values())

    def take(self, chunk: Fields, events: list[Event]) -> None:
        """Take the next chunk; add what it tells to `events`."""
        self._chunk += 1
        self._head(chunk, events)
        for place, told in enumerate(chunk.get("candidates") or ()):
            if isinstance(told, dict):
                index = told.get("index", place)
                self._candidate(self._at(index if type(index) is int else place), told, events)
        used = chunk.get("usageMetadata")
        if isinstance(used, dict):
            self._use(_encode(used), events)

    def take_plain(self, chunk: PlainChunk, events: list[Event]) -> None:
        """Take the next chunk, which is a plain one."""
        self._chunk += 1
        if chunk.response_id != self._id or chunk.model_version != self._model or self._extra is None:
            self._head({"responseId": chunk.response_id, "modelVersion": chunk.model_version}, events)
        for told in chunk.candidates:
            candidate = self._at(told.index)
            for part in told.content.parts:
                self._text(candidate, "thinking" if part.thought else "text", part.text, events)
        if chunk.usage_metadata:
            self._use(bytes(chunk.usage_metadata), events)

    def _at(self, index: int) -> _Candidate:
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate(index)
        return candidate

    def _use(self, raw: bytes, events: list[Event]) -> None:
        if raw != self._used:
            self._used = raw
            usage, extra = usage_in(raw)
            events.append(Used(usage, raw, extra))

    def finish(self) -> list[Event]:
        """Return what the end of the stream tells: the reasons, which count only now, since STOP may stand in a chunk
        before or after that of a call."""
        events: list[Event] = []
        for candidate in self._candidates.values():
            if candidate.reason is not None:
                self._close(candidate, events)
                finish = finish_of(candidate.reason, candidate.extra, called=candidate.called)
                events.append(Finished(finish, candidate.index))
        if self._blocked is not None and not self._candidates:
            events.append(Finished(self._blocked))
        return events

    def _head(self, chunk: Fields, events: list[Event]) -> None:
        found, model = chunk.get("responseId") or self._id, chunk.get("modelVersion") or self._model
        extra: Fields = {}
        if not chunk.keys() <= _HEAD:
            extra = {name: value for name, value in chunk.items() if name not in _HEAD}
            feedback = extra.get("promptFeedback")
            if isinstance(feedback, dict) and feedback.get("blockReason"):
                del extra["promptFeedback"]
                self._blocked = Finish(
                    "content_filter",
                    dialect="gemini",
                    native=str(feedback["blockReason"]),
                    extra={"promptFeedback": feedback},
                )
        if self._extra is None or found != self._id or model != self._model or (extra and extra != self._extra):
            self._id, self._model, self._extra = found, model, extra or self._extra or {}
            events.append(Began(found, model, None, extra, "gemini"))

    def _candidate(self, candidate: _Candidate, told: Fields, events: list[Event]) -> None:
        content = told.get("content")
        if told.keys() <= _PLAIN:
            if content:
                self._content(candidate, content, events)
            return
        citing = any(name in told for name in _CITING)
        if citing:
            candidate.closing = []
        if content:
            self._content(candidate, content, events)
        if citing:
            self._cite(candidate, told, events)
        if "logprobsResult" in told:
            events.append(Logged(logprobs_of(told["logprobsResult"]), candidate.index))
        candidate.reason = told.get("finishReason") or candidate.reason
        for name, value in told.items():
            if name not in _NAMED:
                candidate.extra[name] = value
        _keep_rest(candidate.extra, told)

    def _content(self, candidate: _Candidate, content: Fields, events: list[Event]) -> None:
        if len(content) > 2:
            for name in content.keys() - _CONTENT:
                candidate.extra[f"content.{name}"] = content[name]
        for part in content.get("parts") or ():
            text = part.get("text")
            count = len(part)
            if text.__class__ is str and count == 1:
                self._text(candidate, "text", text, events)
            elif text.__class__ is str and count == 2 and part.get("thought") is True:
                self._text(candidate, "thinking", text, events)
            else:
                self._part(candidate, part, events)

    def _text(self, candidate: _Candidate, kind: PartKind, text: str, events: list[Event]) -> None:
        if not text:
            return  # as in a last chunk, which has nothing but the reason
        if candidate.kind == kind and candidate.chunk != self._chunk:
            candidate.chunk = self._chunk
            events.append(Added(candidate.open, text))
            if kind == "text":
                candidate.said[candidate.open][1].append(text)
            return
        self._close(candidate, events)
        value: Part = Text(text) if kind == "text" else Thinking(text, "gemini")
        candidate.open = self._begin(candidate, kind, value, events)
        candidate.kind = kind
        candidate.chunk = self._chunk

    def _part(self, candidate: _Candidate, told: Any, events: list[Event]) -> None:
        self._close(candidate, events)
        try:
            value = part_of(told, "", self._call_id)
        except BadRequest:
            kind = next(iter(told), "") if isinstance(told, dict) else ""
            value = Opaque("gemini", kind, told if isinstance(told, dict) else {"": told})
        kinds: PartKind = "whole"
        match value:
            case Text():
                kinds = "text"
            case Thinking():
                kinds = "thinking"
            case ToolCall():
                kinds = "tool_call"
                candidate.called = True
        self._end(candidate, self._begin(candidate, kinds, value, events), events)

    def _begin(self, candidate: _Candidate, kind: PartKind, value: Part, events: list[Event]) -> int:
        number = self._parts
        self._parts += 1
        if isinstance(value, Text):
            candidate.said[number] = (candidate.places, [value.text])
        candidate.places += 1
        events.append(PartBegan(number, kind, value, candidate.index))
        return number

    def _close(self, candidate: _Candidate, events: list[Event]) -> None:
        if candidate.kind:
            candidate.kind = ""
            self._end(candidate, candidate.open, events)

    def _end(self, candidate: _Candidate, number: int, events: list[Event]) -> None:
        if candidate.closing is not None:
            candidate.closing.append(number)  # what this chunk cites may stand in it
        else:
            events.append(PartEnded(number))

    def _cite(self, candidate: _Candidate, told: Fields, events: list[Event]) -> None:
        """Tell the citations of the parts that have not ended in an earlier chunk; all stay beside the reason."""
        closing = candidate.closing or []
        candidate.closing = None
        still = {*closing, candidate.open} if candidate.kind == "text" else set(closing)
        said = [Said(part, place, "".join(texts)) for part, (place, texts) in candidate.said.items()]
        for part, citation in citations_in(told, said):
            key = (part, citation.url, citation.start, citation.end)
            if part in still and key not in candidate.cited:
                candidate.cited.add(key)
                events.append(Cited(part, citation))
        events += [PartEnded(number) for number in closing]


def _keep_rest(extra: Fields, told: Fields) -> None:
    """Keep what stands deeper in a candidate and has no name: citations add up over the chunks of a stream."""
    cited = told.get("citationMetadata")
    if isinstance(cited, dict):
        before = extra.get("citationMetadata") or {}
        extra["citationMetadata"] = {
            name: [*before.get(name, []), *value] if isinstance(value, list) else value for name, value in cited.items()
        }
    logprobs = told.get("logprobsResult")
    if isinstance(logprobs, dict) and "logProbabilitySum" in logprobs:
        extra["logprobsResult.logProbabilitySum"] = logprobs["logProbabilitySum"]

"""A whole answer from its events, and events from a whole answer."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import structs

from steelyard.core.answer import Answer, Choice, Finish, TokenLogprob
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
    PartKind,
    Pinged,
    Sealed,
    Strange,
    Used,
)
from steelyard.core.parts import Citation, Fields, Part, Refusal, Text, Thinking, ToolCall

__all__ = ["Fold", "unfold"]


class _Open:
    """A part while it grows: fragments are joined once, at its end."""

    __slots__ = ("choice", "citations", "fragments", "sealed", "signature", "value")

    def __init__(self, began: PartBegan) -> None:
        self.value = began.value
        self.choice = began.choice
        self.fragments: list[str] = []
        self.citations: list[Citation] = []
        self.signature: str | None = None
        self.sealed: str | None = None

    def closed(self) -> Part:
        value = self.value
        if not (self.fragments or self.citations or self.signature or self.sealed):
            return value
        match value:
            case Text():
                return structs.replace(
                    value,
                    text=self._joined(value.text),
                    citations=(*value.citations, *self.citations),
                    signature=self.signature or value.signature,
                )
            case Thinking():
                return structs.replace(
                    value,
                    text=self._joined(value.text),
                    signature=self.signature or value.signature,
                    sealed=self.sealed or value.sealed,
                )
            case ToolCall():
                return structs.replace(
                    value, arguments=self._joined(value.arguments), signature=self.signature or value.signature
                )
            case Refusal():
                return structs.replace(value, text=self._joined(value.text))
        return value

    def _joined(self, first: str) -> str:
        return "".join((first, *self.fragments)) if self.fragments else first


class Fold:
    """Takes the events of one stream and gives the answer that they make: each event costs the same, however long the
    stream. `failed` is set by an error in mid-stream, `ended` by the terminator."""

    __slots__ = (
        "_choices",
        "_created",
        "_dialect",
        "_extra",
        "_finishes",
        "_id",
        "_logprobs",
        "_model",
        "_parts",
        "_used",
        "ended",
        "failed",
    )

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._id: str | None = None
        self._model: str | None = None
        self._created: int | None = None
        self._extra: Fields = {}
        self._parts: dict[int, _Open] = {}
        self._choices: set[int] = set()
        self._finishes: dict[int, Finish] = {}
        self._logprobs: dict[int, list[TokenLogprob]] = {}
        self._used = Used(None)
        self.failed: Failed | None = None
        self.ended = False

    def take(self, event: Event) -> None:
        """Take the next event."""
        _TAKES[type(event)](self, event)

    def _added(self, event: Added) -> None:
        self._parts[event.part].fragments.append(event.text)

    def _part_began(self, event: PartBegan) -> None:
        self._parts[event.part] = _Open(event)
        self._choices.add(event.choice)

    def _sealed(self, event: Sealed) -> None:
        part = self._parts[event.part]
        part.signature = event.signature or part.signature
        part.sealed = event.sealed or part.sealed

    def _cited(self, event: Cited) -> None:
        self._parts[event.part].citations.append(event.citation)

    def _part_ended(self, event: PartEnded) -> None:
        if event.value is not None:
            choice = self._parts[event.part].choice
            self._parts[event.part] = _Open(PartBegan(event.part, "whole", event.value, choice))

    def _logged(self, event: Logged) -> None:
        self._choices.add(event.choice)
        self._logprobs.setdefault(event.choice, []).extend(event.logprobs)

    def _began(self, event: Began) -> None:
        self._id = event.id or self._id
        self._model = event.model or self._model
        self._created = event.created if event.created is not None else self._created
        self._extra = {**self._extra, **event.extra} if event.extra else self._extra

    def _finished(self, event: Finished) -> None:
        self._choices.add(event.choice)
        self._finishes[event.choice] = event.finish

    def _use(self, event: Used) -> None:
        self._used = event

    def _fail(self, event: Failed) -> None:
        self.failed = event

    def _end(self, event: Ended) -> None:
        self.ended = True

    def _ignore(self, event: Pinged | Strange) -> None:
        """Says nothing of the answer."""

    def take_all(self, events: Iterable[Event]) -> None:
        """Take events in their order."""
        for event in events:
            self.take(event)

    def part(self, number: int) -> Part:
        """Return a part as it is so far."""
        return self._parts[number].closed()

    def answer(self) -> Answer:
        """Return the answer so far."""
        parts: dict[int, list[Part]] = {}
        for part in [self._parts[number] for number in sorted(self._parts)]:
            parts.setdefault(part.choice, []).append(part.closed())
        return Answer(
            self._dialect,
            tuple(self._choice(number, parts.get(number, ())) for number in sorted(self._choices)),
            self._id,
            self._model,
            self._created,
            self._used.usage,
            self._used.raw,
            self._used.extra,
            self._extra,
        )

    def _choice(self, number: int, parts: Iterable[Part]) -> Choice:
        logged = self._logprobs.get(number)
        return Choice(tuple(parts), self._finishes.get(number), tuple(logged) if logged is not None else None)


_TAKES: dict[type, Callable[[Fold, Any], None]] = {
    Added: Fold._added,
    PartBegan: Fold._part_began,
    PartEnded: Fold._part_ended,
    Sealed: Fold._sealed,
    Cited: Fold._cited,
    Logged: Fold._logged,
    Began: Fold._began,
    Finished: Fold._finished,
    Used: Fold._use,
    Failed: Fold._fail,
    Ended: Fold._end,
    Pinged: Fold._ignore,
    Strange: Fold._ignore,
}


def unfold(answer: Answer) -> Iterator[Event]:
    """Give the events of a whole answer: each part is said at once. Folding them gives the answer again."""
    yield Began(answer.id, answer.model, answer.created, answer.extra, answer.dialect)
    number = 0
    for index, choice in enumerate(answer.choices):
        if choice.logprobs is not None:
            yield Logged(choice.logprobs, index)
        for part in choice.parts:
            yield PartBegan(number, _kind(part), part, index)
            yield PartEnded(number)
            number += 1
        if choice.finish is not None:
            yield Finished(choice.finish, index)
    yield Used(answer.usage, answer.usage_raw, answer.usage_extra)
    yield Ended()


def _kind(part: Part) -> PartKind:
    match part:
        case Text():
            return "text"
        case Thinking():
            return "thinking"
        case ToolCall():
            return "tool_call"
        case Refusal():
            return "refusal"
    return "whole"

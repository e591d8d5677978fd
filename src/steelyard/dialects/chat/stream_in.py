"""An upstream's stream (API reference, "The chat completion chunk object"): one chunk's cost does not grow with it."""

from typing import Any

import msgspec

from steelyard.core.errors import BadRequest
from steelyard.core.events import Began, Ended, Event, Finished, Pinged, Strange
from steelyard.core.parts import Fields
from steelyard.dialects.chat.answer_in import Numbers, began, failed, used
from steelyard.dialects.chat.choice_in import ChoiceReader
from steelyard.dialects.chat.thoughts import NAME
from steelyard.dialects.sse import EventFramer
from steelyard.dialects.unreadable import unreadable

__all__ = ["ChatReader"]

_decode = msgspec.json.Decoder().decode
_HEAD = frozenset(("id", "object", "created", "model", "choices", "usage"))
_NOISE = frozenset(("obfuscation",))  # random letters against side channels (API reference, `include_obfuscation`)


class ChatReader:
    """Reads one stream. `finish_reason` is told at the end only: servers say `stop` and then call tools, and count
    usage after it."""

    __slots__ = ("_choices", "_created", "_ended", "_extra", "_framer", "_id", "_model", "_numbers", "overflow")

    def __init__(self) -> None:
        self._framer = EventFramer()
        self._numbers = Numbers()
        self._choices: dict[int, ChoiceReader] = {}
        self._id: Any = None
        self._model: Any = None
        self._created: Any = None
        self._extra: Fields = {}
        self._ended = False
        self.overflow = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that `data` completes."""
        events: list[Event] = []
        found = self._framer.feed(data)
        if self._framer.overflow:
            self.overflow = True
        for name, told in found:
            if self._ended:
                break
            self._take(name, told, events)
        if not found and data.startswith(b":"):
            events.append(Pinged())  # a comment: a server's keep-alive (OpenRouter's ": OPENROUTER PROCESSING")
        return events

    def finish(self) -> list[Event]:
        """Return nothing: a stream that ends without `[DONE]` was cut."""
        return []

    def _take(self, name: bytes | None, told: bytes, events: list[Event]) -> None:
        if told == b"[DONE]":
            self._end(events)
            return
        try:
            chunk = _decode(told)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            failure = unreadable(told, error)
            if failure is not None:
                events.append(failure)
                self._ended = True
            return
        if type(chunk) is not dict:
            events.append(Strange(NAME, _text(name), told))
            return
        if chunk.get("error"):
            events.append(failed(chunk["error"]))
            self._ended = True
            return
        choices = chunk.get("choices")
        if type(choices) is not list:
            self._take_strange(name, told, chunk, events)
            return
        if chunk.get("id") != self._id or chunk.get("model") != self._model or not chunk.keys() <= _HEAD:
            self._begin(chunk, events)
        for choice in choices:
            self._take_choice(choice, told, events)
        usage = chunk.get("usage")
        if usage is not None:
            self._use(usage, events)

    def _take_strange(self, name: bytes | None, told: bytes, chunk: Fields, events: list[Event]) -> None:
        usage = used(chunk.get("usage"))
        events.append(usage if usage is not None else Strange(NAME, _text(name), told))

    def _begin(self, chunk: Fields, events: list[Event]) -> None:
        told = began(chunk)
        new = {
            name: value
            for name, value in told.extra.items()
            if name not in _NOISE and (name not in self._extra or self._extra[name] != value)
        }
        first = self._created is None
        changed = (told.id is not None and told.id != self._id) or (
            told.model is not None and told.model != self._model
        )
        if not (first or changed or new):
            return
        self._id, self._model = told.id or self._id, told.model or self._model
        self._created = told.created or 0
        self._extra.update(new)
        events.append(Began(told.id, told.model, told.created, new, NAME))

    def _take_choice(self, choice: Any, told: bytes, events: list[Event]) -> None:
        if type(choice) is not dict:
            return
        index = choice.get("index")
        if type(index) is not int:
            index = 0
        reader = self._choices.get(index)
        if reader is None:
            reader = self._choices[index] = ChoiceReader(index, self._numbers, self._id)
        try:
            reader.take(choice, events)
        except BadRequest:
            events.append(Strange(NAME, None, told))  # a content that no server documents
        if "usage" in choice:
            self._use(choice["usage"], events)  # Moonshot reports it inside the last choice

    def _use(self, usage: Any, events: list[Event]) -> None:
        told = used(usage)
        if told is not None:
            events.append(told)

    def _end(self, events: list[Event]) -> None:
        for index, reader in sorted(self._choices.items()):
            reader.close(events)
            finish = reader.finish()
            if finish is not None:
                events.append(Finished(finish, index))
        events.append(Ended())
        self._ended = True


def _text(name: bytes | None) -> str | None:
    return name.decode(errors="replace") if name is not None else None

"""A stream, from Gemini's words (Gemini API reference, "models.streamGenerateContent")."""

from collections.abc import Callable

import msgspec

from steelyard.core.events import Ended, Event, Failed, Strange
from steelyard.dialects.gemini.errors import failure_of
from steelyard.dialects.gemini.frames import ChunkFramer
from steelyard.dialects.gemini.intake import Intake, is_answer, new_call_id
from steelyard.dialects.gemini.plain import plain_chunk
from steelyard.dialects.unreadable import unreadable

__all__ = ["Reader", "decode_answer"]

_decode = msgspec.json.Decoder().decode


class Reader:
    """Reads an upstream's stream. Gemini has no terminator: the stream is whole where every candidate has said why it
    ended, or the prompt was blocked. `call_id` gives ids to calls that come without."""

    __slots__ = ("_failed", "_framer", "_intake", "overflow")

    def __init__(self, call_id: Callable[[], str] = new_call_id) -> None:
        self._framer = ChunkFramer()
        self._intake = Intake(call_id)
        self._failed = False
        self.overflow = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that `data` completes."""
        events: list[Event] = []
        for payload in self._framer.feed(data):
            if not self._failed:
                self._take(payload, events)
        self.overflow = self._framer.overflow
        return events

    def _take(self, payload: bytes, events: list[Event]) -> None:
        plain = plain_chunk(payload)
        if plain is not None:
            self._intake.take_plain(plain, events)
            return
        try:
            chunk = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            damage = unreadable(payload, error)
            events.append(damage if damage is not None else Strange("gemini", None, payload))
            self._failed = damage is not None
            return
        if is_answer(chunk):
            try:
                self._intake.take(chunk, events)
            except (AttributeError, KeyError, TypeError, ValueError):  # of another shape than the reference's
                events.append(Strange("gemini", None, payload))
            return
        failure = failure_of(chunk)
        events.append(failure if failure is not None else Strange("gemini", None, payload))
        self._failed = failure is not None

    def finish(self) -> list[Event]:
        """Return the reasons, and `Ended` where all is there."""
        if self._failed:
            return []
        failure = _bare_failure(self._framer.rest())
        if failure is not None:
            self._failed = True
            return [failure]
        whole = self._intake.whole
        return [*self._intake.finish(), *([Ended()] if whole else [])]


def _bare_failure(rest: bytes) -> Failed | None:
    if not rest.lstrip().startswith(b"{"):
        return None
    try:
        return failure_of(_decode(rest))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decode_answer(body: bytes, call_id: Callable[[], str] = new_call_id) -> list[Event] | None:
    """Return the events of a whole answer, or of a stream's array; None for what is neither."""
    try:
        value = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    chunks = value if isinstance(value, list) else [value]
    if not chunks:
        return None
    intake = Intake(call_id)
    events: list[Event] = []
    for chunk in chunks:
        if not is_answer(chunk):
            failure = failure_of(chunk)
            return [*events, failure] if failure is not None else None
        try:
            intake.take(chunk, events)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
    return [*events, *intake.finish(), Ended()]

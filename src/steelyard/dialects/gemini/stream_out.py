"""A stream, in Gemini's words (Gemini API reference, "models.streamGenerateContent"): chunks of the shape of a whole
answer, as server-sent events or as the elements of one JSON array.

Text is told as it comes, calls of functions when they are whole. The reasons and the usage stand in the last chunk, as
Google's own streams have them. A stream of events has no terminator; the array closes.
"""

import msgspec
from msgspec import structs

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
from steelyard.core.parts import Citation, Fields, Part, Text, Thinking, ToolCall
from steelyard.dialects.dialect import Asked
from steelyard.dialects.gemini.answer_out import (
    blocked_prompt,
    call_told,
    malformed,
    part_told,
    put_extra,
    put_part_extra,
    usage_told,
)
from steelyard.dialects.gemini.citations import Cite, Said, grounding_json
from steelyard.dialects.gemini.errors import error_json, failed_json
from steelyard.dialects.gemini.finish import finish_json
from steelyard.dialects.gemini.logprobs import logprobs_json
from steelyard.dialects.gemini.thoughts import signature_of

__all__ = ["Writer"]

_encode = msgspec.json.Encoder().encode
_TEXT = b'{"candidates":[{"content":{"parts":[{"text":'
_TEXTS = ("text", "thinking", "refusal")


class _Spot:
    """A part while it is written. `closing` is what follows a piece of its text up to the chunk's end, None for a call,
    whose pieces are kept."""

    __slots__ = ("choice", "citations", "closing", "fragments", "told", "value")

    def __init__(self, began: PartBegan, closing: bytes | None) -> None:
        self.value = began.value
        self.choice = began.choice
        self.closing = closing
        self.fragments: list[str] = []
        self.citations: list[Citation] = []
        self.told = False


class Writer:
    """Writes a client's stream; `array` as one JSON array."""

    __slots__ = (
        "_array",
        "_asked",
        "_begun",
        "_calls",
        "_complete",
        "_ended",
        "_extra",
        "_failed",
        "_finishes",
        "_id",
        "_losses",
        "_malformed",
        "_model",
        "_opening",
        "_own",
        "_spots",
        "_tail",
        "_used",
    )

    def __init__(self, asked: Asked, losses: Losses, *, array: bool = False) -> None:
        self._asked = asked
        self._losses = losses
        self._array = array
        self._opening = b"[" if array else b"data: "
        self._begun = False
        self._ended = False
        self._failed = False
        self._own = False
        self._id: str | None = None
        self._model: str | None = None
        self._extra: Fields = {}
        self._tail = b""
        self._spots: dict[int, _Spot] = {}
        self._calls: list[int] = []  # those that are not yet told, in the order in which they began
        self._complete: dict[int, Part | None] = {}  # of these, the ones that have ended
        self._finishes: dict[int, Finish] = {}
        self._malformed: dict[int, str] = {}
        self._used: Used | None = None

    def write(self, event: Event) -> bytes:
        """Return what an event makes the client read; b"" for nothing."""
        match event:
            case Added():
                return self._added(event)
            case PartBegan():
                return self._part_began(event)
            case PartEnded():
                return self._part_ended(event)
            case Sealed():
                spot = self._spots[event.part]
                spot.value = _sealed(spot.value, event)
                return b""
            case Cited():
                self._spots[event.part].citations.append(event.citation)
                return b""
        return self._write_rest(event)

    def _write_rest(self, event: Event) -> bytes:
        match event:
            case Began():
                self._began(event)
            case Used():
                self._used = event
            case Finished():
                self._finishes[event.choice] = event.finish
            case Logged():
                result = {"logprobsResult": logprobs_json(event.logprobs, self._losses), "index": event.choice}
                return self._chunk({"candidates": [result]})
            case Strange() if event.dialect == "gemini":
                return self._framed(event.data)
            case Pinged():
                # An empty line is what a stream of events and an array may both have anywhere. Google's own client
                # takes a comment (": ping") for a chunk, and fails on it.
                return b"\n"
            case Failed():
                return self._broken(_encode(failed_json(event)))
            case Ended():
                return self._last()
        return b""

    def fail(self, error: CallError) -> bytes:
        """Return the end of a stream that cannot be completed: a chunk that is an error."""
        return self._broken(_encode(error_json(error)))

    def _began(self, event: Began) -> None:
        self._own = event.dialect == "gemini"
        if not self._begun:
            self._id = event.id or self._id
        self._model = event.model or self._model
        put_extra(event.extra, self._extra, own=self._own, losses=self._losses)
        self._tail = b""

    def _added(self, event: Added) -> bytes:
        spot = self._spots[event.part]
        spot.fragments.append(event.text)
        if spot.closing is None:
            return b""
        return self._piece(spot.closing, event.text)

    def _piece(self, closing: bytes, text: str) -> bytes:
        self._begun = True
        opening = self._opening
        if opening == b"[":
            self._opening = b",\r\n"
        return b"".join(
            (
                opening,
                b'{"candidates":[{"content":{"parts":[{"text":',
                _encode(text),
                closing,
                self._tail or self._end(),
            )
        )

    def _end(self) -> bytes:
        """Return the end of every chunk: the model, the one id of the stream, and the frame's."""
        known = {"modelVersion": self._model or self._asked.request.model, "responseId": self._id or self._asked.id}
        self._tail = _encode(known)[1:] + (b"" if self._array else b"\n\n")
        return self._tail

    def _chunk(self, body: Fields) -> bytes:
        return self._framed(_encode(body)[:-1] + b"," + (self._tail or self._end()).rstrip())

    def _framed(self, chunk: bytes) -> bytes:
        self._begun = True
        if not self._array:
            return b"data: %b\n\n" % chunk
        opening, self._opening = self._opening, b",\r\n"
        return opening + chunk

    def _part_began(self, event: PartBegan) -> bytes:
        value = event.value
        closing = None
        if event.kind in _TEXTS:
            thought = b',"thought":true' if event.kind == "thinking" else b""
            closing = b'%b}],"role":"model"},"index":%d}],' % (thought, event.choice)
        spot = self._spots[event.part] = _Spot(event, closing)
        if isinstance(value, ToolCall):
            self._calls.append(event.part)
            return b""
        if closing is None:
            return self._told(event.part, spot, value)
        text = getattr(value, "text", "")
        whole = getattr(value, "extra", None) or _is_sealed(value)
        if whole:
            spot.told = True
            return self._told(event.part, spot, value)
        return self._piece(closing, text) if text else b""

    def _told(self, number: int, spot: _Spot, value: Part) -> bytes:
        path = f"answer.choices[{spot.choice}].parts[{number}]"
        told = part_told(value, path, self._losses)
        if told is None:
            return b""
        put_part_extra(value, told, own=self._own, losses=self._losses)
        return self._parts(spot.choice, [told])

    def _parts(self, choice: int, parts: list[Fields]) -> bytes:
        return self._chunk({"candidates": [{"content": {"parts": parts, "role": "model"}, "index": choice}]})

    def _part_ended(self, event: PartEnded) -> bytes:
        spot = self._spots[event.part]
        value = spot.value
        if isinstance(value, ToolCall):
            self._complete[event.part] = event.value
            return self._ready_calls()
        if event.value is not None and isinstance(value, Thinking) and isinstance(event.value, Thinking):
            value = event.value
        if spot.told or not _is_sealed(value):
            return b""
        # The text has been told: what seals it comes in a part of its own, as Gemini's does.
        spot.told = True
        return self._seal(spot, value)

    def _seal(self, spot: _Spot, value: Part) -> bytes:
        if isinstance(value, Thinking):
            signature = signature_of(value)
            return self._parts(spot.choice, [{"text": "", "thought": True, "thoughtSignature": signature}])
        signature = value.signature if isinstance(value, Text) else None
        return self._parts(spot.choice, [{"text": "", "thoughtSignature": signature}])

    def _ready_calls(self) -> bytes:
        """Return the calls that may be told: each waits for those that began before it, as their order has a meaning
        (the first of parallel calls carries the signature of all)."""
        written = []
        while self._calls and self._calls[0] in self._complete:
            number = self._calls.pop(0)
            spot = self._spots[number]
            assert isinstance(spot.value, ToolCall)
            written.append(self._call(spot, spot.value, self._complete.pop(number)))
        return b"".join(written)

    def _call(self, spot: _Spot, value: ToolCall, whole: Part | None) -> bytes:
        if isinstance(whole, ToolCall):
            value = structs.replace(whole, signature=whole.signature or value.signature)
        elif spot.fragments:
            value = structs.replace(value, arguments="".join((value.arguments, *spot.fragments)))
        spot.told = True
        told = call_told(value, self._losses)
        if told is None:
            self._malformed[spot.choice] = malformed(value)
            return b""
        put_part_extra(value, told, own=self._own, losses=self._losses)
        return self._parts(spot.choice, [told])

    def _last(self) -> bytes:
        """Return the last chunk, and the array's end."""
        if self._ended or self._failed:
            return b""
        self._ended = True
        for number in self._calls:
            self._complete.setdefault(number, None)
        written = [self._ready_calls()]
        body = self._last_body()
        if body:
            written.append(self._chunk(body))
        if self._array:
            written.append(b"]" if self._begun else b"[]")
        return b"".join(written)

    def _last_body(self) -> Fields:
        body: Fields = {}
        candidates = []
        for choice, finish in sorted(self._finishes.items()):
            feedback = blocked_prompt(finish)
            if feedback is not None:
                body["promptFeedback"] = feedback
            else:
                candidates.append(self._candidate(choice, finish))
        if candidates:
            body["candidates"] = candidates
        if self._used is not None:
            used = self._used
            usage = usage_told(used.usage, used.raw, used.extra, own=self._own, losses=self._losses)
            if usage is not None:
                body["usageMetadata"] = usage
        return {**body, **self._extra}

    def _candidate(self, choice: int, finish: Finish) -> Fields:
        # Programs look for a text in every chunk; Google's last ones have an empty one.
        found: Fields = {"content": {"parts": [{"text": ""}], "role": "model"}, **finish_json(finish, self._losses)}
        if choice in self._malformed:
            found |= {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": self._malformed[choice]}
        grounding = grounding_json(self._cites(choice), self._losses)
        if grounding is not None:
            found["groundingMetadata"] = grounding
        return {**found, "index": choice}

    def _cites(self, choice: int) -> list[Cite]:
        found: list[Cite] = []
        spots = [(number, one) for number, one in self._spots.items() if one.choice == choice]
        for place, (number, spot) in enumerate(spots):
            foreign = [one for one in spot.citations if one.dialect != "gemini"]
            if foreign and isinstance(spot.value, Text):
                said = Said(number, place, "".join((spot.value.text, *spot.fragments)))
                found += [Cite(said, one) for one in foreign]
        return found

    def _broken(self, error: bytes) -> bytes:
        if self._ended or self._failed:
            return b""
        self._failed = True
        return self._framed(error) + (b"]" if self._array else b"")


def _is_sealed(value: Part) -> bool:
    match value:
        case Thinking():
            return value.signature is not None or value.sealed is not None
        case Text():
            return value.signature is not None
    return False


def _sealed(value: Part, event: Sealed) -> Part:
    match value:
        case Thinking():
            return structs.replace(
                value, signature=event.signature or value.signature, sealed=event.sealed or value.sealed
            )
        case Text() | ToolCall():
            return structs.replace(value, signature=event.signature or value.signature)
    return value

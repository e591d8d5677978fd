"""A stream or an answer of Gemini's that is relayed untranslated: what the gateway notes of it."""

import msgspec
from msgspec import Raw, Struct

from steelyard.core.errors import CallError
from steelyard.core.usage import Usage
from steelyard.dialects import sse
from steelyard.dialects.dialect import Glance
from steelyard.dialects.gemini.errors import encode_error
from steelyard.dialects.gemini.frames import ChunkFramer
from steelyard.dialects.gemini.plain import usage_in

__all__ = ["StreamWatch", "glance"]

_ABSENT = Raw()


class _Candidate(Struct, rename="camel"):
    finish_reason: str | None = None


class _Feedback(Struct, rename="camel"):
    block_reason: str | None = None


class _Chunk(Struct, rename="camel"):
    """What is read of a chunk; all else passes undecoded."""

    candidates: list[_Candidate] | None = None
    usage_metadata: Raw = _ABSENT
    prompt_feedback: _Feedback | None = None
    model_version: str | None = None
    error: Raw = _ABSENT

    @property
    def reason(self) -> str | None:
        if self.candidates:
            return self.candidates[0].finish_reason
        return self.prompt_feedback.block_reason if self.prompt_feedback is not None else None


_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_chunks = msgspec.json.Decoder(list[_Chunk]).decode


class StreamWatch:
    """Watches one stream; relays every byte as it came. An array's closing bracket is its terminator and is withheld; a
    stream of events has none, and is done when the connection ends behind a reason."""

    __slots__ = (
        "_framer",
        "_passed",
        "_rest",
        "done",
        "ending",
        "error",
        "events",
        "finish_reason",
        "model",
        "overflow",
        "usage",
        "usage_raw",
    )

    def __init__(self) -> None:
        self._framer = ChunkFramer()
        self._passed = 0
        self.done = False
        self.ending = b""
        self.overflow = False
        self.error: bytes | None = None
        self.events = 0
        self.finish_reason: str | None = None
        self.model: str | None = None
        self.usage: Usage | None = None
        self.usage_raw: bytes | None = None

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the stream; return those to relay."""
        if self.done:
            self.ending += data
            return b""
        for payload in self._framer.feed(data):
            self._note(payload)
        self.overflow = self._framer.overflow
        if self._framer.is_array:
            return self._array(data)
        return data

    def _array(self, data: bytes) -> bytes:
        before = self._passed
        self._passed += len(data)
        closed = self._framer.closed_at
        if closed is None:
            return data
        self.done = True
        self.ending = data[closed - before :]
        return data[: closed - before]

    def _note(self, payload: bytes) -> None:
        try:
            chunk = _decode_chunk(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # not ours to judge
        self.events += 1
        self.model = chunk.model_version or self.model
        self.finish_reason = chunk.reason or self.finish_reason
        if chunk.error:
            self.error = bytes(chunk.error)
        raw = bytes(chunk.usage_metadata)
        if raw and raw != self.usage_raw:
            self.usage_raw = raw
            self.usage, _ = usage_in(raw)

    def fail(self, error: CallError, request_id: str) -> bytes:
        """Return the chunk that ends a stream which cannot be completed."""
        return sse.event(encode_error(error, request_id))

    def finish(self) -> None:
        """Take note of the connection's end."""
        rest = self._framer.rest()
        if rest.lstrip().startswith(b"{"):
            self._note(rest)
        if not self._framer.is_array and self.finish_reason is not None and self.error is None:
            self.done = True


def glance(body: bytes) -> Glance | None:
    """Return what is to be known of a whole answer; of a stream's array, the latest of it."""
    try:
        chunks = _decode_chunks(body) if body.lstrip()[:1] == b"[" else [_decode_chunk(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    model = reason = raw = None
    for chunk in chunks:
        model = chunk.model_version or model
        reason = chunk.reason or reason
        raw = bytes(chunk.usage_metadata) or raw
    error = any(chunk.error for chunk in chunks)
    if not error and model is None and reason is None and raw is None and not any(one.candidates for one in chunks):
        return None
    return Glance(model, reason, usage_in(raw)[0] if raw is not None else None, raw, error)

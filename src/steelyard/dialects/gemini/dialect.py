"""Gemini's dialect as one value."""

import msgspec

from steelyard.core.answer import Answer
from steelyard.core.errors import BadRequest, CallError
from steelyard.core.events import Event
from steelyard.core.losses import Losses
from steelyard.core.request import Request
from steelyard.dialects.dialect import Asked, Facts, Glance, Told
from steelyard.dialects.gemini.answer_out import encode_answer
from steelyard.dialects.gemini.errors import decode_error, encode_error
from steelyard.dialects.gemini.request_in import decode_request
from steelyard.dialects.gemini.request_out import encode_request
from steelyard.dialects.gemini.stream_in import Reader, decode_answer
from steelyard.dialects.gemini.stream_out import Writer
from steelyard.dialects.gemini.watch import StreamWatch, glance

__all__ = ["GEMINI", "Gemini"]


class Gemini:
    """`generateContent`, `streamGenerateContent` and `countTokens`, of the Gemini API and of Vertex AI."""

    name = "gemini"
    content_type = b"text/event-stream"
    array_content_type = b"application/json"
    """Of a stream to a client that does not say `alt=sse`."""

    def decode_request(self, body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
        try:
            return decode_request(body, model=model, stream=stream)
        except RecursionError:
            raise _too_deep() from None

    def encode_request(self, request: Request, facts: Facts, losses: Losses) -> bytes:
        try:
            return encode_request(request, facts, losses)
        except RecursionError:
            raise _too_deep() from None

    def decode_answer(self, body: bytes) -> list[Event] | None:
        return decode_answer(body)

    def encode_answer(self, answer: Answer, asked: Asked, losses: Losses) -> bytes:
        return encode_answer(answer, asked, losses)

    def reader(self) -> Reader:
        return Reader()

    def writer(self, asked: Asked, losses: Losses, *, array: bool = False) -> Writer:
        return Writer(asked, losses, array=array)

    def array_writer(self, asked: Asked, losses: Losses) -> Writer:
        """Return a writer of a stream that is one JSON array."""
        return Writer(asked, losses, array=True)

    def watch(self, *, hide_usage: bool) -> StreamWatch:
        """Return a watch. Gemini tells usage to everyone: nothing is hidden."""
        return StreamWatch()

    def glance(self, body: bytes) -> Glance | None:
        return glance(body)

    def encode_error(self, error: CallError, request_id: str) -> bytes:
        return encode_error(error, request_id)

    def decode_error(self, body: bytes, headers: list[tuple[bytes, bytes]]) -> Told | None:
        return decode_error(body, headers)

    def encode_count(self, tokens: int) -> bytes:
        """Return the answer to `countTokens` (Gemini API reference, "models.countTokens")."""
        return msgspec.json.encode({"totalTokens": tokens})


def _too_deep() -> BadRequest:
    return BadRequest("A schema of the request is nested too deeply. Flatten it.", code="schema_too_deep")


GEMINI = Gemini()

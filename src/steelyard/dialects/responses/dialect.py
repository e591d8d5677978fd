"""OpenAI's Responses API as a dialect."""

import msgspec

from steelyard.core.answer import Answer
from steelyard.core.errors import CallError
from steelyard.core.events import Event
from steelyard.core.losses import Losses
from steelyard.core.request import Request
from steelyard.dialects.dialect import Asked, EventReader, EventWriter, Facts, Glance, Told, Watch
from steelyard.dialects.responses import answer_in, errors, request_in, request_out, watch
from steelyard.dialects.responses.names import NAME
from steelyard.dialects.responses.stream_in import StreamReader
from steelyard.dialects.responses.stream_out import StreamWriter, encode_answer

__all__ = ["RESPONSES", "Responses"]

_encode = msgspec.json.Encoder().encode


class Responses:
    """Fulfils `steelyard.dialects.dialect.Dialect`."""

    name = NAME
    content_type = b"text/event-stream"

    def decode_request(self, body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
        return request_in.decode_request(body, model, stream)

    def encode_request(self, request: Request, facts: Facts, losses: Losses) -> bytes:
        return request_out.encode_request(request, facts, losses)

    def decode_answer(self, body: bytes) -> list[Event] | None:
        return answer_in.decode_answer(body)

    def encode_answer(self, answer: Answer, asked: Asked, losses: Losses) -> bytes:
        return encode_answer(answer, asked, losses)

    def reader(self) -> EventReader:
        return StreamReader()

    def writer(self, asked: Asked, losses: Losses) -> EventWriter:
        return StreamWriter(asked, losses)

    def watch(self, *, hide_usage: bool) -> Watch:
        # Usage is a part of the last event, which no client does without.
        return watch.StreamWatch()

    def glance(self, body: bytes) -> Glance | None:
        return watch.glance(body)

    def encode_error(self, error: CallError, request_id: str) -> bytes:
        return errors.encode_error(error)

    def decode_error(self, body: bytes, headers: list[tuple[bytes, bytes]]) -> Told | None:
        return errors.decode_error(body)

    def encode_count(self, tokens: int) -> bytes:
        # API reference, "Get input token counts".
        return _encode({"object": "response.input_tokens", "input_tokens": tokens})


RESPONSES = Responses()

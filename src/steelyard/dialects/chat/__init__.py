"""OpenAI's Chat Completions (platform.openai.com/docs/api-reference/chat), and what compatible servers made of them."""

from steelyard.core.answer import Answer
from steelyard.core.errors import CallError
from steelyard.core.events import Event
from steelyard.core.losses import Losses
from steelyard.core.request import Request
from steelyard.dialects import openai
from steelyard.dialects.chat.answer_in import decode_answer
from steelyard.dialects.chat.answer_out import encode_answer
from steelyard.dialects.chat.errors import decode_error
from steelyard.dialects.chat.request_in import decode_request
from steelyard.dialects.chat.request_out import encode_request
from steelyard.dialects.chat.stream_in import ChatReader
from steelyard.dialects.chat.stream_out import ChatWriter
from steelyard.dialects.chat.thoughts import NAME
from steelyard.dialects.dialect import Asked, Dialect, Facts, Glance, Told
from steelyard.dialects.stream import StreamReader

__all__ = ["CHAT", "Chat"]


class Chat:
    """The dialect: see `steelyard.dialects.dialect.Dialect`."""

    name = NAME
    content_type = b"text/event-stream"

    def decode_request(self, body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
        return decode_request(body, model=model, stream=stream)

    def encode_request(self, request: Request, facts: Facts, losses: Losses) -> bytes:
        return encode_request(request, facts, losses)

    def decode_answer(self, body: bytes) -> list[Event] | None:
        return decode_answer(body)

    def encode_answer(self, answer: Answer, asked: Asked, losses: Losses) -> bytes:
        return encode_answer(answer, asked, losses)

    def reader(self) -> ChatReader:
        return ChatReader()

    def writer(self, asked: Asked, losses: Losses) -> ChatWriter:
        return ChatWriter(asked, losses)

    def watch(self, *, hide_usage: bool) -> StreamReader:
        return StreamReader(hide_usage=hide_usage)

    def glance(self, body: bytes) -> Glance | None:
        found = openai.decode_answer(body)
        if found is None:
            return None
        usage = openai.usage_of(found.usage)
        return Glance(
            found.model,
            found.finish_reason,
            usage,
            bytes(found.usage) if usage is not None else None,
            bool(found.error) and bytes(found.error) != b"null",
        )

    def encode_error(self, error: CallError, request_id: str) -> bytes:
        return openai.encode_error(error)

    def decode_error(self, body: bytes, headers: list[tuple[bytes, bytes]]) -> Told | None:
        return decode_error(body)

    def encode_count(self, tokens: int) -> bytes:
        """Return a count in the words of the Responses (API reference, "Get input token counts"): Chat Completions have
        no such call."""
        return b'{"object":"response.input_tokens","input_tokens":%d}' % tokens


CHAT: Dialect = Chat()

"""Anthropic's Messages API (platform.claude.com/docs/en/api/messages), toward clients and upstreams."""

from steelyard.core.answer import Answer
from steelyard.core.errors import CallError
from steelyard.core.events import Event
from steelyard.core.losses import Losses
from steelyard.core.request import Request
from steelyard.dialects.anthropic.answer_in import decode_answer, glance
from steelyard.dialects.anthropic.answer_out import encode_answer
from steelyard.dialects.anthropic.errors import decode_error, encode_error
from steelyard.dialects.anthropic.request_in import decode_request, in_thread
from steelyard.dialects.anthropic.request_out import encode_request
from steelyard.dialects.anthropic.stream_in import Reader
from steelyard.dialects.anthropic.stream_out import Writer
from steelyard.dialects.anthropic.watch import Watching
from steelyard.dialects.anthropic.words import NAME
from steelyard.dialects.dialect import Asked, Dialect, Facts, Glance, Told

__all__ = ["ANTHROPIC", "Anthropic", "in_thread"]


class Anthropic:
    """The dialect, as `steelyard.dialects.dialect.Dialect` describes it."""

    name = NAME
    content_type = b"text/event-stream; charset=utf-8"

    def decode_request(self, body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
        """Return what a client asks."""
        return decode_request(body, model=model, stream=stream)

    def encode_request(self, request: Request, facts: Facts, losses: Losses) -> bytes:
        """Return the body that asks an upstream the same."""
        return encode_request(request, facts, losses)

    def decode_answer(self, body: bytes) -> list[Event] | None:
        """Return the events of an upstream's whole answer; None when it is none of this dialect."""
        return decode_answer(body)

    def encode_answer(self, answer: Answer, asked: Asked, losses: Losses) -> bytes:
        """Return the body that tells a client the answer."""
        return encode_answer(answer, asked, losses)

    def reader(self) -> Reader:
        """Return a reader of an upstream's stream."""
        return Reader()

    def writer(self, asked: Asked, losses: Losses) -> Writer:
        """Return a writer of a client's stream."""
        return Writer(asked, losses)

    def watch(self, *, hide_usage: bool) -> Watching:
        """Return a watch over a stream that is relayed. Usage is part of every stream: nothing of it is hidden."""
        return Watching()

    def glance(self, body: bytes) -> Glance | None:
        """Return what is to be known of a whole answer that is relayed; None when it is none of this dialect."""
        return glance(body)

    def encode_error(self, error: CallError, request_id: str) -> bytes:
        """Return the body of an error."""
        return encode_error(error, request_id)

    def decode_error(self, body: bytes, headers: list[tuple[bytes, bytes]]) -> Told | None:
        """Return what an upstream's error says; None when it is none of this dialect."""
        return decode_error(body)

    def encode_count(self, tokens: int) -> bytes:
        """Return the answer to a request to count the tokens of an input."""
        return b'{"input_tokens":%d}' % tokens


ANTHROPIC: Dialect = Anthropic()
"""Anthropic's Messages API."""

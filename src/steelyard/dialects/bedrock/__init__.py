"""AWS Bedrock's dialect, toward the provider only: Converse and ConverseStream.

Source: Amazon Bedrock API reference, "Amazon Bedrock Runtime", and its service model as botocore has it
(bedrock-runtime, 2023-09-30).
"""

from typing import Final

from steelyard.core.events import Event
from steelyard.core.losses import Losses
from steelyard.core.request import Request
from steelyard.dialects.bedrock.answer_in import NAME, decode_answer
from steelyard.dialects.bedrock.errors import decode_error
from steelyard.dialects.bedrock.request_out import encode_request, path_of
from steelyard.dialects.bedrock.stream_in import Reader
from steelyard.dialects.dialect import EventReader, Facts, Told, UpstreamDialect

__all__ = ["BEDROCK", "path_of"]


class _Bedrock:
    name = NAME
    content_type = b"application/vnd.amazon.eventstream"

    def encode_request(self, request: Request, facts: Facts, losses: Losses) -> bytes:
        return encode_request(request, facts, losses)

    def decode_answer(self, body: bytes) -> list[Event] | None:
        return decode_answer(body)

    def reader(self) -> EventReader:
        return Reader()

    def decode_error(self, body: bytes, headers: list[tuple[bytes, bytes]]) -> Told | None:
        return decode_error(body, headers)


BEDROCK: Final[UpstreamDialect] = _Bedrock()
"""Converse. The answer's model is not told: the path names it. What a request says in Converse's own words
(`guardrailConfig` and its kin) passes as it is."""

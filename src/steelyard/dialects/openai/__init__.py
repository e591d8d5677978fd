"""OpenAI's dialect: Chat Completions, Completions, Embeddings and what shares their envelope.

Sources: OpenAI API reference, "Create chat completion", "The chat completion object", "The chat completion chunk
object", "Create embeddings", "Error codes". Fields beyond those that are decoded here are never looked at: a body is
forwarded as the bytes that came, with the model's name spliced in.
"""

from steelyard.dialects.openai.answer import (
    decode_answer,
    decode_chunk,
    encode_error,
    usage_of,
    without_usage,
)
from steelyard.dialects.openai.request import Request
from steelyard.dialects.openai.wire import Answer, Chunk

__all__ = [
    "Answer",
    "Chunk",
    "Request",
    "decode_answer",
    "decode_chunk",
    "encode_error",
    "usage_of",
    "without_usage",
]

"""What can be called, in which dialect, and with what a dialect generates."""

from typing import Final, Literal, get_args

__all__ = ["COUNTS", "DIALECTS", "ENDPOINTS", "GENERATES", "Dialect", "Streaming", "dialect_of"]

Dialect = Literal["openai", "openai-responses", "anthropic", "gemini", "bedrock"]
DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)

Streaming = Literal["both", "always", "never"]
"""Whether an upstream answers in streams, whole, or as it is asked."""

GENERATES: Final[dict[Dialect, tuple[str, str]]] = {
    "openai": ("chat/completions", "chat/completions"),
    "openai-responses": ("responses", "responses"),
    "anthropic": ("messages", "messages"),
    "gemini": ("generateContent", "streamGenerateContent"),
    "bedrock": ("converse", "converse-stream"),
}
"""The endpoints with which each dialect asks a model for an answer: a whole one, and a stream."""

COUNTS: Final[dict[Dialect, str]] = {"anthropic": "messages/count_tokens", "gemini": "countTokens"}
"""The endpoints with which a dialect has the tokens of an input counted."""

_OTHERS: Final = ("completions", "embeddings", "rerank", "audio/transcriptions", "images/generations")

ENDPOINTS: Final = frozenset({*(one for pair in GENERATES.values() for one in pair), *COUNTS.values(), *_OTHERS})
"""Every endpoint that the gateway relays. Those of Gemini and Bedrock are the names of their methods; the others are
paths relative to `/v1`."""

_DIALECT_OF: Final[dict[str, Dialect]] = {
    **{endpoint: dialect for dialect, pair in GENERATES.items() for endpoint in pair},
    **{endpoint: dialect for dialect, endpoint in COUNTS.items()},
}


def dialect_of(endpoint: str) -> Dialect | None:
    """Return the dialect of an endpoint that can be translated to other dialects; None for the others."""
    return _DIALECT_OF.get(endpoint)

"""The events of a block of a stream, as bytes ("Streaming messages", "Content block delta types")."""

from typing import Any

import msgspec

from steelyard.core.parts import Fields
from steelyard.dialects.anthropic.borrowed import signature_for
from steelyard.dialects.sse import event

__all__ = ["AFTER", "before", "carrier", "delta", "start", "stop"]

_encode = msgspec.json.Encoder().encode

AFTER = b"}}\n\n"
"""What follows the JSON of a fragment."""

_FIELDS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


def before(index: int, kind: str) -> bytes:
    """Return what precedes the JSON string of each fragment of a block."""
    return (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
    ) % (index, kind.encode(), _FIELDS[kind].encode())


def start(index: int, block: Fields) -> bytes:
    """Return the start of a block."""
    return _event("content_block_start", {"index": index, "content_block": block})


def delta(index: int, kind: str, field: str, value: Any) -> bytes:
    """Return one fragment of a block."""
    return _event("content_block_delta", {"index": index, "delta": {"type": kind, field: value}})


def stop(index: int) -> bytes:
    """Return the end of a block."""
    return _event("content_block_stop", {"index": index})


def carrier(index: int, signature: str, what: str) -> bytes:
    """Return an empty thinking block that carries one of Gemini's signatures."""
    return (
        start(index, {"type": "thinking", "thinking": "", "signature": ""})
        + delta(index, "signature_delta", "signature", signature_for(signature, what))
        + stop(index)
    )


def _event(kind: str, members: Fields) -> bytes:
    return event(_encode({"type": kind, **members}), kind.encode())

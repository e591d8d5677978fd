"""Errors (API reference, "Error codes"), and what compatible servers send in their place."""

from typing import Any

import msgspec

from steelyard.dialects.dialect import Told

__all__ = ["decode_error"]

_decode = msgspec.json.Decoder().decode


def decode_error(body: bytes) -> Told | None:
    """Return what an error's body says: `{"error": {"message", "type", "param", "code"}}`. Servers also write a string
    for the object (Hugging Face), the object bare (Mistral, vLLM), FastAPI's `{"detail"}` (Mistral's 422), and an array
    with the object in it (Google). None when it is none of these."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        return None
    error = found.get("error", found)
    if isinstance(error, str):
        return Told(error)
    if not isinstance(error, dict):
        return None
    message = error.get("message", error.get("detail"))
    if message is None:
        return None
    return Told(
        message if isinstance(message, str) else msgspec.json.encode(message).decode(),
        _word(error.get("type") or error.get("status")),
        _word(error.get("code")),
        _word(error.get("param")),
    )


def _word(value: Any) -> str | None:
    return None if value is None else str(value)

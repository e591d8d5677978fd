"""Errors as the API tells them (API reference, "Errors"): `{"error": {"message", "type", "param", "code"}}`."""

import msgspec

from steelyard.core.errors import CallError
from steelyard.core.parts import Fields
from steelyard.dialects import openai
from steelyard.dialects.dialect import Told

__all__ = ["decode_error", "encode_error", "failure"]

_decode = msgspec.json.Decoder().decode


def failure(message: str, status: int, code: str | None) -> Fields:
    """Return the `error` of a failed response. Its `code` is one of a list (API reference, "The response object",
    `error`); ours goes where the original one does."""
    known = "rate_limit_exceeded" if status == 429 else "invalid_prompt" if 400 <= status < 500 else "server_error"
    return {"code": known, "message": message, "type": code}


def encode_error(error: CallError) -> bytes:
    """Return the body of an error."""
    return openai.encode_error(error)


def decode_error(body: bytes) -> Told | None:
    """Return what an error's body says; None when it is none of this dialect."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, str):
        return Told(error)
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return None
    code = error.get("code")
    texts = [one if isinstance(one, str) else None for one in (error.get("type"), error.get("param"))]
    return Told(error["message"], texts[0], str(code) if isinstance(code, str | int) else None, texts[1])

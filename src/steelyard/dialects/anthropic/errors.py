"""Errors (platform.claude.com/docs/en/api/errors): `{"type": "error", "error": {"type", "message"}, "request_id"}`.

What our errors say beyond that stands in `details`, as the API's own codes do (`error.details.error_code`)."""

import msgspec

from steelyard.core.errors import CallError
from steelyard.core.parts import Fields
from steelyard.dialects.anthropic.words import error_type
from steelyard.dialects.dialect import Told

__all__ = ["body_of", "decode_error", "encode_error", "told_of"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def body_of(error: CallError) -> Fields:
    """Return the body of an error, without the id of its request."""
    details = {"error_code": error.code}
    if error.param is not None:
        details["param"] = error.param
    return {"type": "error", "error": {"type": error_type(error.status), "message": str(error), "details": details}}


def encode_error(error: CallError, request_id: str) -> bytes:
    """Return the body of an error."""
    return _encode({**body_of(error), "request_id": request_id})


def told_of(found: object) -> Told | None:
    """Return what an error's decoded body says; None when it is none of this API's."""
    if not isinstance(found, dict) or found.get("type") != "error":
        return None
    error = found.get("error")
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return None
    kind, details = error.get("type"), error.get("details")
    told: Fields = details if isinstance(details, dict) else {}
    code, param = told.get("error_code"), told.get("param")
    return Told(
        error["message"],
        kind if isinstance(kind, str) else None,
        code if isinstance(code, str) else None,
        param if isinstance(param, str) else None,
    )


def decode_error(body: bytes) -> Told | None:
    """Return what an upstream's error says; None when it is none of this API's."""
    try:
        return told_of(_decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

"""Errors, in Gemini's words (Gemini API, "API errors"; AIP-193; google.rpc `Status`, `ErrorInfo`, `BadRequest`,
`RetryInfo`, `RequestInfo`)."""

from typing import Any

import msgspec

from steelyard.core.errors import CallError
from steelyard.core.events import Failed
from steelyard.core.parts import Fields
from steelyard.dialects.dialect import Told

__all__ = ["decode_error", "encode_error", "error_json", "failed_json", "failure_of"]

_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    431: "INVALID_ARGUMENT",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
_TYPE = "type.googleapis.com/google.rpc."

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def _word(status: int) -> str:
    return _WORDS.get(status, "INVALID_ARGUMENT" if 400 <= status < 500 else "INTERNAL")


def error_json(error: CallError, request_id: str | None = None) -> Fields:
    """Return an error's object. Its details name our code, the field that is wrong, when to come again, the request."""
    reason = error.code.upper().replace("-", "_")
    details: list[Fields] = [{"@type": f"{_TYPE}ErrorInfo", "reason": reason, "domain": "steelyard"}]
    if error.param is not None:
        violation = {"field": error.param, "description": str(error)}
        details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]})
    if error.retry_after_s is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{error.retry_after_s:g}s"})
    if request_id is not None:
        details.append({"@type": f"{_TYPE}RequestInfo", "requestId": request_id})
    return {"error": {"code": error.status, "message": str(error), "status": _word(error.status), "details": details}}


def encode_error(error: CallError, request_id: str) -> bytes:
    """Return the body of an error."""
    return _encode(error_json(error, request_id))


def failed_json(failed: Failed) -> Fields:
    """Return the object that tells an upstream's failure in mid-stream."""
    return {"error": {"code": failed.status, "message": failed.message, "status": _word(failed.status)}}


def decode_error(body: bytes, headers: list[tuple[bytes, bytes]]) -> Told | None:
    """Return what an upstream's error says; a stream's error comes as an array of one."""
    try:
        value = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error") if isinstance(value, dict) else None
    if isinstance(error, str):
        return Told(error)
    if not isinstance(error, dict):
        return None
    code = param = None
    for detail in _details(error):
        code = code or _text(detail.get("reason"))
        violations = detail.get("fieldViolations")
        if param is None and isinstance(violations, list) and violations and isinstance(violations[0], dict):
            param = _text(violations[0].get("field"))
    return Told(_text(error.get("message")) or "", _text(error.get("status")), code, param)


def _details(error: Fields) -> list[Fields]:
    details = error.get("details")
    return [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def failure_of(value: Any) -> Failed | None:
    """Return the failure that a chunk tells; None for one that tells none."""
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict):
        return Failed(error) if isinstance(error, str) else None
    status = error.get("code")
    reason = next((_text(one.get("reason")) for one in _details(error) if one.get("reason")), None)
    return Failed(
        _text(error.get("message")) or "The upstream broke off with an error that says nothing.",
        status if type(status) is int and 400 <= status < 600 else 502,
        _text(error.get("status")),
        reason,
    )

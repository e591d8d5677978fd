"""Errors of Bedrock: the type in a header, the text in the body (Amazon Bedrock API reference, "Common Errors"; Smithy,
"AWS restJson1 protocol", "Operation error serialization")."""

from typing import Any, Final

import msgspec

from steelyard.dialects.dialect import Told

__all__ = ["STATUSES", "decode_error", "shape_name"]

STATUSES: Final = {
    "AccessDeniedException": 403,
    "InternalServerException": 500,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ModelStreamErrorException": 502,  # documented as 424, a status that our clients do not know
    "ModelTimeoutException": 504,  # documented as 408, which clients would take for their own slowness
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 400,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "ValidationException": 400,
}
"""The HTTP status that an error in mid-stream stands for, by its name."""


def decode_error(body: bytes, headers: list[tuple[bytes, bytes]]) -> Told | None:
    """Return what an error says; None when neither body nor header is of Bedrock's. A 200 may hold one, too:
    `{"Output": {"__type": "…#UnknownOperationException"}}`."""
    name = next(
        (shape_name(value.decode("latin-1")) for key, value in headers if key.lower() == b"x-amzn-errortype"), None
    )
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    fields: dict[str, Any] = found if isinstance(found, dict) else {}
    output = fields.get("Output")
    named = fields.get("__type") or (output.get("__type") if isinstance(output, dict) else None) or fields.get("code")
    name = name or (shape_name(named) if isinstance(named, str) else None)
    message = next((fields[key] for key in ("message", "Message") if isinstance(fields.get(key), str)), None)
    if name is None and message is None:
        return None
    return Told(message or f"The provider answered with {name}.", name)


def shape_name(told: str) -> str:
    """Return the name of an error without the namespace before it and the address behind it."""
    return told.partition(":")[0].rpartition("#")[2].strip()

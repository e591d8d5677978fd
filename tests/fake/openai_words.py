"""What OpenAI's two APIs share: how they refuse, and what they take of a JSON Schema."""

import base64
import binascii
import re
from typing import Any

from tests.fake.checks import Refused
from tests.fake.schemas import subschemas

__all__ = ["OpenAIWords", "bad", "check_schema", "error", "seen_image"]

_TYPES = {401: "invalid_request_error", 403: "insufficient_permissions", 404: "invalid_request_error", 429: "requests"}
_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


def error(status: int, message: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """Return the body of an error (API reference, "Errors")."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code or _CODES.get(status)}}


def bad(message: str, param: str | None = None, code: str | None = None) -> Refused:
    """Return a refusal with status 400."""
    return Refused(400, error(400, message, code, param))


class OpenAIWords:
    """How OpenAI tells what is wrong with a field."""

    def join(self, path: str, key: str | int) -> str:
        if isinstance(key, int):
            return f"{path}[{key}]"
        return f"{path}.{key}" if path else key

    def inside(self, path: str, tag: str) -> str:
        return path

    def unknown(self, path: str, key: str) -> Refused:
        where = self.join(path, key)
        return bad(f"Unknown parameter: '{where}'.", where, "unknown_parameter")

    def missing(self, path: str, key: str) -> Refused:
        where = self.join(path, key)
        return bad(f"Missing required parameter: '{where}'.", where, "missing_required_parameter")

    def wrong(self, path: str, expected: str, value: Any) -> Refused:
        if expected.startswith("'"):
            return bad(f"Invalid value: '{value}'. Supported values are: {expected}.", path, "invalid_value")
        kind = {str: "a string", list: "an array", dict: "an object", bool: "a boolean", type(None): "null"}
        got = kind.get(type(value), "a number")
        return bad(f"Invalid type for '{path}': expected {expected}, but got {got} instead.", path, "invalid_type")


def check_schema(name: str, schema: dict[str, Any], strict: bool, param: str, what: str) -> None:
    """Refuse a schema that is outside of Structured Outputs (guides: structured-outputs, "Supported schemas")."""
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
        raise bad(
            f"Invalid '{param}.name': string does not match pattern. Expected a string that matches the pattern "
            "'^[a-zA-Z0-9_-]+$'.",
            f"{param}.name",
            "invalid_value",
        )
    if not strict:
        return
    for path, one in subschemas(schema):
        where = "(" + ", ".join(f"'{step}'" for step in path) + ("," if len(path) == 1 else "") + ")"
        start = f"Invalid schema for {what} '{name}': In context={where}, "
        if one.get("type") != "object":
            continue
        if one.get("additionalProperties") is not False:
            raise bad(
                f"{start}'additionalProperties' is required to be supplied and to be false.",
                param,
                "invalid_json_schema",
            )
        if missing := [key for key in one.get("properties", {}) if key not in one.get("required", ())]:
            raise bad(
                f"{start}'required' is required to be supplied and to be an array including every key in properties. "
                f"Missing '{missing[0]}'.",
                param,
                "invalid_json_schema",
            )


def seen_image(url: str, param: str) -> tuple[str, int]:
    """Return an image's media type and size; ("url", 0) for one that would have to be fetched."""
    if url.startswith(("http://", "https://")):
        return ("url", 0)
    found = re.fullmatch(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", url, re.DOTALL)
    try:
        if not found:
            raise ValueError
        return found[1], len(base64.b64decode(found[2], validate=True))
    except (ValueError, binascii.Error):
        raise bad(
            f"Invalid '{param}'. Expected a base64-encoded data URL with an image MIME type (e.g. "
            "'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got a value without the 'data:' prefix.",
            param,
            "invalid_value",
        ) from None

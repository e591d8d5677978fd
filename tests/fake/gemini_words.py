"""How Google tells what is wrong, and what it takes of a schema."""

import json
import re
from typing import Any

from tests.fake.checks import ANY, Refused, Shape, check

__all__ = ["SCHEMA", "GeminiWords", "bad", "error", "open_schema"]

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
# ai.google.dev/api/caching#Schema: no $ref, no $defs, no additionalProperties, no const.
SCHEMA: dict[str, Shape] = {
    "type": str,
    "format": str,
    "title": str,
    "description": str,
    "nullable": bool,
    "enum": [str],
    "maxItems": (int, str),
    "minItems": (int, str),
    "required": [str],
    "minProperties": (int, str),
    "maxProperties": (int, str),
    "minLength": (int, str),
    "maxLength": (int, str),
    "pattern": str,
    "example": ANY,
    "propertyOrdering": [str],
    "default": ANY,
    "minimum": float,
    "maximum": float,
    "properties": dict,
    "anyOf": ANY,
    "items": ANY,
}


def error(status: int, message: str, details: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the body of an error (google.aip.dev/193)."""
    body = {"code": status, "message": message, "status": _STATUSES.get(status, "UNKNOWN")}
    return {"error": {**body, "details": details} if details else body}


def bad(message: str, status: int = 400) -> Refused:
    """Return a refusal."""
    return Refused(status, error(status, message))


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name)


class GeminiWords:
    """Fields in snake_case, in full."""

    def join(self, path: str, key: str | int) -> str:
        if isinstance(key, int):
            return f"{path}[{key}]"
        return f"{path}.{_snake(key)}" if path else _snake(key)

    def _violated(self, field: str, message: str) -> Refused:
        violation = {"field": field, "description": message}
        detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
        return Refused(400, error(400, message, [detail]))

    def inside(self, path: str, tag: str) -> str:
        return path

    def unknown(self, path: str, key: str) -> Refused:
        where = f" at '{path}'" if path else ""
        return self._violated(path, f'Invalid JSON payload received. Unknown name "{key}"{where}: Cannot find field.')

    def missing(self, path: str, key: str) -> Refused:
        field = self.join(path, key)
        if field == "contents":
            return bad("* GenerateContentRequest.contents: contents is not specified\n")
        return self._violated(field, f"* GenerateContentRequest.{field}: required field is not specified")

    def wrong(self, path: str, expected: str, value: Any) -> Refused:
        return self._violated(path, f"Invalid value at '{path}' ({expected}), {json.dumps(value)}")


_TYPES = frozenset({"TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})


def open_schema(schema: Any, path: str, words: GeminiWords) -> None:
    """Refuse what is no Schema of OpenAPI 3.0 as Google has it. Types may be written small."""
    if schema is None:
        return
    check(schema, SCHEMA, words, path)
    if str(schema.get("type", "STRING")).upper() not in _TYPES:
        raise words.wrong(
            f"{path}.type", "type.googleapis.com/google.ai.generativelanguage.v1beta.Type", schema["type"]
        )
    if str(schema.get("type", "")).upper() == "OBJECT" and "properties" in schema and not schema["properties"]:
        raise bad(f"* GenerateContentRequest.{path}.properties: should be non-empty for OBJECT type\n")
    for index, one in enumerate(schema.get("properties", {}).values()):
        open_schema(one, f"{path}.properties[{index}].value", words)
    open_schema(schema.get("items"), f"{path}.items", words)
    for index, one in enumerate(schema.get("anyOf", ())):
        open_schema(one, f"{path}.any_of[{index}]", words)

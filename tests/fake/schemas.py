"""JSON Schemas: what each provider takes of them, and a value that meets one."""

from collections.abc import Iterator
from typing import Any

__all__ = ["instance", "subschemas"]

_SAMPLES = {"string": "text", "integer": 7, "number": 1.5, "boolean": True, "null": None}


def instance(schema: dict[str, Any]) -> Any:
    """Return a value that meets a schema (json-schema.org/draft/2020-12), whether its types are written as JSON Schema
    or as OpenAPI does (`STRING`)."""
    return _instance(schema, schema)


def _instance(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    if "$ref" in schema:
        found: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return _instance(found, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return _instance(schema[choice][0], root)
    return _of_kind(schema, root)


def _of_kind(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = (kind[0] if isinstance(kind, list) else kind).lower()
    if kind == "object":
        return {name: _instance(one, root) for name, one in schema.get("properties", {}).items()}
    if kind == "array":
        return [_instance(schema.get("items", {}), root)] * max(1, int(schema.get("minItems", 1)))
    return max(_SAMPLES[kind], schema["minimum"]) if "minimum" in schema else _SAMPLES[kind]


def subschemas(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield a schema and all schemas in it, each with its path."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key in ("properties", "$defs", "definitions"):
        for name, one in (schema.get(key) or {}).items():
            yield from subschemas(one, (*path, key, name))
    for key in ("items", "additionalProperties", "not"):
        yield from subschemas(schema.get(key), (*path, key))
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for index, one in enumerate(schema.get(key) or ()):
            yield from subschemas(one, (*path, key, str(index)))

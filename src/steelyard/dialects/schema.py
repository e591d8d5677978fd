"""JSON Schemas on their way between dialects: references put in place, and OpenAPI's subset of old made JSON Schema.

Sources: JSON Schema 2020-12, "Core" (8.2, `$ref`, `$defs`, JSON pointers); OpenAPI 3.0.3, "Schema Object"; Gemini API
reference, "Schema" (`type` in capitals, `nullable`, `example`, numbers of int64 as strings, `format: "enum"`).
"""

from collections.abc import Callable, Iterator
from typing import Any

from steelyard.core.errors import BadRequest
from steelyard.core.parts import Fields
from steelyard.dialects.members import wrong

__all__ = ["Room", "from_openapi", "has_reference", "keywords", "resolved", "subschemas_changed", "words"]

_MOST_NODES = 20_000


class Room:
    """How many subschemas a request may have with its references in place, over all its schemas together: definitions
    that name each other twice a level grow as 2 to the power of the levels, in each of many tools."""

    __slots__ = ("left",)

    def __init__(self, most: int = _MOST_NODES) -> None:
        self.left = most

    def take(self, path: str) -> None:
        """Count a subschema. Raises BadRequest, "schema_too_large", when there is no room for it."""
        self.left -= 1
        if self.left < 0:
            raise wrong(
                path[:_MOST_PATH],
                f"schemas have over {_MOST_NODES} subschemas with their references in place. Send smaller ones.",
                "schema_too_large",
            )


_MOST_PATH = 400
"""Characters of the path of what has grown too large: its end says no more than its beginning."""

_SINGLE = frozenset(
    (
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
_MANY = frozenset(("allOf", "anyOf", "oneOf", "prefixItems", "items"))
_NAMED = frozenset(("$defs", "definitions", "dependentSchemas", "patternProperties", "properties"))
_DEFINITIONS = ("$defs", "definitions")

_Change = Callable[[Any, str], Any]


def has_reference(schema: Any) -> bool:
    """Say whether a `$ref` stands anywhere in a schema."""
    return "$ref" in words(schema)


def words(schema: Any) -> set[str]:
    """Return the keywords that stand anywhere in a schema."""
    found: set[str] = set()
    open_ones: list[Any] = [schema]
    for one in open_ones:  # it grows while it is walked
        if not isinstance(one, dict):
            continue
        found.update(one)
        for name, value in one.items():
            if name in _NAMED and isinstance(value, dict):
                open_ones += value.values()
            elif name in _MANY and isinstance(value, list):
                open_ones += value
            elif name in _SINGLE:
                open_ones.append(value)
    return found


def resolved(schema: Fields, path: str, room: Room | None = None) -> Fields:
    """Return a schema with every `$ref` replaced by what it names, and without definitions. Members beside a `$ref`
    win over those that it names.

    Raises BadRequest, with the path of the `$ref`: "circular_schema" for one that leads to itself, "unknown_reference"
    for one that names nothing in this schema, "schema_too_large" where `room` ends (20,000 subschemas).
    """
    if not has_reference(schema):
        return _without_definitions(schema)
    found = _Resolution(schema, room or Room()).whole(schema, path)
    return found if isinstance(found, dict) else {}


def keywords(schema: Any, path: str) -> Iterator[tuple[str, str]]:
    """Give every keyword of a schema and of its subschemas, with the path of each."""
    for one, at in _subschemas(schema, path):
        for name in one:
            yield name, f"{at}.{name}"


def from_openapi(schema: Any, path: str) -> Fields:
    """Return the JSON Schema that says what a schema of OpenAPI's subset says."""
    if not isinstance(schema, dict):
        raise wrong(path, "expected an object, the schema", "invalid_type")
    found = subschemas_changed(_camel(schema), path, from_openapi)
    kind = found.pop("type", None)
    if isinstance(kind, str) and kind.upper() != "TYPE_UNSPECIFIED":
        found = {"type": kind.lower(), **found}
    _numbered(found, path)
    if "example" in found:
        found["examples"] = [found.pop("example")]
    return _nullable(found) if found.pop("nullable", None) is True else found


class _Resolution:
    """Puts references in place, each counted, with the chain of those that are open."""

    def __init__(self, root: Fields, room: Room) -> None:
        self._root = root
        self._room = room
        self._open: list[str] = []
        self._names: dict[str, Fields] | None = None

    def whole(self, schema: Any, path: str) -> Any:
        self._room.take(path)
        if not isinstance(schema, dict):
            return schema
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return subschemas_changed(_without_definitions(schema), path, self.whole)
        beside = {name: value for name, value in _without_definitions(schema).items() if name != "$ref"}
        meant = self._meant(reference, f"{path}.$ref")
        if not beside:
            return meant
        beside = subschemas_changed(beside, path, self.whole)
        return {**meant, **beside} if isinstance(meant, dict) else beside

    def _meant(self, reference: str, path: str) -> Any:
        if reference in self._open:
            raise wrong(
                path,
                f"{reference} leads back to itself. The model's provider takes no circular schema: write it out to the "
                "depth that is needed.",
                "circular_schema",
            )
        target = self._target(reference, path)
        self._open.append(reference)
        found = self.whole(target, path.removesuffix(".$ref"))
        self._open.pop()
        return found

    def _target(self, reference: str, path: str) -> Any:
        if reference == "#":
            return self._root
        here: Any = self._root
        if not reference.startswith("#/"):
            if self._names is None:
                self._names = _names_in(self._root)
            named = self._names.get(reference)
            if named is None:
                raise _unknown(reference, path)
            # It is found by its name; what it is called by ends there.
            return {name: value for name, value in named.items() if name not in ("$anchor", "$id")}
        for step in reference[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(here, dict) and name in here:
                here = here[name]
            elif isinstance(here, list) and name.isdigit() and int(name) < len(here):
                here = here[int(name)]
            else:
                raise _unknown(reference, path)
        return here


def _unknown(reference: str, path: str) -> BadRequest:
    return wrong(
        path,
        f"{reference} is not in this schema. Put what it names under $defs, and refer to it as #/$defs/NAME.",
        "unknown_reference",
    )


def _names_in(root: Fields) -> dict[str, Fields]:
    """Return the subschemas that have a name (`$id`, `$anchor`), by what refers to them; of two, the first."""
    found: dict[str, Fields] = {}
    for one, _ in _subschemas(root, ""):
        named, anchor = one.get("$id"), one.get("$anchor")
        if isinstance(named, str):
            found.setdefault(named, one)
        if isinstance(anchor, str):
            found.setdefault(f"#{anchor}", one)
    return found


def _without_definitions(schema: Fields) -> Fields:
    if any(name in schema for name in _DEFINITIONS):
        return {name: value for name, value in schema.items() if name not in _DEFINITIONS}
    return schema


def _subschemas(schema: Any, path: str) -> Iterator[tuple[Fields, str]]:
    """Give a schema and all that it is made of, each once, with its path."""
    open_ones: list[tuple[Any, str]] = [(schema, path)]
    while open_ones:
        one, at = open_ones.pop()
        if not isinstance(one, dict):
            continue
        yield one, at
        inner: list[tuple[Any, str]] = []
        for name, value in one.items():
            if name in _NAMED and isinstance(value, dict):
                inner += [(each, f"{at}.{name}.{key}") for key, each in value.items()]
            elif name in _MANY and isinstance(value, list):
                inner += [(each, f"{at}.{name}[{number}]") for number, each in enumerate(value)]
            elif name in _SINGLE:
                inner.append((value, f"{at}.{name}"))
        open_ones += reversed(inner)


def subschemas_changed(schema: Fields, path: str, change: _Change) -> Fields:
    """Return a schema whose direct subschemas are changed; booleans, which are schemas too, stay."""
    found: Fields = {}
    for name, value in schema.items():
        at = f"{path}.{name}"
        if name in _NAMED and isinstance(value, dict):
            found[name] = {key: _changed(each, f"{at}.{key}", change) for key, each in value.items()}
        elif name in _MANY and isinstance(value, list):
            found[name] = [_changed(each, f"{at}[{number}]", change) for number, each in enumerate(value)]
        elif name in _SINGLE:
            found[name] = _changed(value, at, change)
        else:
            found[name] = value
    return found


def _changed(schema: Any, path: str, change: _Change) -> Any:
    return schema if isinstance(schema, bool) else change(schema, path)


_SPELLINGS = {
    "additional_properties": "additionalProperties",
    "any_of": "anyOf",
    "defs": "$defs",
    "max_items": "maxItems",
    "max_length": "maxLength",
    "max_properties": "maxProperties",
    "min_items": "minItems",
    "min_length": "minLength",
    "min_properties": "minProperties",
    "one_of": "oneOf",
    "prefix_items": "prefixItems",
    "property_ordering": "propertyOrdering",
    "ref": "$ref",
}
_COUNTS = ("maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties")


def _camel(schema: Fields) -> Fields:
    return {_SPELLINGS.get(name, name): value for name, value in schema.items() if value is not None}


def _numbered(schema: Fields, path: str) -> None:
    """Make numbers of what proto-JSON writes as strings: counts (int64), and the values of an enum of integers."""
    for name in _COUNTS:
        if isinstance(schema.get(name), str):
            try:
                schema[name] = int(schema[name])
            except ValueError:
                raise wrong(f"{path}.{name}", "expected an integer", "invalid_type") from None
    if schema.get("format") == "enum":
        del schema["format"]  # says nothing that `enum` does not, and is no format of JSON Schema's
    values = schema.get("enum")
    if schema.get("type") == "integer" and isinstance(values, list):
        schema["enum"] = [int(one) if isinstance(one, str) and one.lstrip("-").isdigit() else one for one in values]


def _nullable(schema: Fields) -> Fields:
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"]}
    if "anyOf" in schema and kind is None:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if kind is None and "enum" not in schema:
        return schema  # of any type, null among them
    return {"anyOf": [schema, {"type": "null"}]}

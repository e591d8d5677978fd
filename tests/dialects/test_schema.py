"""JSON Schemas: references in place, OpenAPI's subset as JSON Schema."""

import time
from typing import Any

import pytest

from steelyard.core.errors import BadRequest
from steelyard.dialects.schema import from_openapi, has_reference, keywords, resolved

PATH = "response_format.json_schema.schema"


def test_trap_16_references_are_put_in_place_and_definitions_go() -> None:
    schema = {
        "type": "object",
        "properties": {
            "home": {"$ref": "#/$defs/Address"},
            "past": {"type": "array", "items": {"$ref": "#/$defs/Address"}},
        },
        "$defs": {
            "Address": {"type": "object", "properties": {"city": {"$ref": "#/$defs/City"}}},
            "City": {"type": "string"},
        },
    }
    address = {"type": "object", "properties": {"city": {"type": "string"}}}
    assert resolved(schema, PATH) == {
        "type": "object",
        "properties": {"home": address, "past": {"type": "array", "items": address}},
    }


def test_the_schema_that_came_is_left_as_it_was() -> None:
    schema = {
        "$ref": "#/$defs/A",
        "$defs": {"A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}}}, "B": {"type": "null"}},
    }
    before = str(schema)
    resolved(schema, PATH)
    assert str(schema) == before


def test_members_beside_a_reference_win() -> None:
    schema = {
        "properties": {"a": {"$ref": "#/definitions/A", "description": "mine"}},
        "definitions": {"A": {"type": "string", "description": "theirs"}},
    }
    assert resolved(schema, PATH) == {"properties": {"a": {"type": "string", "description": "mine"}}}


@pytest.mark.parametrize(
    ("schema", "param"),
    [
        (
            {
                "$defs": {"N": {"properties": {"next": {"$ref": "#/$defs/N"}}}},
                "properties": {"n": {"$ref": "#/$defs/N"}},
            },
            f"{PATH}.properties.n.properties.next.$ref",
        ),
        ({"properties": {"child": {"$ref": "#"}}}, f"{PATH}.properties.child.properties.child.$ref"),
        (
            {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"anyOf": [{"$ref": "#/$defs/A"}]}}},
            f"{PATH}.anyOf[0].$ref",
        ),
    ],
)
def test_trap_16_a_circular_reference_is_refused_with_its_path(schema: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        resolved(schema, PATH)
    assert caught.value.code == "circular_schema"
    assert caught.value.param == param
    assert param in str(caught.value)


@pytest.mark.parametrize(
    "reference", ["#/$defs/Absent", "https://example.org/schema.json", "#absent", "#/$defs/A/enum/7"]
)
def test_a_reference_to_nothing_is_refused_with_its_path(reference: str) -> None:
    schema = {"items": {"$ref": reference}, "$defs": {"A": {"enum": [1]}}}
    with pytest.raises(BadRequest) as caught:
        resolved(schema, PATH)
    assert (caught.value.code, caught.value.param) == ("unknown_reference", f"{PATH}.items.$ref")


def test_references_by_anchor_by_id_and_by_escaped_pointer_are_found() -> None:
    schema = {
        "anyOf": [
            {"$ref": "#here"},
            {"$ref": "https://example.org/b"},
            {"$ref": "#/$defs/x~1y"},
            {"$ref": "#/prefixItems/0"},
        ],
        "$defs": {
            "A": {"$anchor": "here", "type": "string"},
            "B": {"$id": "https://example.org/b", "type": "number"},
            "x/y": {"type": "null"},
        },
        "prefixItems": [{"type": "boolean"}],
    }
    assert resolved(schema, PATH)["anyOf"] == [
        {"type": "string"},
        {"type": "number"},
        {"type": "null"},
        {"type": "boolean"},
    ]


def test_a_property_that_is_called_ref_is_no_reference() -> None:
    schema = {"properties": {"$ref": {"type": "string"}, "$defs": {"type": "string"}}, "enum": [{"$ref": "#/x"}]}
    assert not has_reference(schema)
    assert resolved(schema, PATH) == schema


def test_definitions_that_double_with_every_level_are_refused_at_once() -> None:
    levels = {
        f"L{n}": {"properties": {"a": {"$ref": f"#/$defs/L{n + 1}"}, "b": {"$ref": f"#/$defs/L{n + 1}"}}}
        for n in range(40)
    }
    began = time.monotonic()
    with pytest.raises(BadRequest) as caught:
        resolved({"$ref": "#/$defs/L0", "$defs": {**levels, "L40": {"type": "string"}}}, PATH)
    assert caught.value.code == "schema_too_large"
    assert time.monotonic() - began < 5


def test_finding_many_references_by_anchor_takes_no_longer_than_many_by_pointer() -> None:
    count = 6_000
    began = time.monotonic()
    found = resolved(
        {
            "$defs": {f"D{n}": {"$anchor": f"a{n}", "type": "string"} for n in range(count)},
            "properties": {f"p{n}": {"$ref": f"#a{n}"} for n in range(count)},
        },
        PATH,
    )
    assert found["properties"]["p5999"] == {"type": "string"}
    assert time.monotonic() - began < 5  # each searched for anew, they would take minutes


def test_openapi_becomes_json_schema() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "name": {"type": "STRING", "nullable": True, "minLength": "2", "example": "Ada"},
            "kind": {"type": "STRING", "format": "enum", "enum": ["a", "b"], "nullable": True},
            "flat": {"type": "INTEGER", "format": "enum", "enum": ["101", "-2"]},
            "either": {"any_of": [{"type": "NUMBER"}, {"type": "BOOLEAN"}], "nullable": True},
            "list": {"type": "ARRAY", "items": {"type": "string"}, "max_items": 3},
            "any": {"type": "TYPE_UNSPECIFIED", "nullable": True},
        },
        "property_ordering": ["kind", "name"],
        "required": ["name"],
    }
    assert from_openapi(schema, "p") == {
        "type": "object",
        "properties": {
            "name": {"type": ["string", "null"], "minLength": 2, "examples": ["Ada"]},
            "kind": {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]},
            "flat": {"type": "integer", "enum": [101, -2]},
            "either": {"anyOf": [{"type": "number"}, {"type": "boolean"}, {"type": "null"}]},
            "list": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
            "any": {},
        },
        "propertyOrdering": ["kind", "name"],
        "required": ["name"],
    }


def test_openapi_properties_with_the_names_of_keywords_stay() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {"type": {"type": "STRING"}, "nullable": {"type": "BOOLEAN"}, "any_of": {"type": "NULL"}},
    }
    found = from_openapi(schema, "p")
    assert found["properties"] == {
        "type": {"type": "string"},
        "nullable": {"type": "boolean"},
        "any_of": {"type": "null"},
    }


@pytest.mark.parametrize(
    ("schema", "param"),
    [
        ({"items": "STRING"}, "p.items"),
        ({"properties": {"a": {"minItems": "many"}}}, "p.properties.a.minItems"),
        (7, "p"),
    ],
)
def test_openapi_of_a_wrong_type_is_refused_with_its_path(schema: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        from_openapi(schema, "p")
    assert caught.value.param == param


def test_every_keyword_is_given_with_its_path() -> None:
    schema = {"type": "object", "properties": {"a": {"pattern": "x"}}, "anyOf": [{"minLength": 1}]}
    assert set(keywords(schema, "s")) == {
        ("type", "s.type"),
        ("properties", "s.properties"),
        ("pattern", "s.properties.a.pattern"),
        ("anyOf", "s.anyOf"),
        ("minLength", "s.anyOf[0].minLength"),
    }

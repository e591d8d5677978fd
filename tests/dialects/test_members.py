"""An object is read member by member: each read says the path of what is wrong, and what is not read is left over."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.errors import BadRequest
from steelyard.dialects.members import Members, decode_object, wrong
from tests.dialects.strategies import json_values, names

VALUES: dict[str, Any] = {
    "text": "a",
    "integer": 3,
    "number": 2.5,
    "flag": True,
    "object": {"a": 1},
    "array": [1],
}
READS: dict[str, Callable[[Members, str], Any]] = {
    "text": Members.text,
    "integer": Members.integer,
    "number": Members.number,
    "flag": Members.flag,
    "object": Members.object,
    "array": Members.array,
}


@pytest.mark.parametrize("kind", READS)
def test_a_member_of_its_type_is_read_and_taken_away(kind: str) -> None:
    members = Members({"x": VALUES[kind], "y": 1}, "messages[0]")
    assert "x" in members
    assert READS[kind](members, "x") == VALUES[kind]
    assert "x" not in members
    assert members.rest() == {"y": 1}
    assert READS[kind](members, "x") is None


@pytest.mark.parametrize("kind", READS)
def test_a_null_counts_as_absent(kind: str) -> None:
    members = Members({"x": None})
    assert "x" not in members
    assert READS[kind](members, "x") is None
    assert members.rest() == {}


@pytest.mark.parametrize("kind", READS)
@pytest.mark.parametrize("given_as", VALUES)
def test_another_type_is_refused_with_its_path(kind: str, given_as: str) -> None:
    fits = kind == given_as or (kind, given_as) == ("number", "integer")
    members = Members({"x": VALUES[given_as]}, "messages[3].content[1]")
    if fits:
        assert READS[kind](members, "x") == VALUES[given_as]
        return
    with pytest.raises(BadRequest) as caught:
        READS[kind](members, "x")
    assert caught.value.param == "messages[3].content[1].x"
    assert caught.value.code == "invalid_type"
    assert "messages[3].content[1].x: expected" in str(caught.value)


def test_the_path_of_a_bodys_own_member_is_its_name() -> None:
    assert Members({}).path("seed") == "seed"
    assert Members({}, "tools[0]").path("name") == "tools[0].name"


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert Members({"x": 3.0}).integer("x") == 3
    with pytest.raises(BadRequest, match="expected an integer"):
        Members({"x": 3.5}).integer("x")


@pytest.mark.parametrize("value", [float("inf"), 1e400])
def test_no_integer_is_without_end(value: float) -> None:
    with pytest.raises(BadRequest, match="expected an integer"):
        Members({"x": value}).integer("x")


def test_a_needed_text_must_be_there() -> None:
    with pytest.raises(BadRequest) as caught:
        Members({}, "tools[0]").needed_text("name")
    assert (caught.value.param, caught.value.code) == ("tools[0].name", "missing_field")


@pytest.mark.parametrize(("value", "texts"), [(None, ()), ("a", ("a",)), (["a", "b"], ("a", "b")), ([], ())])
def test_texts_may_be_one_or_many(value: Any, texts: tuple[str, ...]) -> None:
    assert Members({"stop": value}).texts("stop") == texts


@pytest.mark.parametrize("value", [1, ["a", 1], {"a": 1}])
def test_texts_that_are_none_are_refused(value: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        Members({"stop": value}).texts("stop")
    assert caught.value.param == "stop"


@pytest.mark.parametrize("value", [None, 1, "a", [1], True])
def test_what_is_no_object_has_no_members(value: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        Members(value, "messages[2]")
    assert caught.value.param == "messages[2]"


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(names, json_values, max_size=4))
def test_what_is_read_and_what_is_left_are_all(value: dict[str, Any]) -> None:
    before = dict(value)
    members = Members(value)
    taken = {name: members.any(name) for name in sorted(value)[:2]}
    assert {**taken, **members.rest()} == before
    assert value == before  # the object itself stays as it was


def test_a_body_is_an_object() -> None:
    assert decode_object(b'{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"1", b'"a"', b"null", b'{"a": "\xff"}', b"[" * 100_000])
def test_a_body_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        decode_object(body)
    assert caught.value.code == "invalid_json"


def test_what_is_wrong_is_said_with_its_path() -> None:
    error = wrong("tools[1]", "is no tool.", "invalid_tool")
    assert (error.param, error.code, str(error)) == ("tools[1]", "invalid_tool", "tools[1]: is no tool.")

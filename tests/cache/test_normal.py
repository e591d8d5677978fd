"""When two bodies are one request."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.cache import NotNormal, digest_of, members_of, written


def form(body: bytes | str) -> bytes:
    return written(members_of(body.encode() if isinstance(body, str) else body))


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
BODIES = st.dictionaries(TEXTS, VALUES, max_size=4)


def shuffled(value: Any, draw: Any) -> Any:
    if isinstance(value, dict):
        names = draw.draw(st.permutations(list(value)))
        return {name: shuffled(value[name], draw) for name in names}
    return [shuffled(one, draw) for one in value] if isinstance(value, list) else value


@given(BODIES, st.data(), st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_order_white_space_and_escapes_do_not_count(
    body: dict[str, Any], draw: st.DataObject, ascii_only: bool, indent: int | str | None
) -> None:
    again = json.dumps(shuffled(body, draw), ensure_ascii=ascii_only, indent=indent)
    assert form(again) == form(json.dumps(body))


@given(BODIES, BODIES)
def test_different_bodies_have_different_forms(one: dict[str, Any], other: dict[str, Any]) -> None:
    # repr tells 1 from 1.0 and from true; the order of members does not count.
    assert (form(json.dumps(one)) == form(json.dumps(other))) is (_exact(one) == _exact(other))


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _exact(one) for name, one in value.items()}
    return [_exact(one) for one in value] if isinstance(value, list) else (type(value), repr(value))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1}', '{"a": 1.0}'),
        ('{"a": 1}', '{"a": "1"}'),
        ('{"a": 1}', '{"a": true}'),
        ('{"a": 0.1}', '{"a": 0.10000000000000001}'),
        ('{"a": 12345678901234567890123}', '{"a": 12345678901234567890124}'),
        ('{"a": 1e400}', '{"a": 1e401}'),
        ('{"a": 0}', '{"a": -0}'),
        ('{"a": null}', "{}"),
        ('{"a": "\u00e9"}', '{"a": "e\u0301"}'),
        ('{"a": [1, 2]}', '{"a": [2, 1]}'),
        ('{"a": "b\\u0000"}', '{"a": "b"}'),
    ],
)
def test_these_are_two_requests(one: str, other: str) -> None:
    assert form(one) != form(other)


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1, "a": 1}',
        '{"a": {"b": 1, "\\u0062": 2}}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": "\\ud800"}',
        '{"\\udfff": 1}',
        "[1]",
        "1",
        "",
        '{"a": 1} {"b": 2}',
        '{"a": "\n"}',
        '{"a":' * 5000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
    ],
)
def test_what_may_be_read_in_two_ways_has_no_form(body: str | bytes) -> None:
    with pytest.raises(NotNormal):
        form(body)


def test_a_number_of_a_million_digits_is_no_work() -> None:
    assert form('{"a": ' + "9" * 1_000_000 + "}").endswith(b"9}")


def test_digests_tell_parts_apart() -> None:
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert digest_of(("team", "x")) != digest_of(("key", "x"))
    assert digest_of(None) != digest_of("") != digest_of(b"")

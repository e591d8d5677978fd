"""A request is taken apart at its top level only, and goes on with its model's name changed and nothing else."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from steelyard.core.errors import BadRequest, NotFound, TooMany
from steelyard.core.usage import Usage
from steelyard.dialects.openai import Request, decode_answer, encode_error, usage_of, without_usage

WIRE = Raw(b'"wire/model"')

blanks = st.text(" \t\r\n", max_size=2)
characters = st.characters(exclude_categories=["Cs"])
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(characters),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(characters, max_size=5), inner, max_size=3),
    max_leaves=8,
)
written = st.sampled_from(
    ["1.0", "1.50", "1E5", "-0", "1e-7", "12345678901234567890123", r'"\u00e9\/\ud83d\ude00"', "[ ]"]
)


def escaped(text: str, mask: int) -> str:
    """Write a JSON string in which some letters, chosen by the mask's bits, are escaped by their number."""
    plain = json.dumps(text, ensure_ascii=False)[1:-1] if not mask else ""
    if not plain:
        plain = "".join(
            f"\\u{ord(one):04x}" if ord(one) < 0x10000 and (mask >> i & 1 or one in '"\\' or one < " ") else one
            for i, one in enumerate(text)
        )
    return f'"{plain}"'


@st.composite
def members(draw: st.DrawFn) -> list[tuple[str, str, str]]:
    """Draw the members of a body: name, name as written, value as written; names may come twice."""
    names = st.text(characters, max_size=6) | st.sampled_from(["model", "messages", "temperature", "n", "größe", "😀"])
    found = []
    for name in draw(st.lists(names, max_size=6)):
        if name == "model":
            value = draw(st.sampled_from(['"first"', '"other/model"', r'"\u0061"']))
        else:
            value = draw(st.builds(lambda v: json.dumps(v, ensure_ascii=False), values) | written)
        if name not in ("stream", "stream_options", "user"):
            found.append((name, escaped(name, draw(st.integers(0, 63))), value))
    at = draw(st.integers(0, len(found)))
    return [*found[:at], ("model", escaped("model", draw(st.integers(0, 31))), '"assistant"'), *found[at:]]


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, dict[str, str]]:
    """Draw a body, and the value of each of its members as it is written; of a name that came twice the last."""
    parts, last = [], {}
    for name, key, value in draw(members()):
        a, b, c, d = (draw(blanks) for _ in range(4))
        parts.append(f"{a}{key}{b}:{c}{value}{d}")
        last[name] = value
    return f"{draw(blanks)}{{{','.join(parts)}}}{draw(blanks)}".encode(), last


def encoded(fields: dict[str, str]) -> bytes:
    return (
        "{" + ",".join(f"{msgspec.json.encode(name).decode()}:{value}" for name, value in fields.items()) + "}"
    ).encode()


@given(bodies())
def test_only_the_model_changes_and_every_other_value_keeps_its_bytes(body: tuple[bytes, dict[str, str]]) -> None:
    raw, fields = body
    request = Request(raw)
    assert request.model == json.loads(raw)["model"]
    wire = request.wire(WIRE, include_usage=None)
    assert wire == encoded({**fields, "model": '"wire/model"'})
    assert json.loads(wire) == {**json.loads(raw), "model": "wire/model"}


@given(
    bodies(), st.sampled_from([None, "null", "{}", '{"include_usage":false}', '{ "x" : 1.50, "include_usage": null }'])
)
def test_usage_is_asked_for_and_other_stream_options_stay(
    body: tuple[bytes, dict[str, str]], options: str | None
) -> None:
    raw, fields = body
    more = '"stream":true' if options is None else f'"stream":true,"stream_options":{options}'
    raw = raw.rstrip()[:-1] + f",{more}}}".encode()
    request = Request(raw)
    assert (request.stream, request.wants_usage) == (True, False)
    asked = json.loads(request.wire(WIRE, include_usage=True))
    before = json.loads(raw)
    expected = {**(before.get("stream_options") or {}), "include_usage": True}
    assert asked == {**before, "model": "wire/model", "stream_options": expected}
    for name, value in fields.items():
        assert name == "model" or f":{value}".encode() in request.wire(WIRE, include_usage=True)
    assert json.loads(request.wire(WIRE, include_usage=None)) == {**before, "model": "wire/model"}


@pytest.mark.parametrize(
    ("options", "left"),
    [('{"include_usage":true}', None), ('{"include_usage":true,"x":1.50}', b'{"x":1.50}'), ("null", None)],
)
def test_the_question_for_usage_is_taken_out_and_nothing_else(options: str, left: bytes | None) -> None:
    request = Request(f'{{"model":"a","stream":true,"stream_options":{options},"n":1}}'.encode())
    wire = request.wire(Raw(b'"x"'), include_usage=False)
    assert json.loads(wire).keys() == {"model", "stream", "n"} | ({"stream_options"} if left else set())
    assert left is None or b'"stream_options":' + left in wire


def test_a_request_can_be_written_for_one_deployment_after_another() -> None:
    request = Request(b'{"model":"a","stream":true,"n":1}')
    assert request.wire(Raw(b'"x"'), include_usage=True) == (
        b'{"model":"x","stream":true,"n":1,"stream_options":{"include_usage":true}}'
    )
    assert request.wire(Raw(b'"y"'), include_usage=None) == b'{"model":"y","stream":true,"n":1}'


def test_of_a_member_that_comes_twice_the_last_counts_and_only_it_goes_on() -> None:
    request = Request(rb'{"model":"allowed","n":1,"\u006dodel":"forbidden","n":2}')
    assert request.model == "forbidden"
    assert request.wire(WIRE, include_usage=None) == b'{"model":"wire/model","n":2}'


def test_what_is_decoded_is_what_was_said() -> None:
    request = Request(b'{"stream_options":{"include_usage":true},"user":"u","stream":true,"model":"a"}')
    assert (request.model, request.stream, request.wants_usage, request.user) == ("a", True, True, "u")
    request = Request(b'{"model":"a","stream":null,"user":null,"stream_options":{"include_usage":true}}')
    assert (request.stream, request.user) == (False, None)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"", "invalid_json", None),
        (b"{", "invalid_json", None),
        (b'{"model":"a"', "invalid_json", None),
        (b'{"model":"a"} x', "invalid_json", None),
        (b'{"model":"a",}', "invalid_json", None),
        (b"{'model':'a'}", "invalid_json", None),
        (b'\xef\xbb\xbf{"model":"a"}', "invalid_json", None),
        (b'{"model":"\xff"}', "invalid_json", None),
        (b'{"model":"\\ud800"}', "invalid_json", None),
        (b'{"model":"a\nb"}', "invalid_json", None),
        ('{"model":"a"}'.encode("utf-16"), "invalid_json", None),
        (b"[]", "invalid_type", None),
        (b"null", "invalid_type", None),
        (b'"model"', "invalid_type", None),
        (b"{}", "invalid_type", "model"),
        (b'{"model":null}', "invalid_type", "model"),
        (b'{"model":["a"]}', "invalid_type", "model"),
        (b'{"model":"a","stream":"yes"}', "invalid_type", "stream"),
        (b'{"model":"a","stream":1}', "invalid_type", "stream"),
        (b'{"model":"a","user":{}}', "invalid_type", "user"),
        (b'{"model":"a","stream":true,"stream_options":[]}', "invalid_type", "stream_options"),
        (
            b'{"model":"a","stream":true,"stream_options":{"include_usage":1}}',
            "invalid_type",
            "stream_options.include_usage",
        ),
        (b'{"model":"a","x":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "invalid_json", None),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_by_name(body: bytes, code: str, param: str | None) -> None:
    with pytest.raises(BadRequest) as refused:
        Request(body)
    assert (refused.value.code, refused.value.param) == (code, param)
    assert "\\x" not in str(refused.value)


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode) | values.map(lambda v: json.dumps(v).encode()))
def test_whatever_comes_is_a_request_or_a_bad_request(body: bytes) -> None:
    try:
        request = Request(body)
    except BadRequest:
        return
    assert isinstance(json.loads(request.wire(WIRE, include_usage=None)), dict)


def test_nesting_that_json_allows_passes() -> None:
    deep = b"[" * 400 + b"]" * 400
    assert Request(b'{"model":"a","x":' + deep + b"}").wire(WIRE, include_usage=True).count(deep) == 1


def test_usage_is_understood_in_each_provider_s_words() -> None:
    words = {
        b'{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}': Usage(9, 4),
        b'{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":3}}': Usage(9, 4, 3),
        b'{"prompt_tokens":9,"completion_tokens":4,"prompt_cache_hit_tokens":3}': Usage(9, 4, 3),
        b'{"input_tokens":9,"output_tokens":4}': Usage(9, 4),
        b'{"prompt_tokens":9,"total_tokens":9}': Usage(9, 0),
        b'{"prompt_tokens":9}': Usage(9, None),
    }
    for raw, usage in words.items():
        assert usage_of(raw) == usage
    for raw in (b"", b"null", b"{}", b"[]", b'{"prompt_tokens":"9"}', b'{"seconds":9}'):
        assert usage_of(raw) is None


def test_usage_is_taken_out_and_nothing_else_is_touched() -> None:
    raw = rb'{"a":1.50,"usage":{"prompt_tokens":1},"b":"\u00e9","c":{"usage":1}}'
    assert without_usage(raw) == rb'{"a":1.50,"b":"\u00e9","c":{"usage":1}}'


def test_an_answer_of_another_shape_is_none() -> None:
    assert decode_answer(b'{"choices":"none"}') is None
    assert decode_answer(b"<html>") is None


def test_errors_have_openai_s_body() -> None:
    error = encode_error(NotFound("No such model.", code="model_not_found", param="model"))
    assert json.loads(error) == {
        "error": {
            "message": "No such model.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
    }
    assert json.loads(encode_error(TooMany("Wait.")))["error"]["type"] == "rate_limit_error"

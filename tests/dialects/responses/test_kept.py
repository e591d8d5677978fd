"""Conversations that are kept here, and the small answers: pages of items, counts, errors."""

import json
from typing import Any

import pytest

from steelyard.core.errors import BadRequest, TooMany
from steelyard.core.parts import Text, ToolResult
from steelyard.dialects.dialect import Dialect, Told
from steelyard.dialects.responses import RESPONSES, input_items_page, kept_input, response_id, with_previous
from steelyard.dialects.table import DIALECTS

Json = dict[str, Any]


def test_the_dialect_fulfils_the_protocol_and_is_served() -> None:
    dialect: Dialect = RESPONSES
    assert (dialect.name, dialect.content_type) == ("openai-responses", b"text/event-stream")
    assert DIALECTS.get(dialect.name, dialect) is dialect


def test_a_response_has_the_id_of_its_exchange() -> None:
    assert response_id("req_0123abcd") == "resp_0123abcd"


def test_a_string_is_kept_as_a_message() -> None:
    assert kept_input({"input": "Hi."}) == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
    ]


def test_items_are_kept_with_their_types_spelt_out() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    body = {"input": [{"role": "assistant", "content": "So."}, call, {"id": "msg_1"}]}
    assert kept_input(body) == [
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "So.", "annotations": []}],
        },
        call,
        {"type": "item_reference", "id": "msg_1"},
    ]


def test_a_turn_with_its_previous_ones_says_all_by_itself() -> None:
    first = {"model": "m", "instructions": "Be brief.", "input": "Weather?"}
    output = [
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"}
    ]
    second = {
        "model": "m",
        "previous_response_id": "resp_1",
        "input": [{"type": "function_call_output", "call_id": "c", "output": "4 °C"}],
        "temperature": 0,
    }

    whole = with_previous(second, [*kept_input(first), *output])

    request = RESPONSES.decode_request(json.dumps(whole).encode())
    assert request.previous_id is None
    assert [one.role for one in request.messages] == ["user", "assistant", "tool"]
    assert request.messages[0].parts == (Text("Weather?", at="input[0].content[0]"),)
    assert isinstance(request.messages[2].parts[0], ToolResult)
    assert request.temperature == 0
    assert second["previous_response_id"] == "resp_1"


def test_a_wrong_input_cannot_be_kept() -> None:
    for given in (5, ["x"]):
        with pytest.raises(BadRequest, match="input"):
            kept_input({"input": given})
    assert kept_input({}) == []


ITEMS = kept_input({"input": [{"role": "user", "content": str(number)} for number in range(5)]})


def test_pages_of_items_go_through_all_of_them() -> None:
    seen: list[Json] = []
    query: Json = {"limit": "2", "order": "asc"}
    while True:
        page = input_items_page(ITEMS, "req_abc", query)
        assert page["object"] == "list"
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        seen.extend(page["data"])
        if not page["has_more"]:
            break
        query["after"] = page["last_id"]
    assert [one["content"][0]["text"] for one in seen] == ["0", "1", "2", "3", "4"]


def test_the_latest_items_come_first() -> None:
    page = input_items_page(ITEMS, "req_abc", {})
    assert [one["content"][0]["text"] for one in page["data"]] == ["4", "3", "2", "1", "0"]
    assert page["has_more"] is False
    assert input_items_page([], "req_abc", {})["first_id"] is None


@pytest.mark.parametrize(
    ("query", "path"),
    [({"limit": "0"}, "limit"), ({"limit": "x"}, "limit"), ({"order": "up"}, "order"), ({"after": "no"}, "after")],
)
def test_a_wrong_query_is_refused(query: Json, path: str) -> None:
    with pytest.raises(BadRequest) as error:
        input_items_page(ITEMS, "req_abc", query)
    assert error.value.param == path


def test_an_error_has_openai_s_envelope() -> None:
    """Trap 17."""
    body = RESPONSES.encode_error(TooMany("Too fast.", code="rpm"), "req_1")
    assert json.loads(body) == {
        "error": {"message": "Too fast.", "type": "rate_limit_error", "param": None, "code": "rpm"}
    }


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            b'{"error":{"message":"m","type":"t","param":"input[0]","code":"c"}}',
            Told("m", "t", "c", "input[0]"),
        ),
        (b'{"error":{"message":"m","code":429}}', Told("m", None, "429")),
        (b'{"error":"m"}', Told("m")),
        (b'{"error":{}}', None),
        (b"<html>", None),
        (b"[]", None),
    ],
)
def test_an_upstream_s_error_is_read(body: bytes, told: Told | None) -> None:
    assert RESPONSES.decode_error(body, []) == told


def test_a_count_is_told() -> None:
    assert json.loads(RESPONSES.encode_count(12)) == {"object": "response.input_tokens", "input_tokens": 12}

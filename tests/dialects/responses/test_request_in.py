"""What a request of the Responses API asks, in no dialect; and what is wrong with one, and where."""

import json
from typing import Any

import pytest

from steelyard.core.errors import BadRequest
from steelyard.core.parts import Cache, Citation, Media, Opaque, Refusal, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message, OutputFormat, Reasoning, ToolChoice
from steelyard.dialects.responses import RESPONSES, stored_elsewhere
from steelyard.dialects.seals import sealed
from tests.dialects.responses.bodies import decoded

WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": True}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Oslo"}'}


def test_a_string_is_one_message_of_the_user() -> None:
    request = decoded(input="Hi.")

    assert request.messages == (Message("user", (Text("Hi.", at="input"),), at="input"),)
    assert (request.dialect, request.stream) == ("openai-responses", False)


def test_instructions_are_a_system_message_in_front() -> None:
    request = decoded(instructions="Be brief.", input="Hi.")

    assert request.messages[0] == Message("system", (Text("Be brief.", at="instructions"),), at="instructions")
    assert [one.role for one in request.messages] == ["system", "user"]


def test_every_kind_of_content_knows_where_it_stood() -> None:
    content = [
        {"type": "input_text", "text": "Look.", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
        {"type": "input_image", "image_url": "data:image/png;base64,aaaa", "detail": "low"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,bbbb"},
        {"type": "input_audio", "input_audio": {"data": "cccc", "format": "mp3"}},
    ]
    parts = decoded(input=[{"role": "user", "content": content}]).messages[0].parts

    at = "input[0].content"
    assert parts == (
        Text("Look.", cache=Cache(), at=f"{at}[0]", extra={"prompt_cache_breakpoint.ttl": "12h"}),
        Media("image", "image/png", "aaaa", detail="low", at=f"{at}[1]"),
        Media("image", file_id="file-1", at=f"{at}[2]"),
        Media("document", "application/pdf", "bbbb", name="a.pdf", at=f"{at}[3]"),
        Media("audio", "audio/mpeg", "cccc", at=f"{at}[4]"),
    )


def test_each_item_is_a_message_of_its_own() -> None:
    note = {"type": "url_citation", "url": "https://a.b", "title": "A", "start_index": 0, "end_index": 2}
    request = decoded(
        input=[
            {"role": "user", "content": "Weather?"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [
                    {"type": "output_text", "text": "I ask.", "annotations": [note], "logprobs": []},
                    {"type": "refusal", "refusal": "No."},
                ],
            },
            CALL,
            {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "4 °C"}]},
            {"type": "custom_tool_call", "call_id": "call_2", "name": "sql", "input": "select 1"},
            {"type": "custom_tool_call_output", "call_id": "call_2", "output": "1"},
        ]
    )

    cited = Citation("openai-responses", note, "https://a.b", "A", start=0, end=2)
    assert [(one.role, one.parts) for one in request.messages] == [
        ("user", (Text("Weather?", at="input[0].content"),)),
        ("assistant", (Thinking("", "openai-responses", sealed="gAAA", item_id="rs_1", at="input[1]"),)),
        (
            "assistant",
            (Text("I ask.", (cited,), at="input[2].content[0]"), Refusal("No.", at="input[2].content[1]")),
        ),
        ("assistant", (ToolCall("call_1", "weather", '{"city":"Oslo"}', item_id="fc_1", at="input[3]"),)),
        ("tool", (ToolResult("call_1", (Text("4 °C", at="input[4].output[0]"),), at="input[4]"),)),
        ("assistant", (ToolCall("call_2", "sql", "select 1", custom=True, at="input[5]"),)),
        ("tool", (ToolResult("call_2", (Text("1", at="input[6].output"),), custom=True, at="input[6]"),)),
    ]
    assert request.messages[2].item_id == "msg_1"


def test_items_of_hosted_tools_are_opaque() -> None:
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    request = decoded(input=[{"role": "user", "content": "x"}, item, {"id": "msg_9"}])

    assert request.messages[1].parts == (Opaque("openai-responses", "web_search_call", item, "input[1]"),)
    assert request.messages[2].parts == (Opaque("openai-responses", "item_reference", {"id": "msg_9"}, "input[2]"),)
    assert stored_elsewhere(request) == "input[2]"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({}, None),
    ],
)
def test_what_only_openai_has_stored_is_told(fields: dict[str, Any], path: str | None) -> None:
    assert stored_elsewhere(decoded(**fields)) == path


def test_pieces_of_a_summary_can_be_told_apart_again() -> None:
    summary = [{"type": "summary_text", "text": one} for one in ("**A**\n\na", "b")]
    content = [{"type": "reasoning_text", "text": "all of it"}]
    request = decoded(input=[{"type": "reasoning", "id": "rs_1", "summary": summary, "content": content}])

    first, second = request.messages[0].parts
    assert first == Thinking(
        "**A**\n\na\n\nb", "openai-responses", summary=True, item_id="rs_1", at="input[0]", breaks=(10,)
    )
    assert second == Thinking("all of it", "openai-responses", item_id="rs_1", at="input[0]")


def test_seals_of_other_providers_find_their_way_back() -> None:
    """Trap 13: signatures are replayed verbatim. Trap 14: Gemini's stands on the first parallel call."""
    request = decoded(
        input=[
            {"role": "user", "content": "x"},
            _reasoning(sealed("SIG", "anthropic", "openai-responses"), "I think."),
            _reasoning(sealed("RED", "anthropic-sealed", "openai-responses")),
            _reasoning(sealed("GEM", "gemini-call", "openai-responses")),
            CALL,
            {**CALL, "call_id": "call_2", "id": "fc_sy_abc_1"},
            {"type": "message", "role": "assistant", "content": "Well."},
            _reasoning(sealed("TXT", "gemini-text", "openai-responses")),
        ]
    )

    parts = [one.parts[0] for one in request.messages[1:]]
    assert parts[0] == Thinking("I think.", "anthropic", signature="SIG", at="input[1]")
    assert parts[1] == Thinking("", "anthropic", sealed="RED", at="input[2]")
    assert isinstance(parts[2], ToolCall)
    assert parts[2].signature == "GEM"
    assert isinstance(parts[3], ToolCall)
    assert (parts[3].signature, parts[3].item_id) == (None, None)
    assert parts[4] == Text("Well.", signature="TXT", at="input[6].content")
    assert len(parts) == 5


def _reasoning(seal: str, text: str = "") -> dict[str, Any]:
    content = [{"type": "reasoning_text", "text": text}] if text else []
    item = {"type": "reasoning", "id": "rs_sy_abc_0", "summary": [], "encrypted_content": seal}
    return {**item, "content": content}


def test_settings_are_read() -> None:
    request = decoded(
        tools=[WEATHER, {"type": "web_search"}],
        tool_choice={"type": "function", "name": "weather"},
        parallel_tool_calls=False,
        text={"format": {"type": "json_schema", "name": "n", "schema": {"a": 1}, "strict": True}, "verbosity": "low"},
        reasoning={"effort": "low", "summary": "auto", "context": "all_turns"},
        include=["message.output_text.logprobs", "reasoning.encrypted_content", "file_search_call.results"],
        max_output_tokens=50,
        temperature=0.5,
        top_p=0.9,
        top_logprobs=3,
        service_tier="flex",
        metadata={"a": "b"},
        store=False,
        safety_identifier="u",
        prompt_cache_key="k",
        truncation="auto",
        x_new=1,
    )

    assert [(one.name, one.strict, one.native) for one in request.tools] == [
        ("weather", True, None),
        ("web_search", None, {"type": "web_search"}),
    ]
    assert request.tool_choice == ToolChoice("named", ("weather",))
    assert request.parallel_tools is False
    assert request.output == OutputFormat("schema", "n", None, {"a": 1}, True)
    assert request.reasoning == Reasoning("low", shown=True, summary="auto", extra={"context": "all_turns"})
    assert (request.logprobs, request.top_logprobs, request.sealed_thoughts) == (True, 3, True)
    assert (request.max_tokens, request.temperature, request.top_p) == (50, 0.5, 0.9)
    assert (request.service_tier, request.metadata, request.store) == ("flex", {"a": "b"}, False)
    assert (request.user, request.path_of("user"), request.cache_key) == ("u", "safety_identifier", "k")
    assert request.path_of("max_tokens") == "max_output_tokens"
    assert request.extra == {
        "text.verbosity": "low",
        "include": ["file_search_call.results"],
        "truncation": "auto",
        "x_new": 1,
    }


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        ("required", ToolChoice("required")),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": n} for n in "fg"]},
            ToolChoice("named", ("f", "g")),
        ),
        ({"type": "mcp", "server_label": "s"}, "native"),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}, "native"),
    ],
)
def test_a_choice_of_tools_is_read(choice: Any, found: ToolChoice | str) -> None:
    expected = ToolChoice("native", dialect="openai-responses", native=choice) if found == "native" else found
    assert decoded(tool_choice=choice).tool_choice == expected


def test_the_path_says_model_and_stream_where_the_body_does_not() -> None:
    request = RESPONSES.decode_request(b'{"input":"x"}', model="r", stream=True)
    assert (request.model, request.stream) == ("r", True)


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"input": None}, "input", "missing_field"),
    ({"model": None}, "model", "missing_field"),
    ({"input": 5}, "input", "invalid_type"),
    ({"input": ["x"]}, "input[0]", "invalid_type"),
    ({"input": [{"type": "telepathy"}]}, "input[0]", "unknown_content"),
    ({"input": [{"role": "user", "content": [{"type": "smell"}]}]}, "input[0].content[0]", "unknown_content"),
    ({"input": [{"role": "user", "content": []}]}, "input[0].content", "empty_content"),
    ({"input": [{"role": "user"}]}, "input[0].content", "missing_field"),
    ({"input": [{"role": "boss", "content": "x"}]}, "input[0].role", "invalid_role"),
    ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text", "missing_field"),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
        "input[0].content[0].image_url",
        "missing_field",
    ),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png,abc"}]}]},
        "input[0].content[0].image_url",
        "invalid_data_uri",
    ),
    ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}, "input[0].arguments", "missing_field"),
    ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id", "missing_field"),
    (
        {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]},
        "input[0].call_id",
        "unknown_tool_call",
    ),
    (
        {
            "input": [
                CALL,
                {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "refusal", "refusal": ""}]},
            ]
        },
        "input[1].output[0]",
        "unknown_content",
    ),
    ({"tools": [{"type": "function"}]}, "tools[0].name", "missing_field"),
    ({"tools": [{"name": "f"}]}, "tools[0].type", "missing_field"),
    ({"tool_choice": "perhaps"}, "tool_choice", "invalid_value"),
    ({"temperature": "warm"}, "temperature", "invalid_type"),
    ({"instructions": ["x"]}, "instructions", "invalid_type"),
    ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema", "missing_field"),
    ({"text": {"format": {"type": "yaml"}}}, "text.format.type", "invalid_value"),
    ({"background": True}, "background", "unsupported_field"),
    ({"include": [1]}, "include", "invalid_type"),
]


@pytest.mark.parametrize(("fields", "path", "code"), MISTAKES, ids=[f"{path}-{code}" for _, path, code in MISTAKES])
def test_a_mistake_is_named_with_its_path(fields: dict[str, Any], path: str, code: str) -> None:
    with pytest.raises(BadRequest) as error:
        decoded(**fields)
    assert (error.value.param, error.value.code) == (path, code)
    assert str(error.value).startswith(path)


def test_a_result_may_answer_a_call_that_is_stored_elsewhere() -> None:
    output = {"type": "function_call_output", "call_id": "c", "output": "x"}
    assert len(decoded(input=[output], previous_response_id="resp_1").messages) == 1
    assert len(decoded(input=[{"type": "item_reference", "id": "fc_1"}, output]).messages) == 2


def test_a_body_that_is_no_json_is_refused() -> None:
    with pytest.raises(BadRequest, match="not JSON"):
        RESPONSES.decode_request(b"{")
    with pytest.raises(BadRequest, match="no JSON object"):
        RESPONSES.decode_request(json.dumps([]).encode())

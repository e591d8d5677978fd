"""Requests of other dialects, written for the Responses API: what is said, and what is reported as lost."""

import json
from typing import Any

import pytest

from steelyard.core.errors import BadRequest
from steelyard.core.losses import Losses
from steelyard.core.parts import (
    Cache,
    Citation,
    Media,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from steelyard.core.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from steelyard.dialects.dialect import Facts
from steelyard.dialects.responses import RESPONSES

Told = tuple[dict[str, Any], dict[str, str]]


def encoded(*messages: Message, dialect: str = "anthropic", **fields: Any) -> Told:
    """Return what is written, and how each lost path was lost."""
    said = messages or (user(Text("Hi.", at="messages[0].content")),)
    losses = Losses()
    request = Request(dialect=dialect, model="route", messages=said, **fields)
    body = json.loads(RESPONSES.encode_request(request, Facts("gpt-x"), losses))
    return body, {one.path: one.how for one in losses.all()}


def user(*parts: Part) -> Message:
    return Message("user", parts, at="messages[0]")


def test_the_deployment_s_model_is_asked_and_nothing_is_stored() -> None:
    body, lost = encoded()
    assert body == {
        "model": "gpt-x",
        "input": [{"type": "message", "role": "user", "content": "Hi."}],
        "store": False,
    }
    assert lost == {}


def test_a_plain_system_message_in_front_becomes_instructions() -> None:
    system = Message("system", (Text("Be brief.", at="system"),), at="system")
    late = Message("system", (Text("Be kind.", at="messages[1]"),), at="messages[1]")

    body, lost = encoded(system, user(Text("Hi.")), late)

    assert body["instructions"] == "Be brief."
    assert [one["role"] for one in body["input"]] == ["user", "system"]
    assert lost == {}


def test_a_system_message_of_several_blocks_stays_a_message() -> None:
    system = Message("system", (Text("a", at="system[0]", cache=Cache()), Text("b", at="system[1]")), at="system")

    body, lost = encoded(system, user(Text("Hi.")))

    assert "instructions" not in body
    assert [one["text"] for one in body["input"][0]["content"]] == ["a", "b"]
    assert lost == {"system[0].cache_control": "dropped"}


def test_results_inside_a_user_message_become_items_in_front_of_its_text() -> None:
    """Trap 4, the other way round."""
    call = ToolCall("toolu_1", "f", "", at="messages[0].content[0]")
    picture = Media("image", "image/png", "aaaa", at="messages[1].content[0].content[0]")
    result = ToolResult("toolu_1", (picture,), error=True, cache=Cache(), at="messages[1].content[0]")

    body, lost = encoded(
        Message("assistant", (Text("I call."), call), at="messages[0]"),
        Message("user", (result, Text("And?")), at="messages[1]"),
    )

    assert body["input"] == [
        {"type": "message", "role": "assistant", "content": "I call."},
        {"type": "function_call", "call_id": "toolu_1", "name": "f", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "toolu_1",
            "output": [{"type": "input_image", "image_url": "data:image/png;base64,aaaa"}],
        },
        {"type": "message", "role": "user", "content": "And?"},
    ]
    assert lost == {
        "messages[1].content[0].is_error": "dropped",
        "messages[1].content[0].cache_control": "dropped",
    }


def test_functions_of_other_dialects_are_not_made_strict() -> None:
    tools = (
        Tool("f", "does", {"type": "object"}, at="tools[0]", cache=Cache(), extra={"x": 1}),
        Tool("g", strict=True, parameters={"type": "object"}, at="tools[1]"),
        Tool("bare", at="tools[2]"),
        Tool("bash_20250124", dialect="anthropic", native={"type": "bash_20250124"}, at="tools[3]"),
    )

    body, lost = encoded(tools=tools, parallel_tools=False)

    assert [(one["name"], one["strict"]) for one in body["tools"]] == [("f", False), ("g", True), ("bare", False)]
    assert body["tools"][2]["parameters"] == {"type": "object", "properties": {}}
    assert body["parallel_tool_calls"] is False
    assert lost == {"tools[0].cache_control": "dropped", "tools[0].x": "dropped", "tools[3]": "dropped"}


def test_custom_tools_of_chat_completions_are_flattened() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "a"}}
    native = {"type": "custom", "custom": {"name": "sql", "description": "d", "format": grammar}}
    choice = ToolChoice("native", dialect="openai", native={"type": "custom", "custom": {"name": "sql"}})

    body, lost = encoded(
        dialect="openai", tools=(Tool("custom", dialect="openai", native=native, at="tools[0]"),), tool_choice=choice
    )

    flat = {"type": "grammar", "syntax": "lark", "definition": "a"}
    assert body["tools"] == [{"type": "custom", "name": "sql", "description": "d", "format": flat}]
    assert body["tool_choice"] == {"type": "custom", "name": "sql"}
    assert lost == {}


def test_tools_that_chat_completions_allow_are_flattened() -> None:
    allowed = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}
    choice = ToolChoice("native", dialect="openai", native={"type": "allowed_tools", "allowed_tools": allowed})

    body, _ = encoded(dialect="openai", tool_choice=choice)

    flat = [{"type": "function", "name": "f"}]
    assert body["tool_choice"] == {"type": "allowed_tools", "mode": "auto", "tools": flat}


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice("required"), "required"),
        (ToolChoice("named", ("f",)), {"type": "function", "name": "f"}),
        (
            ToolChoice("named", ("f", "g")),
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": n} for n in "fg"]},
        ),
    ],
)
def test_a_choice_is_written(choice: ToolChoice, wire: Any) -> None:
    assert encoded(tool_choice=choice)[0]["tool_choice"] == wire


def test_what_the_api_lacks_is_reported_by_the_client_s_own_path() -> None:
    at = {"seed": "generationConfig.seed", "stop": "generationConfig.stopSequences"}
    body, lost = encoded(
        dialect="gemini",
        top_k=5,
        seed=1,
        stop=("x",),
        n=2,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        at=at,
        extra={"safetySettings": []},
    )

    assert set(body) == {"model", "input", "store"}
    assert lost == dict.fromkeys(
        [
            "top_k",
            "presence_penalty",
            "frequency_penalty",
            "generationConfig.seed",
            "generationConfig.stopSequences",
            "n",
            "safetySettings",
        ],
        "dropped",
    )


def test_twins_of_chat_completions_fields_get_across() -> None:
    body, lost = encoded(
        dialect="openai", extra={"verbosity": "low", "logit_bias": {}}, user="u", logprobs=True, store=True
    )

    assert (body["text"], body["user"], body["store"]) == ({"verbosity": "low"}, "u", True)
    assert body["include"] == ["message.output_text.logprobs"]
    assert lost == {"logit_bias": "dropped"}


def test_a_schema_gets_a_name() -> None:
    body, _ = encoded(output=OutputFormat("schema", schema={"type": "object"}, strict=True))
    form = {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": True}
    assert body["text"] == {"format": form}


def test_a_schema_of_another_dialect_is_not_made_strict() -> None:
    body, lost = encoded(output=OutputFormat("schema", "place", schema={"type": "object"}))
    assert body["text"]["format"]["strict"] is False
    assert lost == {}


def test_a_budget_is_the_nearest_effort_and_thoughts_come_sealed() -> None:
    body, lost = encoded(reasoning=Reasoning(budget=10_000, shown=True), at={"reasoning": "thinking"})

    assert body["reasoning"] == {"effort": "medium", "summary": "auto"}
    assert body["include"] == ["reasoning.encrypted_content"]
    assert lost == {"thinking": "approximated"}


def test_fewer_tokens_than_openai_takes_are_raised() -> None:
    body, lost = encoded(max_tokens=1)
    assert body["max_output_tokens"] == 16
    assert lost == {"max_tokens": "approximated"}


def test_an_identifier_that_is_too_long_is_left_out() -> None:
    at = {"user": "metadata.user_id"}
    assert encoded(user="u" * 128, at=at)[0]["safety_identifier"] == "u" * 128
    body, lost = encoded(user="u" * 129, at=at)
    assert "safety_identifier" not in body
    assert lost == {"metadata.user_id": "dropped"}


def test_thoughts_go_back_only_to_whom_they_belong() -> None:
    """Trap 13."""
    at = "messages[0].content[0]"
    foreign = Thinking("hm", "anthropic", signature="SIG", at=at)
    own = Thinking("hm", "openai-responses", sealed="gAAA", summary=True, item_id="rs_1")
    unsealed = Thinking("hm", "openai-responses", at="messages[0].content[1]")

    body, lost = encoded(Message("assistant", (foreign, unsealed, own, Text("So."))), user(Text("Hi.")))

    assert body["input"][0] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "gAAA",
    }
    assert lost == {at: "dropped", "messages[0].content[1]": "dropped"}


def test_a_plain_document_is_sent_as_text() -> None:
    document = Media(
        "document", "text/plain", text="body", title="T", context="C", cited=True, at="messages[0].content[0]"
    )

    body, lost = encoded(user(document))

    assert body["input"][0]["content"] == "T\n\nC\n\nbody"
    assert lost == {"messages[0].content[0]": "approximated", "messages[0].content[0].citations": "dropped"}


def test_a_document_s_bytes_get_a_file_s_name() -> None:
    document = Media("document", "application/pdf", "JVBE", title="Report", context="C", at="messages[0].content[0]")

    body, lost = encoded(user(document))

    assert body["input"][0]["content"] == [
        {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "Report.pdf"}
    ]
    assert lost == {"messages[0].content[0].title": "dropped", "messages[0].content[0].context": "dropped"}


@pytest.mark.parametrize(
    "media",
    [
        Media("video", "video/mp4", "aaaa"),
        Media("audio", "audio/flac", "aaaa"),
        Media("audio", "audio/wav", url="https://a.b/c.wav"),
        Media("image", file_id="file_abc"),
        Media("image", url="gs://bucket/a.png"),
    ],
)
def test_content_that_would_be_missed_is_refused_with_its_path(media: Media) -> None:
    """Trap 15."""
    part = Media(media.kind, media.media_type, media.data, media.url, media.file_id, at="contents[0].parts[0]")
    with pytest.raises(BadRequest) as error:
        encoded(user(part), dialect="gemini")
    assert (error.value.code, error.value.param) == ("unsupported_content", "contents[0].parts[0]")


def test_parts_that_only_others_have_are_reported() -> None:
    opaque = Opaque("anthropic", "server_tool_use", {"type": "server_tool_use"}, at="messages[0].content[0]")
    cited = Text("x", (Citation("anthropic", {}, quoted="q"),), at="messages[0].content[1]")
    drawn = Media("image", "image/png", "aaaa", at="messages[0].content[2]")

    body, lost = encoded(Message("assistant", (opaque, cited, drawn), name="bob", at="messages[0]", extra={"x": 1}))

    assert body["input"] == [{"type": "message", "role": "assistant", "content": "x"}]
    assert lost == {
        "messages[0].content[0]": "dropped",
        "messages[0].content[1].citations": "dropped",
        "messages[0].content[2]": "dropped",
        "messages[0].name": "dropped",
        "messages[0].x": "dropped",
    }


def test_a_gemini_signature_is_not_sent_to_openai() -> None:
    call = ToolCall("c", "f", "{}", signature="GEM", at="contents[0].parts[0]")
    body, lost = encoded(Message("assistant", (call,)), dialect="gemini")
    assert "signature" not in json.dumps(body)
    assert lost == {"contents[0].parts[0].thoughtSignature": "dropped"}

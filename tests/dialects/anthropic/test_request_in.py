"""Requests are read with the path of every part, and mistakes are named by theirs."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec import structs

from steelyard.core.errors import BadRequest
from steelyard.core.parts import Cache, Media, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import OutputFormat, Reasoning, Request, Tool, ToolChoice
from steelyard.dialects.anthropic import ANTHROPIC
from tests.dialects.anthropic.drawn import requests


def decoded(*messages: dict[str, Any], **settings: Any) -> Request:
    said = {"model": "m", "max_tokens": 10, "messages": list(messages) or [{"role": "user", "content": "Hi"}]}
    return ANTHROPIC.decode_request(json.dumps({**said, **settings}).encode())


def refused(*messages: dict[str, Any], **settings: Any) -> tuple[str, str | None]:
    with pytest.raises(BadRequest) as caught:
        decoded(*messages, **settings)
    assert caught.value.param is None or caught.value.param in str(caught.value)
    return caught.value.code, caught.value.param


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": 1}}


def test_every_part_says_where_it_stood() -> None:
    request = decoded(
        user({"type": "text", "text": "Look"}, {"type": "image", "source": {"type": "url", "url": "https://x.test"}}),
        assistant(CALL),
        user({"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "4"}]}),
        system=[{"type": "text", "text": "Be brief"}],
    )
    assert [message.at for message in request.messages] == ["system", "messages[0]", "messages[1]", "messages[2]"]
    parts = [part.at for message in request.messages for part in message.parts]
    assert parts == [
        "system[0]",
        "messages[0].content[0]",
        "messages[0].content[1]",
        *(["messages[1].content[0]", "messages[2].content[0]"]),
    ]
    result = request.messages[3].parts[0]
    assert isinstance(result, ToolResult)
    assert result.content[0].at == "messages[2].content[0].content[0]"
    assert request.path_of("stop") == "stop_sequences"


def test_a_system_prompt_keeps_each_blocks_cache_breakpoint() -> None:
    one = {"type": "text", "text": "Long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    message = decoded(system=[one, {"type": "text", "text": "Short"}]).messages[0]
    assert message.role == "system"
    assert [part.cache for part in message.parts if isinstance(part, Text)] == [Cache("ephemeral", "1h"), None]


def test_thinking_blocks_keep_their_signature_as_it_came() -> None:
    request = decoded(
        user({"type": "text", "text": "Hi"}),
        assistant(
            {"type": "thinking", "thinking": "Hm", "signature": "EqQB+/=="},
            {"type": "redacted_thinking", "data": "EmwK"},
            {"type": "thinking", "thinking": "", "signature": "only"},
        ),
    )
    parts = request.messages[1].parts
    assert parts == (
        Thinking("Hm", "anthropic", "EqQB+/==", at="messages[1].content[0]"),
        Thinking("", "anthropic", sealed="EmwK", at="messages[1].content[1]"),
        Thinking("", "anthropic", "only", at="messages[1].content[2]"),
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"type": "base64", "media_type": "application/pdf", "data": "JVBE"}, ("application/pdf", "JVBE", None, None)),
        ({"type": "url", "url": "https://x.test/a.pdf"}, (None, None, "https://x.test/a.pdf", None)),
        ({"type": "text", "media_type": "text/plain", "data": "words"}, ("text/plain", None, None, "words")),
        (
            {"type": "content", "content": [{"type": "text", "text": t} for t in "ab"]},
            ("text/plain", None, None, "a\n\nb"),
        ),
    ],
)
def test_a_document_is_read_from_each_source(source: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    block = {"type": "document", "source": source, "title": "T", "context": "C", "citations": {"enabled": True}}
    part = decoded(user(block)).messages[0].parts[0]
    assert isinstance(part, Media)
    assert (part.media_type, part.data, part.url, part.text) == expected
    assert (part.title, part.context, part.cited) == ("T", "C", True)


def test_a_search_result_can_be_told_to_others_as_a_text() -> None:
    block = {"type": "search_result", "source": "s", "title": "T", "content": [{"type": "text", "text": "found"}]}
    part = decoded(user(block)).messages[0].parts[0]
    assert isinstance(part, Media)
    assert (part.text, part.title, part.extra) == ("found", "T", {"search_result": block})


def test_what_only_this_api_has_is_kept_whole() -> None:
    block = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    request = decoded(user({"type": "text", "text": "Hi"}), assistant(block), tools=[tool])
    part: Part = request.messages[1].parts[0]
    assert part == Opaque("anthropic", "web_search_tool_result", block, "messages[1].content[0]")
    assert request.tools == (Tool("web_search_20250305", dialect="anthropic", native=tool, at="tools[0]"),)


def test_trap_5_parallel_tool_calls_are_the_inverse_of_disable_parallel_tool_use() -> None:
    for disabled, parallel in ((True, False), (False, True), (None, None)):
        request = decoded(tool_choice={"type": "any", "disable_parallel_tool_use": disabled})
        assert request.tool_choice == ToolChoice("required")
        assert request.parallel_tools is parallel


def test_trap_6_a_calls_input_becomes_json_text() -> None:
    part = decoded(user({"type": "text", "text": "Hi"}), assistant(CALL)).messages[1].parts[0]
    assert isinstance(part, ToolCall)
    assert json.loads(part.arguments) == {"q": 1}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, Reasoning(budget=2048)),
        ({"thinking": {"type": "disabled"}}, Reasoning(budget=0)),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, Reasoning(adaptive=True, shown=False)),
        ({"output_config": {"effort": "max"}}, Reasoning("max")),
        ({"thinking": {"type": "between_tools"}}, Reasoning(extra={"type": "between_tools"})),
    ],
)
def test_thinking_and_effort_are_one_wish(said: dict[str, Any], expected: Reasoning) -> None:
    assert decoded(**said).reasoning == expected


def test_structured_output_is_read_in_both_its_forms() -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    expected = OutputFormat("schema", schema={"type": "object"}, strict=True)
    newer, older = decoded(output_config={"format": form}), decoded(output_format=form)
    assert newer.output == older.output == expected
    assert (newer.path_of("output"), older.path_of("output")) == ("output_config.format", "output_format")


def test_unknown_fields_are_kept_by_their_path() -> None:
    request = decoded(container="c", metadata={"user_id": "u", "team": "t"}, output_config={"task_budget": 1})
    assert request.user == "u"
    assert request.extra == {"container": "c", "metadata.team": "t", "output_config.task_budget": 1}


def test_a_system_message_in_mid_conversation_stays_there() -> None:
    turn = {"role": "user", "content": "Hi"}
    request = decoded(turn, {"role": "system", "content": "Now in French"}, system="Be brief")
    assert [message.role for message in request.messages] == ["system", "user", "system"]


def test_what_plain_conversations_say_is_read() -> None:
    cache = {"type": "ephemeral", "ttl": "1h"}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "cache_control": cache}
    request = decoded(
        user({"type": "text", "text": "Hi", "cache_control": cache}),
        assistant({"type": "thinking", "thinking": "Hm", "signature": "s"}, {**CALL, "cache_control": cache}),
        user({**result, "content": "4"}, {**result, "content": [{"type": "text", "text": "5"}]}, result),
    )
    kept = Cache("ephemeral", "1h")
    at = "messages[2].content"
    assert [message.parts for message in request.messages] == [
        (Text("Hi", cache=kept, at="messages[0].content[0]"),),
        (
            Thinking("Hm", "anthropic", "s", at="messages[1].content[0]"),
            ToolCall("toolu_1", "look", '{"q": 1}', cache=kept, at="messages[1].content[1]"),
        ),
        (
            ToolResult("toolu_1", (Text("4", at=f"{at}[0].content"),), error=True, cache=kept, at=f"{at}[0]"),
            ToolResult("toolu_1", (Text("5", at=f"{at}[1].content[0]"),), error=True, cache=kept, at=f"{at}[1]"),
            ToolResult("toolu_1", (), error=True, cache=kept, at=f"{at}[2]"),
        ),
    ]


@given(requests)
@settings(max_examples=30, deadline=None)
def test_plain_conversations_are_read_as_all_others_are(request: dict[str, Any]) -> None:
    # A null that nobody knows makes every message be read member by member.
    closely = {**request, "messages": [{**one, "later": None} for one in request["messages"]]}
    found = [ANTHROPIC.decode_request(json.dumps(one).encode()) for one in (request, closely)]
    assert with_values(found[0]) == with_values(found[1])


def with_values(request: Request) -> list[Any]:
    def told(part: Part) -> Any:
        return structs.replace(part, arguments=json.loads(part.arguments)) if isinstance(part, ToolCall) else part

    parts = [
        (message.role, message.at, message.extra, [told(part) for part in message.parts])
        for message in request.messages
    ]
    return [structs.replace(request, messages=()), parts]


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        (user({"type": "hologram"}), "unknown_content", "messages[0].content[0]"),
        (user({"text": "x"}), "missing_field", "messages[0].content[0].type"),
        (user({"type": "text", "text": 5}), "invalid_type", "messages[0].content[0].text"),
        (user({"type": "image", "source": {"type": "tape"}}), "unknown_content", "messages[0].content[0].source.type"),
        (user({"type": "image"}), "missing_field", "messages[0].content[0].source"),
        ({"role": "user", "content": 5}, "invalid_type", "messages[0].content"),
        ({"role": "user"}, "missing_field", "messages[0].content"),
        ({"role": "robot", "content": "x"}, "invalid_role", "messages[0].role"),
        (
            user({"type": "text", "text": "x", "cache_control": 1}),
            "invalid_type",
            "messages[0].content[0].cache_control",
        ),
        (
            user({"type": "tool_result", "tool_use_id": "nobody"}),
            "unknown_tool_call",
            "messages[0].content[0].tool_use_id",
        ),
        (assistant({**CALL, "input": "{}"}), "invalid_arguments", "messages[0].content[0].input"),
        (assistant({"type": "thinking", "thinking": "Hm"}), "missing_signature", "messages[0].content[0]"),
        (
            assistant({"type": "thinking", "thinking": "Hm", "signature": ""}),
            "missing_signature",
            "messages[0].content[0]",
        ),
    ],
)
def test_a_bad_message_is_refused_with_its_path(message: dict[str, Any], code: str, param: str) -> None:
    assert refused(message) == (code, param)


@pytest.mark.parametrize(
    ("said", "code", "param"),
    [
        ({"messages": []}, "empty_messages", "messages"),
        ({"messages": None}, "missing_field", "messages"),
        ({"max_tokens": None}, "missing_field", "max_tokens"),
        ({"max_tokens": -1}, "invalid_value", "max_tokens"),
        ({"max_tokens": "many"}, "invalid_type", "max_tokens"),
        ({"model": None}, "missing_field", "model"),
        ({"system": [{"type": "image", "source": {"type": "url", "url": "u"}}]}, "unknown_content", "system[0]"),
        ({"thinking": {"type": "enabled"}}, "missing_field", "thinking.budget_tokens"),
        ({"tool_choice": {"type": "maybe"}}, "invalid_value", "tool_choice.type"),
        ({"tools": [{"name": "f"}]}, "missing_field", "tools[0].input_schema"),
        ({"output_config": {"format": {"type": "xml"}}}, "invalid_value", "output_config.format.type"),
        ({"output_format": {"type": "json_schema"}}, "missing_field", "output_format.schema"),
        ({"stop_sequences": [1]}, "invalid_type", "stop_sequences"),
        (
            {"system": "A", "messages": [{"role": "system", "content": "B"}, {"role": "user", "content": "Hi"}]},
            "two_system_prompts",
            "messages[0]",
        ),
    ],
)
def test_a_bad_setting_is_refused_with_its_path(said: dict[str, Any], code: str, param: str) -> None:
    assert refused(**said) == (code, param)


def test_a_body_that_is_no_json_is_refused() -> None:
    for body in (b"", b"[]", b'{"messages": [}', b"\xff"):
        with pytest.raises(BadRequest, match="body"):
            ANTHROPIC.decode_request(body)


def test_a_model_and_a_stream_that_the_path_says_count() -> None:
    body = json.dumps({"max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}).encode()
    request = ANTHROPIC.decode_request(body, model="claude", stream=True)
    assert (request.model, request.stream) == ("claude", True)

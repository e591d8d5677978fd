"""Requests of other dialects, as servers of Chat Completions are asked: nothing is left out in silence."""

from typing import Any

import pytest
from msgspec import structs

from steelyard.core.errors import BadRequest
from steelyard.core.losses import Losses
from steelyard.core.parts import Cache, Citation, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from steelyard.dialects.chat import CHAT
from steelyard.dialects.dialect import Facts
from tests.dialects.chat.wire import encoded

OPENAI = Facts("gpt-5-mini")


def foreign(*messages: Message, **more: Any) -> Request:
    said = messages or (user(Text("Hi", at="messages[0].content[0]")),)
    return Request(dialect="anthropic", model="m", messages=said, **more)


def user(*parts: Part) -> Message:
    return Message("user", parts, at="messages[0]")


def assistant(*parts: Part) -> Message:
    return Message("assistant", parts, at="messages[1]")


def told(request: Request, facts: Facts | None = None) -> tuple[list[Any], list[tuple[str, str]]]:
    sent, losses = encoded(request, facts or Facts("acme/model-1"))
    return sent["messages"], [(one.path, one.how) for one in losses]


def test_trap_3_parallel_calls_are_one_message_with_all_of_them() -> None:
    calls = (ToolCall("a", "f", "{}", at="x"), ToolCall("b", "g", "", at="y"))
    messages, losses = told(foreign(user(Text("Hi")), assistant(*calls)))
    assert [one["id"] for one in messages[1]["tool_calls"]] == ["a", "b"]
    assert messages[1]["tool_calls"][1]["function"] == {"name": "g", "arguments": "{}"}
    assert losses == []


def test_trap_4_results_in_one_message_become_messages_of_their_own() -> None:
    results = (ToolResult("a", (Text("1"),), at="p"), ToolResult("b", (Text("2"), Text("3")), at="q"))
    messages, losses = told(foreign(user(*results, Text("and?"))))
    assert messages == [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": [{"type": "text", "text": "2"}, {"type": "text", "text": "3"}],
        },
        {"role": "user", "content": "and?"},
    ]
    assert losses == []


def test_results_stand_before_what_was_said_before_them() -> None:
    messages, losses = told(foreign(user(Text("see"), ToolResult("a", (Text("1"),), at="p"))))
    assert [one["role"] for one in messages] == ["tool", "user"]
    assert losses == [("messages[0]", "approximated")]


def test_images_that_tools_return_are_shown_by_the_user() -> None:
    shot = Media("image", "image/png", "AAAA", at="messages[0].content[0].content[0]")
    first, second = ToolResult("a", (shot,), at="p"), ToolResult("b", (Text("t"),), at="q")
    messages, losses = told(foreign(user(first, second), assistant(Text("nice"))))
    assert [one["role"] for one in messages] == ["tool", "tool", "user", "assistant"]
    assert messages[0]["content"] == ""
    assert [one["type"] for one in messages[2]["content"]] == ["text", "image_url"]
    assert losses == [("messages[0].content[0].content[0]", "approximated")]


def test_that_a_tool_failed_is_reported_not_told() -> None:
    _, losses = told(foreign(user(ToolResult("a", (Text("x"),), error=True, at="messages[0].content[0]"))))
    assert losses == [("messages[0].content[0].is_error", "dropped")]


def test_trap_7_cache_breakpoints_are_reported_one_by_one() -> None:
    parts = (Text("a", cache=Cache(), at="system[0]"), Text("b", at="system[1]"))
    tool = Tool("f", cache=Cache(), at="tools[0]")
    request = foreign(Message("system", parts, at="system"), user(Text("Hi")), tools=(tool,))
    messages, losses = told(request)
    assert messages[0] == {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    assert losses == [("system[0].cache_control", "dropped"), ("tools[0].cache_control", "dropped")]


def test_trap_13_thoughts_of_other_providers_are_dropped_and_reported() -> None:
    thought = Thinking("hm", "anthropic", "sig", at="messages[1].content[0]")
    messages, losses = told(foreign(user(Text("Hi")), assistant(thought, Text("Yes"))))
    assert messages[1] == {"role": "assistant", "content": "Yes"}
    assert losses == [("messages[1].content[0]", "dropped")]


@pytest.mark.parametrize(
    ("thought", "wire"),
    [
        (Thinking("hm", "openai", "field:reasoning_content"), {"reasoning_content": "hm"}),
        (Thinking("hm", "openai", "field:reasoning"), {"reasoning": "hm"}),
        (Thinking("hm", "openai"), {"reasoning_content": "hm"}),
        (
            Thinking("hm", "openai", "sig"),
            {"reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "sig"}]},
        ),
        (
            Thinking("", "openai", sealed="data"),
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "data"}]},
        ),
        (
            Thinking("hm", "openai", "field:thinking_blocks:sig"),
            {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "sig"}]},
        ),
        (
            Thinking("", "openai", "field:thinking_blocks:", "field:thinking_blocks:data"),
            {"thinking_blocks": [{"type": "redacted_thinking", "data": "data"}]},
        ),
    ],
)
def test_thoughts_go_back_into_the_field_that_they_came_in(thought: Thinking, wire: Any) -> None:
    messages, losses = told(foreign(user(Text("Hi")), assistant(thought, Text("Yes"))))
    assert messages[1] == {"role": "assistant", "content": "Yes", **wire}
    assert losses == []


def test_thoughts_in_the_content_go_back_into_the_content() -> None:
    thought = Thinking("hm", "openai", "field:content")
    messages, _ = told(foreign(user(Text("Hi")), assistant(thought, Text("Yes"))))
    assert messages[1]["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Yes"},
    ]


@pytest.mark.parametrize(("model", "signed"), [("gemini-3-pro", True), ("gpt-5", False), ("acme/m", False)])
def test_trap_14_geminis_signature_goes_to_googles_server_and_to_no_other(model: str, signed: bool) -> None:
    call = ToolCall("a", "f", "{}", signature="sig", at="messages[1].parts[0]")
    messages, losses = told(foreign(user(Text("Hi")), assistant(call)), Facts(model))
    extra = messages[1]["tool_calls"][0].get("extra_content")
    assert extra == ({"google": {"thought_signature": "sig"}} if signed else None)
    assert losses == ([] if signed else [("messages[1].parts[0].signature", "dropped")])


@pytest.mark.parametrize(
    ("media", "part"),
    [
        (
            Media("image", "image/png", "AAAA"),
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ),
        (Media("image", url="https://e.com/a"), {"type": "image_url", "image_url": {"url": "https://e.com/a"}}),
        (
            Media("audio", "audio/mpeg", "AAAA"),
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        ),
        (
            Media("document", "application/pdf", "AAAA"),
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "document.pdf"}},
        ),
        (
            Media("document", "application/pdf", "AAAA", title="Report"),
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "Report"}},
        ),
    ],
)
def test_trap_15_media_are_sent_as_this_dialect_has_them(media: Media, part: Any) -> None:
    messages, losses = told(foreign(user(Text("Look"), media)))
    assert messages[0]["content"][1] == part
    assert losses == []


@pytest.mark.parametrize(
    "media",
    [
        Media("image", file_id="file-1"),
        Media("image", url="gs://bucket/a.png"),
        Media("document", url="https://e.com/a.pdf"),
        Media("document", file_id="file-1"),
        Media("audio", url="https://e.com/a.mp3"),
    ],
)
def test_media_that_cannot_be_sent_are_refused_by_their_path(media: Media) -> None:
    with pytest.raises(BadRequest) as caught:
        told(foreign(user(Text("Look"), structs.replace(media, at="messages[0].content[1]"))))
    assert (caught.value.code, caught.value.param) == ("unsupported_content", "messages[0].content[1]")


def test_a_document_of_text_is_sent_as_text_and_reported() -> None:
    document = Media("document", "text/plain", text="words", title="T", context="C", cited=True, at="p")
    messages, losses = told(foreign(user(Text("Read"), document)))
    assert messages[0]["content"][1] == {"type": "text", "text": "words"}
    assert losses == [("p", "approximated"), ("p.context", "dropped"), ("p.citations", "dropped")]


def test_order_that_the_dialect_has_not_is_reported() -> None:
    parts = (ToolCall("a", "f", "{}", at="p0"), Text("after", at="p1"), Thinking("late", "openai", at="p2"))
    messages, losses = told(foreign(user(Text("Hi")), assistant(*parts)))
    assert messages[1]["content"] == "after"
    assert losses == [("p1", "approximated"), ("p2", "approximated")]


def test_what_only_its_own_dialect_can_say_is_dropped_and_reported() -> None:
    opaque = Opaque("anthropic", "server_tool_use", {"type": "server_tool_use"}, "messages[1].content[0]")
    citation = Citation("anthropic", {"type": "char_location"})
    text = Text("Yes", (citation,), signature="s", at="messages[1].content[1]", extra={"k": 1})
    messages, losses = told(foreign(user(Text("Hi")), assistant(opaque, text)))
    assert messages[1] == {"role": "assistant", "content": "Yes"}
    assert losses == [
        ("messages[1].content[0]", "dropped"),
        ("messages[1].content[1].citations", "dropped"),
        ("messages[1].content[1].signature", "dropped"),
        ("messages[1].content[1].k", "dropped"),
    ]


def test_a_refusal_is_told_as_one() -> None:
    messages, _ = told(foreign(user(Text("Hi")), assistant(Refusal("No."))))
    assert messages[1] == {"role": "assistant", "content": None, "refusal": "No."}


@pytest.mark.parametrize(("model", "role"), [("gpt-5", "developer"), ("openai/o3", "developer"), ("acme/m", "system")])
def test_developers_are_known_to_openai_only(model: str, role: str) -> None:
    developer = Message("developer", (Text("Be brief."),), at="input[0]")
    messages, losses = told(foreign(developer, user(Text("Hi"))), Facts(model))
    assert messages[0] == {"role": role, "content": "Be brief."}
    assert losses == ([] if role == "developer" else [("input[0]", "approximated")])


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("gpt-5-mini", "max_completion_tokens"),
        ("gpt-4o", "max_completion_tokens"),
        ("openai/o4-mini", "max_completion_tokens"),
        ("ft:gpt-4.1:acme", "max_completion_tokens"),
        ("mistral-large-latest", "max_tokens"),
        ("deepseek-chat", "max_tokens"),
        ("openai/gpt-oss-120b", "max_tokens"),
        ("olmo-2", "max_tokens"),
    ],
)
def test_a_limit_is_told_in_the_word_that_the_server_takes(model: str, field: str) -> None:
    sent, losses = encoded(foreign(max_tokens=9), Facts(model))
    assert {name: sent[name] for name in sent if name.startswith("max_")} == {field: 9}
    assert losses == ()


def test_settings_that_all_servers_have_are_sent() -> None:
    settings: dict[str, Any] = {
        "temperature": 0.5,
        "top_p": 0.9,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "seed": 3,
        "n": 2,
        "logprobs": True,
        "top_logprobs": 4,
        "user": "u",
    }
    sent, losses = encoded(foreign(**settings, stop=("a",)))
    assert {name: sent[name] for name in settings} == settings
    assert sent["stop"] == ["a"]
    assert losses == ()


def test_settings_that_servers_refuse_are_dropped_and_reported() -> None:
    at = {"top_k": "generationConfig.topK", "service_tier": "serviceTier"}
    request = foreign(
        top_k=5,
        service_tier="standard_only",
        cache=Cache(),
        cache_key="k",
        metadata={"a": "b"},
        store=True,
        sealed_thoughts=True,
        extra={"container": "c"},
        at=at,
    )
    sent, losses = encoded(request)
    assert set(sent) == {"model", "messages"}
    assert [(one.path, one.how) for one in losses] == [
        ("serviceTier", "dropped"),
        ("cache_key", "dropped"),
        ("generationConfig.topK", "dropped"),
        ("cache", "dropped"),
        ("metadata", "dropped"),
        ("sealed_thoughts", "dropped"),
        ("store", "dropped"),
        ("container", "dropped"),
    ]


def test_not_to_store_is_what_the_upstream_does_anyway() -> None:
    sent, losses = encoded(foreign(store=False))
    assert "store" not in sent
    assert losses == ()


def test_openais_own_settings_are_sent_to_openai() -> None:
    sent, losses = encoded(foreign(cache_key="k", service_tier="flex"), OPENAI)
    assert (sent["prompt_cache_key"], sent["service_tier"]) == ("k", "flex")
    assert losses == ()


@pytest.mark.parametrize(
    ("reasoning", "effort", "how"),
    [
        (Reasoning("high"), "high", []),
        (Reasoning(budget=8192), "medium", ["approximated"]),
        (Reasoning(budget=0), "none", ["approximated"]),
        (Reasoning(budget=-1), None, ["dropped"]),
        (Reasoning(adaptive=True), None, ["dropped"]),
        (Reasoning("low", 100), "low", ["dropped"]),
    ],
)
def test_thinking_is_asked_for_in_words(reasoning: Reasoning, effort: str | None, how: list[str]) -> None:
    sent, losses = encoded(foreign(reasoning=reasoning, at={"reasoning": "thinking"}))
    assert sent.get("reasoning_effort") == effort
    assert [(one.path, one.how) for one in losses] == [("thinking", one) for one in how]


def test_choices_of_some_tools_are_openais() -> None:
    tools = tuple(Tool(name, at=f"tools[{i}]") for i, name in enumerate("abc"))
    request = foreign(tools=tools, tool_choice=ToolChoice("named", ("a", "b")))
    sent, losses = encoded(request, OPENAI)
    named = [{"type": "function", "function": {"name": name}} for name in "ab"]
    assert sent["tool_choice"] == {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": named}}
    assert losses == ()
    sent, losses = encoded(request)
    assert sent["tool_choice"] == "required"
    assert [(one.path, one.how) for one in losses] == [("tool_choice", "approximated")]


def test_trap_5_parallel_calls_are_forbidden_by_a_flag_of_their_own() -> None:
    sent, _ = encoded(foreign(tools=(Tool("f", at="tools[0]"),), parallel_tools=False))
    assert sent["parallel_tool_calls"] is False


def test_choices_without_tools_are_dropped_since_the_server_would_refuse_them() -> None:
    sent, losses = encoded(foreign(tool_choice=ToolChoice("auto"), parallel_tools=True))
    assert set(sent) == {"model", "messages"}
    assert [one.path for one in losses] == ["tool_choice", "parallel_tools"]


def test_tools_of_other_providers_are_dropped_and_custom_tools_are_not() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "x"}
    custom = {"type": "custom", "name": "shell", "description": "d", "format": grammar}
    tools = (
        Tool("web_search", dialect="openai-responses", native={"type": "web_search"}, at="tools[0]"),
        Tool("custom", dialect="openai-responses", native=custom, at="tools[1]"),
        Tool("f", "d", {"type": "object"}, True, at="tools[2]", extra={"k": 1}),
    )
    sent, losses = encoded(foreign(tools=tools, tool_choice=ToolChoice("named", ("shell",))))
    inner = {"syntax": "lark", "definition": "x"}
    told = {"name": "shell", "description": "d", "format": {"type": "grammar", "grammar": inner}}
    function = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
    assert sent["tools"] == [{"type": "custom", "custom": told}, {"type": "function", "function": function}]
    assert sent["tool_choice"] == {"type": "custom", "custom": {"name": "shell"}}
    assert [(one.path, one.how) for one in losses] == [("tools[0]", "dropped"), ("tools[2].k", "dropped")]


def test_a_schema_has_a_name_here() -> None:
    sent, _ = encoded(foreign(output=OutputFormat("schema", schema={"type": "object"}, strict=True)))
    inner = {"name": "answer", "schema": {"type": "object"}, "strict": True}
    assert sent["response_format"] == {"type": "json_schema", "json_schema": inner}


def test_a_stored_answer_cannot_be_continued() -> None:
    with pytest.raises(BadRequest) as caught:
        CHAT.encode_request(foreign(previous_id="r", at={"previous_id": "previous_response_id"}), OPENAI, Losses())
    assert (caught.value.code, caught.value.param) == ("unsupported_content", "previous_response_id")


def test_what_the_assistant_says_in_several_items_is_one_message() -> None:
    items = (assistant(Text("I look.")), assistant(ToolCall("a", "f", "{}", at="p")))
    messages, _ = told(foreign(user(Text("Hi")), *items, Message("tool", (ToolResult("a", (Text("x"),)),))))
    assert [one["role"] for one in messages] == ["user", "assistant", "tool"]
    assert messages[1]["content"] == "I look."

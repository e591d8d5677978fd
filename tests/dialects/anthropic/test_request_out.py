"""Requests of other dialects are written as the API takes them, and what it cannot take is reported or refused."""

import base64
import json
from typing import Any

import pytest

from steelyard.core.errors import BadRequest
from steelyard.core.losses import Losses
from steelyard.core.parts import Cache, Citation, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from steelyard.dialects.anthropic import ANTHROPIC
from steelyard.dialects.dialect import Facts

NEW, OLD = "claude-opus-4-8", "claude-haiku-4-5-20251001"
HI = Message("user", (Text("Hi"),), at="messages[0]")
TOOL = Tool("look", parameters={"type": "object", "properties": {}}, at="tools[0]")


def written(
    *messages: Message, model: str = NEW, most: int | None = 8000, dialect: str = "openai", **said: Any
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the body that is sent, and the losses, by path and manner."""
    losses = Losses()
    request = Request(dialect=dialect, model="alias", messages=messages or (HI,), **said)
    body = json.loads(ANTHROPIC.encode_request(request, Facts(model, most), losses))
    return body, [(loss.path, loss.how) for loss in losses.all() if loss.path != "max_tokens"]


def refused(part: Part, role: Any = "user") -> tuple[str, str | None]:
    with pytest.raises(BadRequest) as caught:
        written(HI, Message(role, (part,)))
    return caught.value.code, caught.value.param


def test_the_most_tokens_are_made_up_and_said_to_be() -> None:
    for most, expected in ((8000, 8000), (None, 4096)):
        losses = Losses()
        request = Request(dialect="openai", model="alias", messages=(HI,))
        body = json.loads(ANTHROPIC.encode_request(request, Facts(NEW, most), losses))
        assert body == {"model": NEW, "max_tokens": expected, "messages": [{"role": "user", "content": "Hi"}]}
        assert [(loss.path, loss.how) for loss in losses.all()] == [("max_tokens", "added")]


def test_trap_4_consecutive_tool_messages_become_one_user_message() -> None:
    body, losses = written(
        HI,
        Message("assistant", (Text(""), ToolCall("a", "look", '{"q": 1}'), ToolCall("b", "look", ""))),
        Message("tool", (ToolResult("a", (Text("1"),)),)),
        Message("tool", (ToolResult("b", (Text("2"), Media("image", "image/png", data="iVBORw0K")), error=True),)),
        Message("user", (Text("And?"),)),
    )
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "a", "name": "look", "input": {"q": 1}},
                {"type": "tool_use", "id": "b", "name": "look", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {
                    "type": "tool_result",
                    "tool_use_id": "b",
                    "content": [
                        {"type": "text", "text": "2"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}},
                    ],
                    "is_error": True,
                },
                {"type": "text", "text": "And?"},
            ],
        },
    ]
    assert losses == []


def test_results_stand_before_texts_of_their_turn() -> None:
    call = Message("assistant", (ToolCall("a", "look", "{}"),))
    body, _ = written(HI, call, Message("user", (Text("Well:"), ToolResult("a", ()))))
    assert [block["type"] for block in body["messages"][2]["content"]] == ["tool_result", "text"]


def test_trap_7_hoisted_instructions_keep_each_blocks_cache_control() -> None:
    body, losses = written(
        Message("system", (Text("A", cache=Cache()), Text("B")), at="messages[0]"),
        HI,
        Message("developer", (Text("C", cache=Cache(ttl="1h")),), at="messages[2]"),
    )
    assert body["system"] == [
        {"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "B"},
        {"type": "text", "text": "C", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ]
    assert losses == [("messages[2]", "approximated")]


def test_trap_13_signed_thoughts_go_back_verbatim_and_unsigned_ones_are_dropped() -> None:
    parts = (
        Thinking("Hm", "anthropic", "sig"),
        Thinking("", "anthropic", "only"),
        Thinking("", "anthropic", sealed="data"),
        Thinking("unsigned", "anthropic", at="messages[1].a"),
        Thinking("another's", "gemini", "sig", at="messages[1].b"),
        Text("So"),
    )
    body, losses = written(HI, Message("assistant", parts))
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "sig"},
        {"type": "thinking", "thinking": "", "signature": "only"},
        {"type": "redacted_thinking", "data": "data"},
        {"type": "text", "text": "So"},
    ]
    assert losses == [("messages[1].a", "dropped"), ("messages[1].b", "dropped")]


def test_trap_15_images_are_sent_by_base64_or_url() -> None:
    body, losses = written(
        Message(
            "user",
            (
                Media("image", None, data="/9j/4AAQ", at="a", detail="high"),
                Media("image", url="https://x.test/a.png"),
                Media("document", data="JVBERi0x", name="a.pdf"),
                Media("document", "text/csv", data=base64.b64encode(b"a,b").decode()),
            ),
        )
    )
    assert [block["source"] for block in body["messages"][0]["content"]] == [
        {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AAQ"},
        {"type": "url", "url": "https://x.test/a.png"},
        {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
        {"type": "text", "media_type": "text/plain", "data": "a,b"},
    ]
    assert body["messages"][0]["content"][2]["title"] == "a.pdf"
    assert losses == [("a.detail", "dropped")]


@pytest.mark.parametrize(
    "part",
    [
        Media("audio", "audio/wav", data="UklG", at="p"),
        Media("video", url="https://x.test/a.mp4", at="p"),
        Media("image", "image/tiff", data="SUkq", at="p"),
        Media("image", file_id="file-1", at="p"),
        Media("document", "application/zip", data="UEsD", at="p"),
        Media("document", "text/plain", data="//79", at="p"),
    ],
)
def test_content_that_would_be_lost_is_refused(part: Media) -> None:
    assert refused(part) == ("unsupported_content", "p")
    assert refused(ToolResult("a", (part,)), "tool") == ("unsupported_content", "p")


def test_an_image_over_the_limit_is_refused_with_its_path() -> None:
    limit = 10 * 1024 * 1024
    written(Message("user", (Media("image", "image/png", data="A" * limit, at="p"),)))
    assert refused(Media("image", "image/png", data="A" * (limit + 1), at="p")) == ("image_too_large", "p")


def test_arguments_that_are_no_object_are_refused() -> None:
    for arguments in ("{", "[1]", '"x"'):
        assert refused(ToolCall("a", "look", arguments, at="p"), "assistant") == ("invalid_arguments", "p")


def test_a_conversation_begins_with_the_user() -> None:
    with pytest.raises(BadRequest, match="begin with the user") as caught:
        written(Message("assistant", (Text("Hello!"),), at="messages[0]"), HI)
    assert caught.value.param == "messages[0]"
    with pytest.raises(BadRequest) as caught:
        written(Message("system", (Text("Be brief"),)))
    assert caught.value.code == "empty_messages"


def test_trap_5_one_call_at_a_time_is_said_as_the_inverse() -> None:
    assert written(tools=(TOOL,), parallel_tools=False)[0]["tool_choice"] == {
        "type": "auto",
        "disable_parallel_tool_use": True,
    }
    assert "tool_choice" not in written(tools=(TOOL,), parallel_tools=True)[0]
    assert "tool_choice" not in written(parallel_tools=False)[0]


@pytest.mark.parametrize(
    ("choice", "expected", "losses"),
    [
        (ToolChoice("auto"), {"type": "auto"}, []),
        (ToolChoice("required"), {"type": "any"}, []),
        (ToolChoice("none"), {"type": "none"}, []),
        (ToolChoice("named", ("look",)), {"type": "tool", "name": "look"}, []),
        (ToolChoice("named", ("look", "see")), {"type": "any"}, [("tool_choice", "approximated")]),
        (ToolChoice("native", dialect="openai", native={}), {"type": "auto"}, [("tool_choice", "approximated")]),
    ],
)
def test_tool_choices_are_said_in_its_words(choice: ToolChoice, expected: Any, losses: list[Any]) -> None:
    body, lost = written(tools=(TOOL,), tool_choice=choice)
    assert body["tool_choice"] == expected
    assert lost == losses


def test_tools_get_the_schema_that_is_demanded() -> None:
    tools = (
        Tool("a", "does", {"properties": {}}, strict=True, cache=Cache(), extra={"x": 1}, at="tools[0]"),
        Tool("web_search", dialect="openai-responses", native={"type": "web_search"}, at="tools[1]"),
    )
    body, losses = written(tools=tools)
    assert body["tools"] == [
        {
            "name": "a",
            "description": "does",
            "input_schema": {"type": "object", "properties": {}},
            "strict": True,
            "cache_control": {"type": "ephemeral"},
        }
    ]
    assert losses == [("tools[0].x", "dropped"), ("tools[1]", "dropped")]


def test_ids_get_the_characters_that_are_taken() -> None:
    body, _ = written(
        HI,
        Message("assistant", (ToolCall("functions.look:0", "look", "{}"),)),
        Message("tool", (ToolResult("functions.look:0", (Text("1"),)),)),
    )
    assert body["messages"][1]["content"][0]["id"] == "functions_look_0"
    assert body["messages"][2]["content"][0]["tool_use_id"] == "functions_look_0"


@pytest.mark.parametrize(
    ("asked", "model", "thinking", "effort", "lost"),
    [
        (Reasoning("high"), NEW, {"type": "adaptive"}, "high", []),
        (Reasoning("minimal"), "us.anthropic.claude-sonnet-5-v1:0", {"type": "adaptive"}, "low", ["approximated"]),
        (Reasoning("none"), NEW, {"type": "disabled"}, None, []),
        (Reasoning(budget=0), OLD, {"type": "disabled"}, None, []),
        (Reasoning(budget=9000), NEW, {"type": "adaptive"}, "medium", ["approximated"]),
        (Reasoning(budget=-1), NEW, {"type": "adaptive"}, None, []),
        (Reasoning("low"), OLD, {"type": "enabled", "budget_tokens": 1024}, None, ["approximated"]),
        (Reasoning(budget=100), OLD, {"type": "enabled", "budget_tokens": 1024}, None, ["approximated"]),
        (Reasoning(budget=2000, shown=True), "claude-3-7-sonnet-20250219", None, None, []),
        (
            Reasoning("high", summary="detailed"),
            NEW,
            {"type": "adaptive", "display": "summarized"},
            "high",
            ["approximated"],
        ),
        (Reasoning(budget=3000), "deepseek-chat", {"type": "enabled", "budget_tokens": 3000}, None, []),
    ],
)
def test_effort_and_budgets_are_said_in_the_form_that_the_model_takes(
    asked: Reasoning, model: str, thinking: Any, effort: str | None, lost: list[str]
) -> None:
    body, losses = written(model=model, reasoning=asked)
    expected = thinking or {"type": "enabled", "budget_tokens": 2000, "display": "summarized"}
    assert body["thinking"] == expected
    assert body.get("output_config", {}).get("effort") == effort
    assert losses == [("reasoning", how) for how in lost]


def test_thinking_stays_below_the_most_tokens() -> None:
    body, losses = written(model=OLD, reasoning=Reasoning(budget=9000), max_tokens=4000)
    assert body["thinking"]["budget_tokens"] == 2000
    assert losses == [("reasoning", "approximated")]
    body, losses = written(model=OLD, reasoning=Reasoning(budget=9000), max_tokens=500)
    assert "thinking" not in body
    assert losses == [("reasoning", "dropped")]


def test_thinking_is_left_out_where_it_would_be_refused() -> None:
    body, losses = written(tools=(TOOL,), tool_choice=ToolChoice("required"), reasoning=Reasoning("high"))
    assert "thinking" not in body
    assert losses == [("reasoning", "dropped")]
    turn = (HI, Message("assistant", (ToolCall("a", "look", "{}"),)), Message("tool", (ToolResult("a", ()),)))
    body, losses = written(*turn, model=OLD, reasoning=Reasoning(budget=2000))
    assert "thinking" not in body
    assert losses == [("reasoning", "dropped")]
    thought = Message("assistant", (Thinking("Hm", "anthropic", "sig"), ToolCall("a", "look", "{}")))
    body, losses = written(HI, thought, turn[2], model=OLD, reasoning=Reasoning(budget=2000))
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2000}


def test_sampling_that_thinking_excludes_is_left_out() -> None:
    body, losses = written(reasoning=Reasoning("high"), temperature=0.5, top_k=5, top_p=0.5)
    assert not {"temperature", "top_k", "top_p"} & set(body)
    assert losses == [("temperature", "dropped"), ("top_k", "dropped"), ("top_p", "dropped")]
    assert written(reasoning=Reasoning("none"), temperature=0.5)[0]["temperature"] == 0.5


def test_a_schema_is_closed_and_named() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}
    form = OutputFormat("schema", "answer", "An answer", schema)
    body, losses = written(output=form)
    assert body["output_config"]["format"]["schema"] == {
        "title": "answer",
        "description": "An answer",
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {}, "additionalProperties": False}},
        "additionalProperties": False,
    }
    assert losses == [("output", "approximated")]
    closed = {"type": "object", "properties": {}, "additionalProperties": False}
    body, losses = written(output=OutputFormat("schema", schema=closed, strict=True))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": closed}}
    assert losses == []
    assert written(output=OutputFormat("json"))[1] == [("output", "dropped")]


def test_settings_that_it_lacks_are_reported_by_the_clients_paths() -> None:
    body, losses = written(
        n=2,
        seed=7,
        logprobs=True,
        top_logprobs=3,
        presence_penalty=0.5,
        frequency_penalty=0,
        metadata={"k": "v"},
        store=False,
        cache_key="k",
        temperature=1.7,
        stop=("\n", "END"),
        service_tier="flex",
        user="u",
        at={"seed": "generationConfig.seed"},
        extra={"prediction": {}},
    )
    assert losses == [
        ("stop", "dropped"),
        ("n", "dropped"),
        ("generationConfig.seed", "dropped"),
        ("logprobs", "dropped"),
        ("top_logprobs", "dropped"),
        ("presence_penalty", "dropped"),
        ("metadata", "dropped"),
        ("cache_key", "dropped"),
        ("prediction", "dropped"),
        ("temperature", "approximated"),
        ("service_tier", "dropped"),
    ]
    assert (body["temperature"], body["stop_sequences"], body["metadata"]) == (1, ["END"], {"user_id": "u"})


def test_parts_that_it_lacks_are_reported_by_the_clients_paths() -> None:
    cited = Citation("openai", {"url": "u"})
    body, losses = written(
        Message("user", (Text("Hi", extra={"x": 1}, at="a"), Opaque("gemini", "executableCode", {}, "b")), "Ann", "m"),
        Message(
            "assistant",
            (
                Text("So", (cited,), at="c"),
                Refusal("No", at="d"),
                Media("image", data="AAAA", at="e"),
                ToolCall("a", "look", "free text", custom=True, at="f"),
                ToolCall("b", "look", "{}", signature="sig", at="g"),
                Text(" ", at="h"),
            ),
            extra={"y": 1},
            at="n",
        ),
    )
    assert losses == [
        ("m.name", "dropped"),
        ("n.y", "dropped"),
        ("a.x", "dropped"),
        ("b", "dropped"),
        ("c.citations", "dropped"),
        ("d", "approximated"),
        ("e", "dropped"),
        ("f", "approximated"),
        ("g.signature", "dropped"),
        ("h", "dropped"),
    ]
    assert [block["type"] for block in body["messages"][1]["content"]] == ["text", "text", "tool_use", "tool_use"]
    assert body["messages"][1]["content"][2]["input"] == {"input": "free text"}

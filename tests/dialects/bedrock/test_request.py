"""Requests, written as Converse has them, and judged by AWS's own service model."""

import json
from base64 import b64decode
from itertools import pairwise
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.catalog.addresses import endpoint_urls
from steelyard.catalog.providers import provider_table
from steelyard.core.errors import BadRequest
from steelyard.core.fold import Fold
from steelyard.core.losses import Losses
from steelyard.core.parts import (
    Cache,
    Citation,
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from steelyard.core.request import Message, OutputFormat, Request, Tool, ToolChoice
from steelyard.dialects.bedrock import BEDROCK, path_of
from steelyard.dialects.dialect import Facts
from tests.dialects.bedrock.wire import complaints

CLAUDE = "us.anthropic.claude-sonnet-4-6"
PIXEL = "iVBORw0KGgo="
WEATHER = Tool(
    "weather", "Tells the weather.", {"type": "object", "properties": {"city": {"type": "string"}}}, at="tools[0]"
)


def said(
    *parts: Part, role: Literal["user", "assistant", "system", "developer", "tool"] = "user", at: str = ""
) -> Message:
    return Message(role, parts, at=at or "messages[0]")


def asked(*messages: Message, **more: Any) -> Request:
    return Request(dialect="openai", model="r", messages=messages or (said(Text("Hi")),), **more)


def written(request: Request, model: str = CLAUDE) -> tuple[Any, list[tuple[str, str]]]:
    """Return the body, which the service model has nothing against, and the losses as path and manner."""
    losses = Losses()
    body = BEDROCK.encode_request(request, Facts(model), losses)
    assert complaints(body, "Converse") == []
    assert complaints(body, "ConverseStream") == []
    return json.loads(body), [(loss.path, loss.how) for loss in losses.all()]


def refused(request: Request, model: str = CLAUDE) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        BEDROCK.encode_request(request, Facts(model), Losses())
    return caught.value


def test_the_service_model_finds_mistakes() -> None:
    wrong = json.dumps({"messages": [{"role": "tool", "content": [{"text": "a", "cachePoint": {"type": "default"}}]}]})
    assert len(complaints(wrong.encode())) == 2


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        ("amazon.nova-lite-v1:0", False, "/model/amazon.nova-lite-v1%3A0/converse"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2",
            True,
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fa1b2/converse-stream",
        ),
    ],
)
def test_the_models_name_is_one_segment_of_the_path(model: str, stream: bool, path: str) -> None:
    assert path_of(model, stream=stream) == path
    # The catalogue compiles the same paths into plans.
    row = provider_table()["bedrock"]
    urls = endpoint_urls(row, "https://bedrock.example", model)
    assert urls["converse-stream" if stream else "converse"] == f"https://bedrock.example{path}"


def test_a_conversation_is_written() -> None:
    body, losses = written(
        asked(
            said(Text("Be brief."), role="system", at="messages[0]"),
            said(Text("Hi"), at="messages[1]"),
            said(Text("Hello"), role="assistant", at="messages[2]"),
            said(Text("Bye"), at="messages[3]"),
            max_tokens=100,
            temperature=0.5,
            top_p=0.9,
            stop=("END",),
            service_tier="flex",
            metadata={"team": "a"},
        )
    )
    assert body == {
        "messages": [
            {"role": "user", "content": [{"text": "Hi"}]},
            {"role": "assistant", "content": [{"text": "Hello"}]},
            {"role": "user", "content": [{"text": "Bye"}]},
        ],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 100, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"team": "a"},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    }
    assert losses == []


def test_trap_4_results_of_tools_become_one_message_and_come_first() -> None:
    body, losses = written(
        asked(
            said(Text("Weather?"), at="messages[0]"),
            said(
                ToolCall("call_1", "weather", '{"city": "Paris"}'),
                ToolCall("call|2", "weather", ""),
                role="assistant",
                at="messages[1]",
            ),
            said(ToolResult("call_1", (Text("Sun"),), at="messages[2]"), role="tool", at="messages[2]"),
            said(ToolResult("call|2", (Text(""),), error=True, at="messages[3]"), role="tool", at="messages[3]"),
            said(Text("And now?"), at="messages[4]"),
            tools=(WEATHER,),
        )
    )
    _, assistant, results = body["messages"]
    first, second = assistant["content"]
    assert first["toolUse"] == {"toolUseId": "call_1", "name": "weather", "input": {"city": "Paris"}}
    assert second["toolUse"]["input"] == {}
    # An id with letters that Bedrock refuses becomes another, the same at call and result.
    assert results["content"] == [
        {"toolResult": {"toolUseId": "call_1", "content": [{"text": "Sun"}]}},
        {"toolResult": {"toolUseId": second["toolUse"]["toolUseId"], "content": [], "status": "error"}},
        {"text": "And now?"},
    ]
    assert losses == []


def test_results_come_before_what_else_a_user_says() -> None:
    body, _ = written(
        asked(said(ToolCall("t", "weather", "{}"), role="assistant"), said(Text("b"), ToolResult("t", (Text("a"),))))
    )
    assert [next(iter(block)) for block in body["messages"][1]["content"]] == ["toolResult", "text"]


def test_trap_7_hoisted_instructions_keep_their_cache_points() -> None:
    body, losses = written(
        asked(
            said(Text("One", cache=Cache()), Text("Two"), role="system", at="system"),
            said(Text("Hi"), at="messages[0]"),
            said(Text("Three", cache=Cache(ttl="1h")), role="developer", at="messages[1]"),
        )
    )
    assert body["system"] == [
        {"text": "One"},
        {"cachePoint": {"type": "default"}},
        {"text": "Two"},
        {"text": "Three"},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    ]
    assert losses == [("messages[1]", "approximated")]


def test_cache_points_stand_behind_what_they_are_about() -> None:
    tool = Tool("weather", cache=Cache(), at="tools[0]")
    result = ToolResult("t", (Text("a", cache=Cache(), at="messages[2].content[0]"),), at="messages[2]")
    body, losses = written(
        asked(
            said(Text("Hi", cache=Cache())),
            said(ToolCall("t", "weather", "{}"), role="assistant"),
            said(result, role="tool"),
            tools=(tool,),
            cache=Cache(),
        )
    )
    point = {"cachePoint": {"type": "default"}}
    assert body["toolConfig"]["tools"][1] == point
    assert body["messages"][0]["content"] == [{"text": "Hi"}, point]
    assert body["messages"][2]["content"] == [{"toolResult": {"toolUseId": "t", "content": [{"text": "a"}]}}, point]
    assert losses == [("messages[2].content[0].cache_control", "approximated")]


def test_a_model_without_a_cache_gets_no_cache_points() -> None:
    body, losses = written(
        asked(said(Text("Hi", cache=Cache(), at="messages[0].content[0]"))), "meta.llama3-3-70b-instruct-v1:0"
    )
    assert body["messages"] == [{"role": "user", "content": [{"text": "Hi"}]}]
    assert losses == [("messages[0].content[0].cache_control", "dropped")]


def test_media_go_as_bytes_with_their_formats() -> None:
    body, losses = written(
        asked(
            said(
                Text("Look"),
                Media("image", "image/png", PIXEL),
                Media("image", "IMAGE/JPEG; q=1", PIXEL),
                Media("document", "application/pdf", "JVBERg==", name="report.pdf", context="c", cited=True),
                Media("document", "text/plain", text="plain", title="notes"),
                Media("document", None, "YQ==", name="notes.md"),
                Media("document", "text/csv", "YQ==", name="a/b_c  d.csv", at="messages[0].content[6]"),
                Media("audio", "audio/wav", "UklGRg=="),
                Media("video", "video/mp4", url="s3://bucket/film.mp4"),
                Media("image", "image/webp", PIXEL, detail="high", at="messages[0].content[9]"),
            )
        )
    )
    content = body["messages"][0]["content"]
    assert content[1] == {"image": {"format": "png", "source": {"bytes": PIXEL}}}
    assert content[2]["image"]["format"] == "jpeg"
    assert content[3]["document"] == {
        "format": "pdf",
        "name": "report",
        "source": {"bytes": "JVBERg=="},
        "context": "c",
        "citations": {"enabled": True},
    }
    assert b64decode(content[4]["document"]["source"]["bytes"]) == b"plain"
    assert [content[index]["document"]["name"] for index in (4, 5, 6)] == ["notes", "notes 2", "a b c d"]
    assert content[5]["document"]["format"] == "md"
    assert content[7] == {"audio": {"format": "wav", "source": {"bytes": "UklGRg=="}}}
    assert content[8] == {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/film.mp4"}}}}
    assert losses == [("messages[0].content[6]", "approximated"), ("messages[0].content[9].detail", "dropped")]


@pytest.mark.parametrize(
    "media",
    [
        Media("image", "image/png", url="https://example.com/a.png", at="here"),
        Media("image", "image/tiff", PIXEL, at="here"),
        Media("image", None, PIXEL, at="here"),
        Media("document", "application/pdf", file_id="file-1", at="here"),
    ],
)
def test_media_that_bedrock_cannot_see_are_refused(media: Media) -> None:
    error = refused(asked(said(Text("Look"), media)))
    assert (error.code, error.param) == ("unsupported_content", "here")


@pytest.mark.parametrize(
    "message",
    [
        said(Media("document", "application/pdf", "JVBERg==", at="here")),
        said(Text("Be."), Media("image", "image/png", PIXEL, at="here"), role="system"),
        said(Text("I."), Media("image", "image/png", PIXEL, at="here"), role="assistant"),
        said(ToolResult("t", (Media("audio", "audio/wav", "UklGRg==", at="here"),)), role="tool"),
    ],
)
def test_media_where_bedrock_takes_none_are_refused(message: Message) -> None:
    error = refused(asked(said(Text("Hi")), said(Text("Ho"), role="assistant"), message))
    assert (error.code, error.param) == ("unsupported_content", "here")


def test_results_of_tools_carry_images() -> None:
    result = ToolResult("t", (Text("See"), Media("image", "image/png", PIXEL)))
    body, _ = written(asked(said(ToolCall("t", "f", "{}"), role="assistant"), said(result, role="tool")))
    assert body["messages"][1]["content"][0]["toolResult"]["content"][1]["image"]["format"] == "png"


@pytest.mark.parametrize("arguments", ["[1]", "{", "7", "[" * 100_000])
def test_trap_6_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    error = refused(asked(said(ToolCall("t", "f", arguments, at="messages[1].tool_calls[0]"), role="assistant")))
    assert (error.code, error.param) == ("invalid_arguments", "messages[1].tool_calls[0]")


def test_what_the_model_said_goes_back_as_it_came() -> None:
    content = [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s=="}}},
        {"reasoningContent": {"redactedContent": "YWI="}},
        {"text": "I ask."},
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Paris"}}},
    ]
    answer = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "tool_use"}
    fold = Fold("bedrock")
    fold.take_all(BEDROCK.decode_answer(json.dumps(answer).encode()) or [])
    parts = fold.answer().choices[0].parts
    body, losses = written(asked(said(Text("Weather?")), Message("assistant", parts), tools=(WEATHER,)))
    assert body["messages"][1] == {"role": "assistant", "content": content}
    assert losses == []


def test_trap_13_thoughts_that_the_model_cannot_read_are_dropped_and_told() -> None:
    thoughts = (
        Thinking("a", "anthropic", signature="s", at="a"),
        Thinking("b", "anthropic", sealed="x", at="b"),
        Thinking("c", "gemini", signature="s", at="c"),
        Thinking("d", "bedrock", at="d"),
        Thinking("e", "openai", at="e"),
    )
    body, losses = written(asked(said(*thoughts, Text("Hi"), role="assistant")))
    assert body["messages"][0]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "a", "signature": "s"}}},
        {"text": "Hi"},
    ]
    assert losses == [(path, "dropped") for path in ("b", "c", "d", "e")]
    other, told = written(asked(said(thoughts[0], Text("Hi"), role="assistant")), "amazon.nova-pro-v1:0")
    assert other["messages"][0]["content"] == [{"text": "Hi"}]
    assert told == [("a", "dropped")]


def test_every_other_thing_that_bedrock_lacks_is_told() -> None:
    citation = Citation("anthropic", {"type": "char_location"})
    body, losses = written(
        asked(
            Message(
                "user",
                (
                    Text("a", signature="s", at="p", extra={"x": 1}),
                    Opaque("anthropic", "web_search", {}, at="o"),
                    Text(" \n", at="blank"),
                ),
                name="ann",
                at="messages[0]",
                extra={"y": 1},
            ),
            Message("user", (Text("b"),), name="bob", at="messages[1]"),
            said(
                Text("c", (citation,), at="c"),
                ToolCall("t", "f", "free", custom=True, signature="s", at="t"),
                Refusal("No.", at="r"),
                role="assistant",
            ),
            seed=7,
            n=2,
            presence_penalty=0.1,
            frequency_penalty=0.0,
            logprobs=True,
            top_logprobs=3,
            user="u",
            store=True,
            cache_key="k",
            service_tier="scale",
            temperature=1.5,
            metadata={"a": "é"},
            parallel_tools=True,
            extra={"logit_bias": {}, "generationConfig.speechConfig": {}},
            at={"max_tokens": "max_completion_tokens", "cache_key": "prompt_cache_key"},
        )
    )
    assert body["messages"][1]["content"][1]["toolUse"]["input"] == {"input": "free"}
    assert body["inferenceConfig"]["temperature"] == 1
    assert sorted(losses) == sorted(
        [
            ("messages[0].name", "dropped"),
            ("messages[0].y", "dropped"),
            ("messages[1].name", "dropped"),
            ("p.x", "dropped"),
            ("p.signature", "dropped"),
            ("o", "dropped"),
            ("blank", "dropped"),
            ("c.citations", "dropped"),
            ("t", "approximated"),
            ("t.signature", "dropped"),
            ("r", "approximated"),
            ("tools", "added"),
            ("seed", "dropped"),
            ("n", "dropped"),
            ("presence_penalty", "dropped"),
            ("logprobs", "dropped"),
            ("top_logprobs", "dropped"),
            ("user", "dropped"),
            ("store", "dropped"),
            ("prompt_cache_key", "dropped"),
            ("service_tier", "dropped"),
            ("temperature", "approximated"),
            ("metadata", "dropped"),
            ("logit_bias", "dropped"),
            ("generationConfig.speechConfig", "dropped"),
        ]
    )


def test_a_conversation_kept_elsewhere_is_refused() -> None:
    assert (
        refused(asked(previous_id="resp_1", at={"previous_id": "previous_response_id"})).param == "previous_response_id"
    )


def test_empty_messages_make_way() -> None:
    body, _ = written(asked(said(Text("a")), said(Text(""), role="assistant"), said(Text("b"))))
    assert body["messages"] == [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]


@pytest.mark.parametrize(
    ("choice", "expected", "told"),
    [
        (ToolChoice("auto"), {"auto": {}}, []),
        (ToolChoice("required"), {"any": {}}, []),
        (ToolChoice("named", ("weather",)), {"tool": {"name": "weather"}}, []),
        (ToolChoice("named", ("weather", "time")), {"any": {}}, [("tool_choice", "approximated")]),
        (ToolChoice("native", (), "openai", {"type": "custom"}), None, [("tool_choice", "dropped")]),
    ],
)
def test_tools_are_chosen(choice: ToolChoice, expected: object, told: list[tuple[str, str]]) -> None:
    body, losses = written(asked(tools=(WEATHER, Tool("time", "", strict=True)), tool_choice=choice))
    spec = {"name": "weather", "description": "Tells the weather.", "inputSchema": {"json": WEATHER.parameters}}
    empty = {"name": "time", "inputSchema": {"json": {"type": "object", "properties": {}}}, "strict": True}
    assert body["toolConfig"]["tools"] == [{"toolSpec": spec}, {"toolSpec": empty}]
    assert body["toolConfig"].get("toolChoice") == expected
    assert losses == told


def test_no_tools_are_sent_where_none_may_be_called() -> None:
    body, losses = written(asked(tools=(WEATHER,), tool_choice=ToolChoice("none")))
    assert "toolConfig" not in body
    assert losses == [("tool_choice", "approximated")]


def test_tools_stay_where_the_conversation_has_used_them() -> None:
    history = (said(ToolCall("t", "weather", "{}"), role="assistant"), said(ToolResult("t", (Text("a"),)), role="tool"))
    body, losses = written(asked(*history, tools=(WEATHER,), tool_choice=ToolChoice("none")))
    assert len(body["toolConfig"]["tools"]) == 1
    assert losses == [("tool_choice", "approximated")]
    bare, added = written(asked(*history))
    assert bare["toolConfig"]["tools"][0]["toolSpec"]["name"] == "weather"
    assert added == [("tools", "added")]


def test_tools_of_other_providers_are_dropped_and_odd_names_refused() -> None:
    native = Tool("web_search", dialect="openai", native={"type": "web_search"}, at="tools[0]", extra={})
    assert written(asked(tools=(native,)))[1] == [("tools[0]", "dropped")]
    assert refused(asked(tools=(Tool("a.b", at="tools[0]"),))).param == "tools[0]"


@pytest.mark.parametrize(
    ("model", "choice", "expected"),
    [
        (CLAUDE, None, {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}),
        (CLAUDE, ToolChoice("required"), None),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", None, None),
        ("amazon.nova-pro-v1:0", None, None),
    ],
)
def test_trap_5_parallel_calls_are_forbidden_where_that_can_be_said(
    model: str, choice: ToolChoice | None, expected: object
) -> None:
    request = asked(
        tools=(WEATHER,), tool_choice=choice, parallel_tools=False, at={"parallel_tools": "parallel_tool_calls"}
    )
    body, losses = written(request, model)
    assert body.get("additionalModelRequestFields") == expected
    assert losses == ([] if expected else [("parallel_tool_calls", "dropped")])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (CLAUDE, {"top_k": 40}),
        ("us.amazon.nova-lite-v1:0", {"inferenceConfig": {"topK": 40}}),
        ("cohere.command-r-v1:0", {"k": 40}),
        ("mistral.mistral-small-2402-v1:0", {"top_k": 40}),
    ],
)
def test_top_k_is_said_in_the_words_of_the_model(model: str, expected: object) -> None:
    assert written(asked(top_k=40), model) == (
        {**written(asked(), model)[0], "additionalModelRequestFields": expected},
        [],
    )


def test_a_schema_goes_as_text() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}
    output = OutputFormat("schema", "shape", "A shape.", schema, strict=True, extra={"x": 1})
    body, losses = written(asked(output=output, at={"output": "response_format.json_schema"}))
    told = body["outputConfig"]["textFormat"]
    assert told["type"] == "json_schema"
    assert json.loads(told["structure"]["jsonSchema"].pop("schema")) == schema
    assert told["structure"] == {"jsonSchema": {"name": "shape", "description": "A shape."}}
    assert losses == [("response_format.json_schema.x", "dropped")]
    plain, told_of = written(asked(output=OutputFormat("json"), at={"output": "response_format"}))
    assert "outputConfig" not in plain
    assert told_of == [("response_format", "dropped")]


def test_converses_own_words_pass_as_they_are() -> None:
    guardrail = {"guardrailIdentifier": "abc123", "guardrailVersion": "1", "trace": "enabled"}
    native = {
        "guardrailConfig": guardrail,
        "additionalModelRequestFields": {"anthropic_beta": ["context-1m-2025-08-07"], "top_k": 9},
        "additionalModelResponseFieldPaths": ["/x"],
        "performanceConfig": {"latency": "optimized"},
        "requestMetadata": {"a": "b"},
    }
    body, losses = written(asked(top_k=5, stop=("X",), metadata={"c": "d"}, extra=native))
    assert {name: body[name] for name in native} == native
    assert losses == [("metadata", "dropped")]
    assert refused(asked(extra={"additionalModelRequestFields": [1]})).param == "additionalModelRequestFields"


texts = st.text(max_size=12)
media = st.sampled_from(
    [Media("image", "image/png", PIXEL), Media("document", "application/pdf", "JVBERg==", name="x.pdf", cited=True)]
)
caches = st.sampled_from([None, Cache(), Cache(ttl="1h")])
ids = st.text(min_size=1, max_size=70)
users: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, texts, cache=caches),
    media,
    st.builds(ToolResult, ids, st.tuples(st.builds(Text, texts, cache=caches)), error=st.none() | st.booleans()),
)
assistants: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, texts, cache=caches),
    st.builds(ToolCall, ids, st.sampled_from(["weather", "time"]), st.sampled_from(["", "{}", '{"a":[1]}'])),
    st.builds(
        Thinking,
        texts,
        st.sampled_from(["bedrock", "anthropic", "gemini"]),
        signature=st.none() | texts,
        sealed=st.none() | st.just("YWI="),
    ),
    st.builds(Refusal, texts),
)
messages = st.lists(
    st.one_of(
        st.builds(
            Message, st.sampled_from(["user", "tool"]), st.lists(users, max_size=4).map(lambda it: (*it, Text("t")))
        ),
        st.builds(Message, st.just("assistant"), st.lists(assistants, max_size=4).map(tuple)),
        st.builds(Message, st.sampled_from(["system", "developer"]), st.tuples(st.builds(Text, texts, cache=caches))),
    ),
    max_size=6,
)


@settings(max_examples=50, deadline=None)
@given(
    messages,
    st.sampled_from([(), (WEATHER,)]),
    st.sampled_from([None, *(ToolChoice(mode) for mode in ("auto", "none", "required"))]),
    st.sampled_from([CLAUDE, "amazon.nova-2-lite-v1:0", "meta.llama3-3-70b-instruct-v1:0"]),
)
def test_whatever_is_asked_meets_the_service_model(
    said: list[Message], tools: tuple[Tool, ...], choice: ToolChoice | None, model: str
) -> None:
    body, _ = written(asked(*said, tools=tools, tool_choice=choice), model)
    roles = [message["role"] for message in body["messages"]]
    assert all(before != after for before, after in pairwise(roles))
    assert all(message["content"] for message in body["messages"])

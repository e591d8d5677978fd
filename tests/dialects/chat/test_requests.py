"""Requests of Chat Completions: what a client says is read, with its path, and is written again for its own dialect."""

from typing import Any

import pytest

from steelyard.core.errors import BadRequest
from steelyard.core.parts import Cache, Media, Opaque, Refusal, Text, ToolCall, ToolResult
from steelyard.core.request import OutputFormat, Reasoning, Tool, ToolChoice
from steelyard.dialects.dialect import Facts
from tests.dialects.chat.wire import body, call, decoded, encoded, own

SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
FUNCTION = {"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": SCHEMA}}

PLAIN = [
    body({"role": "system", "content": "s"}, {"role": "developer", "content": "d"}, {"role": "user", "content": "u"}),
    body({"role": "user", "content": "u", "name": "ann"}),
    body(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h", "scope": "all"}},
                {"type": "text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "format": "png"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
                {"type": "audio_url", "audio_url": {"url": "https://example.com/a.mp3"}},
            ],
        }
    ),
    body({"role": "assistant", "content": None, "refusal": "No."}),
    body({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}, {"type": "text", "text": "But"}]}),
    body({"role": "assistant", "content": None, "audio": {"id": "audio-1"}}),
    body(
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                call(),
                call("c2", extra_content={"google": {"thought_signature": "s", "k": 1}, "x": 2}),
                {"id": "c3", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {
            "role": "tool",
            "tool_call_id": "c2",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        },
        {
            "role": "tool",
            "tool_call_id": "c3",
            "content": "three",
            "name": "shell",
            "cache_control": {"type": "ephemeral"},
        },
    ),
    body({"role": "assistant", "content": "Hm", "prefix": True, "weight": 0}),
    body(
        tools=[
            {"type": "function", "function": {"name": "find", "strict": True, "parameters": SCHEMA, "k": 1}, "z": 2},
            {**FUNCTION, "cache_control": {"type": "ephemeral"}},
            {"type": "custom", "custom": {"name": "shell", "format": {"type": "text"}}},
            {"type": "builtin_function", "function": {"name": "$web_search"}},
        ],
        tool_choice="required",
        parallel_tool_calls=False,
    ),
    body(tools=[FUNCTION], tool_choice={"type": "function", "function": {"name": "find"}}),
    body(
        tools=[FUNCTION], tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [FUNCTION]}}
    ),
    body(response_format={"type": "json_object", "schema": SCHEMA}),
    body(response_format={"type": "grammar", "grammar": "root ::= [a-z]"}),
    body(
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "found", "description": "d", "schema": SCHEMA, "strict": True, "k": 1},
            "l": 2,
        }
    ),
    body(max_tokens=5, stop=["a", "b"], seed=1, n=2, temperature=0.5, top_p=0.1, top_k=3),
    body(max_completion_tokens=5, max_tokens=6, presence_penalty=0.5, frequency_penalty=-0.5, logprobs=True),
    body(logit_bias={"50256": -100}, top_logprobs=2, service_tier="flex", metadata={"a": "b"}, user="u", store=True),
    body(reasoning_effort="xhigh", verbosity="low", prompt_cache_key="k", safety_identifier="s"),
    body(reasoning={"effort": "low", "exclude": True, "enabled": True}),
    body(reasoning={"max_tokens": 2000}, reasoning_effort=None),
    body(thinking={"type": "enabled", "budget_tokens": 1024}),
    body(thinking={"type": "disabled"}),
    body(thinking={"type": "adaptive", "display": "omitted"}),
    body(thinking={"type": "sometimes"}),
    body(thinking={"type": "enabled"}, reasoning_effort="high"),
    body(modalities=["text", "audio"], audio={"voice": "ash", "format": "wav"}),
    body(prediction={"type": "content", "content": "x"}, web_search_options={"search_context_size": "low"}),
    body(prompt_cache_options={"mode": "explicit"}, moderation={"model": "m"}, chat_template_kwargs={"k": 1}),
    body(cache_control={"type": "ephemeral"}, min_p=0.1, guided_json={"a": [1, {"b": None}]}),
    body(stream=True, stream_options={"include_obfuscation": False}),
]


def without_nulls(value: Any) -> Any:
    """Return what a body says: a null says nothing, and a lone text part is its text."""
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("value", PLAIN, ids=range(len(PLAIN)))
def test_what_a_client_says_is_said_again_to_its_own_dialect(value: Any) -> None:
    assert without_nulls(own(value)) == without_nulls(value)


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (body(stop="a"), body(stop=["a"])),
        (body({"role": "user", "content": [{"type": "text", "text": "a"}]}), body({"role": "user", "content": "a"})),
        (body(response_format={"type": "text"}), body()),
        (body(stream=False, seed=None), body()),
        (body(tool_choice="any", tools=[FUNCTION]), body(tool_choice="required", tools=[FUNCTION])),
        (
            body({"role": "user", "content": "a", "cache_control": {"type": "ephemeral"}}),
            body({"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}),
        ),
        (
            body({"role": "assistant", "content": "", "tool_calls": [call()]}),
            body({"role": "assistant", "content": None, "tool_calls": [call()]}),
        ),
        (
            body({"role": "user", "content": [{"type": "image_url", "image_url": "https://example.com/a.png"}]}),
            body(
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}
            ),
        ),
        (
            body(tools=[{"type": "function", "function": {"name": "f", "cache_control": {"type": "ephemeral"}}}]),
            body(tools=[{"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}]),
        ),
    ],
    ids=range(9),
)
def test_two_ways_to_say_one_thing_are_sent_as_one(value: Any, same: Any) -> None:
    assert without_nulls(own(value)) == without_nulls(own(same)) == without_nulls(same)


def test_parts_and_settings_say_where_they_stand() -> None:
    asked = decoded(PLAIN[2])
    assert asked.messages[0].at == "messages[0]"
    assert [part.at for part in asked.messages[0].parts] == [f"messages[0].content[{i}]" for i in range(10)]
    spoken = decoded(PLAIN[6])
    first = spoken.messages[0]
    assert [part.at for part in first.parts] == [
        "messages[0].content",
        *(f"messages[0].tool_calls[{i}]" for i in range(3)),
    ]
    assert [one.parts[0].at for one in spoken.messages[1:]] == ["messages[1]", "messages[2]", "messages[3]"]
    assert decoded(body(max_completion_tokens=1)).path_of("max_tokens") == "max_completion_tokens"
    assert decoded(body(max_tokens=1)).path_of("max_tokens") == "max_tokens"
    assert decoded(body(thinking={"type": "disabled"})).path_of("reasoning") == "thinking"
    assert decoded(body(tools=[FUNCTION])).tools[0].at == "tools[0]"


def test_media_are_read_with_their_types() -> None:
    parts = decoded(PLAIN[2]).messages[0].parts
    assert parts[0] == Text("a", cache=Cache(ttl="1h"), at=parts[0].at, extra={"cache_control.scope": "all"})
    kinds = [(one.kind, one.media_type, one.data, one.url, one.file_id) for one in parts if isinstance(one, Media)]
    assert kinds == [
        ("image", "image/png", "AAAA", None, None),
        ("image", None, None, "https://example.com/a.png", None),
        ("audio", "audio/mpeg", "AAAA", None, None),
        ("audio", "audio/wav", "AAAA", None, None),
        ("document", "application/pdf", "AAAA", None, None),
        ("document", None, None, None, "file-1"),
        ("video", None, None, "https://example.com/a.mp4", None),
        ("audio", None, None, "https://example.com/a.mp3", None),
    ]


def test_calls_and_results_are_read() -> None:
    asked = decoded(PLAIN[6])
    _, first, second, custom = asked.messages[0].parts
    assert isinstance(first, ToolCall)
    assert (first.id, first.name, first.arguments, first.custom) == ("c1", "find", "{}", False)
    assert isinstance(second, ToolCall)
    assert (second.signature, second.extra) == ("s", {"extra_content": {"google": {"k": 1}, "x": 2}})
    assert isinstance(custom, ToolCall)
    assert (custom.arguments, custom.custom) == ("ls", True)
    results = [one.parts[0] for one in asked.messages[1:]]
    assert all(isinstance(one, ToolResult) for one in results)
    assert [getattr(one, "custom", None) for one in results] == [False, False, True]
    assert getattr(results[2], "cache", None) == Cache()


def test_settings_are_read_into_their_fields() -> None:
    asked = decoded(body(reasoning={"effort": "low", "exclude": True}, parallel_tool_calls=False, store=False))
    assert asked.reasoning == Reasoning("low", shown=False)
    assert asked.parallel_tools is False
    assert asked.store is False
    assert decoded(body(thinking={"type": "enabled"})).reasoning == Reasoning(budget=-1)
    assert decoded(body(reasoning_effort="high", thinking={"type": "enabled"})).extra == {
        "thinking": {"type": "enabled"}
    }
    assert decoded(body(response_format={"type": "json_object"})).output == OutputFormat("json")
    assert decoded(body(stop="a")).stop == ("a",)
    assert decoded(body(stream=True, stream_options={"include_usage": True, "k": 1})).extra == {"stream_options.k": 1}
    assert decoded(body(max_completion_tokens=5, max_tokens=6)).extra == {"max_tokens": 6}


def test_choices_are_read() -> None:
    named = {"type": "function", "function": {"name": "find"}}
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named, {**named}]}}
    assert decoded(body(tool_choice=named)).tool_choice == ToolChoice("named", ("find",))
    assert decoded(body(tool_choice=allowed)).tool_choice == ToolChoice("named", ("find", "find"))
    custom = {"type": "custom", "custom": {"name": "shell"}}
    assert decoded(body(tool_choice=custom)).tool_choice == ToolChoice("named", ("shell",))


def test_a_custom_tool_is_named_as_what_it_is() -> None:
    tools = [FUNCTION, {"type": "custom", "custom": {"name": "shell"}}]
    value = body(tools=tools, tool_choice={"type": "custom", "custom": {"name": "shell"}})
    assert own(value) == value


def test_the_path_may_name_the_model_and_whether_it_streams() -> None:
    from steelyard.dialects.chat import CHAT

    asked = CHAT.decode_request(b'{"messages": []}', model="given", stream=True)
    assert (asked.model, asked.stream) == ("given", True)


def test_deprecated_functions_are_tools() -> None:
    value = body(
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "function_call": {"name": "find", "arguments": "{}"}},
        {"role": "function", "name": "find", "content": "found"},
        {"role": "assistant", "content": None, "function_call": {"name": "find", "arguments": "{}"}},
        {"role": "function", "name": "find", "content": "again"},
        functions=[{"name": "find", "parameters": SCHEMA, "k": 1}],
        function_call={"name": "find"},
    )
    asked = decoded(value)
    assert asked.tools == (Tool("find", parameters=SCHEMA, at="functions[0]", extra={"k": 1}),)
    assert asked.tool_choice == ToolChoice("named", ("find",))
    assert asked.parallel_tools is False
    ids = [getattr(one.parts[0], "id", getattr(one.parts[0], "call_id", None)) for one in asked.messages[1:]]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    sent = own(value)
    assert sent["tools"] == [{"type": "function", "function": {"name": "find", "parameters": SCHEMA, "k": 1}}]
    assert sent["messages"][2] == {"role": "tool", "tool_call_id": ids[0], "content": "found", "name": "find"}


@pytest.mark.parametrize(
    ("value", "param", "code"),
    [
        ({"model": "m"}, "messages", "missing_field"),
        ({"messages": []}, "model", "missing_field"),
        (body("Hi"), "messages[0]", "invalid_type"),  # type: ignore[arg-type]
        (body({"content": "Hi"}), "messages[0].role", "missing_field"),
        (body({"role": "robot", "content": "Hi"}), "messages[0].role", "invalid_role"),
        (body({"role": "user", "content": 7}), "messages[0].content", "invalid_type"),
        (body({"role": "user", "content": ["Hi"]}), "messages[0].content[0]", "invalid_type"),
        (body({"role": "user", "content": [{"type": "smell"}]}), "messages[0].content[0]", "unknown_content"),
        (body({"role": "user", "content": [{"type": "text"}]}), "messages[0].content[0].text", "missing_field"),
        (
            body({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png,x"}}]}),
            "messages[0].content[0].image_url.url",
            "invalid_data_uri",
        ),
        (
            body({"role": "user", "content": [{"type": "file", "file": {}}]}),
            "messages[0].content[0].file",
            "invalid_file",
        ),
        (
            body({"role": "user", "content": [{"type": "input_audio", "input_audio": "x"}]}),
            "messages[0].content[0].input_audio",
            "invalid_type",
        ),
        (body({"role": "tool", "content": "x"}), "messages[0].tool_call_id", "missing_field"),
        (
            body({"role": "tool", "tool_call_id": "c", "content": [{"type": "refusal", "refusal": "x"}]}),
            "messages[0].content[0]",
            "unknown_content",
        ),
        (
            body({"role": "assistant", "tool_calls": [{"id": "c", "type": "magic"}]}),
            "messages[0].tool_calls[0]",
            "unknown_content",
        ),
        (
            body({"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {}}}]}),
            "messages[0].tool_calls[0].function.arguments",
            "invalid_type",
        ),
        (body(tools=[{"type": "function"}]), "tools[0].function", "invalid_type"),
        (body(tools=[{"type": "function", "function": {}}]), "tools[0].function.name", "missing_field"),
        (body(tool_choice="perhaps"), "tool_choice", "invalid_value"),
        (body(temperature="hot"), "temperature", "invalid_type"),
        (body(seed=1.5), "seed", "invalid_type"),
        (body(stop=[1]), "stop", "invalid_type"),
        (body(response_format="json"), "response_format", "invalid_type"),
        (body(response_format={"type": "json_schema"}), "response_format.json_schema", "invalid_type"),
        (body(stream="yes"), "stream", "invalid_type"),
        (body(stream_options=[]), "stream_options", "invalid_type"),
        (
            body({"role": "assistant", "content": "x", "reasoning_details": [{"type": "reasoning.song"}]}),
            "messages[0].reasoning_details[0].type",
            "unknown_content",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_path(value: Any, param: str, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        decoded(value)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert param in str(caught.value)


def test_usage_is_asked_for_in_streams_of_servers_that_tell_it() -> None:
    asked = decoded(body(stream=True))
    assert asked.include_usage is False
    assert encoded(asked)[0]["stream_options"] == {"include_usage": True}
    assert "stream_options" not in encoded(asked, Facts("m", tells_usage=False))[0]
    assert "stream_options" not in encoded(decoded(body()))[0]
    assert decoded(body(stream=True, stream_options={"include_usage": True})).include_usage is True


def test_a_refusal_and_an_earlier_sound_are_parts() -> None:
    message = decoded(body({"role": "assistant", "refusal": "No.", "audio": {"id": "a"}})).messages[0]
    assert message.parts == (
        Refusal("No.", at="messages[0].refusal"),
        Opaque("openai", "audio", {"id": "a"}, "messages[0].audio"),
    )

"""What models are asked in Gemini's words, where the client spoke another dialect."""

from typing import Any

import pytest

from steelyard.core.errors import BadRequest
from steelyard.core.losses import Losses
from steelyard.core.parts import Cache, Citation, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from tests.dialects.gemini.wire import asking, decoded, encoded

HELLO = Message("user", (Text("hello", at="messages[0].content"),), at="messages[0]")


def _request(*messages: Message, **more: Any) -> Request:
    return Request(dialect="openai", model="route", messages=messages or (HELLO,), **more)


def _losses(request: Request, model: str = "gemini-2.5-flash") -> list[tuple[str, str]]:
    losses = Losses()
    encoded(request, losses, model)
    return [(loss.path, loss.how) for loss in losses.all()]


def _conversation(*calls: ToolCall, results: tuple[ToolResult, ...] = ()) -> tuple[Message, ...]:
    return (
        HELLO,
        Message("assistant", calls, at="messages[1]"),
        *(Message("tool", (one,), at=f"messages[{number + 2}]") for number, one in enumerate(results)),
    )


def test_instructions_go_to_their_field_and_later_ones_are_hoisted_and_reported() -> None:
    request = _request(
        Message("system", (Text("a"),), at="messages[0]"),
        Message("developer", (Text("b"),), at="messages[1]"),
        Message("user", (Text("c"),), at="messages[2]"),
        Message("system", (Text("d"),), at="messages[3]"),
        Message("user", (Text("e"),), at="messages[4]"),
    )
    body = encoded(request)
    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}, {"text": "d"}]}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "c"}, {"text": "e"}]}]
    assert _losses(request) == [("messages[3]", "approximated")]


def test_trap_4_consecutive_results_are_one_content_and_come_first() -> None:
    calls = (ToolCall("1", "f", '{"x": 1}'), ToolCall("2", "g", ""))
    messages = (
        *_conversation(*calls, results=(ToolResult("1", (Text("sun"),)), ToolResult("2", (Text('{"a": [1]}'),)))),
        Message("user", (Text("and?"),), at="messages[4]"),
    )
    contents = encoded(_request(*messages))["contents"]
    assert [one["role"] for one in contents] == ["user", "model", "user"]
    assert contents[1]["parts"] == [
        {"functionCall": {"name": "f", "args": {"x": 1}, "id": "1"}},
        {"functionCall": {"name": "g", "args": {}, "id": "2"}},
    ]
    assert contents[2]["parts"] == [
        {"functionResponse": {"name": "f", "response": {"output": "sun"}, "id": "1"}},
        {"functionResponse": {"name": "g", "response": {"a": [1]}, "id": "2"}},
        {"text": "and?"},
    ]


def test_results_come_before_the_text_of_their_message() -> None:
    messages = (
        HELLO,
        Message("assistant", (ToolCall("1", "f", "{}"),)),
        Message("user", (Text("look"), ToolResult("1", (Text("no"),), error=True))),
    )
    parts = encoded(_request(*messages))["contents"][2]["parts"]
    assert parts == [{"functionResponse": {"name": "f", "response": {"error": "no"}, "id": "1"}}, {"text": "look"}]


@pytest.mark.parametrize("arguments", ["{", "[1]", "7", "null", '"a"'])
def test_arguments_that_are_no_object_are_refused_with_their_path(arguments: str) -> None:
    call = ToolCall("1", "f", arguments, at="messages[1].tool_calls[0]")
    with pytest.raises(BadRequest) as caught:
        encoded(_request(*_conversation(call)))
    assert (caught.value.code, caught.value.param) == ("invalid_arguments", "messages[1].tool_calls[0]")


def test_a_result_without_its_call_is_refused_with_its_path() -> None:
    lost = ToolResult("7", (Text("sun"),), at="messages[1]")
    with pytest.raises(BadRequest) as caught:
        encoded(_request(HELLO, Message("tool", (lost,), at="messages[1]")))
    assert (caught.value.code, caught.value.param) == ("unknown_tool_call", "messages[1]")


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        (
            "gemini-3-pro-preview",
            [
                {
                    "functionResponse": {
                        "name": "f",
                        "response": {},
                        "id": "1",
                        "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}],
                    }
                }
            ],
        ),
        (
            "gemini-2.5-flash",
            [
                {"functionResponse": {"name": "f", "response": {}, "id": "1"}},
                {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
            ],
        ),
    ],
)
def test_media_of_a_result_stand_in_it_where_the_model_takes_that_and_behind_it_elsewhere(
    model: str, parts: list[dict[str, Any]]
) -> None:
    result = ToolResult("1", (Media("image", "image/png", data="AAAA"),), at="messages[2]")
    call = ToolCall("1", "f", "{}", signature="c2ln")
    losses = Losses()
    body = encoded(_request(*_conversation(call, results=(result,))), losses, model)
    assert body["contents"][2]["parts"] == parts
    assert [loss.path for loss in losses.all()] == ([] if "3" in model else ["messages[2]"])


def test_trap_14_the_first_call_keeps_its_signature_and_the_others_get_none() -> None:
    calls = (ToolCall("1", "f", "{}", signature="c2ln"), ToolCall("2", "f", "{}"))
    results = (ToolResult("1", (Text("a"),)), ToolResult("2", (Text("b"),)))
    body = encoded(_request(*_conversation(*calls, results=results)), model="gemini-3-pro-preview")
    assert [part.get("thoughtSignature") for part in body["contents"][1]["parts"]] == ["c2ln", None]
    assert _losses(_request(*_conversation(*calls, results=results)), "gemini-3-pro-preview") == []


@pytest.mark.parametrize(
    ("model", "signed"),
    [("gemini-3-flash", True), ("gemini-flash-latest", True), ("gemini-2.5-pro", False), ("tuned-1", False)],
)
def test_trap_14_a_signature_that_the_client_lost_is_replaced_in_the_present_turn_only(
    model: str, signed: bool
) -> None:
    messages = (
        *_conversation(ToolCall("1", "f", "{}"), results=(ToolResult("1", (Text("a"),)),)),
        Message("assistant", (Text("so"),), at="messages[3]"),
        Message("user", (Text("again"),), at="messages[4]"),
        Message("assistant", (Text("ok"), ToolCall("2", "f", "{}"), ToolCall("3", "f", "{}")), at="messages[5]"),
        Message("tool", (ToolResult("2", (Text("b"),)), ToolResult("3", (Text("c"),))), at="messages[6]"),
    )
    losses = Losses()
    contents = encoded(_request(*messages), losses, model)["contents"]
    signatures = [part.get("thoughtSignature") for one in contents for part in one["parts"] if "functionCall" in part]
    assert signatures == [None, "skip_thought_signature_validator" if signed else None, None]
    assert [(loss.path, loss.how) for loss in losses.all()] == ([("messages[5]", "added")] if signed else [])


def test_thoughts_are_sent_to_their_own_provider_only() -> None:
    thoughts = (
        Thinking("hm", "gemini", "c2ln", at="messages[1].a"),
        Thinking("hm", "anthropic", "c2ln", at="messages[1].b"),
        Thinking("", "openai-responses", sealed="x", at="messages[1].c"),
    )
    request = _request(HELLO, Message("assistant", thoughts, at="messages[1]"))
    assert encoded(request)["contents"][1]["parts"] == [{"text": "hm", "thought": True, "thoughtSignature": "c2ln"}]
    assert _losses(request) == [("messages[1].b", "dropped"), ("messages[1].c", "dropped")]


@pytest.mark.parametrize(
    ("media", "part"),
    [
        (Media("image", "image/png", data="AAAA"), {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        (Media("audio", "audio/wav", data="AAAA"), {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}),
        (
            Media("image", url="https://e.org/a.webp"),
            {"fileData": {"mimeType": "image/webp", "fileUri": "https://e.org/a.webp"}},
        ),
        (
            Media("document", text="plain", name="a.txt"),
            {"inlineData": {"mimeType": "text/plain", "displayName": "a.txt", "data": "cGxhaW4="}},
        ),
        (Media("video", url="https://youtu.be/1"), {"fileData": {"fileUri": "https://youtu.be/1"}}),
    ],
)
def test_trap_15_media_go_by_value_or_by_address(media: Media, part: dict[str, Any]) -> None:
    request = _request(Message("user", (media,)))
    assert encoded(request)["contents"][0]["parts"] == [part]
    assert _losses(request) == []


def test_a_media_type_that_nothing_tells_is_guessed_and_reported() -> None:
    request = _request(Message("user", (Media("image", url="https://e.org/a", at="m"),)))
    assert encoded(request)["contents"][0]["parts"][0]["fileData"]["mimeType"] == "image/jpeg"
    assert _losses(request) == [("m", "added")]


def test_a_file_of_another_provider_s_is_refused_with_its_path() -> None:
    with pytest.raises(BadRequest) as caught:
        encoded(_request(Message("user", (Media("document", file_id="file-1", at="messages[0].content[0]"),))))
    assert (caught.value.code, caught.value.param) == ("unsupported_content", "messages[0].content[0]")


def test_an_image_among_instructions_is_refused_with_its_path() -> None:
    system = Message("system", (Media("image", "image/png", data="AAAA", at="system[0]"),))
    with pytest.raises(BadRequest) as caught:
        encoded(_request(system, HELLO))
    assert caught.value.param == "system[0]"


def test_a_title_and_a_context_stand_before_their_document() -> None:
    request = _request(
        Message(
            "user", (Media("document", "application/pdf", data="AAAA", title="T", context="C", cited=True, at="d"),)
        )
    )
    assert encoded(request)["contents"][0]["parts"][0] == {"text": "T\nC"}
    assert _losses(request) == [("d.citations", "dropped"), ("d", "approximated")]


@pytest.mark.parametrize(
    ("part", "lost"),
    [
        (Text("a", cache=Cache(), at="p"), ("p.cache_control", "dropped")),
        (Text("a", citations=(Citation("anthropic", {}),), at="p"), ("p.citations", "dropped")),
        (Text("a", at="p", extra={"annotations": []}), ("p.annotations", "dropped")),
        (Media("image", "image/png", data="AAAA", detail="low", at="p"), ("p.detail", "dropped")),
        (Opaque("anthropic", "server_tool_use", {}, "p"), ("p", "dropped")),
        (Refusal("no", at="p"), ("p", "approximated")),
        (ToolCall("1", "f", "free text", custom=True, at="p"), ("p", "approximated")),
    ],
)
def test_what_a_part_loses_is_reported(part: Part, lost: tuple[str, str]) -> None:
    assert _losses(_request(HELLO, Message("assistant", (Text("x"), part), at="messages[1]"))) == [lost]


def test_what_messages_and_settings_lose_is_reported() -> None:
    request = _request(
        Message("user", (Text("a"),), name="Ada", at="messages[0]", extra={"weight": 1}),
        tools=(
            Tool("web_search", dialect="anthropic", native={}, at="tools[0]"),
            Tool("f", strict=True, cache=Cache(), at="tools[1]", extra={"defer": 1}),
            Tool("g", at="tools[2]"),
        ),
        parallel_tools=False,
        metadata={"a": "b"},
        user="u",
        store=True,
        previous_id="r",
        cache_key="k",
        service_tier="scale",
        at={"parallel_tools": "parallel_tool_calls", "cache_key": "prompt_cache_key"},
        extra={"logit_bias": {}},
    )
    assert {path for path, _ in _losses(request)} == {
        "messages[0].name",
        "messages[0].weight",
        "tools[0]",
        "tools[1].function.strict",
        "tools[1].cache_control",
        "tools[1].defer",
        "parallel_tool_calls",
        "metadata",
        "user",
        "store",
        "previous_id",
        "prompt_cache_key",
        "service_tier",
        "logit_bias",
    }


@pytest.mark.parametrize(
    ("choice", "strict", "config"),
    [
        (None, None, None),
        (None, True, {"mode": "VALIDATED"}),
        (ToolChoice("auto"), None, {"mode": "AUTO"}),
        (ToolChoice("auto"), True, {"mode": "VALIDATED"}),
        (ToolChoice("none"), True, {"mode": "NONE"}),
        (ToolChoice("required"), None, {"mode": "ANY"}),
        (ToolChoice("named", ("f",)), True, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_choices_are_modes_of_calling(
    choice: ToolChoice | None, strict: bool | None, config: dict[str, Any] | None
) -> None:
    request = _request(tools=(Tool("f", strict=strict, at="tools[0]"),), tool_choice=choice)
    assert encoded(request).get("toolConfig") == ({"functionCallingConfig": config} if config else None)
    assert _losses(request) == []


@pytest.mark.parametrize(
    ("model", "reasoning", "config", "lost"),
    [
        ("gemini-3-pro", Reasoning(effort="low"), {"thinkingLevel": "LOW"}, []),
        ("gemini-3-pro", Reasoning(effort="none"), {"thinkingLevel": "MINIMAL"}, ["approximated"]),
        ("gemini-3-pro", Reasoning(effort="max"), {"thinkingLevel": "HIGH"}, ["approximated"]),
        ("gemini-3-pro", Reasoning(budget=0), {"thinkingLevel": "MINIMAL"}, ["approximated"]),
        ("gemini-3-pro", Reasoning(adaptive=True), {"includeThoughts": True}, []),
        ("gemini-2.5-pro", Reasoning(effort="none"), {"thinkingBudget": 0}, []),
        (
            "gemini-2.5-pro",
            Reasoning(effort="medium", summary="auto"),
            {"thinkingBudget": 8192, "includeThoughts": True},
            ["approximated"],
        ),
        ("gemini-2.5-pro", Reasoning(budget=2000), {"thinkingBudget": 2000, "includeThoughts": True}, []),
        ("gemini-2.5-pro", Reasoning(budget=2000, shown=False), {"thinkingBudget": 2000}, []),
        ("gemini-2.5-pro", Reasoning(adaptive=True, shown=False), {"thinkingBudget": -1}, []),
        ("gemini-2.5-pro", Reasoning(effort="enormous"), None, ["dropped"]),
    ],
)
def test_thinking_is_asked_for_by_level_or_by_budget(
    model: str, reasoning: Reasoning, config: dict[str, Any] | None, lost: list[str]
) -> None:
    losses = Losses()
    body = encoded(_request(reasoning=reasoning), losses, model)
    assert body.get("generationConfig", {}).get("thinkingConfig") == config
    assert [loss.how for loss in losses.all()] == lost


def test_trap_16_references_of_schemas_are_put_in_place_and_ignored_constraints_reported() -> None:
    schema = {
        "type": "object",
        "properties": {
            "home": {"allOf": [{"$ref": "#/$defs/City"}], "description": "where"},
            "kind": {"const": "a"},
        },
        "$defs": {"City": {"type": "string", "pattern": "^[A-Z]", "default": "Rome"}},
    }
    request = _request(
        output=OutputFormat("schema", "place", "A place", schema),
        tools=(Tool("f", parameters=schema, at="tools[0]"),),
        at={"output": "response_format"},
    )
    fitted = {
        "type": "object",
        "properties": {
            "home": {"type": "string", "pattern": "^[A-Z]", "default": "Rome", "description": "where"},
            "kind": {"enum": ["a"]},
        },
    }
    body = encoded(request)
    assert body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == fitted
    assert body["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {"title": "place", "description": "A place", **fitted},
    }
    assert _losses(request) == [
        ("tools[0].function.parameters.properties.home.pattern", "approximated"),
        ("response_format.json_schema.schema.properties.home.pattern", "approximated"),
    ]


def test_trap_16_a_circular_schema_is_refused_with_its_path() -> None:
    schema = {"properties": {"next": {"$ref": "#"}}}
    with pytest.raises(BadRequest) as caught:
        encoded(_request(tools=(Tool("f", parameters=schema, at="tools[0]"),)))
    assert caught.value.code == "circular_schema"
    assert caught.value.param is not None
    assert caught.value.param.startswith("tools[0].function.parameters.properties.next")


@pytest.mark.parametrize(
    ("dialect", "output", "tool"),
    [
        ("openai", "response_format.json_schema.schema", "tools[0].function.parameters"),
        ("openai-responses", "text.format.schema", "tools[0].parameters"),
        ("anthropic", "output_config.format.schema", "tools[0].input_schema"),
    ],
)
def test_mistakes_in_schemas_are_told_by_the_clients_own_path(dialect: str, output: str, tool: str) -> None:
    schema = {"properties": {"next": {"$ref": "#/$defs/None"}}}
    place = {"openai": "response_format", "openai-responses": "text.format"}.get(dialect, "output_config.format")
    for path, asked in (
        (tool, {"tools": (Tool("f", parameters=schema, at="tools[0]"),)}),
        (output, {"output": OutputFormat("schema", schema=schema), "at": {"output": place}}),
    ):
        with pytest.raises(BadRequest) as caught:
            encoded(Request(dialect=dialect, model="route", messages=(HELLO,), **asked))
        assert caught.value.param == f"{path}.properties.next.$ref"


def test_many_tools_share_the_room_for_references_in_place() -> None:
    levels: dict[str, Any] = {
        f"L{n}": {"properties": {"a": {"$ref": f"#/$defs/L{n + 1}"}, "b": {"$ref": f"#/$defs/L{n + 1}"}}}
        for n in range(11)
    }
    schema = {"$defs": {**levels, "L11": {"type": "string"}}, "properties": {"p": {"$ref": "#/$defs/L0"}}}
    encoded(_request(tools=(Tool("f", parameters=schema, at="tools[0]"),)))
    with pytest.raises(BadRequest) as caught:
        encoded(_request(tools=tuple(Tool(f"f{n}", parameters=schema, at=f"tools[{n}]") for n in range(300))))
    assert caught.value.code == "schema_too_large"
    assert caught.value.param is not None
    assert len(caught.value.param) <= 400


def test_a_schema_that_is_nested_too_deeply_is_refused() -> None:
    schema: dict[str, Any] = {"const": "a"}
    for _ in range(600):
        schema = {"items": schema}
    with pytest.raises(BadRequest) as caught:
        encoded(_request(tools=(Tool("f", parameters=schema, at="tools[0]"),)))
    assert caught.value.code == "schema_too_deep"
    openapi = {"functionDeclarations": [{"name": "f", "parameters": schema}]}
    with pytest.raises(BadRequest) as caught:
        decoded(asking(tools=[openapi]))
    assert caught.value.code == "schema_too_deep"


def test_settings_have_gemini_s_names() -> None:
    request = _request(
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=4,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        seed=3,
        stop=("a",),
        n=2,
        logprobs=True,
        top_logprobs=5,
        output=OutputFormat("json"),
        service_tier="flex",
        parallel_tools=True,
    )
    body = encoded(request)
    assert body["generationConfig"] == {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 4,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "seed": 3,
        "stopSequences": ["a"],
        "candidateCount": 2,
        "responseLogprobs": True,
        "logprobs": 5,
        "responseMimeType": "application/json",
    }
    assert body["serviceTier"] == "flex"
    assert _losses(request) == []


def test_a_conversation_of_nothing_is_refused() -> None:
    with pytest.raises(BadRequest) as caught:
        encoded(_request(Message("system", (Text("a"),), at="messages[0]")))
    assert caught.value.param == "messages"
    assert encoded(_request(Message("user", (Text(""),))))["contents"] == [{"role": "user", "parts": [{"text": ""}]}]

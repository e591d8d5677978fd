"""What clients say in Gemini's words."""

import base64
from typing import Any

import msgspec
import pytest

from steelyard.core.errors import BadRequest
from steelyard.core.parts import Media, Opaque, Text, Thinking, ToolCall, ToolResult
from steelyard.core.request import OutputFormat, Reasoning, Tool, ToolChoice
from steelyard.dialects.gemini import GEMINI
from tests.dialects.gemini.wire import asking, decoded

encode = msgspec.json.encode


def test_model_and_stream_come_from_the_path() -> None:
    request = GEMINI.decode_request(asking(), model="gemini-9", stream=True)
    assert (request.model, request.stream, request.dialect, request.include_usage) == ("gemini-9", True, "gemini", True)


def test_both_bodies_of_count_tokens_are_understood() -> None:
    inner = {
        "model": "models/gemini-9",
        "contents": [{"parts": [{"text": "a"}]}],
        "systemInstruction": {"parts": [{"text": "s"}]},
    }
    request = GEMINI.decode_request(encode({"generateContentRequest": inner}))
    assert (request.model, [one.role for one in request.messages]) == ("gemini-9", ["system", "user"])
    assert decoded({"contents": inner["contents"]}).messages[0].parts[0] == Text("a", at="contents[0].parts[0]")


@pytest.mark.parametrize(
    "instruction", ["be brief", {"parts": {"text": "be brief"}}, {"role": "system", "parts": [{"text": "be brief"}]}]
)
def test_instructions_come_first_in_whichever_form(instruction: Any) -> None:
    message = decoded(asking(system_instruction=instruction)).messages[0]
    assert (message.role, message.at) == ("system", "systemInstruction")
    assert message.parts == (Text("be brief", at="systemInstruction.parts[0]"),)


def test_two_system_prompts_are_refused_with_the_path() -> None:
    body = asking(systemInstruction={"parts": [{"text": "a"}]}, system_instruction={"parts": [{"text": "b"}]})
    with pytest.raises(BadRequest) as caught:
        decoded(body)
    assert (caught.value.code, caught.value.param) == ("duplicate_field", "systemInstruction")


def test_a_lone_object_stands_for_a_list_of_one() -> None:
    request = decoded({"contents": {"parts": {"text": "a"}}, "tools": {"function_declarations": {"name": "f"}}})
    assert request.messages[0].parts == (Text("a", at="contents[0].parts[0]"),)
    assert request.tools == (Tool("f", at="tools[0].functionDeclarations[0]"),)


def test_bytes_in_the_alphabet_of_urls_become_standard_base64() -> None:
    raw = bytes(range(248, 256))
    sent = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    request = decoded(asking({"inline_data": {"mime_type": "image/png", "data": sent}}))
    assert request.messages[0].parts == (
        Media("image", "image/png", data=base64.b64encode(raw).decode(), at="contents[0].parts[0]"),
    )


@pytest.mark.parametrize(
    ("part", "media"),
    [
        ({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}, Media("audio", "audio/wav", data="AAAA")),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "AAAA", "displayName": "a.pdf"}},
            Media("document", "application/pdf", data="AAAA", name="a.pdf"),
        ),
        (
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}},
            Media("video", url="https://www.youtube.com/watch?v=1"),
        ),
        ({"fileData": {"fileUri": "https://e.org/a.png?x=1"}}, Media("image", url="https://e.org/a.png?x=1")),
        (
            {"fileData": {"fileUri": "gs://b/a", "mimeType": "image/png"}},
            Media("image", "image/png", file_id="gs://b/a"),
        ),
        (
            {
                "fileData": {
                    "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/1",
                    "mimeType": "video/mp4",
                },
                "videoMetadata": {"fps": 2},
            },
            Media(
                "video",
                "video/mp4",
                file_id="https://generativelanguage.googleapis.com/v1beta/files/1",
                extra={"videoMetadata": {"fps": 2}},
            ),
        ),
    ],
)
def test_media_are_told_apart(part: dict[str, Any], media: Media) -> None:
    assert decoded(asking(part)).messages[0].parts == (msgspec.structs.replace(media, at="contents[0].parts[0]"),)


def test_calls_without_ids_get_the_same_ones_each_time_and_results_find_them_by_name_and_order() -> None:
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "?"}]},
            {"role": "model", "parts": [_call("a", n=1), _call("b"), _call("a", n=2)]},
            {"role": "user", "parts": [_result("a", 1), _result("a", 2), _result("b", 3)]},
        ]
    }
    first, again = decoded(body), decoded(body)
    assert first == again
    calls = [part.id for part in first.messages[1].parts if isinstance(part, ToolCall)]
    assert len(set(calls)) == 3
    answered = [part.call_id for part in first.messages[2].parts if isinstance(part, ToolResult)]
    assert answered == [calls[0], calls[2], calls[1]]


def _call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": arguments}}


def _result(name: str, value: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": {"result": value}}}


def test_results_are_matched_by_their_ids() -> None:
    body = {
        "contents": [
            {
                "role": "model",
                "parts": [{"functionCall": {"name": "a", "id": "x"}}, {"functionCall": {"name": "a", "id": "y"}}],
            },
            {
                "role": "function",
                "parts": [{"functionResponse": {"name": "a", "id": "y", "response": {"error": "no"}}}],
            },
        ]
    }
    message = decoded(body).messages[1]
    text = Text("no", at="contents[1].parts[0].functionResponse.response.error")
    assert message.role == "tool"
    assert message.parts == (ToolResult("y", (text,), "a", error=True, at="contents[1].parts[0]"),)


def test_a_result_without_its_call_is_refused_unless_the_call_may_be_in_a_cache() -> None:
    with pytest.raises(BadRequest) as caught:
        decoded(asking(_result("a", 1)))
    assert (caught.value.code, caught.value.param) == ("unknown_tool_call", "contents[0].parts[0]")
    part = decoded(asking(_result("a", 1), cachedContent="cachedContents/1")).messages[0].parts[0]
    assert isinstance(part, ToolResult)
    assert part.call_id


def test_a_result_may_hold_media() -> None:
    body = {
        "contents": [
            {"role": "model", "parts": [{"functionCall": {"name": "a", "id": "x"}}]},
            {
                "parts": [
                    {
                        "functionResponse": {
                            "name": "a",
                            "id": "x",
                            "response": {"output": "see"},
                            "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}],
                        }
                    }
                ]
            },
        ]
    }
    part = decoded(body).messages[1].parts[0]
    at = "contents[1].parts[0].functionResponse"
    assert isinstance(part, ToolResult)
    assert part.content == (
        Text("see", at=f"{at}.response.output"),
        Media("image", "image/png", data="AAAA", at=f"{at}.parts[0]"),
    )


def test_thoughts_signatures_and_the_provider_s_own_parts_are_kept() -> None:
    parts = [
        {"text": "hm", "thought": True},
        {"text": "so", "thoughtSignature": "c2ln"},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"functionCall": {"name": "f"}, "thought_signature": "Y2FsbA=="},
        {"thoughtSignature": "bG9uZQ=="},
    ]
    found = decoded({"contents": [{"role": "model", "parts": parts}]}).messages[0].parts
    at = "contents[0].parts"
    assert found == (
        Thinking("hm", "gemini", at=f"{at}[0]"),
        Text("so", signature="c2ln", at=f"{at}[1]"),
        Opaque("gemini", "executableCode", {"executableCode": {"language": "PYTHON", "code": "1"}}, f"{at}[2]"),
        ToolCall("call_at_0_3", "f", "{}", signature="Y2FsbA==", at=f"{at}[3]"),
        Text("", signature="bG9uZQ==", at=f"{at}[4]"),
    )


def test_the_empty_text_of_a_last_chunk_says_nothing() -> None:
    found = decoded({"contents": [{"role": "model", "parts": [{"text": "a"}, {"text": ""}]}]}).messages[0].parts
    assert found == (Text("a", at="contents[0].parts[0]"),)


@pytest.mark.parametrize(
    ("config", "field", "value"),
    [
        ({"maxOutputTokens": "12"}, "max_tokens", 12),
        ({"top_k": 40.0}, "top_k", 40),
        ({"temperature": "0.5"}, "temperature", 0.5),
        ({"stopSequences": ["a"]}, "stop", ("a",)),
        ({"candidateCount": 2}, "n", 2),
        ({"responseLogprobs": True}, "logprobs", True),
        ({"logprobs": 3}, "top_logprobs", 3),
        ({"response_mime_type": "application/json"}, "output", OutputFormat("json")),
        ({"responseMimeType": "text/plain"}, "output", None),
        (
            {"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}},
            "output",
            OutputFormat("schema", schema={"type": "string"}),
        ),
        ({"responseJsonSchema": {"type": "string"}}, "output", OutputFormat("schema", schema={"type": "string"})),
        ({"thinkingConfig": {"thinkingLevel": "HIGH"}}, "reasoning", Reasoning(effort="high")),
        (
            {"thinking_config": {"thinking_budget": -1, "include_thoughts": True}},
            "reasoning",
            Reasoning(budget=-1, shown=True),
        ),
    ],
)
def test_settings_have_their_names(config: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(decoded(asking(generationConfig=config)), field) == value


def test_settings_without_a_name_are_kept_by_their_path() -> None:
    request = decoded(
        asking(
            safetySettings=[],
            labels={"a_b": "c"},
            generationConfig={"speechConfig": {"x_y": 1}, "thinkingConfig": {"newer": 1}},
            toolConfig={"retrievalConfig": {"languageCode": "en"}},
        )
    )
    assert request.extra == {
        "safetySettings": [],
        "labels": {"a_b": "c"},
        "generationConfig.speechConfig": {"x_y": 1},
        "generationConfig.thinkingConfig.newer": 1,
        "toolConfig.retrievalConfig": {"languageCode": "en"},
    }


def test_tools_are_functions_or_the_provider_s_own() -> None:
    openapi = {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}}
    request = decoded(
        asking(
            tools=[
                {
                    "functionDeclarations": [{"name": "f", "description": "d", "parameters": openapi}],
                    "googleSearch": {},
                },
                {"code_execution": {}},
            ]
        )
    )
    assert request.tools == (
        Tool(
            "f",
            "d",
            {"type": "object", "properties": {"a": {"type": "integer"}}},
            at="tools[0].functionDeclarations[0]",
        ),
        Tool("googleSearch", dialect="gemini", native={"googleSearch": {}}, at="tools[0].googleSearch"),
        Tool("codeExecution", dialect="gemini", native={"codeExecution": {}}, at="tools[1].codeExecution"),
    )


@pytest.mark.parametrize(
    ("calling", "choice"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({"mode": "none"}, ToolChoice("none")),
        ({"mode": "ANY"}, ToolChoice("required")),
        ({"mode": "ANY", "allowed_function_names": ["f"]}, ToolChoice("named", ("f",))),
        ({"mode": "VALIDATED"}, ToolChoice("native", dialect="gemini", native={"mode": "VALIDATED"})),
        ({}, None),
    ],
)
def test_modes_of_calling_are_choices(calling: dict[str, Any], choice: ToolChoice | None) -> None:
    assert decoded(asking(toolConfig={"functionCallingConfig": calling})).tool_choice == choice


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"[]", "invalid_json", None),
        (b"{", "invalid_json", None),
        ({}, "missing_field", "contents"),
        ({"contents": []}, "missing_field", "contents"),
        ({"contents": [7]}, "invalid_type", "contents[0]"),
        ({"contents": [{"role": "system", "parts": []}]}, "invalid_role", "contents[0].role"),
        ({"contents": [{"parts": [{"poem": {}}]}]}, "unknown_content", "contents[0].parts[0]"),
        ({"contents": [{"parts": [{}]}]}, "unknown_content", "contents[0].parts[0]"),
        ({"contents": [{"parts": [{"text": "a"}, {"text": 7}]}]}, "invalid_type", "contents[0].parts[1].text"),
        ({"contents": [{"parts": [{"text": "a", "inlineData": {}}]}]}, "invalid_request", "contents[0].parts[0]"),
        (
            {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png"}}]}]},
            "missing_field",
            "contents[0].parts[0].inlineData.data",
        ),
        (
            {"contents": [{"parts": [{"functionCall": {"name": "f", "args": "{}"}}]}]},
            "invalid_type",
            "contents[0].parts[0].functionCall.args",
        ),
        (
            {"contents": [{"parts": [{"functionResponse": {"response": {}}}]}]},
            "missing_field",
            "contents[0].parts[0].functionResponse.name",
        ),
        (
            {"contents": [{"parts": [{"functionResponse": {"name": "f", "parts": [{"text": "a"}]}}]}]},
            "unknown_content",
            "contents[0].parts[0].functionResponse.parts[0]",
        ),
        (
            asking(systemInstruction={"parts": [{"functionCall": {"name": "f"}}]}),
            "invalid_request",
            "systemInstruction.parts[0]",
        ),
        (asking(generationConfig={"temperature": "hot"}), "invalid_type", "generationConfig.temperature"),
        (
            asking(generationConfig={"responseSchema": {"type": "STRING"}, "responseJsonSchema": {}}),
            "invalid_request",
            "generationConfig.responseSchema",
        ),
        (
            asking(tools=[{"functionDeclarations": [{"description": "d"}]}]),
            "missing_field",
            "tools[0].functionDeclarations[0].name",
        ),
        (
            asking(tools=[{"functionDeclarations": [{"name": "f", "parameters": {"items": 7}}]}]),
            "invalid_type",
            "tools[0].functionDeclarations[0].parameters.items",
        ),
        (
            asking(toolConfig={"functionCallingConfig": {"mode": "SOME"}}),
            "invalid_value",
            "toolConfig.functionCallingConfig.mode",
        ),
    ],
)
def test_mistakes_are_refused_with_their_path(body: Any, code: str, param: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        decoded(body)
    assert (caught.value.code, caught.value.param) == (code, param)
    if param is not None:
        assert param in str(caught.value)

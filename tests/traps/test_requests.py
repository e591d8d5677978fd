"""Instructions, images and schemas."""

import json
from typing import Any

import pytest

from tests.matrix.outcome import PNG
from tests.traps.rig import ASK, Rig

URI = f"data:image/png;base64,{PNG}"
POINT = {
    "type": "object",
    "properties": {"x": {"type": "number"}, "y": {"type": "number"}},
    "required": ["x", "y"],
    "additionalProperties": False,
}
PLACE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "at": {"$ref": "#/$defs/point"}},
    "required": ["name", "at"],
    "additionalProperties": False,
    "$defs": {"point": POINT},
}


def text(words: str, **cache: str) -> dict[str, Any]:
    return {"type": "text", "text": words, **({"cache_control": {"type": "ephemeral", **cache}} if cache else {})}


def seeing(url: str) -> list[dict[str, Any]]:
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    return [{"role": "user", "content": content}]


def test_trap_07_hoisted_instructions_keep_each_cache_breakpoint(rig: Rig) -> None:
    turns = [
        {"role": "system", "content": [text("Be brief.", ttl="1h"), text("Be kind.")]},
        {"role": "developer", "content": [text("Be exact.", ttl="5m")]},
        {"role": "user", "content": [text("Hi", ttl="5m")]},
    ]
    answer = rig.chat("up-anthropic/scene:plain:t7", messages=turns)
    assert answer.status == 200, answer.body
    system = rig.sent["system"]
    assert [one["text"] for one in system] == ["Be brief.", "Be kind.", "Be exact."]
    told = [(one.get("cache_control") or {}).get("ttl", "5m" if "cache_control" in one else None) for one in system]
    assert told == ["1h", None, "5m"]
    assert rig.sent["messages"][0]["content"][-1]["cache_control"]["type"] == "ephemeral"


def test_trap_07_instructions_in_mid_conversation_keep_theirs_and_are_reported(rig: Rig) -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "system", "content": [text("Be brief.", ttl="5m")]},
        {"role": "user", "content": "And now?"},
    ]
    answer = rig.chat("up-bedrock/scene:plain:anthropic.claude-sonnet-4-5", messages=turns)
    assert answer.status == 200, answer.body
    assert "messages[2] approximated" in str(answer.header("x-steelyard-loss"))
    system = rig.sent["system"]
    assert system[0] == {"text": "Be brief."}
    assert system[1]["cachePoint"]["type"] == "default"


def test_trap_15_an_image_has_the_shape_of_each_dialect(rig: Rig) -> None:
    assert rig.chat("up-anthropic/scene:image:t15", messages=seeing(URI)).status == 200
    (block,) = [one for one in rig.sent["messages"][0]["content"] if one["type"] == "image"]
    assert block["source"] == {"type": "base64", "media_type": "image/png", "data": PNG}
    assert rig.chat("up-gemini/scene:image:t15", messages=seeing(URI)).status == 200
    (part,) = [one for one in rig.sent["contents"][0]["parts"] if "inlineData" in one]
    assert part["inlineData"] == {"mimeType": "image/png", "data": PNG}
    assert rig.chat("up-openai-responses/scene:image:t15", messages=seeing(URI)).status == 200
    (item,) = [one for one in rig.sent["input"][0]["content"] if one["type"] == "input_image"]
    assert item["image_url"] == URI
    assert rig.chat("up-bedrock/scene:image:t15", messages=seeing(URI)).status == 200
    (piece,) = [one for one in rig.sent["messages"][0]["content"] if "image" in one]
    assert piece["image"] == {"format": "png", "source": {"bytes": PNG}}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    assert rig.messages("up-openai/scene:image:t15", messages=[{"role": "user", "content": [image]}]).status == 200
    assert rig.sent["messages"][0]["content"][0]["image_url"]["url"] == URI


def test_trap_15_an_address_is_sent_where_it_is_taken_and_refused_where_it_is_not(rig: Rig) -> None:
    address = "https://example.com/cat.png"
    assert rig.chat("up-anthropic/scene:image:t15", messages=seeing(address)).status == 200
    (block,) = [one for one in rig.sent["messages"][0]["content"] if one["type"] == "image"]
    assert block["source"] == {"type": "url", "url": address}
    before = rig.count
    answer = rig.chat("up-bedrock/scene:image:t15", messages=seeing(address))
    assert (answer.status, answer.error_code) == (400, "unsupported_content")
    assert answer.json()["error"]["param"] == "messages[0].content[1]"
    assert rig.count == before


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_trap_16_references_of_a_schema_are_put_in_their_place_for_gemini(rig: Rig, stream: bool) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": PLACE}}
    answer = rig.chat("up-gemini/scene:json-schema:t16", response_format=form, stream=stream)
    assert answer.status == 200, answer.body
    assert "$ref" not in json.dumps(rig.sent)
    config = rig.sent["generationConfig"]
    schema = config.get("responseJsonSchema") or config["responseSchema"]
    assert set(schema["properties"]["at"]["properties"]) == {"x", "y"}


def test_trap_16_references_of_a_tool_are_put_in_their_place_too(rig: Rig) -> None:
    tool = {"name": "find", "input_schema": PLACE}
    assert rig.messages("up-gemini/scene:plain:t16", tools=[tool]).status == 200
    assert "$ref" not in json.dumps(rig.sent)
    assert '"x"' in json.dumps(rig.sent["tools"])


def test_trap_16_a_schema_that_leads_to_itself_is_refused(rig: Rig) -> None:
    tree = {"type": "object", "properties": {"child": {"$ref": "#"}}}
    form = {"type": "json_schema", "json_schema": {"name": "tree", "schema": tree}}
    before = rig.count
    answer = rig.chat("up-gemini/scene:json-schema:t16", messages=ASK, response_format=form)
    assert (answer.status, answer.error_code) == (400, "circular_schema")
    assert rig.count == before

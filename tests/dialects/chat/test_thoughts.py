"""What other providers' models thought goes through a chat client, seals and all, and comes back as it went."""

import json
from typing import Any

import pytest

from steelyard.core.answer import Answer, Choice, Finish
from steelyard.core.losses import Losses
from steelyard.core.parts import Part, Text, Thinking, ToolCall
from steelyard.dialects.chat import CHAT
from tests.dialects.chat.wire import asked, body, decoded, own

THOUGHTS = [
    (Thinking("hm", "anthropic", "sig"),),
    (Thinking("", "anthropic", "sig"),),
    (Thinking("", "anthropic", sealed="data"),),
    (Thinking("a", "anthropic", "s1"), Thinking("", "anthropic", sealed="data"), Thinking("b", "anthropic", "s2")),
    (Thinking("hm", "gemini", "sig"),),
    (Thinking("sum", "openai-responses", sealed="enc", summary=True, item_id="rs_1"),),
    (Thinking("", "openai-responses", sealed="enc", summary=True, item_id="rs_1"),),
    (
        Thinking("one", "openai-responses", sealed="e1", summary=True, item_id="rs_1"),
        Thinking("two", "openai-responses", sealed="e2", summary=True, item_id="rs_2"),
    ),
]


def told(*parts: Part, dialect: str = "anthropic") -> Any:
    """Return the message that a chat client is answered with."""
    answer = Answer(dialect, (Choice(parts, Finish("stop")),), "id", "m", 1)
    return json.loads(CHAT.encode_answer(answer, asked(), Losses()))["choices"][0]["message"]


def given_back(message: Any) -> tuple[Part, ...]:
    """Return the parts of a message that a client gives back as it got it."""
    return decoded(body({"role": "user", "content": "Hi"}, message)).messages[1].parts


def bare(part: Part) -> Any:
    if not isinstance(part, Thinking):
        return part
    return (part.text, part.dialect, part.signature, part.sealed, part.item_id, part.summary and bool(part.text))


@pytest.mark.parametrize("thoughts", THOUGHTS, ids=range(len(THOUGHTS)))
def test_trap_13_seals_come_back_as_they_went(thoughts: tuple[Thinking, ...]) -> None:
    message = told(*thoughts, Text("Yes"), dialect=thoughts[0].dialect)
    text = "".join(one.text for one in thoughts)
    assert message.get("reasoning_content", "") == text
    assert [bare(one) for one in given_back(message)[:-1]] == [bare(one) for one in thoughts]
    assert all(not one.extra for one in given_back(message) if isinstance(one, Thinking))


def test_trap_14_geminis_signature_on_a_call_or_a_text_comes_back() -> None:
    message = told(Text("Yes", signature="t"), ToolCall("a", "f", "{}", signature="s"), dialect="gemini")
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}
    text, call = given_back(message)
    assert isinstance(text, Text)
    assert isinstance(call, ToolCall)
    assert (text.signature, call.signature) == ("t", "s")


def test_a_client_that_knows_no_seals_gives_the_text_back() -> None:
    message = {"role": "assistant", "content": "Yes", "reasoning_content": "hm"}
    thought = given_back(message)[0]
    assert thought == Thinking("hm", "openai", "field:reasoning_content", at="messages[1].reasoning_content")


def test_blocks_of_litellm_are_anthropics() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "d"},
    ]
    message = {"role": "assistant", "content": "Yes", "reasoning_content": "hm", "thinking_blocks": blocks}
    first, second, _ = given_back(message)
    assert first == Thinking("hm", "anthropic", "sig", at="messages[1].thinking_blocks[0]")
    assert second == Thinking("", "anthropic", sealed="d", at="messages[1].thinking_blocks[1]")
    assert own(body(message))["messages"][0]["thinking_blocks"] == blocks


MESSAGES: list[dict[str, Any]] = [
    {"reasoning_content": "hm"},
    {"reasoning": "hm"},
    {"reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s", "format": "x", "index": 0}]},
    {"reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}]},
    {"reasoning_details": [{"type": "reasoning.summary", "summary": "hm", "id": "r"}]},
    {"reasoning_details": [{"type": "reasoning.encrypted", "data": "d", "id": "r", "format": "f", "index": 3}]},
    {"reasoning_details": [{"type": "reasoning.encrypted", "data": "d"}], "reasoning_content": "hm"},
    {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}], "reasoning": "something else"},
    {"reasoning_details": [{"type": "reasoning.text", "text": "steelyard.x", "signature": "steelyard.gemini.s"}]},
    {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": True}]},
]


@pytest.mark.parametrize("fields", MESSAGES, ids=range(len(MESSAGES)))
def test_thoughts_are_written_again_where_they_stood(fields: dict[str, Any]) -> None:
    value = body({"role": "assistant", "content": "Yes", **fields})
    sent = own(value)["messages"][0]
    for name, one in fields.items():
        if name == "reasoning_details" and "steelyard." in str(one):
            one = [{**one[0], "format": "google-gemini-v1", "index": 0}]
        assert sent[name] == one


def test_unknown_blocks_are_refused_by_their_path() -> None:
    from steelyard.core.errors import BadRequest

    with pytest.raises(BadRequest) as caught:
        given_back({"role": "assistant", "content": "x", "thinking_blocks": [{"type": "dream"}]})
    assert (caught.value.code, caught.value.param) == ("unknown_content", "messages[1].thinking_blocks[0].type")

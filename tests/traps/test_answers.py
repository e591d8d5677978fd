"""Thoughts, reasons to stop, and usage."""

import json
from typing import Any

import pytest

from steelyard.core.fold import Fold
from steelyard.core.losses import Losses
from steelyard.core.parts import Text, Thinking
from steelyard.core.request import Message, Request
from steelyard.dialects.anthropic import ANTHROPIC
from steelyard.dialects.chat import CHAT
from steelyard.dialects.dialect import Asked, Facts
from tests.matrix.clients import CLIENTS, asked
from tests.matrix.outcome import Outcome, Question, Turn
from tests.traps.rig import Rig, translated

FUNCTION = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


def event(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


def told(rig: Rig, client: str, model: str, question: Question, stream: bool = True) -> Outcome:
    with rig.gateway.connect() as http:
        outcome = asked(http, CLIENTS[client], model, question, stream)
    assert (outcome.status, outcome.error) == (200, None), outcome
    return outcome


@pytest.mark.parametrize("upstream", ["openai", "openai-responses", "gemini", "bedrock"])
def test_trap_02_a_thought_is_a_block_of_its_own(rig: Rig, upstream: str) -> None:
    # Bedrock's models think as their family does, which their name tells.
    model = f"up-{upstream}/scene:thinking:anthropic.claude-sonnet-4-5"
    # The client's reader fails on a delta that is not of its block's type.
    outcome = told(rig, "anthropic", model, Question(thinks=True))
    blocks = [block["type"] for block in outcome.native]
    # Behind Gemini's text comes an empty block, with the seal of that text.
    assert blocks == ["thinking", "text", *(["thinking"] if upstream == "gemini" else [])]
    assert (outcome.thoughts, outcome.text) == ("Let me think it over.", "Four.")


def test_trap_02_a_thought_between_texts_ends_the_block_before_it() -> None:
    def chunk(finish: str | None = None, **delta: str) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: %b\n\n" % json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode()

    shown = translated(
        CHAT,
        ANTHROPIC,
        chunk(content="One, "),
        chunk(reasoning_content="hm", content="two, "),
        chunk(content="three."),
        chunk(finish="stop"),
        b"data: [DONE]\n\n",
    )
    kinds: dict[int, str] = {}
    for one in map(json.loads, shown.payloads()):
        if one["type"] == "content_block_start":
            kinds[one["index"]] = one["content_block"]["type"]
        elif one["type"] == "content_block_delta":
            assert one["delta"]["type"] in (f"{kinds[one['index']]}_delta", "signature_delta")
    assert "thinking" in kinds.values()


def test_trap_08_stop_is_stop_sequences_and_reasons_without_a_twin_are_told(rig: Rig) -> None:
    answer = rig.chat("up-anthropic/scene:stop-sequence:t8", stop=["STOPHERE"])
    assert rig.sent["stop_sequences"] == ["STOPHERE"]
    choice = answer.json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("one two ", "stop")
    assert rig.messages("up-openai/scene:stop-sequence:t8", stop_sequences=["STOPHERE"]).status == 200
    assert rig.sent["stop"] in ("STOPHERE", ["STOPHERE"])
    refused = rig.chat("up-anthropic/scene:refusal:t8").json()["choices"][0]
    assert refused["finish_reason"] == "content_filter" or refused["message"].get("refusal")
    answered = rig.messages("up-openai/scene:refusal:t8").json()
    assert answered["stop_reason"] == "refusal"


def test_trap_08_a_pause_is_approximated_and_said_to_be() -> None:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Searching"}],
        "stop_reason": "pause_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    events = ANTHROPIC.decode_answer(json.dumps(message).encode())
    assert events is not None
    fold = Fold("anthropic")
    fold.take_all(events)
    losses = Losses()
    request = Request(dialect="openai", model="m", messages=())
    body = json.loads(CHAT.encode_answer(fold.answer(), Asked(request, "req_1", 1), losses))
    assert body["choices"][0]["finish_reason"] == "stop"
    assert ("answer.finish_reason", "approximated") in {(one.path, one.how) for one in losses.all()}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("client", ["openai", "openai-responses", "anthropic"])
def test_trap_09_stop_behind_a_call_is_still_a_call(rig: Rig, client: str, stream: bool) -> None:
    outcome = told(rig, client, "up-gemini/scene:tools:t9", Question(tool=True), stream)
    assert len(outcome.calls) == 1
    assert outcome.finish == "tools"


def test_trap_10_usage_that_is_told_again_is_set_and_not_added() -> None:
    start = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
    first = {"input_tokens": 25, "output_tokens": 1}
    later = {"input_tokens": 25, "cache_read_input_tokens": 64, "cache_creation_input_tokens": 7}
    shown = translated(
        ANTHROPIC,
        CHAT,
        event("message_start", message={**start, "usage": first}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hi"}),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": None}, usage={**later, "output_tokens": 5}),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={**later, "output_tokens": 13}),
        event("message_stop"),
    )
    (usage,) = [one["usage"] for one in map(json.loads, shown.payloads()[:-1]) if one.get("usage")]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (96, 13, 109)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 64


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_trap_10_the_record_has_the_usage_of_a_stream_once(rig: Rig, stream: bool) -> None:
    outcome = told(rig, "openai", "up-anthropic/scene:cached-tokens:t10", Question(), stream)
    assert outcome.usage == (96, 64, 13)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_trap_11_cached_tokens_are_inside_for_openai_and_beside_for_anthropic(rig: Rig, stream: bool) -> None:
    assert told(rig, "openai", "up-anthropic/scene:cached-tokens:t11", Question(), stream).usage == (96, 64, 13)
    if not stream:
        usage = rig.messages("up-openai/scene:cached-tokens:t11").json()["usage"]
        assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (25, 64)
        assert usage["cache_creation_input_tokens"] == 7
        usage = rig.messages("up-gemini/scene:cached-tokens:t11").json()["usage"]
        assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (32, 64)  # it tells nothing of writing


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("client", ["openai", "openai-responses", "anthropic"])
def test_trap_12_output_is_candidates_and_thoughts(rig: Rig, client: str, stream: bool) -> None:
    outcome = told(rig, client, "up-gemini/scene:thinking:t12", Question(thinks=True), stream)
    assert outcome.usage == (21, 0, 43)


def test_trap_12_thoughts_are_counted_beside_the_candidates_for_gemini_s_clients(rig: Rig) -> None:
    path = "/v1beta/models/up-openai/scene:thinking:t12:generateContent"
    thinking = {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 2048}}
    contents = [{"role": "user", "parts": [{"text": "Hi"}]}]
    usage = rig.post(path, {"contents": contents, "generationConfig": thinking}).json()["usageMetadata"]
    assert (usage["candidatesTokenCount"], usage["thoughtsTokenCount"]) == (13, 30)
    assert usage["totalTokenCount"] == 21 + 43


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("client", ["openai", "openai-responses", "gemini"])
def test_trap_13_signatures_of_thoughts_go_back_as_they_came(rig: Rig, client: str, stream: bool) -> None:
    model = f"up-anthropic/scene:thinking-tools:t13-{client}-{stream}"
    first = told(rig, client, model, Question(tool=True, thinks=True), stream)
    turn = Turn(first, ("18 degrees",))
    second = told(rig, client, model, Question(tool=True, thinks=True, earlier=turn), stream)
    blocks = [block for one in rig.sent["messages"] if one["role"] == "assistant" for block in one["content"]]
    (thought,) = [block for block in blocks if block["type"] == "thinking"]
    assert blocks.index(thought) == 0
    # The provider makes the signature from the text, and refuses any other.
    assert (thought["thinking"], bool(thought["signature"])) == ("Let me think it over.", True)
    assert "Thoughts kept: 1." in second.text


def test_trap_13_a_signature_alone_is_kept_and_a_thought_without_one_is_dropped() -> None:
    sealed = Thinking("", "anthropic", signature="c2VhbGVk")
    unsigned = Thinking("Hm.", "anthropic", at="messages[1].reasoning_content")
    said = (sealed, unsigned, Text("Four."))
    turns = (Message("user", (Text("2+2?"),)), Message("assistant", said), Message("user", (Text("Sure?"),)))
    request = Request(dialect="openai", model="m", messages=turns)
    losses = Losses()
    body = json.loads(ANTHROPIC.encode_request(request, Facts("m", 1000), losses))
    content = body["messages"][1]["content"]
    assert [block["type"] for block in content] == ["thinking", "text"]
    assert (content[0]["thinking"], content[0]["signature"]) == ("", "c2VhbGVk")
    assert ("messages[1].reasoning_content", "dropped") in {(one.path, one.how) for one in losses.all()}

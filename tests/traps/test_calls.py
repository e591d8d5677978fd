"""Calls of tools, their arguments and their results."""

import json
from typing import Any

import pytest

from steelyard.dialects.anthropic import ANTHROPIC
from steelyard.dialects.chat import CHAT
from steelyard.dialects.gemini import GEMINI
from tests.matrix.clients import CLIENTS, asked
from tests.matrix.outcome import Question, Turn
from tests.traps.rig import ASK, CITY, Rig, translated

FUNCTION = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}
TOOL = {"name": "get_weather", "input_schema": CITY}
PLACES = [{"city": "Paris"}, {"city": "Rome"}]


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: %b\n\n" % json.dumps({"id": "c1", "created": 1, "model": "m", "choices": [choice]}).encode()


def fragment(index: int, arguments: str, **more: Any) -> bytes:
    function = {**({"name": "get_weather"} if more else {}), "arguments": arguments}
    return chunk({"tool_calls": [{"index": index, **more, "function": function}]})


def call(number: int, arguments: str) -> dict[str, Any]:
    return {"id": f"call_{number}", "type": "function", "function": {"name": "get_weather", "arguments": arguments}}


def result(number: int, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"call_{number}", "content": text}


TWO_CALLS = {"role": "assistant", "content": None, "tool_calls": [call(0, '{"city":"Paris"}'), call(1, "{}")]}


def test_trap_01_tool_call_deltas_have_an_index_and_blocks_do_not_overlap(rig: Rig) -> None:
    answer = rig.chat("up-anthropic/scene:parallel-tools:t1", tools=[FUNCTION], stream=True)
    deltas = [c["delta"] for one in answer.payloads()[:-1] for c in json.loads(one)["choices"]]
    fragments = [one for delta in deltas for one in delta.get("tool_calls", ())]
    assert all(isinstance(one["index"], int) for one in fragments)
    for index, place in enumerate(PLACES):
        first, *rest = [one for one in fragments if one["index"] == index]
        assert first["id"]
        assert first["function"]["name"] == "get_weather"
        assert json.loads("".join(one["function"]["arguments"] for one in (first, *rest))) == place

    # The client's reader fails on blocks that overlap; these fragments do.
    shown = translated(
        CHAT,
        ANTHROPIC,
        fragment(0, "", id="a"),
        fragment(1, "", id="b"),
        fragment(0, '{"city":'),
        fragment(1, '{"city": "Ro'),
        fragment(0, ' "Paris"}'),
        fragment(1, 'me"}'),
        chunk({}, "tool_calls"),
        b"data: [DONE]\n\n",
    )
    indexes = [json.loads(one)["index"] for one in shown.payloads() if '"index"' in one]
    assert indexes == sorted(indexes)
    blocks = [json.loads(one) for one in shown.payloads()]
    assert [one["type"] for one in blocks].count("content_block_start") == 2
    parts = {0: "", 1: ""}
    for one in blocks:
        if one["type"] == "content_block_delta":
            parts[one["index"]] += one["delta"]["partial_json"]
    assert [json.loads(parts[index]) for index in parts] == PLACES


@pytest.mark.parametrize("upstream", ["openai", "openai-responses", "anthropic", "gemini", "bedrock"])
def test_trap_03_parallel_calls_have_indexes_and_ids_of_their_own(rig: Rig, upstream: str) -> None:
    model = f"up-{upstream}/scene:parallel-tools:t3"
    answer = rig.chat(model, tools=[FUNCTION], stream=True)
    chunks = [json.loads(one) for one in answer.payloads()[:-1]]
    fragments = [f for one in chunks for c in one["choices"] for f in c["delta"].get("tool_calls", ())]
    assert {one["index"] for one in fragments} == {0, 1}
    assert len({one["id"] for one in fragments if one.get("id")}) == 2
    content = rig.messages(model, tools=[TOOL]).json()["content"]
    assert len({one["id"] for one in content if one["type"] == "tool_use"}) == 2


def test_trap_03_calls_without_ids_are_given_some() -> None:
    parts = [{"functionCall": {"name": "get_weather", "args": place}} for place in PLACES]
    answer = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    stream = b"data: %b\r\n\r\n" % json.dumps(answer).encode()
    chunks = [json.loads(one) for one in translated(GEMINI, CHAT, stream).payloads()[:-1]]
    fragments = [f for one in chunks for c in one["choices"] for f in c["delta"].get("tool_calls", ())]
    named = {one["index"]: one["id"] for one in fragments if one.get("id")}
    assert sorted(named) == [0, 1]
    assert len(set(named.values())) == 2
    starts = [json.loads(one) for one in translated(GEMINI, ANTHROPIC, stream).payloads() if "block_start" in one]
    assert len({one["content_block"]["id"] for one in starts}) == 2


def test_trap_04_results_in_a_row_become_one_message_of_the_user(rig: Rig) -> None:
    turns = [*ASK, TWO_CALLS, result(0, "18 degrees"), result(1, "25 degrees"), {"role": "user", "content": "And now?"}]
    answer = rig.chat("up-anthropic/scene:parallel-tools:t4", messages=turns, tools=[FUNCTION])
    assert answer.status == 200, answer.body
    sent = rig.sent["messages"]
    assert [one["role"] for one in sent] == ["user", "assistant", "user"]
    assert [one["type"] for one in sent[2]["content"]] == ["tool_result", "tool_result", "text"]
    assert [one["tool_use_id"] for one in sent[2]["content"][:2]] == ["call_0", "call_1"]
    assert rig.chat("up-bedrock/scene:parallel-tools:t4", messages=turns, tools=[FUNCTION]).status == 200
    assert [one["role"] for one in rig.sent["messages"]] == ["user", "assistant", "user"]


def test_trap_04_several_results_in_a_message_become_messages_of_their_own(rig: Rig) -> None:
    uses = [
        {"type": "tool_use", "id": f"t{n}", "name": "get_weather", "input": place} for n, place in enumerate(PLACES)
    ]
    results = [{"type": "tool_result", "tool_use_id": f"t{n}", "content": "18 degrees"} for n in (0, 1)]
    turns = [*ASK, {"role": "assistant", "content": uses}, {"role": "user", "content": results}]
    assert rig.messages("up-openai/scene:parallel-tools:t4", messages=turns, tools=[TOOL]).status == 200
    told = [(one["role"], one.get("tool_call_id")) for one in rig.sent["messages"]]
    assert told == [("user", None), ("assistant", None), ("tool", "t0"), ("tool", "t1")]


@pytest.mark.parametrize("parallel", [False, True])
def test_trap_05_parallel_calls_are_the_contrary_of_disabled_ones(rig: Rig, parallel: bool) -> None:
    answer = rig.chat("up-anthropic/scene:parallel-tools:t5", tools=[FUNCTION], parallel_tool_calls=parallel)
    assert len(answer.json()["choices"][0]["message"]["tool_calls"]) == 1 + parallel
    assert rig.sent.get("tool_choice", {}).get("disable_parallel_tool_use", False) is not parallel
    choice = {"type": "auto", "disable_parallel_tool_use": not parallel}
    answer = rig.messages("up-openai/scene:parallel-tools:t5", tools=[TOOL], tool_choice=choice)
    assert [one["type"] for one in answer.json()["content"]].count("tool_use") == 1 + parallel
    assert rig.sent["parallel_tool_calls"] is parallel


def test_trap_06_arguments_are_text_on_one_side_and_an_object_on_the_other(rig: Rig) -> None:
    turns = [*ASK, TWO_CALLS, result(0, "18 degrees"), result(1, "25 degrees")]
    assert rig.chat("up-anthropic/scene:parallel-tools:t6", messages=turns, tools=[FUNCTION]).status == 200
    assert [one["input"] for one in rig.sent["messages"][1]["content"]] == [PLACES[0], {}]
    assert rig.chat("up-bedrock/scene:parallel-tools:t6", messages=turns, tools=[FUNCTION]).status == 200
    assert [one["toolUse"]["input"] for one in rig.sent["messages"][1]["content"]] == [PLACES[0], {}]
    uses = [{"type": "tool_use", "id": "t0", "name": "get_weather", "input": PLACES[0]}]
    results = [{"type": "tool_result", "tool_use_id": "t0", "content": "18 degrees"}]
    history = [*ASK, {"role": "assistant", "content": uses}, {"role": "user", "content": results}]
    assert rig.messages("up-openai/scene:tools:t6", messages=history, tools=[TOOL]).status == 200
    arguments = rig.sent["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert isinstance(arguments, str)
    assert json.loads(arguments) == PLACES[0]


@pytest.mark.parametrize("arguments", ["not json", "[1]", '{"city":'])
@pytest.mark.parametrize("upstream", ["anthropic", "gemini", "bedrock"])
def test_trap_06_arguments_that_are_no_object_are_refused_with_their_path(
    rig: Rig, upstream: str, arguments: str
) -> None:
    before = rig.count
    turns = [*ASK, {"role": "assistant", "tool_calls": [call(0, arguments)]}, result(0, "18 degrees")]
    answer = rig.chat(f"up-{upstream}/scene:tools:t6", messages=turns, tools=[FUNCTION])
    assert (answer.status, answer.error_code) == (400, "invalid_arguments")
    assert answer.json()["error"]["param"].startswith("messages[1].tool_calls[0]")
    assert rig.count == before


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("client", ["openai", "openai-responses", "anthropic"])
def test_trap_14_the_signature_of_the_first_parallel_call_comes_back(rig: Rig, client: str, stream: bool) -> None:
    model = f"up-gemini/scene:parallel-tools:t14-{client}-{stream}"
    with rig.gateway.connect() as http:
        first = asked(http, CLIENTS[client], model, Question(tool=True), stream)
        assert len(first.calls) == 2
        turn = Turn(first, ("18 degrees", "25 degrees"))
        second = asked(http, CLIENTS[client], model, Question(tool=True, earlier=turn), stream)
    assert (second.status, second.error) == (200, None)  # without the signature, the provider answers 400
    parts = [part for one in rig.sent["contents"] for part in one["parts"] if "functionCall" in part]
    assert ["thoughtSignature" in part for part in parts] == [True, False]
    assert "Thoughts kept: 1." in second.text

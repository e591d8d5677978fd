"""An upstream's stream and its whole answer, read."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.answer import Answer, Finish
from steelyard.core.events import (
    Added,
    Began,
    Ended,
    Event,
    Failed,
    Finished,
    PartBegan,
    PartEnded,
    Pinged,
    Strange,
    Used,
)
from steelyard.core.fold import Fold
from steelyard.core.losses import Losses
from steelyard.core.parts import Opaque, Refusal, Text, Thinking, ToolCall
from steelyard.core.usage import Usage
from steelyard.dialects.responses import RESPONSES
from tests.dialects.responses.bodies import asked, events_of
from tests.dialects.responses.legal import check
from tests.dialects.responses.upstream import responses, sse, stream_of

Json = dict[str, Any]
NAME = "openai-responses"


def read(stream: bytes) -> list[Event]:
    return RESPONSES.reader().feed(stream)


def folded(events: list[Event]) -> Answer:
    fold = Fold(NAME)
    fold.take_all(events)
    assert fold.ended
    return fold.answer()


def whole(response: Json) -> Answer:
    events = RESPONSES.decode_answer(json.dumps(response).encode())
    assert events is not None
    return folded(events)


def item(kind: str, **members: Any) -> Json:
    return {"type": kind, "id": f"{kind}_1", **members}


def answered(*output: Json, **fields: Any) -> Json:
    return {"id": "resp_1", "model": "m", "created_at": 5, "status": "completed", "output": list(output), **fields}


@given(responses())
@settings(max_examples=50, deadline=None)
def test_a_stream_folds_to_the_whole_answer(response: Json) -> None:
    assert folded(read(sse(stream_of(response)))) == whole(response)


@given(responses(), st.data(), st.booleans(), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=30, deadline=None)
def test_where_a_stream_is_cut_changes_nothing(response: Json, data: st.DataObject, named: bool, end: str) -> None:
    stream = sse(stream_of(response), named=named, end=end)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader = RESPONSES.reader()
    found: list[Event] = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found.extend(reader.feed(stream[start:stop]))
    assert found == read(stream)
    assert reader.finish() == []


def test_a_stream_read_byte_by_byte_is_the_same() -> None:
    stream = sse(stream_of(answered(item("message", role="assistant", content=[_text("Hé")]))))
    reader = RESPONSES.reader()
    assert [event for byte in stream for event in reader.feed(bytes([byte]))] == read(stream)


@given(responses())
@settings(max_examples=50, deadline=None)
def test_an_answer_of_this_dialect_is_written_again_as_it_came(response: Json) -> None:
    losses = Losses()
    told = json.loads(RESPONSES.encode_answer(whole(response), asked(), losses))

    for name, value in response.items():
        if value is not None and name != "output":
            assert told[name] == value
    assert [_bare(one) for one in told["output"]] == [_bare(one) for one in response["output"]]
    assert losses.all() == ()


@given(responses())
@settings(max_examples=30, deadline=None)
def test_a_stream_of_this_dialect_is_written_again_as_it_came(response: Json) -> None:
    writer = RESPONSES.writer(asked(stream=True), Losses())
    stream = b"".join(writer.write(event) for event in read(sse(stream_of(response))))

    told = check(events_of(stream))
    assert told["id"] == response["id"]
    assert [_bare(one) for one in told["output"]] == [_bare(one) for one in response["output"]]
    assert told["usage"] == response["usage"]
    strange = [one["type"] for one in events_of(stream) if one["type"].endswith(".in_progress")][1:]
    assert strange == [f"response.{one['type']}.in_progress" for one in response["output"] if one["type"] not in _OWN]


_OWN = ("message", "function_call", "custom_tool_call", "reasoning")


def _bare(told: Json) -> Json:
    """Return an item without its status, which is the whole answer's for the last one, and log probabilities."""
    bare = {name: value for name, value in told.items() if name != "status"}
    if told["type"] == "message":
        # Log probabilities are of the answer: they stand with its first text.
        bare["content"] = [{key: one for key, one in part.items() if key != "logprobs"} for part in told["content"]]
    return bare


def _text(text: str, **members: Any) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], **members}


def test_deltas_are_told_as_they_come() -> None:
    message = item("message", role="assistant", status="completed", content=[_text("Hello")], phase="commentary")
    events = read(sse(stream_of(answered(message))))

    extra = {"phase": "commentary"}
    assert events == [
        Began("resp_1", "m", 5, {}, NAME),
        PartBegan(0, "text", Text("", item_id="message_1", extra=extra)),
        Added(0, "Hel"),
        Added(0, "lo"),
        PartEnded(0, Text("Hello", item_id="message_1", extra=extra)),
        Finished(Finish("stop", dialect=NAME, native="completed")),
        Ended(),
    ]


def test_usage_is_told_with_its_details_and_as_it_came() -> None:
    """Trap 11: input includes cached tokens. Trap 12: output includes reasoning."""
    usage = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 7}
    usage["output_tokens_details"] = {"reasoning_tokens": 2}
    events = read(sse(stream_of(answered(usage=usage))))

    used = next(one for one in events if isinstance(one, Used))
    assert used.usage == Usage(9, 7, 4, None, 2)
    assert used.raw is not None
    assert json.loads(used.raw) == usage


@pytest.mark.parametrize(
    ("output", "fields", "finish"),
    [
        ([item("function_call", call_id="c", name="f", arguments="{}")], {}, ("tool_calls", "completed")),
        (
            [item("message", role="assistant", content=[{"type": "refusal", "refusal": "No."}])],
            {},
            ("refusal", "completed"),
        ),
        (
            [],
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            ("length", "max_output_tokens"),
        ),
        (
            [],
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            ("content_filter", "content_filter"),
        ),
        ([], {"status": "incomplete", "incomplete_details": {"reason": "steered"}}, ("other", "steered")),
    ],
)
def test_the_reason_to_end_comes_from_the_whole_answer(
    output: list[Json], fields: Json, finish: tuple[str, str]
) -> None:
    """Trap 9."""
    found = whole(answered(*output, **fields)).choices[0].finish
    assert found is not None
    assert (found.reason, found.native) == finish


def test_interleaved_items_are_read_as_they_interleave() -> None:
    call = {"type": "function_call", "name": "f", "arguments": ""}
    events = read(
        sse(
            [
                {
                    "type": "response.output_item.added",
                    "output_index": 0,
                    "item": {**call, "call_id": "a", "id": "fc_a"},
                },
                {
                    "type": "response.output_item.added",
                    "output_index": 1,
                    "item": {**call, "call_id": "b", "id": "fc_b"},
                },
                {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{1"},
                {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{0"},
            ]
        )
    )
    assert events == [
        PartBegan(0, "tool_call", ToolCall("a", "f", "", item_id="fc_a")),
        PartBegan(1, "tool_call", ToolCall("b", "f", "", item_id="fc_b")),
        Added(1, "{1"),
        Added(0, "{0"),
    ]


def test_servers_that_leave_events_out_are_understood() -> None:
    """Some servers send deltas alone, some only the last event."""
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"}
    message = item("message", role="assistant", content=[_text("Hi")])
    end = {"type": "response.completed", "response": answered()}

    only_deltas = folded(read(sse([delta, end])))
    only_done = folded(read(sse([{"type": "response.output_item.done", "output_index": 0, "item": message}, end])))
    only_last = folded(read(sse([{"type": "response.completed", "response": answered(message)}])))

    assert [part.text for part in only_deltas.choices[0].parts if isinstance(part, Text)] == ["Hi"]
    assert only_done == whole(answered(message)) == only_last


def test_items_without_a_place_are_known_by_their_ids() -> None:
    """llama.cpp tells no `output_index`, and ends all items at the end."""
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
    said_ = item("message", role="assistant", content=[_text("Hi")])
    calls = [{"type": "function_call", "call_id": f"fc_{n}", "name": "f", "arguments": f"{{{n}"} for n in "ab"]
    events: list[Json] = [
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_item.added", "item": {**thought, "content": []}},
        {"type": "response.reasoning_text.delta", "item_id": "rs_1", "delta": "hm"},
        {"type": "response.output_item.added", "item": {**said_, "content": []}},
        {"type": "response.output_text.delta", "item_id": "message_1", "delta": "Hi"},
    ]
    for call in calls:
        events.append({"type": "response.output_item.added", "item": {**call, "arguments": ""}})
        for piece in call["arguments"]:
            told = {"type": "response.function_call_arguments.delta", "item_id": call["call_id"], "delta": piece}
            events.append(told)
    events.extend({"type": "response.output_item.done", "item": one} for one in (thought, said_, *calls))
    response = answered(thought, said_, *calls)
    events.append({"type": "response.completed", "response": response})

    assert folded(read(sse(events))) == whole(response)
    assert [one.text for one in read(sse(events)) if isinstance(one, Added)] == ["hm", "Hi", "{", "a", "{", "b"]


def test_words_that_no_delta_said_are_said_when_the_item_is_done() -> None:
    call = item("function_call", call_id="c", name="f", arguments='{"a":1}')
    events = read(
        sse(
            [
                {"type": "response.output_item.added", "output_index": 0, "item": {**call, "arguments": ""}},
                {"type": "response.output_item.done", "output_index": 0, "item": call},
            ]
        )
    )
    assert Added(0, '{"a":1}') in events


def test_hosted_tools_are_passed_on_whole() -> None:
    search = item("web_search_call", status="completed", action={"type": "search", "query": "q"})
    events = read(sse(stream_of(answered(search))))

    begun, strange, ended = events[1:4]
    assert isinstance(begun, PartBegan)
    assert (begun.kind, begun.value.at) == ("whole", "")
    assert isinstance(strange, Strange)
    assert strange.dialect == NAME
    assert ended == PartEnded(0, Opaque(NAME, "web_search_call", search))


def test_unknown_events_are_strange_and_keepalives_are_pings() -> None:
    """Trap 19."""
    stream = b'event: keepalive\ndata: {"type":"keepalive","sequence_number":3}\n\n'
    stream += b'data: {"type":"response.audio.delta","delta":{"odd":1}}\n\n: comment\n\ndata: [DONE]\n\n'
    assert read(stream) == [
        Pinged(),
        Strange(NAME, None, b'{"type":"response.audio.delta","delta":{"odd":1}}'),
    ]


def test_a_failed_response_is_a_failure() -> None:
    error = {"code": "rate_limit_exceeded", "message": "Too fast."}
    response = answered(status="failed", error=error, usage={"input_tokens": 1, "output_tokens": 0})
    for events in (
        read(sse([{"type": "response.failed", "response": response}])),
        RESPONSES.decode_answer(json.dumps(response).encode()),
    ):
        assert events is not None
        assert events[-1] == Failed("Too fast.", 429, None, "rate_limit_exceeded")
        assert Ended() not in events
        assert any(isinstance(one, Used) for one in events)


@pytest.mark.parametrize(
    "told",
    [
        {"type": "error", "code": "server_error", "message": "Boom.", "param": None},
        {"type": "error", "error": {"type": "server_error", "code": "server_error", "message": "Boom."}},
        {"error": {"code": "server_error", "message": "Boom."}},
    ],
)
def test_an_error_event_is_a_failure_told_once(told: Json) -> None:
    failed = {"type": "response.failed", "response": answered(status="failed", error={"message": "again"})}
    stream = b"data: %b\n\n" % json.dumps(told).encode() + sse([failed])
    failures = [one for one in read(stream) if isinstance(one, Failed)]
    assert [(one.message, one.status, one.code) for one in failures] == [("Boom.", 502, "server_error")]


def test_a_stream_without_its_end_was_cut() -> None:
    """Trap 18."""
    stream = sse(stream_of(answered(item("message", role="assistant", content=[_text("Hi")])))[:-1])
    reader = RESPONSES.reader()
    events = [*reader.feed(stream), *reader.finish()]
    assert not any(isinstance(one, Ended | Finished | Failed) for one in events)


def test_items_that_are_not_as_documented_stay_opaque() -> None:
    odd = item("function_call", name=5)
    assert whole(answered(odd)).choices[0].parts == (Opaque(NAME, "function_call", odd),)


def test_thoughts_keep_what_seals_them() -> None:
    thought = item("reasoning", summary=[{"type": "summary_text", "text": "hm"}], encrypted_content="gAAA")
    part = folded(read(sse(stream_of(answered(thought))))).choices[0].parts[0]
    assert part == Thinking("hm", NAME, sealed="gAAA", summary=True, item_id="reasoning_1")


def test_a_refusal_is_read_in_pieces() -> None:
    message = item("message", role="assistant", content=[{"type": "refusal", "refusal": "No way."}])
    events = read(sse(stream_of(answered(message))))
    assert PartBegan(0, "refusal", Refusal("", item_id="message_1")) in events
    assert [one.text for one in events if isinstance(one, Added)] == ["No ", "way", "."]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"error":{"message":"x"}}', b'{"choices":[]}', b"\xff"])
def test_what_is_no_response_is_told_apart(body: bytes) -> None:
    assert RESPONSES.decode_answer(body) is None

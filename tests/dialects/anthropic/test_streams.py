"""Streams: what the API sends is read, and what other providers send is written so that its clients can read it."""

import json
from typing import Any

import pytest
from msgspec import structs

from steelyard.core.answer import Answer, Choice, Finish, FinishReason
from steelyard.core.errors import CallError, TooMany, Unavailable, UpstreamTimeout
from steelyard.core.events import (
    Added,
    Began,
    Cited,
    Ended,
    Event,
    Failed,
    Finished,
    PartBegan,
    PartEnded,
    Pinged,
    Sealed,
    Strange,
    Used,
)
from steelyard.core.fold import Fold, unfold
from steelyard.core.losses import Losses
from steelyard.core.parts import Citation, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.core.request import Request
from steelyard.core.usage import Usage
from steelyard.dialects.anthropic import ANTHROPIC
from steelyard.dialects.dialect import Asked, Told
from tests.dialects.anthropic.legality import accumulated, events_of

ASKED = Asked(Request(dialect="anthropic", model="alias", messages=()), "exchange.1", 1)
START = {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 5}}}


def sent(*events: dict[str, Any], named: bool = True) -> bytes:
    lines = [f"event: {one['type']}\n" if named else "" for one in events]
    return "".join(f"{line}data: {json.dumps(one)}\n\n" for line, one in zip(lines, events, strict=True)).encode()


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": one} for one in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def read(*events: dict[str, Any]) -> list[Event]:
    return ANTHROPIC.reader().feed(sent(*events))


def wrote(*events: Event) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    losses = Losses()
    writer = ANTHROPIC.writer(ASKED, losses)
    stream = b"".join(writer.write(event) for event in events)
    return accumulated(stream), [(loss.path, loss.how) for loss in losses.all()]


def answered(*parts: Part, finish: Finish | None = None, **said: Any) -> Answer:
    told = {"id": "chatcmpl-1", "model": "gpt", "usage": Usage(1, 1), **said}
    return Answer("openai", (Choice(parts, finish),), **told)


def encoded(answer: Answer) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    losses = Losses()
    return json.loads(ANTHROPIC.encode_answer(answer, ASKED, losses)), [(one.path, one.how) for one in losses.all()]


def test_trap_1_interleaved_parts_are_written_one_after_the_other() -> None:
    message, losses = wrote(
        Began("chatcmpl-1", "gpt"),
        PartBegan(0, "text", Text("")),
        Added(0, "Let "),
        PartBegan(1, "tool_call", ToolCall("a", "look", "")),
        Added(1, '{"q":'),
        Added(0, "me."),
        PartBegan(2, "tool_call", ToolCall("b", "see", "")),
        Added(2, "{}"),
        PartEnded(0),
        Added(1, "1}"),
        Finished(Finish("tool_calls")),
        Used(Usage(10, 4, cached=3, cache_write=2, reasoning=1)),
        Ended(),
    )
    assert message["content"] == [
        {"type": "text", "text": "Let me."},
        {"type": "tool_use", "id": "a", "name": "look", "input": {"q": 1}},
        {"type": "tool_use", "id": "b", "name": "see", "input": {}},
    ]
    assert message["stop_reason"] == "tool_use"
    assert (message["id"], message["model"]) == ("msg_exchange_1", "gpt")
    assert losses == []


def test_trap_2_thoughts_are_never_written_inside_a_text() -> None:
    writer = ANTHROPIC.writer(ASKED, Losses())
    begun: list[Event] = [
        Began("c", "m"),
        PartBegan(0, "text", Text("So")),
        PartBegan(1, "thinking", Thinking("", "openai")),
    ]
    for event in begun:
        writer.write(event)
    assert writer.write(Added(1, "hm")) == b""
    stream = writer.write(PartEnded(0))
    kinds = [told["type"] for _, told in events_of(stream)]
    assert kinds == ["content_block_stop", "content_block_start", "content_block_delta"]


def test_trap_3_parallel_tool_calls_have_indexes_of_their_own() -> None:
    events = read(
        START,
        *block(
            0,
            {"type": "tool_use", "id": "a", "name": "f", "input": {}},
            {"type": "input_json_delta", "partial_json": "{}"},
        ),
        *block(1, {"type": "tool_use", "id": "b", "name": "f", "input": {}}),
    )
    begun = [event for event in events if isinstance(event, PartBegan)]
    assert [event.part for event in begun] == [0, 1]
    writer = ANTHROPIC.writer(ASKED, Losses())
    stream = b"".join(writer.write(event) for event in events)
    starts = [told["index"] for _, told in events_of(stream) if told["type"] == "content_block_start"]
    assert starts == [0, 1]


def test_trap_8_every_stop_reason_is_known() -> None:
    known = {
        "end_turn": "stop",
        "stop_sequence": "stop_sequence",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "refusal": "refusal",
        "pause_turn": "pause",
        "novel": "other",
    }
    for native, reason in known.items():
        events = read(START, {"type": "message_delta", "delta": {"stop_reason": native}, "usage": {"output_tokens": 1}})
        assert events[-1] == Finished(Finish(reason, None, "anthropic", native))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "end_turn"),
        ("stop_sequence", "stop_sequence"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("content_filter", "refusal"),
        ("refusal", "refusal"),
        ("pause", "pause_turn"),
    ],
)
def test_reasons_of_others_are_said_in_its_words(reason: FinishReason, expected: str) -> None:
    message, losses = encoded(answered(Text("x"), finish=Finish(reason, dialect="openai", native="n")))
    assert message["stop_reason"] == expected
    assert losses == []


def test_trap_9_calls_make_the_reason_whatever_the_upstream_said() -> None:
    message, _ = encoded(answered(ToolCall("a", "f", "{}"), finish=Finish("stop", dialect="gemini", native="STOP")))
    assert message["stop_reason"] == "tool_use"


def test_a_refusal_in_words_is_a_text_and_the_reason() -> None:
    message, losses = encoded(answered(Refusal("I will not."), finish=Finish("stop")))
    assert (message["content"], message["stop_reason"]) == ([{"type": "text", "text": "I will not."}], "refusal")
    assert losses == []
    assert encoded(answered(finish=Finish("other", native="odd")))[1] == [("answer.finish_reason", "approximated")]


def test_trap_10_streamed_usage_is_set_and_never_added() -> None:
    used = [
        event
        for event in read(
            {**START, "message": {"usage": {"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": None}}},
            {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 7}},
            {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 9, "cache_read_input_tokens": 4}},
        )
        if isinstance(event, Used)
    ]
    assert [event.usage for event in used] == [Usage(10, 1), Usage(10, 7), Usage(14, 9, cached=4)]
    assert json.loads(used[-1].raw or b"") == {"input_tokens": 10, "output_tokens": 9, "cache_read_input_tokens": 4}


def test_trap_11_cached_tokens_are_inside_the_input_here_and_beside_it_there() -> None:
    usage = {"input_tokens": 10, "output_tokens": 3, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2}
    body = json.dumps({"type": "message", "model": "m", "usage": usage, "content": []}).encode()
    glance = ANTHROPIC.glance(body)
    assert glance is not None
    assert glance.usage == Usage(16, 3, 4, 2)
    message, _ = encoded(answered(usage=Usage(16, 3, 4, 2, reasoning=1)))
    assert message["usage"] == {**usage, "output_tokens_details": {"thinking_tokens": 1}}


def test_usage_that_nobody_told_is_said_to_be_made_up() -> None:
    message, losses = encoded(answered(usage=None))
    assert message["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert losses == [("answer.usage", "added")]
    assert wrote(Began("c", "m"), Ended())[1] == [("answer.usage", "added")]


def test_the_inputs_tokens_stand_in_message_start_where_they_are_known() -> None:
    writer = ANTHROPIC.writer(ASKED, Losses())
    assert writer.write(Began("c", "m")) == b""
    ((_, start),) = events_of(writer.write(Used(Usage(5, 1))))
    assert start["message"]["usage"] == {"input_tokens": 5, "output_tokens": 1}


def test_trap_18_an_error_in_mid_stream_is_told_as_an_event() -> None:
    (failed,) = read({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    assert failed == Failed("Overloaded", 529, "overloaded_error")
    writer = ANTHROPIC.writer(ASKED, Losses())
    writer.write(PartBegan(0, "text", Text("Hi")))
    ((name, told),) = events_of(writer.write(failed))
    assert name == "error"
    assert told["error"] == {"type": "overloaded_error", "message": "Overloaded"}
    assert writer.write(Added(0, "more")) == writer.write(Ended()) == b""


def test_trap_18_a_stream_without_its_end_is_not_ended() -> None:
    reader = ANTHROPIC.reader()
    events = reader.feed(sent(START, *block(0, {"type": "text", "text": ""})))
    assert Ended() not in [*events, *reader.finish()]


def test_trap_19_pings_and_unknown_events_are_tolerated_and_passed_on() -> None:
    odd = {"type": "weather", "sky": "blue"}
    pinged, strange = read({"type": "ping"}, odd)
    assert (pinged, strange) == (Pinged(), Strange("anthropic", "weather", json.dumps(odd).encode()))
    writer = ANTHROPIC.writer(ASKED, Losses())
    assert events_of(writer.write(pinged)) == [("ping", {"type": "ping"})]
    stream = writer.write(strange)
    assert events_of(stream)[1] == ("weather", odd)
    assert writer.write(Strange("openai", "odd", b"{}")) == b""
    assert writer.write(Strange("anthropic", "message_stop", b"{}")) == b""


def test_events_without_names_are_read_by_their_type() -> None:
    told = [
        START,
        *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hi"}),
        {"type": "message_stop"},
    ]
    assert ANTHROPIC.reader().feed(sent(*told, named=False)) == ANTHROPIC.reader().feed(sent(*told))


def test_fragments_that_no_block_takes_are_strange() -> None:
    for delta in ({"type": "text_delta", "text": "x"}, {"type": "novel_delta", "x": 1}):
        start = {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}
        events = read(START, start, {"type": "content_block_delta", "index": 0, "delta": delta})
        assert isinstance(events[-1], Strange)
    assert isinstance(
        read({"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": ""}})[0], Strange
    )


def test_an_event_that_cannot_be_read_fails_the_stream() -> None:
    (failed,) = ANTHROPIC.reader().feed(b'event: content_block_delta\ndata: {"index":\n\n')
    assert isinstance(failed, Failed)


def test_events_of_odd_shapes_do_not_break_the_reader() -> None:
    odd: list[dict[str, Any]] = [
        {"type": "message_start", "message": 5},
        {"type": "content_block_start", "index": [], "content_block": 5},
        {"type": "content_block_stop", "index": {}},
        {"type": "content_block_delta", "index": [], "delta": {}},
        {"type": "message_delta", "delta": 5, "usage": []},
        {"type": ["x"]},
    ]
    events = read(*odd)
    assert [type(event) for event in events] == [Strange, Strange]
    assert isinstance(ANTHROPIC.reader().feed(b"event: x\ndata: 5\n\n")[0], Strange)


def test_a_server_tools_block_comes_whole_once_its_input_is_known() -> None:
    start = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ('{"query"', ':"x"}')]
    events = read(START, *block(0, start, *deltas))
    native = {**start, "input": {"query": "x"}}
    assert events[2:] == [
        PartBegan(0, "whole", Opaque("anthropic", "server_tool_use", native, "answer.content[0]")),
        PartEnded(0),
    ]


def test_citations_of_a_stream_are_kept() -> None:
    cited = {"type": "char_location", "cited_text": "x", "document_index": 0, "document_title": "T"}
    events = read(START, *block(0, {"type": "text", "text": ""}, {"type": "citations_delta", "citation": cited}))
    assert Cited(0, Citation("anthropic", cited, title="T", quoted="x")) in events
    message, losses = wrote(
        *events, Cited(0, Citation("openai", {})), Finished(Finish("stop")), Used(Usage(1, 1)), Ended()
    )
    assert message["content"][0]["citations"] == [cited]
    assert losses == []


def test_a_calls_input_may_stand_in_its_start() -> None:
    events = read(START, *block(0, {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}))
    fold = Fold("anthropic")
    fold.take_all(events)
    assert fold.part(0) == ToolCall("a", "f", '{"x":1}', at="answer.content[0]")


THOUGHTS: list[Thinking] = [
    Thinking("Hm", "openai"),
    Thinking("Hm", "gemini", signature="Ct=="),
    Thinking("", "gemini", signature="Ct=="),
    Thinking("Sum", "openai-responses", sealed="gAAA/+", item_id="rs_1", summary=True),
    Thinking("", "openai-responses", sealed="gAAA/+", item_id="rs_1"),
]


@pytest.mark.parametrize("thought", THOUGHTS)
def test_thoughts_of_others_come_back_from_the_client_as_they_were(thought: Thinking) -> None:
    whole, losses = encoded(answered(thought, Text("So")))
    streamed, _ = wrote(*unfold(answered(thought, Text("So"))))
    assert whole["content"] == streamed["content"]
    assert losses == []
    assert returned(whole["content"])[0] == thought


def test_thoughts_that_say_nothing_are_left_out() -> None:
    answer = answered(Thinking("", "openai"), Text(""), Text("So"))
    assert encoded(answer)[0]["content"] == wrote(*unfold(answer))[0]["content"] == [{"type": "text", "text": "So"}]


def test_trap_14_geminis_signatures_travel_in_front_of_their_calls_and_come_back() -> None:
    parts = (ToolCall("a", "f", "{}", signature="sig/1=="), ToolCall("b", "f", "{}"), Text("So", signature="sig2"))
    whole, _ = encoded(answered(*parts))
    streamed, _ = wrote(*unfold(answered(*parts)))
    assert whole["content"] == streamed["content"]
    assert [one["type"] for one in whole["content"]] == ["thinking", "tool_use", "tool_use", "text", "thinking"]
    assert returned(whole["content"]) == parts


def test_the_signature_of_an_empty_text_goes_without_a_block_for_the_text() -> None:
    # Gemini ends streams so; sent back, an empty text would be refused ("text content blocks must be non-empty").
    answer = answered(Text("Four."), Text("", signature="sig"))
    whole, streamed = encoded(answer)[0], wrote(*unfold(answer))[0]
    assert whole["content"] == streamed["content"]
    assert [one["type"] for one in whole["content"]] == ["text", "thinking"]
    assert returned(whole["content"]) == (Text("Four.", signature="sig"),)


def test_a_signature_that_comes_after_its_call_comes_back_too() -> None:
    message, _ = wrote(
        PartBegan(0, "tool_call", ToolCall("a", "f", "")),
        Added(0, "{}"),
        Sealed(0, signature="late"),
        Finished(Finish("stop")),
        Ended(),
    )
    assert returned(message["content"]) == (ToolCall("a", "f", "{}", signature="late"),)


def returned(content: list[dict[str, Any]]) -> tuple[Part, ...]:
    """Return what a client's next request says when it sends an answer back; paths are left out."""
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "assistant", "content": content}]}
    (message,) = ANTHROPIC.decode_request(json.dumps(body).encode()).messages
    return tuple(structs.replace(part, at="") for part in message.parts)


def test_a_redacted_thought_may_turn_out_to_be_one() -> None:
    message, _ = wrote(
        Began("m", "claude"),
        PartBegan(0, "thinking", Thinking("", "anthropic")),
        Sealed(0, sealed="data"),
        PartEnded(0),
        Finished(Finish("stop")),
        Ended(),
    )
    assert message["content"] == [{"type": "redacted_thinking", "data": "data"}]


def test_what_its_answers_lack_is_reported() -> None:
    answer = Answer(
        "openai",
        (
            Choice(
                (Text("x", (Citation("openai", {}),), at="answer.a", extra={"k": 1}), Media("image", at="answer.b")),
                logprobs=(),
            ),
            Choice((Text("y"),)),
        ),
        usage=Usage(1, 1),
        extra={"system_fingerprint": "fp"},
    )
    expected = {
        ("answer.choices[1]", "dropped"),
        ("answer.logprobs", "dropped"),
        ("answer.a.citations", "dropped"),
        ("answer.a.k", "dropped"),
        ("answer.b", "dropped"),
        ("answer.system_fingerprint", "dropped"),
    }
    assert set(encoded(answer)[1]) == set(wrote(*unfold(answer))[1]) == expected


def test_arguments_that_are_no_object_are_sent_all_the_same() -> None:
    message, losses = encoded(
        answered(ToolCall("a", "f", '{"cut', at="answer.a"), ToolCall("b", "g", "x", custom=True))
    )
    assert [one["input"] for one in message["content"]] == [{"arguments": '{"cut'}, {"input": "x"}]
    assert losses == [("answer.a", "approximated")]


def test_an_upstreams_own_id_is_kept() -> None:
    assert encoded(answered(id="msg_own"))[0]["id"] == "msg_own"
    assert wrote(Began("msg_own", "m"), Used(Usage(1, 1)), Ended())[0]["id"] == "msg_own"


def test_the_plain_events_of_a_relayed_stream_pass_as_the_same_object() -> None:
    watch = ANTHROPIC.watch(hide_usage=False)
    delta = sent(*block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hi"}))
    assert watch.feed(delta) is delta
    with_words = sent(
        *block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": '"type":"message_stop" error'})
    )
    assert watch.feed(with_words) is with_words
    assert (watch.events, watch.done) == (6, False)
    stop = sent({"type": "message_stop"})
    assert watch.feed(stop) == b""
    assert (watch.done, watch.ending) == (True, stop)
    assert watch.feed(delta) == b""


def test_a_relayed_error_is_noted_and_relayed() -> None:
    watch = ANTHROPIC.watch(hide_usage=False)
    start, event = sent(START), sent({"type": "error", "error": {"type": "api_error", "message": "no"}})
    assert watch.feed(start) is start
    assert watch.feed(event) is event
    watch.finish()
    assert json.loads(watch.error or b"") == {"type": "api_error", "message": "no"}
    assert (watch.model, watch.done) == ("claude", False)


@pytest.mark.slow
def test_an_event_without_end_is_given_up() -> None:
    reader, watch = ANTHROPIC.reader(), ANTHROPIC.watch(hide_usage=False)
    for _ in range(65):
        reader.feed(b"x" * 1024 * 1024)
        watch.feed(b"x" * 1024 * 1024)
    assert reader.overflow
    assert watch.overflow


def test_answers_of_other_dialects_are_none_of_this() -> None:
    for body in (b"", b"[]", b'{"object":"chat.completion"}', b'{"type":"message","content":5}', b"\xff"):
        assert ANTHROPIC.decode_answer(body) is None
    assert ANTHROPIC.glance(b'{"object":"chat.completion"}') is None
    error = ANTHROPIC.glance(b'{"type":"error","error":{"type":"api_error","message":"no"}}')
    assert error is not None
    assert error.error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TooMany("Slow down."), "rate_limit_error"),
        (Unavailable("Draining."), "api_error"),
        (UpstreamTimeout("Late."), "timeout_error"),
    ],
)
def test_trap_17_errors_are_told_in_its_envelope_and_read_from_it(error: CallError, kind: str) -> None:
    body = ANTHROPIC.encode_error(error, "req_1")
    assert json.loads(body) == {
        "type": "error",
        "error": {"type": kind, "message": str(error), "details": {"error_code": error.code}},
        "request_id": "req_1",
    }
    assert ANTHROPIC.decode_error(body, []) == Told(str(error), kind, error.code)


def test_errors_of_other_dialects_are_none_of_this() -> None:
    for body in (b"", b'{"error":{"message":"no"}}', b'{"type":"error","error":"no"}'):
        assert ANTHROPIC.decode_error(body, []) is None


def test_a_count_is_told_in_its_shape() -> None:
    assert json.loads(ANTHROPIC.encode_count(12)) == {"input_tokens": 12}

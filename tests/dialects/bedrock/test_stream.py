"""Streams of ConverseStream, read."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.answer import Answer, Finish
from steelyard.core.events import Added, Began, Ended, Event, Failed, Finished, PartBegan, Sealed, Strange, Used
from steelyard.core.fold import Fold
from steelyard.core.parts import Media, Opaque, Text, Thinking, ToolCall
from steelyard.core.usage import Usage
from steelyard.dialects.bedrock import BEDROCK
from tests.dialects.bedrock.wire import event, exception, message, stream

BEGIN = ("messageStart", {"role": "assistant", "p": "abcd"})
USAGE = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
METADATA = ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 300}, "p": "abc"})


def start(index: int, **value: object) -> tuple[str, object]:
    return "contentBlockStart", {"contentBlockIndex": index, "start": value}


def delta(index: int, **value: object) -> tuple[str, object]:
    # Bedrock adds letters of random length, so that the length of an event does not tell its text.
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": value, "p": "abcdefghij"}


def stop(index: int) -> tuple[str, object]:
    return "contentBlockStop", {"contentBlockIndex": index, "p": "ab"}


def done(reason: str, **more: object) -> tuple[str, object]:
    return "messageStop", {"stopReason": reason, **more}


TEXT = stream(BEGIN, delta(0, text="Hel"), delta(0, text="lo"), stop(0), done("end_turn"), METADATA)
TOOLS = stream(
    BEGIN,
    delta(0, reasoningContent={"text": "Two "}),
    delta(0, reasoningContent={"text": "cities."}),
    delta(0, reasoningContent={"signature": "sig=="}),
    stop(0),
    delta(1, text="I ask."),
    stop(1),
    start(2, toolUse={"toolUseId": "tooluse_1", "name": "weather"}),
    delta(2, toolUse={"input": ""}),
    delta(2, toolUse={"input": '{"city":'}),
    delta(2, toolUse={"input": ' "Paris"}'}),
    stop(2),
    start(3, toolUse={"toolUseId": "tooluse_2", "name": "weather"}),
    delta(3, toolUse={"input": '{"city": "Rome"}'}),
    stop(3),
    done("tool_use"),
    METADATA,
)


def read(data: bytes, *, pieces: int | None = None) -> list[Event]:
    reader = BEDROCK.reader()
    size = pieces or len(data)
    found = [one for at in range(0, len(data), size) for one in reader.feed(data[at : at + size])]
    return found + reader.finish()


def folded(events: list[Event]) -> Answer:
    fold = Fold("bedrock")
    fold.take_all(events)
    assert fold.failed is None
    assert fold.ended
    return fold.answer()


def test_a_text_is_read() -> None:
    events = read(TEXT)
    answer = folded(events)
    assert answer.choices[0].parts == (Text("Hello"),)
    assert answer.choices[0].finish == Finish("stop", None, "bedrock", "end_turn")
    assert answer.usage == Usage(10, 5)
    assert answer.usage_raw == b'{"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}'
    assert events[-1] == Ended()
    assert Added(0, "Hel") in events


def test_thoughts_and_parallel_calls_are_read_as_parts_of_their_own() -> None:
    answer = folded(read(TOOLS))
    assert answer.choices[0].parts == (
        Thinking("Two cities.", "bedrock", signature="sig=="),
        Text("I ask."),
        ToolCall("tooluse_1", "weather", '{"city": "Paris"}'),
        ToolCall("tooluse_2", "weather", '{"city": "Rome"}'),
    )
    assert answer.choices[0].finish == Finish("tool_calls", None, "bedrock", "tool_use")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 400))
def test_a_stream_cut_anywhere_is_read_alike(size: int) -> None:
    assert read(TOOLS, pieces=size) == read(TOOLS)


def test_redacted_thoughts_are_sealed_and_pieces_of_them_joined() -> None:
    whole = stream(
        BEGIN,
        delta(0, reasoningContent={"redactedContent": "YWI="}),
        delta(0, reasoningContent={"redactedContent": "Y2Q="}),
        done("end_turn"),
        METADATA,
    )
    assert folded(read(whole)).choices[0].parts == (Thinking("", "bedrock", sealed="YWJjZA=="),)
    assert Sealed(0, sealed="YWI=") in read(whole)


def test_cached_tokens_are_inside_the_input() -> None:
    usage = {**USAGE, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 7, "totalTokens": 122, "cacheDetails": []}
    answer = folded(read(stream(BEGIN, delta(0, text="x"), done("end_turn"), ("metadata", {"usage": usage}))))
    assert answer.usage == Usage(117, 5, 100, 7)
    assert answer.usage_extra == {"cacheDetails": []}


def test_the_finish_reason_is_derived_from_the_whole_stream() -> None:
    whole = stream(BEGIN, start(0, toolUse={"toolUseId": "t", "name": "f"}), stop(0), done("end_turn"), METADATA)
    assert folded(read(whole)).choices[0].finish == Finish("tool_calls", None, "bedrock", "end_turn")


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_tool_use", "other"),
        ("something_new", "other"),
    ],
)
def test_stop_reasons_are_told(native: str, reason: str) -> None:
    finish = folded(read(stream(BEGIN, delta(0, text="x"), done(native), METADATA))).choices[0].finish
    assert finish is not None
    assert (finish.reason, finish.native) == (reason, native)


def test_the_stop_sequence_is_told_where_the_model_tells_it() -> None:
    whole = stream(BEGIN, done("stop_sequence", additionalModelResponseFields={"stop_sequence": "END"}), METADATA)
    answer = folded(read(whole))
    assert answer.choices[0].finish == Finish("stop_sequence", "END", "bedrock", "stop_sequence")
    assert answer.extra == {"additionalModelResponseFields": {"stop_sequence": "END"}}


def test_citations_are_read_with_their_own_words() -> None:
    native = {
        "title": "Report",
        "sourceContent": [{"text": "as "}, {"text": "said"}],
        "location": {"web": {"url": "https://example.com/a", "domain": "example.com"}},
    }
    whole = stream(BEGIN, delta(0, text="It is so."), delta(0, citation=native), stop(0), done("end_turn"), METADATA)
    (text,) = folded(read(whole)).choices[0].parts
    assert isinstance(text, Text)
    (citation,) = text.citations
    assert (citation.url, citation.title, citation.quoted) == ("https://example.com/a", "Report", "as said")
    assert citation.native == native


def test_images_and_the_providers_own_tools_come_whole() -> None:
    whole = stream(
        BEGIN,
        start(0, toolUse={"toolUseId": "s", "name": "search", "type": "server_tool_use"}),
        delta(0, toolUse={"input": '{"q": '}),
        delta(0, toolUse={"input": '"x"}'}),
        stop(0),
        start(1, toolResult={"toolUseId": "s", "status": "success"}),
        delta(1, toolResult=[{"text": "found"}]),
        stop(1),
        start(2, image={"format": "png"}),
        delta(2, image={"source": {"bytes": "YWI="}}),
        delta(2, image={"source": {"bytes": "Y2Q="}}),
        stop(2),
        done("end_turn"),
        METADATA,
    )
    answer = folded(read(whole))
    assert answer.choices[0].parts == (
        Opaque(
            "bedrock",
            "toolUse",
            {"toolUse": {"toolUseId": "s", "name": "search", "type": "server_tool_use", "input": {"q": "x"}}},
        ),
        Opaque(
            "bedrock",
            "toolResult",
            {"toolResult": {"toolUseId": "s", "status": "success", "content": [{"text": "found"}]}},
        ),
        Media("image", "image/png", "YWJjZA=="),
    )
    finish = answer.choices[0].finish
    assert finish is not None
    assert finish.reason == "stop"  # the provider has run its tool itself


def test_metadata_may_come_before_the_end_and_without_usage() -> None:
    early = stream(BEGIN, delta(0, text="x"), METADATA, done("end_turn"))
    assert read(early)[-1] == Ended()
    assert read(early).count(Ended()) == 1
    twice = stream(BEGIN, done("end_turn"), ("metadata", {"metrics": {"latencyMs": 1}}), METADATA)
    assert [type(one) for one in read(twice)[-2:]] == [Used, Ended]


def test_a_stream_without_its_message_stop_was_cut() -> None:
    cut = stream(BEGIN, delta(0, text="x"), stop(0), METADATA)
    assert Ended() not in read(cut)
    assert Ended() not in read(TEXT[: len(TEXT) - 3])


def test_a_whole_answer_without_usage_is_ended_by_the_connection() -> None:
    events = read(stream(BEGIN, delta(0, text="x"), stop(0), done("end_turn")))
    assert events[-1] == Ended()
    assert not any(isinstance(one, Used) for one in events)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("internalServerException", 500),
        ("modelStreamErrorException", 502),
        ("validationException", 400),
        ("throttlingException", 429),
        ("serviceUnavailableException", 503),
        ("somethingNewException", 502),
    ],
)
def test_an_exception_in_mid_stream_is_a_failure(name: str, status: int) -> None:
    whole = stream(BEGIN, delta(0, text="x")) + exception(name, {"message": "Too busy."}) + stream(done("end_turn"))
    events = read(whole)
    assert events[-1] == Failed("Too busy.", status, name[0].upper() + name[1:])


def test_an_error_of_the_transport_is_a_failure() -> None:
    headers = [(":message-type", 7, b"error"), (":error-code", 7, b"InternalFailure"), (":error-message", 7, b"Gone.")]
    assert read(message(headers, b"")) == [Failed("Gone.", 502, "InternalFailure")]


def test_an_exception_without_a_text_names_itself() -> None:
    assert read(exception("throttlingException", {})) == [
        Failed("The provider gave up with ThrottlingException.", 429, "ThrottlingException")
    ]


@pytest.mark.parametrize(
    "damaged",
    [
        b"HTTP/1.1 502 Bad Gateway",
        message([(":message-type", 7, b"event"), (":event-type", 7, b"contentBlockDelta")], b"{"),
        message([(":message-type", 7, b"event"), (":event-type", 7, b"contentBlockDelta")], b'{"delta": 7}'),
        event("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": "no"}}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{}"}}}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"citation": {"title": 7}}}),
        event("somethingNew", [1]),
    ],
)
def test_what_cannot_be_read_is_a_failure_and_nothing_follows(damaged: bytes) -> None:
    reader = BEDROCK.reader()
    events = reader.feed(stream(BEGIN) + damaged)
    assert isinstance(events[-1], Failed)
    assert events[-1].status == 502
    assert reader.feed(TEXT) == []
    assert reader.finish() == []


def test_unknown_events_and_blocks_are_tolerated() -> None:
    whole = stream(
        BEGIN, ("somethingNew", {"x": 1}), delta(0, text="a"), delta(1, hologram={}), done("end_turn"), METADATA
    )
    events = read(whole)
    assert Strange("bedrock", "somethingNew", b'{"x": 1}') in events
    assert [one.event for one in events if isinstance(one, Strange)] == ["somethingNew", "contentBlockDelta"]
    assert folded(events).choices[0].parts == (Text("a"),)


def test_the_trace_of_a_guardrail_is_kept() -> None:
    whole = stream(BEGIN, done("guardrail_intervened"), ("metadata", {"usage": USAGE, "trace": {"guardrail": {}}}))
    assert folded(read(whole)).extra == {"trace": {"guardrail": {}}}
    assert any(isinstance(one, Began) for one in read(whole))


def test_what_is_open_ends_with_the_message() -> None:
    events = read(stream(BEGIN, delta(0, text="x"), done("end_turn"), METADATA))
    kinds = [type(one).__name__ for one in events]
    assert kinds == ["Began", "PartBegan", "Added", "PartEnded", "Finished", "Used", "Ended"]
    assert isinstance(events[1], PartBegan)
    assert isinstance(events[4], Finished)


def test_a_hundred_thousand_events_cost_the_same_each() -> None:
    piece = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "word "}, "p": "abcdef"})

    def seconds(count: int) -> float:
        reader = BEDROCK.reader()
        reader.feed(stream(BEGIN))
        began = time.process_time()
        for _ in range(count):
            reader.feed(piece)
        return (time.process_time() - began) / count

    few, many = min(seconds(2_000) for _ in range(5)), seconds(100_000)
    assert many < 3 * few

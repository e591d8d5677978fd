"""What clients are told in Gemini's words, where the upstream spoke another dialect."""

import base64
import time
from typing import Any

import msgspec
import pytest

from steelyard.core.answer import Answer, Choice, Finish, FinishReason, TokenLogprob
from steelyard.core.errors import UpstreamError
from steelyard.core.events import (
    Added,
    Began,
    Cited,
    Ended,
    Event,
    Failed,
    Finished,
    Logged,
    PartBegan,
    PartEnded,
    Pinged,
    Sealed,
    Strange,
    Used,
)
from steelyard.core.losses import Losses
from steelyard.core.parts import Citation, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.core.usage import Usage
from steelyard.dialects.gemini import GEMINI
from tests.dialects.gemini.wire import asked, decoded, told


def _answer(*parts: Part, reason: FinishReason = "stop", **more: Any) -> Answer:
    return Answer("anthropic", (Choice(parts, Finish(reason)),), "msg_1", "claude-9", 1_700_000_000, **more)


def _candidate(*parts: Part, reason: FinishReason = "stop", losses: Losses | None = None) -> Any:
    return told(_answer(*parts, reason=reason), losses)["candidates"][0]


def test_an_answer_has_gemini_s_shape() -> None:
    answer = _answer(Text("hi"), usage=Usage(10, 7, cached=4, reasoning=2))
    assert told(answer) == {
        "candidates": [{"content": {"parts": [{"text": "hi"}], "role": "model"}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 10,
            "cachedContentTokenCount": 4,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 2,
            "totalTokenCount": 17,
        },
        "modelVersion": "claude-9",
        "responseId": "msg_1",
    }


def test_what_the_upstream_did_not_say_comes_from_the_call() -> None:
    body = told(Answer("openai", (Choice((Text("hi"),)),)))
    assert (body["modelVersion"], body["responseId"]) == ("gemini-2.5-flash", "req_7")
    assert "usageMetadata" not in body


@pytest.mark.parametrize(
    ("reason", "native", "lost"),
    [
        ("stop", "STOP", []),
        ("tool_calls", "STOP", []),
        ("length", "MAX_TOKENS", []),
        ("content_filter", "SAFETY", []),
        ("refusal", "SAFETY", []),
        ("pause", "OTHER", ["answer.finish_reason"]),
        ("other", "OTHER", ["answer.finish_reason"]),
    ],
)
def test_trap_8_every_reason_has_a_word(reason: FinishReason, native: str, lost: list[str]) -> None:
    losses = Losses()
    assert _candidate(Text("a"), reason=reason, losses=losses)["finishReason"] == native
    assert [loss.path for loss in losses.all()] == lost


def test_trap_6_arguments_are_objects_and_calls_keep_ids_and_signatures() -> None:
    parts = _candidate(ToolCall("1", "f", '{"a": 1}', signature="c2ln"), ToolCall("2", "g", ""), reason="tool_calls")[
        "content"
    ]["parts"]
    assert parts == [
        {"functionCall": {"name": "f", "args": {"a": 1}, "id": "1"}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "g", "args": {}, "id": "2"}},
    ]


def test_a_call_whose_arguments_are_no_object_is_told_as_malformed() -> None:
    losses = Losses()
    candidate = _candidate(ToolCall("1", "f", '{"a":'), reason="tool_calls", losses=losses)
    assert candidate["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert candidate["finishMessage"] == 'Malformed function call: f({"a":)'
    assert [loss.how for loss in losses.all()] == ["approximated"]


@pytest.mark.parametrize(
    "thought",
    [
        Thinking("hm", "anthropic", signature="sig/+="),
        Thinking("", "anthropic", sealed="redacted"),
        Thinking("a\n\nb", "openai-responses", sealed="enc", summary=True, item_id="rs_1", breaks=(3,)),
        Thinking("hm", "gemini", signature="c2ln"),
    ],
)
def test_trap_13_seals_travel_through_a_gemini_client_and_back(thought: Thinking) -> None:
    part = _candidate(thought, Text("a"))["content"]["parts"][0]
    assert part["thought"] is True
    signature = base64.b64decode(part["thoughtSignature"], validate=True)
    # Google's own client decodes the bytes and encodes them in the alphabet of URLs.
    part["thoughtSignature"] = base64.urlsafe_b64encode(signature).decode()
    back = decoded({"contents": [{"role": "model", "parts": [part]}]}).messages[0].parts[0]
    assert isinstance(back, Thinking)
    if thought.dialect == "gemini":
        assert base64.urlsafe_b64decode(back.signature or "") == b"sig"
        back = msgspec.structs.replace(back, signature=thought.signature)
    assert msgspec.structs.replace(back, at="") == thought


def _streamed_thoughts() -> list[Any]:
    """Return the parts that tell two foreign thoughts in a stream."""
    writer = GEMINI.writer(asked(), Losses())
    first, second = Thinking("", "anthropic"), Thinking("", "anthropic")
    events: list[Event] = [
        PartBegan(0, "thinking", first),
        Added(0, "h"),
        Added(0, "m"),
        Sealed(0, "one"),
        PartEnded(0),
        PartBegan(1, "thinking", second),
        Added(1, "so"),
        Sealed(1, "two"),
        PartEnded(1),
    ]
    return [
        part
        for chunk in _chunks(b"".join(writer.write(one) for one in events))
        for part in chunk["candidates"][0]["content"]["parts"]
    ]


def test_trap_13_a_streamed_thought_comes_back_whole_with_its_seal() -> None:
    parts = _streamed_thoughts()
    assert len(parts) == 5
    found = decoded({"contents": [{"role": "model", "parts": parts}]}).messages[0].parts
    assert found == (
        Thinking("hm", "anthropic", signature="one", at="contents[0].parts[0]"),
        Thinking("so", "anthropic", signature="two", at="contents[0].parts[3]"),
    )


def test_trap_13_a_thought_is_whole_though_each_chunk_comes_back_as_a_content_of_its_own() -> None:
    said = [{"text": "Hi"}, *_streamed_thoughts(), {"functionCall": {"name": "f", "args": {}}}]
    contents = [{"role": "model" if place else "user", "parts": [part]} for place, part in enumerate(said)]
    found = decoded({"contents": contents}).messages
    assert [message.parts[0] for message in found[:3]] == [
        Text("Hi", at="contents[0].parts[0]"),
        Thinking("hm", "anthropic", signature="one", at="contents[1].parts[0]"),
        Thinking("so", "anthropic", signature="two", at="contents[4].parts[0]"),
    ]
    assert len(found) == 4


def test_what_stands_before_a_thought_in_its_first_content_stays() -> None:
    *pieces, seal = _streamed_thoughts()[:3]
    contents = [{"role": "model", "parts": [{"text": "Well."}, *pieces]}, {"role": "model", "parts": [seal]}]
    first, second = decoded({"contents": contents}).messages
    assert first.parts == (Text("Well.", at="contents[0].parts[0]"),)
    assert second.parts == (Thinking("hm", "anthropic", signature="one", at="contents[0].parts[1]"),)


def test_refusals_are_text_and_media_their_bytes() -> None:
    parts = _candidate(Refusal("no"), Media("image", "image/png", data="AAAA"))["content"]["parts"]
    assert parts == [{"text": "no"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]


def test_pages_that_are_cited_are_grounding() -> None:
    cited = (
        Citation("anthropic", {}, "https://a.org", "A", start=2, end=4),
        Citation("anthropic", {}, "https://a.org", "A"),
        Citation("anthropic", {"type": "char_location"}),
    )
    losses = Losses()
    candidate = _candidate(Thinking("x", "anthropic"), Text("ä ü ö", citations=cited), losses=losses)
    assert candidate["groundingMetadata"] == {
        "groundingChunks": [{"web": {"uri": "https://a.org", "title": "A"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 3, "endIndex": 6, "text": "ü ", "partIndex": 1}, "groundingChunkIndices": [0]},
            {"segment": {"endIndex": 8, "text": "ä ü ö", "partIndex": 1}, "groundingChunkIndices": [0]},
        ],
    }
    assert [(loss.path, loss.how) for loss in losses.all()] == [("answer.citations", "dropped")]


def test_what_an_answer_loses_is_reported() -> None:
    losses = Losses()
    answer = Answer(
        "openai",
        (
            Choice(
                (Opaque("openai", "audio", {}), Text("a", extra={"annotations": []})),
                Finish("stop_sequence", "END", "openai", "stop", {"weight": 1}),
                (TokenLogprob("a", -1.0, (255,)),),
            ),
        ),
        usage=Usage(1, 1, cache_write=1),
        usage_raw=b'{"prompt_tokens":1}',
        usage_extra={"cost": 1},
        extra={"system_fingerprint": "x"},
    )
    assert told(answer, losses)["candidates"][0]["content"]["parts"] == [{"text": "a"}]
    assert {loss.path for loss in losses.all()} == {
        "answer.choices[0].parts[0]",
        "answer.annotations",
        "answer.stop_sequence",
        "answer.weight",
        "answer.logprobs.bytes",
        "answer.usage.cost",
        "answer.usage.cache_write",
        "answer.system_fingerprint",
    }


def test_tokens_have_their_log_probabilities() -> None:
    answer = Answer(
        "openai", (Choice((Text("a"),), None, (TokenLogprob("a", -0.5, (97,), (TokenLogprob("b", -1.0),)),)),)
    )
    assert told(answer)["candidates"][0]["logprobsResult"] == {
        "chosenCandidates": [{"token": "a", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "b", "logProbability": -1.0}]}],
    }


def test_shares_of_audio_are_details() -> None:
    usage = told(_answer(Text("a"), usage=Usage(10, 4, input_audio=6, output_audio=4)))["usageMetadata"]
    assert usage["promptTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": 4},
        {"modality": "AUDIO", "tokenCount": 6},
    ]
    assert usage["candidatesTokensDetails"] == [{"modality": "AUDIO", "tokenCount": 4}]


STREAM: list[Event] = [
    Began("chatcmpl-1", "gpt-9", 1, {"system_fingerprint": "x"}, "openai"),
    PartBegan(0, "text", Text("")),
    Added(0, "Hel"),
    Pinged(),
    PartBegan(1, "tool_call", ToolCall("t1", "f", "")),
    Added(1, '{"a":'),
    Added(0, "lo"),
    PartBegan(2, "tool_call", ToolCall("t2", "f", "")),
    Added(2, "{}"),
    Added(1, "1}"),
    PartEnded(0),
    PartEnded(1),
    Finished(Finish("tool_calls", dialect="openai", native="tool_calls")),
    Used(Usage(3, 2), b'{"prompt_tokens":3}'),
    Ended(),
]


def _chunks(wire: bytes) -> list[Any]:
    return [msgspec.json.decode(one.strip().removeprefix(b"data: ")) for one in wire.split(b"\n\n") if one.strip()]


def _of(chunks: list[Any]) -> list[Any]:
    return [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]


PARTS = [
    {"text": "Hel"},
    {"text": "lo"},
    {"functionCall": {"name": "f", "args": {"a": 1}, "id": "t1"}},
    {"functionCall": {"name": "f", "args": {}, "id": "t2"}},
    {"text": ""},
]


def test_a_stream_tells_texts_at_once_and_calls_when_they_are_whole() -> None:
    losses = Losses()
    writer = GEMINI.writer(asked(), losses)
    written = [writer.write(event) for event in STREAM]
    chunks = _chunks(b"".join(written))
    assert written[2].endswith(b"\n\n")
    assert written[3] == b"\n"
    assert _of(chunks) == PARTS
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    assert chunks[-1]["usageMetadata"] == {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    assert {(chunk["responseId"], chunk["modelVersion"]) for chunk in chunks} == {("chatcmpl-1", "gpt-9")}
    assert [loss.path for loss in losses.all()] == ["answer.system_fingerprint"]
    assert writer.write(Ended()) == b""


def test_a_client_without_alt_sse_gets_one_array() -> None:
    writer = GEMINI.array_writer(asked(), Losses())
    wire = b"".join(writer.write(event) for event in STREAM)
    assert wire.startswith(b"[{")
    assert _of(msgspec.json.decode(wire)) == PARTS
    assert GEMINI.array_content_type == b"application/json"


def test_an_array_without_chunks_is_an_array() -> None:
    assert GEMINI.array_writer(asked(), Losses()).write(Ended()) == b"[]"


def test_the_id_stays_the_same_when_more_becomes_known() -> None:
    writer = GEMINI.writer(asked(), Losses())
    events: list[Event] = [PartBegan(0, "text", Text("a")), Began("late", "m"), Added(0, "b")]
    assert {one["responseId"] for one in _chunks(b"".join(writer.write(event) for event in events))} == {"req_7"}


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("begun", [False, True])
def test_trap_18_a_stream_that_breaks_ends_with_an_error(array: bool, begun: bool) -> None:
    for tell in ("fail", "write"):
        writer = GEMINI.writer(asked(), Losses(), array=array)
        wire = b"".join(writer.write(event) for event in STREAM[:3]) if begun else b""
        if tell == "fail":
            wire += writer.fail(UpstreamError("gone", code="upstream_cut"))
        else:
            wire += writer.write(Failed("gone", 502))
        wire += writer.write(Ended())
        chunks = msgspec.json.decode(wire) if array else _chunks(wire)
        error = chunks[-1]["error"]
        assert (error["code"], error["message"], error["status"]) == (502, "gone", "UNAVAILABLE")
        assert len(chunks) == (2 if begun else 1)


def test_a_streamed_call_with_bad_arguments_is_told_as_malformed() -> None:
    writer = GEMINI.writer(asked(), Losses())
    events: list[Event] = [
        PartBegan(0, "tool_call", ToolCall("1", "f", "")),
        Added(0, "{"),
        PartEnded(0),
        Finished(Finish("tool_calls")),
        Ended(),
    ]
    (chunk,) = _chunks(b"".join(writer.write(event) for event in events))
    assert chunk["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"


def test_streamed_citations_and_log_probabilities_are_told() -> None:
    writer = GEMINI.writer(asked(), Losses())
    events: list[Event] = [
        PartBegan(0, "text", Text("")),
        Added(0, "ab"),
        Logged((TokenLogprob("ab", -0.5),)),
        Cited(0, Citation("anthropic", {}, "https://a.org")),
        PartEnded(0),
        Finished(Finish("stop")),
        Ended(),
    ]
    chunks = _chunks(b"".join(writer.write(event) for event in events))
    assert chunks[1]["candidates"][0]["logprobsResult"]["chosenCandidates"] == [{"token": "ab", "logProbability": -0.5}]
    assert chunks[-1]["candidates"][0]["groundingMetadata"]["groundingSupports"][0]["segment"] == {
        "endIndex": 2,
        "text": "ab",
    }


def test_choices_of_a_stream_are_candidates() -> None:
    writer = GEMINI.writer(asked(), Losses())
    events: list[Event] = [
        PartBegan(0, "text", Text("a")),
        PartBegan(1, "text", Text("b"), 1),
        Finished(Finish("stop"), 1),
        Finished(Finish("length"), 0),
        Ended(),
    ]
    chunks = _chunks(b"".join(writer.write(event) for event in events))
    assert [one["candidates"][0]["index"] for one in chunks[:2]] == [0, 1]
    assert [one["finishReason"] for one in chunks[2]["candidates"]] == ["MAX_TOKENS", "STOP"]


def test_only_gemini_s_own_strange_events_are_forwarded() -> None:
    writer = GEMINI.writer(asked(), Losses())
    assert writer.write(Strange("gemini", None, b'{"a":1}')) == b'data: {"a":1}\n\n'
    assert writer.write(Strange("anthropic", "odd", b"{}")) == b""


def test_a_count_of_tokens_is_told() -> None:
    assert GEMINI.encode_count(42) == b'{"totalTokens":42}'


@pytest.mark.slow
def test_an_event_costs_the_same_however_long_the_stream() -> None:
    def seconds(count: int) -> float:
        writer = GEMINI.writer(asked(), Losses())
        writer.write(PartBegan(0, "text", Text("")))
        event = Added(0, "word ")
        began = time.process_time()
        for _ in range(count):
            writer.write(event)
        return (time.process_time() - began) / count

    short = min(seconds(2_000) for _ in range(3))
    assert seconds(100_000) < 4 * short

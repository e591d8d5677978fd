"""What Gemini's answers and streams tell."""

import time
from typing import Any

import msgspec
import pytest

from steelyard.core.answer import Answer, TokenLogprob
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
    Strange,
    Used,
)
from steelyard.core.parts import Media, Opaque, Text, Thinking, ToolCall
from steelyard.core.usage import Usage
from steelyard.dialects.gemini import GEMINI
from steelyard.dialects.gemini.stream_in import Reader
from tests.dialects.gemini.wire import folded, streamed


def _chunk(*parts: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, "index": 0, **candidate}]}


def _read(*chunks: dict[str, Any]) -> list[Event]:
    reader = Reader(iter(("call_1", "call_2", "call_3")).__next__)
    return [*reader.feed(streamed(list(chunks))), *reader.finish()]


def _answer(*chunks: dict[str, Any]) -> Answer:
    return folded(_read(*chunks)).answer()


def _reason(*chunks: dict[str, Any]) -> str:
    (finished,) = [one for one in _read(*chunks) if isinstance(one, Finished)]
    return finished.finish.reason


CALL = {"functionCall": {"name": "f", "args": {"a": 1}}}
STOP = _chunk({"text": ""}, finishReason="STOP")


def test_a_stream_of_text_is_told_piece_by_piece() -> None:
    head = {"modelVersion": "gemini-9", "responseId": "r1"}
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    events = _read(
        {**_chunk({"text": "He"}), **head},
        {**_chunk({"text": "llo"}), **head},
        {**STOP, "usageMetadata": usage, **head},
    )
    assert [type(one) for one in events] == [Began, PartBegan, Added, Used, PartEnded, Finished, Ended]
    assert events[0] == Began("r1", "gemini-9", dialect="gemini")
    assert events[2] == Added(0, "llo")


def test_thoughts_and_texts_are_parts_of_their_own() -> None:
    answer = _answer(
        _chunk({"text": "h", "thought": True}), _chunk({"text": "m", "thought": True}), _chunk({"text": "so"}), STOP
    )
    assert answer.choices[0].parts == (Thinking("hm", "gemini"), Text("so"))


def test_a_signed_part_is_never_joined_to_another() -> None:
    answer = _answer(
        _chunk({"text": "a"}),
        _chunk({"text": "b", "thoughtSignature": "c2ln"}),
        _chunk({"text": "c"}),
        _chunk({"text": "", "thoughtSignature": "bGFzdA=="}),
        STOP,
    )
    assert answer.choices[0].parts == (
        Text("a"),
        Text("b", signature="c2ln"),
        Text("c"),
        Text("", signature="bGFzdA=="),
    )


@pytest.mark.parametrize(
    "chunks",
    [
        (_chunk(CALL, finishReason="STOP"),),
        (_chunk(CALL), STOP),
        (STOP, _chunk(CALL)),
        (_chunk(CALL, finishReason="STOP"), _chunk({"text": "and"}, finishReason="STOP")),
        (_chunk({"text": "let me see"}, finishReason="STOP"), _chunk(CALL, finishReason="STOP")),
    ],
)
def test_trap_9_the_reason_is_derived_from_the_whole_stream(chunks: tuple[dict[str, Any], ...]) -> None:
    assert _reason(*chunks) == "tool_calls"


def test_trap_3_parallel_calls_have_ids_and_parts_of_their_own() -> None:
    parts = _answer(_chunk({**CALL, "thoughtSignature": "c2ln"}, CALL), _chunk(CALL), STOP).choices[0].parts
    assert parts == (
        ToolCall("call_1", "f", '{"a":1}', signature="c2ln"),
        ToolCall("call_2", "f", '{"a":1}'),
        ToolCall("call_3", "f", '{"a":1}'),
    )


def test_ids_that_the_gateway_gives_are_never_the_same() -> None:
    ids = set()
    for _ in range(2):
        for event in GEMINI.decode_answer(msgspec.json.encode(_chunk(CALL, CALL))) or ():
            if isinstance(event, PartBegan) and isinstance(event.value, ToolCall):
                ids.add(event.value.id)
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "other"),
        ("UNEXPECTED_TOOL_CALL", "other"),
        ("LANGUAGE", "other"),
        ("OTHER", "other"),
        ("CONTINUATION", "pause"),
        ("OF_TOMORROW", "other"),
    ],
)
def test_every_reason_has_a_counterpart_and_is_kept(native: str, reason: str) -> None:
    finish = _answer(_chunk({"text": "a"}, finishReason=native, finishMessage="why")).choices[0].finish
    assert finish is not None
    assert (finish.reason, finish.native, finish.dialect, finish.extra) == (
        reason,
        native,
        "gemini",
        {"finishMessage": "why"},
    )


def test_a_blocked_prompt_is_an_answer_that_a_filter_held_back() -> None:
    events = _read(
        {
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4},
        }
    )
    fold = folded(events)
    (choice,) = fold.answer().choices
    assert fold.ended
    assert choice.parts == ()
    assert choice.finish is not None
    assert (choice.finish.reason, choice.finish.native) == ("content_filter", "PROHIBITED_CONTENT")
    assert fold.answer().usage == Usage(4, 0)


def test_candidates_are_choices() -> None:
    answer = _answer(
        {"candidates": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "b"}]}, "index": 1}]},
        {"candidates": [{"content": {"parts": [{"text": "d"}]}, "index": 1, "finishReason": "STOP"}]},
        {"candidates": [{"content": {"parts": [{"text": "c"}]}, "index": 0, "finishReason": "MAX_TOKENS"}]},
    )
    assert [choice.parts for choice in answer.choices] == [(Text("ac"),), (Text("bd"),)]
    assert [choice.finish.reason for choice in answer.choices if choice.finish] == ["length", "stop"]


def test_a_stream_is_whole_only_when_every_candidate_has_a_reason() -> None:
    assert Ended() not in _read(_chunk({"text": "a"}))
    assert Ended() not in _read(_chunk({"text": "a"}), {"candidates": [{"index": 1, "finishReason": "STOP"}]})
    assert Ended() not in _read()
    assert _read(_chunk({"text": "a"}), STOP)[-1] == Ended()


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        # Trap 12: output is candidates and thoughts. Trap 11: the prompt's tokens include the cached ones.
        (
            {
                "promptTokenCount": 10,
                "cachedContentTokenCount": 6,
                "candidatesTokenCount": 3,
                "thoughtsTokenCount": 7,
                "totalTokenCount": 20,
            },
            Usage(10, 10, cached=6, reasoning=7),
        ),
        (
            {"promptTokenCount": 10, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 16},
            Usage(15, 1),
        ),
        ({"promptTokenCount": 10, "totalTokenCount": 10}, Usage(10, 0)),
        ({"promptTokenCount": 10, "totalTokenCount": 14}, Usage(10, 4)),
        ({"promptTokenCount": 10, "thoughtsTokenCount": 2}, Usage(10, 2, reasoning=2)),
        ({"promptTokenCount": 10}, Usage(10)),
        (
            {
                "promptTokenCount": 10,
                "candidatesTokenCount": 4,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4}, {"modality": "AUDIO", "tokenCount": 6}],
                "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}],
            },
            Usage(10, 4, input_audio=6, output_audio=3),
        ),
        ({"trafficType": "ON_DEMAND"}, None),
    ],
)
def test_traps_11_and_12_usage_counts_parts_inside_their_whole(told: dict[str, Any], usage: Usage | None) -> None:
    (used,) = [one for one in _read({**STOP, "usageMetadata": told}) if isinstance(one, Used)]
    assert used.usage == usage
    assert used.raw == msgspec.json.encode(told)


def test_trap_10_usage_is_set_and_told_only_when_it_changes() -> None:
    first, last = (
        {"promptTokenCount": 3, "totalTokenCount": 3},
        {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
    )
    chunks = [{**_chunk({"text": "a"}), "usageMetadata": one} for one in (first, first, last)]
    assert [one.usage for one in _read(*chunks, STOP) if isinstance(one, Used)] == [Usage(3, 0), Usage(3, 2)]


def test_media_and_the_provider_s_own_parts_are_whole() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    parts = (
        _answer(_chunk({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, code, {"newer": {"x": 1}}), STOP)
        .choices[0]
        .parts
    )
    assert parts == (
        Media("image", "image/png", data="AAAA"),
        Opaque("gemini", "executableCode", code),
        Opaque("gemini", "newer", {"newer": {"x": 1}}),
    )


def test_what_an_answer_is_grounded_in_is_cited_by_characters() -> None:
    text = "Größe: 8 m. Überall."
    start, end = len("Größe: 8 m. ".encode()), len(text.encode())
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.org", "title": "A"}}, {"web": {"uri": "https://b.org"}}],
        "groundingSupports": [
            {"segment": {"startIndex": start, "endIndex": end, "text": "Überall."}, "groundingChunkIndices": [1, 0, 9]},
            {"segment": {"startIndex": 500, "endIndex": 503, "text": "8 m"}, "groundingChunkIndices": [0]},
            {"segment": {"text": "not there"}, "groundingChunkIndices": [0]},
        ],
    }
    events = _read(
        _chunk({"text": text[:5]}), _chunk({"text": text[5:]}), _chunk(finishReason="STOP", groundingMetadata=grounding)
    )
    cited = [one.citation for one in events if isinstance(one, Cited)]
    assert [(one.url, one.start, one.end) for one in cited] == [
        ("https://b.org", 12, 20),
        ("https://a.org", 12, 20),
        ("https://a.org", 7, 10),
        ("https://a.org", None, None),
    ]
    assert text[12:20] == cited[0].quoted == "Überall."
    (part,) = folded(events).answer().choices[0].parts
    assert isinstance(part, Text)
    assert len(part.citations) == 4
    finish = folded(events).answer().choices[0].finish
    assert finish is not None
    assert finish.extra == {"groundingMetadata": grounding}


def test_sources_that_are_quoted_at_length_are_cited_and_add_up() -> None:
    def cited(number: int) -> dict[str, Any]:
        return {"citationSources": [{"startIndex": number, "endIndex": number + 1, "uri": f"https://{number}.org"}]}

    events = _read(
        _chunk({"text": "abc"}, citationMetadata=cited(0)), _chunk({"text": "d"}, citationMetadata=cited(1)), STOP
    )
    assert [(one.citation.url, one.citation.start) for one in events if isinstance(one, Cited)] == [
        ("https://0.org", 0),
        ("https://1.org", 1),
    ]
    finish = folded(events).answer().choices[0].finish
    assert finish is not None
    assert len(finish.extra["citationMetadata"]["citationSources"]) == 2


def test_nothing_is_cited_in_a_part_that_has_ended() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.org"}}],
        "groundingSupports": [{"segment": {"text": "a"}, "groundingChunkIndices": [0]}],
    }
    late = _read(_chunk({"text": "a"}), _chunk(CALL), _chunk(finishReason="STOP", groundingMetadata=grounding))
    assert not [one for one in late if isinstance(one, Cited)]
    at_once = _read(_chunk({"text": "a"}, CALL, finishReason="STOP", groundingMetadata=grounding))
    told = [type(one) for one in at_once if getattr(one, "part", None) == 0]
    assert told == [PartBegan, Cited, PartEnded]


def test_log_probabilities_are_tokens() -> None:
    result = {
        "chosenCandidates": [{"token": "a", "tokenId": 7, "logProbability": -0.5}, {"token": "b"}],
        "topCandidates": [{"candidates": [{"token": "a", "logProbability": -0.5}]}],
    }
    answer = _answer(_chunk({"text": "ab"}, logprobsResult=result), STOP)
    assert answer.choices[0].logprobs == (
        TokenLogprob("a", -0.5, top=(TokenLogprob("a", -0.5),), token_id=7),
        TokenLogprob("b", 0.0),
    )


@pytest.mark.parametrize("framing", [b"data: %b\r\n\r\n", b"%b\n"])
def test_trap_18_an_error_in_mid_stream_is_a_failure(framing: bytes) -> None:
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE", "details": [{"reason": "BUSY"}]}}
    reader = GEMINI.reader()
    events = [*reader.feed(streamed([_chunk({"text": "a"})]) + framing % msgspec.json.encode(error)), *reader.finish()]
    assert events[-1] == Failed("overloaded", 503, "UNAVAILABLE", "BUSY")
    assert reader.finish() == []


def test_trap_19_unknown_events_and_keep_alives_are_tolerated() -> None:
    wire = (
        b": ping\r\n\r\n"
        + streamed([_chunk({"text": "a"}), {"weather": 1}, {"candidates": "none"}, STOP])
        + b"data: [DONE]\n\n"
    )
    reader = GEMINI.reader()
    events = [*reader.feed(wire), *reader.finish()]
    assert [one.data for one in events if isinstance(one, Strange)] == [b'{"weather":1}', b"[DONE]"]
    assert events[-1] == Ended()
    assert folded(events).answer().choices[0].parts == (Text("a"),)


@pytest.mark.parametrize(
    "chunk",
    [
        {"candidates": [{"content": {"parts": [7]}}]},
        {"candidates": [{"content": {"parts": 7}}]},
        {"candidates": [{"content": "text"}]},
        {"candidates": 7},
        {
            "candidates": [
                {"index": "x", "groundingMetadata": {"groundingSupports": [{"segment": {"startIndex": "x"}}]}}
            ]
        },
        {"candidates": [{"content": {"parts": [{"text": "a"}]}, "logprobsResult": {"chosenCandidates": [1]}}]},
        {"usageMetadata": 7, "candidates": []},
    ],
)
def test_a_chunk_of_another_shape_breaks_nothing(chunk: dict[str, Any]) -> None:
    reader = GEMINI.reader()
    events = [*reader.feed(streamed([chunk, _chunk({"text": "b"}), STOP])), *reader.finish()]
    assert events[-1] == Ended()
    texts = [part.text for part in folded(events).answer().choices[0].parts if isinstance(part, Text)]
    assert "".join(texts).endswith("b")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"{}", b'{"choices":[]}', b"[7]"])
def test_what_is_no_answer_of_gemini_s_is_none(body: bytes) -> None:
    assert GEMINI.decode_answer(body) is None
    assert GEMINI.glance(body) is None


def test_an_array_of_chunks_is_an_answer() -> None:
    body = msgspec.json.encode([_chunk({"text": "a"}), _chunk({"text": "b"}, finishReason="STOP")])
    fold = folded(GEMINI.decode_answer(body))
    assert fold.answer().choices[0].parts == (Text("ab"),)
    assert fold.ended


def test_an_error_in_an_answer_s_place_is_a_failure() -> None:
    fold = folded(GEMINI.decode_answer(b'{"error":{"code":500,"message":"m","status":"INTERNAL"}}'))
    assert fold.failed == Failed("m", 500, "INTERNAL")


def test_an_event_that_never_ends_is_given_up() -> None:
    reader = GEMINI.reader()
    reader.feed(b'data: {"candidates":[' + b" " * (65 * 1024 * 1024))
    assert reader.overflow


@pytest.mark.slow
def test_a_chunk_costs_the_same_however_long_the_stream() -> None:
    def seconds(count: int) -> float:
        wires = [streamed([_chunk({"text": f"word {number} "})]) for number in range(1000)]
        reader = GEMINI.reader()
        began = time.process_time()
        for number in range(count):
            reader.feed(wires[number % 1000])
        return (time.process_time() - began) / count

    short = min(seconds(2_000) for _ in range(3))
    assert seconds(100_000) < 4 * short

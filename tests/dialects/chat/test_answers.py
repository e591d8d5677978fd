"""Whole answers of Chat Completions: what servers send is read with patience, what clients get is as documented."""

import json
from typing import Any

import pytest

from steelyard.core.answer import Answer, Choice, Finish, TokenLogprob
from steelyard.core.events import Event, Failed
from steelyard.core.fold import Fold
from steelyard.core.losses import Loss, Losses
from steelyard.core.parts import Citation, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.core.usage import Usage
from steelyard.dialects.chat import CHAT
from tests.dialects.chat.wire import USAGE, asked, body, call

FUNCTIONS = body(functions=[{"name": "find"}])


def read(value: Any) -> Answer:
    events = CHAT.decode_answer(json.dumps(value).encode())
    assert events is not None
    fold = Fold("openai")
    fold.take_all(events)
    assert fold.ended
    return fold.answer()


def told(answer: Answer, request: Any = None) -> tuple[Any, list[Loss]]:
    losses = Losses()
    return json.loads(CHAT.encode_answer(answer, asked(request), losses)), list(losses.all())


def whole(message: dict[str, Any], finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": None, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion", "created": 7, "model": "m", "choices": [choice], **more}


def choice_of(*parts: Part, finish: Finish | None = None, dialect: str = "anthropic") -> Answer:
    return Answer(dialect, (Choice(parts, finish or Finish("stop")),), "c", "m", 7)


def message_of(*parts: Part, **more: Any) -> Any:
    return told(choice_of(*parts, **more))[0]["choices"][0]["message"]


LOGPROB = {
    "token": "a",
    "logprob": -0.5,
    "bytes": [97],
    "top_logprobs": [{"token": "b", "logprob": -1.0, "bytes": None}],
}
ANNOTATION = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 2, "title": "T", "url": "u"}}

PIXEL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}, "index": 0}
DETAIL = {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "f", "index": 0}
BLOCK = {"type": "thinking", "thinking": "hm", "signature": "s"}
THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
SHELL = {"id": "c", "type": "custom", "custom": {"name": "s", "input": "ls"}}
SIGNED = call(k=3, extra_content={"google": {"thought_signature": "s"}})


def said(content: Any = "Hi", finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    return whole({"content": content, "refusal": None, **more}, finish)


AGAIN = [
    said(),
    said(None, refusal="No."),
    said(annotations=[ANNOTATION]),
    said(None, "tool_calls", tool_calls=[call(), call("c2")]),
    said("x", "tool_calls", tool_calls=[SIGNED]),
    said(None, "tool_calls", tool_calls=[SHELL]),
    said(reasoning="hm"),
    said(reasoning_content="hm"),
    said(reasoning_content="hm", reasoning_details=[DETAIL]),
    said(reasoning_content="hm", thinking_blocks=[BLOCK]),
    said([THINKING, {"type": "text", "text": "Hi"}]),
    said(None, audio={"id": "a", "data": "AAAA", "transcript": "Hi", "expires_at": 1}),
    said(images=[PIXEL]),
    said(provider_specific_fields={"k": 1}),
    said("Hi", "abort"),
    {**said("Hi", "length"), "usage": {**USAGE, "prompt_tokens_details": {"cached_tokens": 3}, "cost": 0.01}},
    said("Hi", None),
    {**said(), "system_fingerprint": "fp", "service_tier": "default", "provider": "P"},
]


@pytest.mark.parametrize("value", AGAIN, ids=range(len(AGAIN)))
def test_an_answer_of_this_dialect_is_told_again_as_it_was(value: Any) -> None:
    again, losses = told(read(value))
    assert again == value
    assert losses == []


def test_choices_keep_their_fields_of_other_servers_and_their_logprobs() -> None:
    value = whole({"content": "a", "refusal": None})
    value["choices"][0].update(logprobs={"content": [LOGPROB], "refusal": None}, content_filter_results={"hate": 0})
    second = {**value["choices"][0], "index": 1}
    value["choices"].append(second)
    answer = read(value)
    top = (TokenLogprob("b", -1.0),)
    assert answer.choices[1].logprobs == (TokenLogprob("a", -0.5, (97,), top),)
    again, _ = told(answer)
    again["choices"][0]["logprobs"]["content"][0]["top_logprobs"][0]["bytes"] = None
    assert again == value


@pytest.mark.parametrize(
    ("message", "native", "reason"),
    [
        ({"content": "x"}, "stop", "stop"),
        ({"content": "x"}, "length", "length"),
        ({"content": "x"}, "model_length", "length"),
        ({"content": "x"}, "content_filter", "content_filter"),
        ({"content": "x"}, "insufficient_system_resource", "other"),
        ({"content": "x"}, "tool_calls", "stop"),
        ({"refusal": "No."}, "stop", "refusal"),
        ({"tool_calls": [call()]}, "stop", "tool_calls"),
        ({"tool_calls": [call()]}, "tool_calls", "tool_calls"),
        ({"tool_calls": [call()]}, "length", "length"),
        ({"function_call": {"name": "f", "arguments": "{}"}}, "function_call", "tool_calls"),
    ],
)
def test_trap_9_the_reason_follows_from_what_was_said(message: Any, native: str, reason: str) -> None:
    finish = read(whole(message, native)).choices[0].finish
    assert finish is not None
    assert (finish.reason, finish.native, finish.dialect) == (reason, native, "openai")


def test_trap_8_the_stop_sequence_that_vllm_tells_is_known() -> None:
    value = whole({"content": "x"})
    value["choices"][0]["stop_reason"] = "END"
    assert read(value).choices[0].finish == Finish("stop_sequence", "END", "openai", "stop")
    assert told(read(value))[0]["choices"][0]["stop_reason"] == "END"
    value["choices"][0]["stop_reason"] = 128_009
    assert read(value).choices[0].finish == Finish("stop", None, "openai", "stop", {"stop_reason": 128_009})


def test_calls_without_ids_get_ids_of_their_answer() -> None:
    value = whole({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}, call(""), call("own")]}, "tool_calls")
    ids = [part.id for part in read(value).choices[0].parts if isinstance(part, ToolCall)]
    assert ids == ["call_c_0_0", "call_c_0_1", "own"]


def test_a_call_of_the_old_kind_is_a_tool_call() -> None:
    parts = read(whole({"content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}})).choices[0].parts
    assert parts == (ToolCall("call_c_0_0", "f", '{"a":1}'),)


def test_citations_stand_on_the_text() -> None:
    (text,) = read(whole({"content": "Hi", "annotations": [ANNOTATION]})).choices[0].parts
    assert text == Text("Hi", (Citation("openai", ANNOTATION, "u", "T", None, 0, 2),))


def test_usage_is_read_with_its_parts_and_kept_as_it_came() -> None:
    answer = read(whole({"content": "Hi"}, usage={**USAGE, "prompt_tokens_details": {"cached_tokens": 3}}))
    assert answer.usage == Usage(7, 5, 3)
    assert json.loads(answer.usage_raw or b"") == {**USAGE, "prompt_tokens_details": {"cached_tokens": 3}}


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"1", b"{}", b'{"choices": 1}', b'{"object": "list", "data": []}'])
def test_what_is_no_answer_is_none(value: bytes) -> None:
    assert CHAT.decode_answer(value) is None


@pytest.mark.parametrize(
    "choice",
    [
        None,
        1,
        {},
        {"message": None},
        {"message": {"content": 5}},
        {"message": {"tool_calls": "x"}},
        {"message": {"content": "x", "annotations": 7}, "index": "0"},
        {"message": {"content": "x"}, "logprobs": {"content": [None]}, "finish_reason": 3},
    ],
)
def test_choices_that_nobody_documents_break_nothing(choice: Any) -> None:
    events = CHAT.decode_answer(json.dumps({"id": "c", "choices": [choice]}).encode())
    assert events is None or isinstance(events, list)


@pytest.mark.parametrize(
    ("error", "failed"),
    [
        ({"message": "m", "type": "t", "code": "c"}, Failed("m", 502, "t", "c")),
        ({"message": "m", "code": 429}, Failed("m", 429, None, "429")),
        ("words", Failed("words")),
        ({"code": 7}, Failed("The upstream failed and did not say how.", 502, None, "7")),
    ],
)
def test_an_error_in_the_place_of_an_answer_is_a_failure(error: Any, failed: Failed) -> None:
    assert CHAT.decode_answer(json.dumps({"error": error}).encode()) == [failed]


def test_parts_of_other_dialects_are_put_where_this_one_has_them() -> None:
    message = message_of(Thinking("hm", "anthropic"), Text("a"), Text("b"), ToolCall("c", "f", ""))
    assert message["reasoning_content"] == "hm"
    assert message["content"] == "ab"
    assert message["tool_calls"] == [call("c", "f")]


def test_nothing_said_is_an_empty_text_and_calls_alone_are_none() -> None:
    assert message_of()["content"] == ""
    assert message_of(ToolCall("c", "f", "{}"))["content"] is None
    assert message_of(Refusal("No."))["content"] is None


@pytest.mark.parametrize(
    ("finish", "parts", "word", "losses"),
    [
        (Finish("stop"), (), "stop", []),
        (Finish("stop_sequence", "END", "anthropic"), (), "stop", ["answer.stop_sequence"]),
        (Finish("length"), (), "length", []),
        (Finish("tool_calls"), (), "tool_calls", []),
        (Finish("content_filter"), (), "content_filter", []),
        (Finish("refusal"), (Refusal("No."),), "stop", []),
        (Finish("refusal"), (Text("No."),), "content_filter", []),
        (Finish("pause", None, "anthropic", "pause_turn"), (), "stop", ["answer.finish_reason"]),
        (Finish("other", None, "gemini", "RECITATION"), (), "stop", ["answer.finish_reason"]),
        (Finish("stop", extra={"k": 1}, dialect="gemini"), (), "stop", ["answer.k"]),
    ],
)
def test_trap_8_reasons_have_the_nearest_word(finish: Finish, parts: Any, word: str, losses: list[str]) -> None:
    answer, found = told(choice_of(*parts, finish=finish))
    assert answer["choices"][0]["finish_reason"] == word
    assert [one.path for one in found] == losses


def test_order_that_a_message_has_not_is_reported() -> None:
    _, losses = told(choice_of(Text("a"), ToolCall("c", "f", "{}"), Text("b")))
    assert [(one.path, one.how) for one in losses] == [("answer.content", "approximated")]
    _, losses = told(choice_of(Thinking("t", "anthropic"), Text("a"), ToolCall("c", "f", "{}")))
    assert losses == []


def test_what_has_no_words_here_is_reported() -> None:
    parts = (Opaque("anthropic", "server_tool_use", {}), Media("audio", "audio/wav", "AAAA"), Text("a"))
    answer = Answer(
        "anthropic", (Choice(parts, Finish("stop")),), usage=Usage(1, 1), usage_extra={"k": 1}, extra={"l": 2}
    )
    wire, losses = told(answer)
    assert [one.path for one in losses] == ["answer.server_tool_use", "answer.audio", "answer.l", "answer.usage.k"]
    assert "l" not in wire


def test_citations_of_web_pages_count_from_the_beginning_of_the_text() -> None:
    page = Citation("gemini", {}, "u", "T", start=1, end=3)
    open_end = Citation("gemini", {}, "v")
    document = Citation("anthropic", {"type": "char_location"}, quoted="q")
    wire, losses = told(choice_of(Text("one "), Text("two", (page, open_end, document))))
    cited = [one["url_citation"] for one in wire["choices"][0]["message"]["annotations"]]
    assert cited == [
        {"start_index": 5, "end_index": 7, "title": "T", "url": "u"},
        {"start_index": 4, "end_index": 7, "title": "", "url": "v"},
    ]
    assert [(one.path, one.how) for one in losses] == [
        ("answer.citations", "approximated"),
        ("answer.citations", "dropped"),
    ]


def test_traps_10_to_12_usage_has_its_parts_inside() -> None:
    answer = Answer("anthropic", (Choice((Text("a"),)),), usage=Usage(10, 8, 4, 3, 5), usage_raw=b'{"theirs": 1}')
    assert told(answer)[0]["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 8,
        "total_tokens": 18,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    assert told(Answer("x", (Choice(),), usage=Usage(None, 8)))[0]["usage"] == {"completion_tokens": 8}
    assert "usage" not in told(Answer("x", (Choice(),)))[0]


def test_an_answer_without_id_time_or_model_has_the_exchanges() -> None:
    wire, _ = told(Answer("gemini", (Choice((Text("a"),), Finish("stop")),)))
    assert (wire["id"], wire["created"], wire["model"]) == ("chatcmpl-0123456789", 1_700_000_000, "m")


def test_a_client_that_asked_with_functions_is_answered_with_one() -> None:
    calls = (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}"))
    wire, losses = told(choice_of(*calls, finish=Finish("tool_calls")), FUNCTIONS)
    message = wire["choices"][0]["message"]
    assert message["function_call"] == {"name": "f", "arguments": '{"x":1}'}
    assert "tool_calls" not in message
    assert wire["choices"][0]["finish_reason"] == "function_call"
    assert [one.path for one in losses] == ["answer.tool_calls"]


def test_an_image_that_a_model_made_is_shown() -> None:
    message = message_of(Media("image", "image/png", "AAAA"))
    url = "data:image/png;base64,AAAA"
    assert message["images"] == [{"type": "image_url", "image_url": {"url": url}, "index": 0}]


def test_logprobs_of_a_refusal_are_its_own() -> None:
    logged = (TokenLogprob("No", -0.5),)
    entry = {"token": "No", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    refused = Answer("x", (Choice((Refusal("No."),), Finish("refusal"), logged),))
    assert told(refused)[0]["choices"][0]["logprobs"] == {"content": None, "refusal": [entry]}
    said = Answer("x", (Choice((Text("No."),), Finish("stop"), logged),))
    assert told(said)[0]["choices"][0]["logprobs"] == {"content": [entry], "refusal": None}


def test_a_glance_tells_what_the_record_needs() -> None:
    glance = CHAT.glance(json.dumps(whole({"content": "x"}, "length", usage=USAGE)).encode())
    assert glance is not None
    assert (glance.model, glance.finish_reason, glance.usage, glance.error) == ("m", "length", Usage(7, 5), False)
    assert json.loads(glance.usage_raw or b"") == USAGE
    failed = CHAT.glance(b'{"error": {"message": "m"}}')
    assert failed is not None
    assert failed.error
    assert CHAT.glance(b"no JSON") is None


def test_events_of_a_whole_answer_are_numbered_in_their_order() -> None:
    value = whole({"content": "a", "reasoning": "b", "tool_calls": [call()]}, "tool_calls")
    value["choices"].append({**value["choices"][0], "index": 1})
    events: list[Event] = CHAT.decode_answer(json.dumps(value).encode()) or []
    assert [one.part for one in events if type(one).__name__ == "PartBegan"] == list(range(6))  # type: ignore[union-attr]

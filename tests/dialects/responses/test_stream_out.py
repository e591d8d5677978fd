"""A client's stream: legal at every moment, whatever the order in which an upstream's events come."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from steelyard.core.answer import Answer, Choice, Finish, TokenLogprob
from steelyard.core.errors import TooMany, UpstreamTimeout
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
from steelyard.core.fold import Fold
from steelyard.core.losses import Losses
from steelyard.core.parts import Citation, Media, Opaque, Refusal, Text, Thinking, ToolCall
from steelyard.core.usage import Usage
from steelyard.dialects.responses import RESPONSES, response_id
from tests.dialects.responses.bodies import Json, asked, events_of, said
from tests.dialects.responses.core_events import streams
from tests.dialects.responses.legal import check

HEAD = Began("chatcmpl-1", "gpt-x", 1_700_000_001)


def written(*events: Event, losses: Losses | None = None) -> bytes:
    writer = RESPONSES.writer(asked(stream=True), losses or Losses())
    return b"".join(writer.write(event) for event in events)


def response(*events: Event) -> Json:
    return check(events_of(written(HEAD, *events)))


@given(streams())
@settings(max_examples=50, deadline=None)
def test_every_order_of_events_makes_a_legal_stream(events: list[Event]) -> None:
    told = check(events_of(written(*events)))

    assert told["id"] == "resp_0123456789abcdef"
    assert told["model"] == "model-x"
    assert told["usage"]["input_tokens"] == 7
    fold = Fold("x")
    fold.take_all(events)
    texts = [part.text for one in fold.answer().choices for part in one.parts if isinstance(part, Text)]
    contents = [part for item in told["output"] if item["type"] == "message" for part in item["content"]]
    assert [part["text"] for part in contents if part["type"] == "output_text"] == texts


@given(streams())
@settings(max_examples=30, deadline=None)
def test_a_whole_answer_is_the_fold_of_its_stream(events: list[Event]) -> None:
    fold = Fold("x")
    fold.take_all(events)
    whole = json.loads(RESPONSES.encode_answer(fold.answer(), asked(stream=True), Losses()))
    streamed = check(events_of(written(*events)))

    assert _words(whole) == _words(streamed)
    assert {key: whole[key] for key in whole.keys() - {"output"}} == {
        key: streamed[key] for key in streamed.keys() - {"output"}
    }


def _words(told: Json) -> list[Any]:
    # Where a seal stands differs: it goes before a call if it is known before, else behind it. A citation's place and
    # the tokens of a text depend on when they came.
    found: list[Any] = []
    for item in told["output"]:
        if item["type"] == "message":
            found.extend(
                (one["type"], one.get("text", one.get("refusal")), "annotations" in one) for one in item["content"]
            )
        elif "sy_" not in item["id"] or item["type"] != "reasoning":
            found.append((item["type"], item.get("arguments", item.get("input"))))
        elif item.get("content") or item["summary"]:
            found.append(
                ("reasoning", json.dumps([item.get("content"), item["summary"], item.get("encrypted_content")]))
            )
    return found


def test_a_plain_text_is_told_as_the_reference_shows_it() -> None:
    stream = written(
        HEAD,
        PartBegan(0, "text", Text("")),
        Added(0, "He"),
        Added(0, "llo"),
        PartEnded(0),
        Finished(Finish("stop")),
        Used(Usage(3, 2)),
        Ended(),
    )

    assert said(stream) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    last = check(events_of(stream))
    assert last["output"][0]["content"][0]["text"] == "Hello"
    assert last["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 5,
    }


def test_fragments_of_parallel_calls_that_interleave_are_put_in_order() -> None:
    """Traps 1 and 3."""
    told = response(
        PartBegan(0, "tool_call", ToolCall("call_a", "f", "")),
        PartBegan(1, "tool_call", ToolCall("call_b", "g", "")),
        Added(1, '{"b"'),
        Added(0, '{"a"'),
        Added(1, ":2}"),
        PartEnded(1),
        Added(0, ":1}"),
        PartEnded(0),
        Ended(),
    )
    assert [(one["call_id"], one["arguments"]) for one in told["output"]] == [
        ("call_a", '{"a":1}'),
        ("call_b", '{"b":2}'),
    ]


def test_a_thought_never_stands_inside_a_text() -> None:
    """Trap 2."""
    told = response(
        PartBegan(0, "text", Text("")),
        PartBegan(1, "thinking", Thinking("", "anthropic")),
        Added(1, "hm"),
        Added(0, "Hi"),
        Sealed(1, signature="SIG"),
        PartEnded(0),
        PartEnded(1),
        Ended(),
    )
    assert [one["type"] for one in told["output"]] == ["message", "reasoning"]
    assert told["output"][1]["content"] == [{"type": "reasoning_text", "text": "hm"}]
    assert told["output"][1]["encrypted_content"] == "steelyard.anthropic.SIG"


def test_a_summary_is_told_as_a_summary() -> None:
    told = response(
        PartBegan(0, "thinking", Thinking("", "gemini", summary=True)), Added(0, "hm"), PartEnded(0), Ended()
    )
    assert told["output"][0]["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert "content" not in told["output"][0]


def test_texts_and_refusals_that_follow_each_other_are_one_message() -> None:
    told = response(
        PartBegan(0, "text", Text("")),
        Added(0, "a"),
        PartEnded(0),
        PartBegan(1, "refusal", Refusal("")),
        Added(1, "b"),
        PartEnded(1),
        Finished(Finish("refusal")),
        Ended(),
    )
    assert len(told["output"]) == 1
    assert [one["type"] for one in told["output"][0]["content"]] == ["output_text", "refusal"]
    assert told["status"] == "completed"


def test_a_call_without_arguments_has_an_empty_object() -> None:
    told = response(PartBegan(0, "tool_call", ToolCall("c", "f", "")), PartEnded(0), Ended())
    assert told["output"][0]["arguments"] == "{}"


def test_gemini_s_signature_stands_right_before_its_call() -> None:
    """Trap 14."""
    told = response(PartBegan(0, "tool_call", ToolCall("c", "f", "{}", signature="GEM")), PartEnded(0), Ended())
    assert [(one["type"], one.get("encrypted_content")) for one in told["output"]] == [
        ("reasoning", "steelyard.gemini-call.GEM"),
        ("function_call", None),
    ]


def test_seals_survive_the_way_through_a_client() -> None:
    told = response(
        PartBegan(0, "thinking", Thinking("", "anthropic")),
        Sealed(0, signature="SIG"),
        PartEnded(0),
        PartBegan(1, "thinking", Thinking("", "anthropic", sealed="RED")),
        PartEnded(1),
        PartBegan(2, "tool_call", ToolCall("a", "f", "{}", signature="BEFORE")),
        PartEnded(2),
        PartBegan(3, "tool_call", ToolCall("b", "f", "{}")),
        Sealed(3, signature="LATE"),
        PartEnded(3),
        PartBegan(4, "text", Text("x")),
        Sealed(4, signature="TEXT"),
        PartEnded(4),
        Ended(),
    )
    body = {"model": "m", "input": told["output"]}
    back = RESPONSES.decode_request(json.dumps(body).encode())

    parts = [part for one in back.messages for part in one.parts]
    thoughts = [(one.dialect, one.signature, one.sealed) for one in parts if isinstance(one, Thinking)]
    assert thoughts == [("anthropic", "SIG", None), ("anthropic", None, "RED")]
    assert [one.signature for one in parts if isinstance(one, ToolCall)] == ["BEFORE", "LATE"]
    assert [one.signature for one in parts if isinstance(one, Text)] == ["TEXT"]


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        (Finish("stop"), "completed", None),
        (Finish("stop_sequence", "x"), "completed", None),
        (Finish("tool_calls"), "completed", None),
        (Finish("length"), "incomplete", "max_output_tokens"),
        (Finish("content_filter"), "incomplete", "content_filter"),
        (Finish("refusal"), "incomplete", "content_filter"),
        (Finish("other", dialect="openai-responses", native="steered"), "incomplete", "steered"),
        (Finish("pause", dialect="anthropic", native="pause_turn"), "completed", None),
    ],
)
def test_reasons_to_end_are_told_in_status_and_details(finish: Finish, status: str, reason: str | None) -> None:
    """Trap 8."""
    losses = Losses()
    stream = written(HEAD, PartBegan(0, "text", Text("x")), PartEnded(0), Finished(finish), Ended(), losses=losses)
    told = check(events_of(stream))

    assert told["status"] == status
    assert told["incomplete_details"] == ({"reason": reason} if reason else None)
    assert told["output"][0]["status"] == status
    assert [one.path for one in losses.all()] == (["answer.finish_reason"] if finish.reason == "pause" else [])


def test_citations_become_annotations_or_are_reported() -> None:
    losses = Losses()
    stream = written(
        HEAD,
        PartBegan(0, "text", Text("")),
        Added(0, "abc"),
        Cited(0, Citation("anthropic", {}, url="https://a.b", title="A")),
        Cited(0, Citation("anthropic", {}, quoted="only words")),
        PartEnded(0),
        Ended(),
        losses=losses,
    )
    part = check(events_of(stream))["output"][0]["content"][0]
    assert part["annotations"] == [
        {"type": "url_citation", "url": "https://a.b", "title": "A", "start_index": 0, "end_index": 3}
    ]
    assert [one.path for one in losses.all()] == ["answer.citations"]


def test_log_probabilities_go_with_the_text_that_follows() -> None:
    one = TokenLogprob("a", -0.5, (97,), (TokenLogprob("b", -1.0, None),))
    stream = written(
        HEAD, Logged((one,)), PartBegan(0, "text", Text("")), Added(0, "a"), Added(0, "!"), PartEnded(0), Ended()
    )

    wire = [
        {
            "token": "a",
            "logprob": -0.5,
            "bytes": [97],
            "top_logprobs": [{"token": "b", "logprob": -1.0, "bytes": [98]}],
        }
    ]
    deltas = [one for one in events_of(stream) if one["type"] == "response.output_text.delta"]
    assert [one["logprobs"] for one in deltas] == [wire, []]
    assert check(events_of(stream))["output"][0]["content"][0]["logprobs"] == wire


def test_an_image_is_told_as_one_that_a_tool_made() -> None:
    losses = Losses()
    stream = written(
        HEAD, PartBegan(0, "whole", Media("image", "image/png", "aaaa")), PartEnded(0), Ended(), losses=losses
    )
    item = check(events_of(stream))["output"][0]
    assert (item["type"], item["result"]) == ("image_generation_call", "aaaa")
    assert [(one.path, one.how) for one in losses.all()] == [("answer.content", "approximated")]


def test_every_item_has_an_id_of_its_own() -> None:
    image = Media("image", "image/png", "aaaa")
    told = response(
        PartBegan(0, "whole", image),
        PartBegan(1, "whole", image),
        PartBegan(2, "text", Text("a", item_id="msg_up")),
        PartBegan(3, "tool_call", ToolCall("c", "f", "{}")),
        PartBegan(4, "text", Text("b", item_id="msg_up")),
        PartBegan(5, "whole", Opaque("openai-responses", "web_search_call", {"type": "web_search_call"})),
        Ended(),
    )
    ids = [one["id"] for one in told["output"]]
    assert len(set(ids)) == len(ids) == 6
    assert ids[2] == "msg_up"


def test_other_choices_are_reported() -> None:
    losses = Losses()
    stream = written(
        HEAD,
        PartBegan(0, "text", Text("a")),
        PartBegan(1, "text", Text("b"), 1),
        Added(1, "c"),
        PartEnded(1),
        PartEnded(0),
        Finished(Finish("stop")),
        Finished(Finish("length"), 1),
        Ended(),
        losses=losses,
    )
    told = check(events_of(stream))
    assert told["status"] == "completed"
    assert [one["content"][0]["text"] for one in told["output"]] == ["a"]
    assert [one.path for one in losses.all()] == ["answer.choices[1]"]


def test_a_ping_is_a_comment() -> None:
    assert written(HEAD, Pinged()).endswith(b"\n\n: ping\n\n")


def test_hosted_tools_events_follow_their_items() -> None:
    item = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    event = {"type": "response.web_search_call.searching", "item_id": "ws_1", "output_index": 9, "sequence_number": 70}
    stream = written(
        Began("resp_up", "m", 1, {}, "openai-responses"),
        PartBegan(0, "text", Text("")),
        PartBegan(1, "whole", Opaque("openai-responses", "web_search_call", item)),
        Strange("openai-responses", None, json.dumps(event).encode()),
        Added(0, "x"),
        PartEnded(0),
        PartEnded(1, Opaque("openai-responses", "web_search_call", {**item, "status": "completed"})),
        Strange("anthropic", "odd", b"{}"),
        Ended(),
    )

    told = check(events_of(stream))
    assert told["id"] == "resp_up"
    assert told["output"][1]["status"] == "completed"
    searching = next(one for one in events_of(stream) if one["type"].endswith("searching"))
    assert (searching["output_index"], searching["item_id"]) == (1, "ws_1")


@pytest.mark.parametrize("when", [0, 1, 2, 3, 4])
def test_a_failure_ends_the_stream_at_any_moment(when: int) -> None:
    """Trap 18."""
    events: list[Event] = [
        HEAD,
        PartBegan(0, "tool_call", ToolCall("c", "f", "")),
        Added(0, '{"a"'),
        PartEnded(0),
    ]
    writer = RESPONSES.writer(asked(stream=True), Losses())
    stream = b"".join(writer.write(event) for event in events[:when])
    stream += writer.fail(UpstreamTimeout("Provider x gave nothing for 60 s.", code="upstream_timeout"))

    told = events_of(stream)
    assert [one["sequence_number"] for one in told] == list(range(len(told)))
    last = told[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["error"] == {
        "code": "server_error",
        "message": "Provider x gave nothing for 60 s.",
        "type": "upstream_timeout",
    }
    # A call that is not whole must not look as if it could be made.
    assert ("response.output_item.done" in said(stream)) == (when == 4)
    assert writer.write(Added(0, "more")) == b""
    assert writer.write(Ended()) == b""
    assert writer.fail(TooMany("again")) == b""


def test_an_upstream_s_failure_in_mid_stream_is_told() -> None:
    stream = written(HEAD, Failed("Overloaded.", 429, "rate_limit", "overloaded"), Ended())
    last = events_of(stream)[-1]
    assert last["response"]["error"]["code"] == "rate_limit_exceeded"
    assert last["response"]["status"] == "failed"


def test_the_response_repeats_the_request_s_settings() -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
    call = asked(
        instructions="Be brief.",
        tools=[tool],
        tool_choice="required",
        parallel_tool_calls=False,
        temperature=0.5,
        max_output_tokens=99,
        reasoning={"effort": "low"},
        text={"format": {"type": "json_object"}, "verbosity": "low"},
        metadata={"a": "b"},
        user="u",
        store=False,
        truncation="auto",
    )
    answer = Answer("openai", (Choice((Text("x"),), Finish("stop")),), "chatcmpl-1", "gpt-x", 5, Usage(1, 1))
    losses = Losses()

    told = json.loads(RESPONSES.encode_answer(answer, call, losses))

    expected = {
        "object": "response",
        "created_at": 5,
        "model": "gpt-x",
        "instructions": "Be brief.",
        "tools": [tool],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "max_output_tokens": 99,
        "reasoning": {"effort": "low", "summary": None},
        "text": {"format": {"type": "json_object"}, "verbosity": "low"},
        "metadata": {"a": "b"},
        "user": "u",
        "store": False,
        "truncation": "auto",
        "previous_response_id": None,
    }
    assert {name: told[name] for name in expected} == expected
    assert told["id"] == response_id(call.id)
    assert losses.all() == ()


def test_fields_of_other_dialects_answers_are_reported() -> None:
    extra = {"service_tier": "default", "system_fingerprint": "fp"}
    answer = Answer("openai", (Choice((Text("x"),)),), usage=Usage(1, 1), extra=extra)
    losses = Losses()

    told = json.loads(RESPONSES.encode_answer(answer, asked(), losses))

    assert told["service_tier"] == "default"
    assert [one.path for one in losses.all()] == ["answer.system_fingerprint"]


def test_an_event_costs_the_same_however_long_the_stream() -> None:
    writer = RESPONSES.writer(asked(stream=True), Losses())
    writer.write(HEAD)
    writer.write(PartBegan(0, "text", Text("")))
    writer.write(PartBegan(1, "text", Text("")))
    sizes = [len(writer.write(Added(0, "x"))) for _ in range(20_000)]
    for _ in range(20_000):
        assert writer.write(Added(1, "y")) == b""
    flushed = writer.write(PartEnded(0))
    assert max(sizes) - min(sizes) <= 4  # only the number grows
    assert flushed.count(b"response.output_text.delta") == 40_000

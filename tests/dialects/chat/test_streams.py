"""Streams of Chat Completions, from servers that each write them in their own way, to clients as documented."""

import json
from typing import Any

import pytest

from steelyard.core.answer import Answer, Choice, Finish, TokenLogprob
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
from steelyard.core.fold import Fold
from steelyard.core.losses import Losses
from steelyard.core.parts import Citation, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from steelyard.core.usage import Usage
from steelyard.dialects.chat import CHAT
from tests.dialects.chat.wire import USAGE, asked, body, chunk, event
from tests.support.lines import lines_of

DONE = b"data: [DONE]\n\n"
COUNTED = body(stream=True, stream_options={"include_usage": True})


def read(*pieces: bytes) -> list[Event]:
    reader = CHAT.reader()
    found = [one for piece in pieces for one in reader.feed(piece)]
    return [*found, *reader.finish()]


def folded(*pieces: bytes) -> Answer:
    fold = Fold("openai")
    fold.take_all(read(*pieces))
    return fold.answer()


def parts_of(*deltas: dict[str, Any], finish: str = "stop") -> tuple[Part, ...]:
    return folded(*[chunk(one) for one in deltas], chunk({}, finish), DONE).choices[0].parts


def fragment(index: int | None, text: str = "", call_id: str | None = None, name: str | None = None) -> dict[str, Any]:
    """Return a delta of one tool call; an index, id or name that is None is left out."""
    function: dict[str, Any] = {"arguments": text}
    entry: dict[str, Any] = {"function": function}
    for holder, key, value in ((entry, "index", index), (entry, "id", call_id), (function, "name", name)):
        if value is not None:
            holder[key] = value
    return {"tool_calls": [entry]}


def both(*deltas: dict[str, Any]) -> dict[str, Any]:
    """Return one delta with the calls of all."""
    return {"tool_calls": [one for delta in deltas for one in delta["tool_calls"]]}


def calls_of(*deltas: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one.id, one.name, one.arguments) for one in parts_of(*deltas) if isinstance(one, ToolCall)]


def test_a_plain_stream_is_read_into_its_answer() -> None:
    answer = folded(
        chunk({"role": "assistant", "content": ""}, system_fingerprint="fp"),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk({}, "stop"),
        event({"id": "chatcmpl-1", "model": "model-1", "created": 1, "choices": [], "usage": USAGE}),
        DONE,
    )
    assert answer.choices == (Choice((Text("Hello"),), Finish("stop", None, "openai", "stop")),)
    assert (answer.id, answer.model, answer.created) == ("chatcmpl-1", "model-1", 1_700_000_000)
    assert answer.extra == {"system_fingerprint": "fp"}
    assert answer.usage == Usage(7, 5)
    assert json.loads(answer.usage_raw or b"") == USAGE


def test_thoughts_text_refusal_and_calls_are_parts_in_their_order() -> None:
    parts = parts_of({"reasoning_content": "h"}, {"reasoning_content": "m"}, {"content": "a"}, {"refusal": "No"})
    assert parts == (Thinking("hm", "openai", "field:reasoning_content"), Text("a"), Refusal("No"))


def test_empty_texts_begin_nothing() -> None:
    deltas = (
        {"content": "", "reasoning_content": None},
        {"reasoning": "h", "content": ""},
        {"content": "a", "refusal": None},
    )
    assert parts_of(*deltas) == (Thinking("h", "openai", "field:reasoning"), Text("a"))


@pytest.mark.parametrize(
    "deltas",
    [
        (fragment(0, "", "a", "f"), fragment(0, '{"x"'), fragment(0, ":1}"), fragment(1, "{}", "b", "g")),
        (fragment(0, "", "a", "f"), fragment(1, "", "b", "g"), fragment(0, '{"x":1}'), fragment(1, "{}")),
        (fragment(0, '{"x":1}', "a", "f"), fragment(0, "{}", "b", "g")),  # Google's: always 0
        (fragment(None, '{"x":1}', "a", "f"), fragment(None, "{}", "b", "g")),
        (fragment(None, '{"x"', "a", "f"), fragment(None, ":1}"), fragment(None, "{}", "b", "g")),
        (fragment(0, '{"x"', "a", "f"), fragment(0, ":1}", "a", "f"), fragment(1, "{}", "b", "g")),
        (both(fragment(0, '{"x":1}', "a", "f"), fragment(1, "{}", "b", "g")),),
        (both(fragment(None, '{"x":1}', "a", "f"), fragment(None, "{}", "b", "g")),),
    ],
    ids=["plain", "interleaved", "index 0", "no index", "no index, fragments", "names again", "one chunk", "both"],
)
def test_traps_1_and_3_calls_are_told_apart(deltas: tuple[dict[str, Any], ...]) -> None:
    assert calls_of(*deltas) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


@pytest.mark.parametrize(
    "deltas",
    [
        (fragment(0, "{}", None, "f"), fragment(1, "{}", None, "g")),
        (fragment(0, "{}", None, "f"), fragment(0, "{}", None, "g")),
        (fragment(0, "{}", "", "f"), fragment(None, "{}", "", "g")),
    ],
)
def test_calls_without_ids_get_their_own(deltas: tuple[dict[str, Any], ...]) -> None:
    assert calls_of(*deltas) == [("call_chatcmpl-1_0_0", "f", "{}"), ("call_chatcmpl-1_0_1", "g", "{}")]


def test_a_whole_object_behind_a_whole_one_is_another_call() -> None:
    calls = calls_of(fragment(0, "", "a", "f"), fragment(0, '{"x":1}', None, ""), fragment(0, '{"x":2}', None, ""))
    assert [(name, arguments) for _, name, arguments in calls] == [("f", '{"x":1}'), ("f", '{"x":2}')]


def test_arguments_that_are_an_object_are_text() -> None:
    delta = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": 1}}}]}
    assert calls_of(delta) == [("a", "f", '{"x":1}')]


def test_custom_and_old_calls_are_calls() -> None:
    custom = [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "s", "input": "l"}}]
    parts = parts_of({"tool_calls": custom}, {"tool_calls": [{"index": 0, "custom": {"input": "s"}}]})
    assert parts == (ToolCall("a", "s", "ls", custom=True),)
    old = parts_of({"function_call": {"name": "f", "arguments": "{"}}, {"function_call": {"arguments": "}"}})
    assert old == (ToolCall("call_chatcmpl-1_0_0", "f", "{}"),)


def test_trap_14_a_signature_may_come_with_its_call_or_behind_it() -> None:
    signed = {"extra_content": {"google": {"thought_signature": "s"}}}
    with_it = {"tool_calls": [{**fragment(0, "{}", "a", "f")["tool_calls"][0], **signed}]}
    behind = {"tool_calls": [{"index": 0, **signed}]}
    assert (
        parts_of(with_it) == parts_of(fragment(0, "{}", "a", "f"), behind) == (ToolCall("a", "f", "{}", signature="s"),)
    )
    assert parts_of({"content": "a"}, {"extra_content": signed["extra_content"]}) == (Text("a", signature="s"),)


def test_a_call_ends_when_it_is_complete_and_another_begins() -> None:
    events = read(chunk(fragment(0, "{}", "a", "f")), chunk(fragment(1, "", "b", "g")), chunk(fragment(1, "{}")))
    kinds = [(type(one).__name__, getattr(one, "part", None)) for one in events[1:]]
    assert kinds == [("PartBegan", 0), ("PartEnded", 0), ("PartBegan", 1), ("Added", 1)]


def test_trap_9_stop_behind_calls_is_no_stop() -> None:
    answer = folded(chunk({}, "stop"), chunk(fragment(0, "{}", "a", "f")), DONE)
    assert answer.choices[0].finish == Finish("tool_calls", None, "openai", "stop")
    refused = folded(chunk({"refusal": "No"}), chunk({}, "stop"), DONE)
    assert refused.choices[0].finish == Finish("refusal", None, "openai", "stop")


def test_details_of_thoughts_are_put_together_by_their_index() -> None:
    def detail(**fields: Any) -> dict[str, Any]:
        return {"reasoning": fields.get("text"), "reasoning_details": [{"format": "f", **fields}]}

    parts = parts_of(
        detail(type="reasoning.text", text="a", index=0),
        detail(type="reasoning.text", text="b", index=0),
        detail(type="reasoning.text", signature="s", index=0),
        detail(type="reasoning.summary", summary="c", index=1),
        detail(type="reasoning.encrypted", data="d", index=2),
        {"content": "x"},
    )
    told = [(one.text, one.signature, one.sealed, one.summary) for one in parts if isinstance(one, Thinking)]
    mark = "field:reasoning_details"
    assert told == [("ab", "s", None, False), ("c", mark, None, True), ("", None, "d", False)]


def test_blocks_of_thoughts_are_put_together() -> None:
    def block(**fields: Any) -> dict[str, Any]:
        return {"reasoning_content": fields.get("thinking"), "thinking_blocks": [{"type": "thinking", **fields}]}

    (thought, _) = parts_of(
        block(thinking="a"), block(thinking="b"), block(thinking="", signature="s"), {"content": "x"}
    )
    assert thought == Thinking("ab", "openai", "field:thinking_blocks:s")


def test_thoughts_in_the_content_are_thoughts() -> None:
    inner = {"type": "thinking", "thinking": [{"type": "text", "text": "h"}]}
    parts = parts_of({"content": [inner]}, {"content": [inner]}, {"content": [{"type": "text", "text": "a"}]})
    assert parts == (Thinking("hh", "openai", "field:content"), Text("a"))


def test_citations_images_and_sounds_are_parts() -> None:
    annotation = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "title": "T", "url": "u"}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}, "index": 0}
    parts = parts_of(
        {"content": "a"},
        {"annotations": [annotation]},
        {"images": [image]},
        {"audio": {"id": "s", "transcript": "H"}},
        {"audio": {"data": "AAAA"}},
        {"audio": {"data": "BBBB", "transcript": "i"}},
        {"audio": {"expires_at": 5}},
    )
    assert parts == (
        Text("a", (Citation("openai", annotation, "u", "T", None, 0, 1),)),
        Media("image", "image/png", "AAAA"),
        Opaque("openai", "audio", {"id": "s", "transcript": "Hi", "data": "AAAABBBB", "expires_at": 5}),
    )


def test_choices_are_kept_apart() -> None:
    answer = folded(
        chunk({"content": "a"}, index=0),
        chunk({"content": "b"}, index=1),
        chunk({"content": "a"}, index=0),
        chunk({}, "stop", index=1),
        chunk({}, "length", index=0),
        DONE,
    )
    assert [one.parts for one in answer.choices] == [(Text("aa"),), (Text("b"),)]
    assert [one.finish.reason for one in answer.choices if one.finish] == ["length", "stop"]


def test_logprobs_come_before_their_text() -> None:
    entry = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    choice = {"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [entry], "refusal": None}}
    events = read(event({"id": "c", "choices": [choice]}))
    assert events[1:] == [Logged((TokenLogprob("a", -0.5, (97,)),)), PartBegan(0, "text", Text("a"))]


def test_usage_is_read_wherever_it_stands_and_set_anew() -> None:
    first = event({"id": "c", "choices": [{"index": 0, "delta": {}, "usage": USAGE}]})  # Moonshot
    later = event({"id": "c", "choices": [], "usage": {**USAGE, "completion_tokens": 9}})
    alone = event({"usage": {**USAGE, "completion_tokens": 11}})
    assert folded(first).usage == Usage(7, 5)
    assert folded(first, later).usage == Usage(7, 9)
    assert folded(first, later, alone).usage == Usage(7, 11)


def test_a_beginning_is_told_once_and_again_when_more_is_known() -> None:
    events = read(
        event({"id": "", "model": "", "choices": [], "prompt_filter_results": [1]}),
        chunk({"content": "a"}, obfuscation="x"),
        chunk({"content": "b"}, obfuscation="y"),
        chunk({"content": "c"}, service_tier="flex"),
    )
    assert [one for one in events if isinstance(one, Began)] == [
        Began(None, None, None, {"prompt_filter_results": [1]}, "openai"),
        Began("chatcmpl-1", "model-1", 1_700_000_000, {}, "openai"),
        Began("chatcmpl-1", "model-1", 1_700_000_000, {"service_tier": "flex"}, "openai"),
    ]


@pytest.mark.parametrize(
    ("error", "failed"),
    [
        ({"message": "m", "type": "t", "code": "c"}, Failed("m", 502, "t", "c")),
        ({"message": "m", "code": 503}, Failed("m", 503, None, "503")),
        ("m", Failed("m")),
    ],
)
def test_trap_18_an_error_in_mid_stream_is_a_failure_and_the_end(error: Any, failed: Failed) -> None:
    events = read(chunk({"content": "a"}), event({"error": error, "choices": []}), chunk({"content": "b"}), DONE)
    assert events[-1] == failed


def test_trap_18_a_stream_without_its_terminator_never_ends() -> None:
    events = read(chunk({"content": "a"}), chunk({}, "stop"))
    assert not any(isinstance(one, Ended | Finished) for one in events)


def test_trap_19_signs_of_life_and_unknown_events_are_tolerated() -> None:
    assert read(b": OPENROUTER PROCESSING\n\n") == [Pinged()]
    strange = b'event: note\ndata: {"type":"x"}\n\n'
    assert read(strange) == [Strange("openai", "note", b'{"type":"x"}')]
    assert read(b"data: no JSON\n\n", b"data: 7\n\n") == [Strange("openai", None, b"7")]


@pytest.mark.parametrize(
    "choice",
    [
        7,
        None,
        {},
        {"delta": 7},
        {"index": "x", "delta": {}},
        {"delta": {"tool_calls": 7}},
        {"delta": {"tool_calls": [7]}},
        {"delta": {"content": 7}},
        {"delta": {"content": [7]}},
        {"delta": {"reasoning_details": [7]}},
        {"delta": {"audio": 7}},
        {"delta": {"tool_calls": [{"function": 7}]}},
        {"delta": {"annotations": [7]}},
        {"delta": {"images": [7]}},
        {"delta": {"reasoning_details": {"a": 1}}},
        {"delta": {"extra_content": 7}},
        {"logprobs": 7},
        {"finish_reason": 7},
    ],
)
def test_choices_that_nobody_documents_break_nothing(choice: Any) -> None:
    events = read(event({"id": "c", "choices": [choice]}), chunk({"content": "a"}), chunk({}, "stop"), DONE)
    assert isinstance(events[-1], Ended)


def test_nothing_comes_after_the_end() -> None:
    assert read(DONE, chunk({"content": "a"})) == [Ended()]


class Client:
    """A client that puts the deltas of a stream together, as OpenAI's library does."""

    def __init__(self, stream: bytes) -> None:
        self.chunks = [json.loads(one[6:]) for one in stream.decode().split("\n\n")[:-1] if one.startswith("data: {")]
        self.done = stream.endswith(DONE)
        self.messages: dict[int, dict[str, Any]] = {}
        self.reasons: dict[int, str] = {}
        for one in self.chunks:
            for choice in one.get("choices", ()):
                self._merge(self.messages.setdefault(choice["index"], {}), choice["delta"])
                if choice["finish_reason"]:
                    self.reasons[choice["index"]] = choice["finish_reason"]

    def _merge(self, into: dict[str, Any], delta: dict[str, Any]) -> None:
        for name, value in delta.items():
            if isinstance(value, list) and value and "index" in value[0]:
                entries = into.setdefault(name, [])
                for one in value:
                    found = next((entry for entry in entries if entry["index"] == one["index"]), None)
                    if found is None:
                        entries.append(json.loads(json.dumps(one)))
                    else:
                        self._merge(found, {key: item for key, item in one.items() if key not in ("index", "type")})
            elif isinstance(value, list):
                into.setdefault(name, []).extend(value)
            elif isinstance(value, dict):
                self._merge(into.setdefault(name, {}), value)
            elif isinstance(value, str) and name != "role":
                into[name] = into.get(name, "") + value
            else:
                into[name] = value


def written(*events: Event, request: Any = None) -> tuple[Client, list[str]]:
    losses = Losses()
    writer = CHAT.writer(asked(request), losses)
    return Client(b"".join([writer.write(one) for one in events])), [one.path for one in losses.all()]


BEGAN = Began("msg_1", "claude", 5, {}, "anthropic")
STOP = Finished(Finish("stop"))


def test_each_chunk_is_a_chunk_of_one_answer() -> None:
    client, _ = written(BEGAN, PartBegan(0, "text", Text("")), Added(0, "Hi"), PartEnded(0), STOP, Ended())
    heads = {(one["id"], one["object"], one["created"], one["model"]) for one in client.chunks}
    assert heads == {("msg_1", "chat.completion.chunk", 5, "claude")}
    assert client.messages == {0: {"role": "assistant", "content": "Hi"}}
    assert client.reasons == {0: "stop"}
    assert client.done
    assert sum("role" in one["choices"][0]["delta"] for one in client.chunks) == 1


def test_trap_19_the_id_stays_when_another_comes() -> None:
    again = Began("msg_2", "other", 6, {}, "anthropic")
    client, _ = written(BEGAN, PartBegan(0, "text", Text("a")), again, Added(0, "b"), STOP, Ended())
    assert {one["id"] for one in client.chunks} == {"msg_1"}


def test_a_stream_that_does_not_say_its_beginning_has_the_exchanges() -> None:
    client, _ = written(PartBegan(0, "text", Text("a")), STOP, Ended())
    assert {(one["id"], one["created"], one["model"]) for one in client.chunks} == {
        ("chatcmpl-0123456789", 1_700_000_000, "m")
    }


def test_usage_comes_last_and_only_if_it_was_asked_for() -> None:
    events = (BEGAN, Used(Usage(3, 1)), PartBegan(0, "text", Text("a")), STOP, Used(Usage(3, 2), b'{"k":1}'), Ended())
    client, _ = written(*events, request=COUNTED)
    *others, last = client.chunks
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert [one["usage"] for one in others] == [None, None]
    client, _ = written(*events)
    assert not any("usage" in one for one in client.chunks)


def test_usage_of_this_dialect_is_told_as_it_came() -> None:
    began = Began("c", "m", 5, {"system_fingerprint": "fp"}, "openai")
    used = Used(Usage(3, 2), b'{"prompt_tokens":3,"completion_tokens":2,"cost":0.5}')
    client, losses = written(began, PartBegan(0, "text", Text("a")), STOP, used, Ended(), request=COUNTED)
    assert client.chunks[-1]["usage"]["cost"] == 0.5
    assert {one["system_fingerprint"] for one in client.chunks} == {"fp"}
    assert losses == []


def test_interleaved_calls_are_told_by_their_indexes() -> None:
    client, _ = written(
        BEGAN,
        PartBegan(0, "tool_call", ToolCall("a", "f", "")),
        PartBegan(1, "tool_call", ToolCall("b", "g", "", signature="s")),
        Added(1, '{"y":'),
        Added(0, "{}"),
        PartEnded(0),
        Added(1, "2}"),
        Sealed(1, "t"),
        PartEnded(1),
        Finished(Finish("tool_calls")),
        Ended(),
    )
    first, second = client.messages[0]["tool_calls"]
    assert (first["index"], first["id"], first["function"]) == (0, "a", {"name": "f", "arguments": "{}"})
    assert (second["index"], second["function"]) == (1, {"name": "g", "arguments": '{"y":2}'})
    assert client.reasons == {0: "tool_calls"}


def test_a_call_without_arguments_has_an_empty_object() -> None:
    client, _ = written(BEGAN, PartBegan(0, "tool_call", ToolCall("a", "f", "")), PartEnded(0), Ended())
    assert client.messages[0]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_trap_2_thoughts_have_a_field_of_their_own_and_their_seals_come_behind() -> None:
    client, _ = written(
        BEGAN,
        PartBegan(0, "thinking", Thinking("", "anthropic")),
        Added(0, "h"),
        Added(0, "m"),
        Sealed(0, "sig"),
        PartEnded(0),
        PartBegan(1, "thinking", Thinking("", "anthropic", sealed="data")),
        PartEnded(1),
        PartBegan(2, "text", Text("a")),
        STOP,
        Ended(),
    )
    message = client.messages[0]
    assert (message["reasoning_content"], message["content"]) == ("hm", "a")
    claude = {"format": "anthropic-claude-v1"}
    assert message["reasoning_details"] == [
        {**claude, "type": "reasoning.text", "text": "hm", "signature": "steelyard.anthropic.sig", "index": 0},
        {**claude, "type": "reasoning.encrypted", "data": "steelyard.anthropic.data", "index": 1},
    ]


def test_thoughts_without_seals_have_no_details() -> None:
    client, _ = written(BEGAN, PartBegan(0, "thinking", Thinking("h", "gemini")), PartEnded(0), Ended())
    assert client.messages[0] == {"role": "assistant", "content": "", "reasoning_content": "h"}


def test_logprobs_go_with_the_text_behind_them() -> None:
    logged = Logged((TokenLogprob("a", -0.5),))
    client, _ = written(BEGAN, PartBegan(0, "text", Text("")), logged, Added(0, "a"), Added(0, "b"), STOP, Ended())
    told = [one["choices"][0]["logprobs"] for one in client.chunks]
    entry = {"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    assert told == [{"content": [entry], "refusal": None}, None, None]


def test_refusals_citations_images_and_opaque_parts_are_told() -> None:
    page = Citation("gemini", {}, "u", "T", start=0, end=1)
    client, losses = written(
        BEGAN,
        PartBegan(0, "text", Text("xy")),
        PartEnded(0),
        PartBegan(1, "text", Text("a")),
        Cited(1, page),
        PartEnded(1),
        PartBegan(2, "whole", Media("image", "image/png", "AAAA")),
        PartBegan(3, "whole", Opaque("openai", "audio", {"id": "s"})),
        PartBegan(4, "whole", Opaque("anthropic", "server_tool_use", {})),
        PartBegan(5, "refusal", Refusal("No")),
        Finished(Finish("refusal")),
        Ended(),
    )
    message = client.messages[0]
    assert message["annotations"][0]["url_citation"] == {"start_index": 2, "end_index": 3, "title": "T", "url": "u"}
    assert (message["images"][0]["index"], message["audio"], message["refusal"]) == (0, {"id": "s"}, "No")
    assert client.reasons == {0: "stop"}
    assert losses == ["answer.server_tool_use"]


def test_each_choice_has_its_role_and_its_own_calls() -> None:
    client, _ = written(
        BEGAN,
        PartBegan(0, "tool_call", ToolCall("a", "f", "{}"), 0),
        PartBegan(1, "tool_call", ToolCall("b", "g", "{}"), 1),
        Finished(Finish("tool_calls"), 1),
        Finished(Finish("tool_calls"), 0),
        Ended(),
    )
    assert [client.messages[i]["tool_calls"][0]["index"] for i in (0, 1)] == [0, 0]
    assert [client.messages[i]["role"] for i in (0, 1)] == ["assistant", "assistant"]


def test_a_client_that_asked_with_functions_hears_of_one_call() -> None:
    client, losses = written(
        BEGAN,
        PartBegan(0, "tool_call", ToolCall("a", "f", "")),
        Added(0, "{}"),
        PartEnded(0),
        PartBegan(1, "tool_call", ToolCall("b", "g", "")),
        Added(1, "{}"),
        PartEnded(1),
        Finished(Finish("tool_calls")),
        Ended(),
        request=body(functions=[{"name": "f"}]),
    )
    assert client.messages[0]["function_call"] == {"name": "f", "arguments": "{}"}
    assert "tool_calls" not in client.messages[0]
    assert client.reasons == {0: "function_call"}
    assert losses == ["answer.tool_calls"]


def test_trap_19_signs_of_life_and_own_strange_events_are_forwarded() -> None:
    writer = CHAT.writer(asked(), Losses())
    assert writer.write(Pinged()) == b": ping\n\n"
    assert writer.write(Strange("openai", "note", b"{}")) == b"event: note\ndata: {}\n\n"
    assert writer.write(Strange("anthropic", "note", b"{}")) == b""


def test_trap_18_a_failure_is_told_and_nothing_after_it() -> None:
    client, _ = written(
        BEGAN, PartBegan(0, "text", Text("a")), Failed("broken", 529, "overloaded_error", "c"), STOP, Ended()
    )
    assert client.chunks[-1] == {"error": {"message": "broken", "type": "overloaded_error", "param": None, "code": "c"}}
    assert not client.done


def test_trap_18_a_stream_that_we_give_up_ends_in_an_error() -> None:
    writer = CHAT.writer(asked(), Losses())
    writer.write(PartBegan(0, "text", Text("a")))
    told = json.loads(writer.fail(UpstreamError("The provider cut the stream.")).removeprefix(b"data: "))
    assert told["error"]["code"] == "upstream_failed"
    assert writer.write(Ended()) == b""
    assert writer.fail(UpstreamError("again")) == b""


def test_a_stream_of_this_dialect_is_written_as_it_was_meant() -> None:
    pieces = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning": "hm"}),
        chunk({"content": "Hi"}),
        chunk(fragment(0, "{}", "a", "f")),
        chunk({}, "tool_calls"),
    ]
    client, losses = written(*read(*pieces, DONE))
    assert client.messages[0] == {
        "role": "assistant",
        "content": "Hi",
        "reasoning": "hm",
        "tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    assert losses == []


@pytest.mark.parametrize("delta", [{"content": "a"}, {"reasoning": "a"}, fragment(0, "a"), fragment(0, "a", "x", "f")])
def test_the_work_of_a_chunk_does_not_grow_with_the_stream(delta: dict[str, Any]) -> None:
    reader, writer = CHAT.reader(), CHAT.writer(asked(), Losses())
    piece = chunk(delta)

    def relay(times: int) -> None:
        for _ in range(times):
            for one in reader.feed(piece):
                writer.write(one)

    relay(1)
    early = lines_of(lambda: relay(50))
    relay(3000)
    assert lines_of(lambda: relay(50)) == early

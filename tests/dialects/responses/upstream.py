"""Streams as an upstream of the Responses API sends them: each item grows by its own events, and the last event carries
the whole response."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.dialects.responses.bodies import annotations, hosted, ids, refusals, text

__all__ = ["responses", "sse", "stream_of"]

Json = dict[str, Any]


def sse(events: list[Json], *, named: bool = True, end: str = "\n") -> bytes:
    """Return events as bytes, numbered."""
    lines = []
    for number, event in enumerate(events):
        told = json.dumps({**event, "sequence_number": number}, ensure_ascii=False)
        lines.append((f"event: {event['type']}{end}" if named else "") + f"data: {told}{end}{end}")
    return "".join(lines).encode()


def stream_of(response: Json) -> list[Json]:
    """Return the events that make a response."""
    head = {**response, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    events: list[Json] = [
        {"type": "response.created", "response": head},
        {"type": "response.in_progress", "response": head},
    ]
    for index, item in enumerate(response["output"]):
        at = {"output_index": index, "item_id": item["id"]}
        begun = {**item, **_EMPTY.get(item["type"], {"status": "in_progress"})}
        events.append({"type": "response.output_item.added", "output_index": index, "item": begun})
        events.extend(_growing(item, at))
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    return [*events, {"type": f"response.{response['status']}", "response": response}]


_EMPTY: dict[str, Json] = {
    "message": {"status": "in_progress", "content": []},
    "function_call": {"status": "in_progress", "arguments": ""},
    "custom_tool_call": {"status": "in_progress", "input": ""},
    "reasoning": {"summary": [], "content": None, "encrypted_content": "partial"},
}


def _growing(item: Json, at: Json) -> list[Json]:
    if item["type"] == "message":
        return [
            event
            for number, part in enumerate(item["content"])
            for event in _content(part, {**at, "content_index": number})
        ]
    if item["type"] == "function_call":
        return _deltas("response.function_call_arguments", item["arguments"], at, "arguments")
    if item["type"] == "custom_tool_call":
        return _deltas("response.custom_tool_call_input", item["input"], at, "input")
    if item["type"] == "reasoning":
        return _thinking(item, at)
    return [{"type": f"response.{item['type']}.in_progress", **at}]


def _deltas(stem: str, whole: str, at: Json, key: str, **more: Any) -> list[Json]:
    # A piece has one code point or more: never half of one.
    pieces = [whole[start : start + 3] for start in range(0, len(whole), 3)]
    found = [
        {"type": f"{stem}.delta", "delta": piece, **at, **(more if number == 0 else {})}
        for number, piece in enumerate(pieces)
    ]
    return [*found, {"type": f"{stem}.done", key: whole, **at, **more}]


def _content(part: Json, at: Json) -> list[Json]:
    if part["type"] == "refusal":
        empty: Json = {"type": "refusal", "refusal": ""}
        inside = _deltas("response.refusal", part["refusal"], at, "refusal")
    else:
        empty = {"type": "output_text", "text": "", "annotations": []}
        inside = _deltas("response.output_text", part["text"], at, "text", logprobs=part.get("logprobs", []))
        for number, note in enumerate(part["annotations"]):
            told = {
                "type": "response.output_text.annotation.added",
                **at,
                "annotation_index": number,
                "annotation": note,
            }
            inside.insert(-1, told)
    added = {"type": "response.content_part.added", **at, "part": empty}
    return [added, *inside, {"type": "response.content_part.done", **at, "part": part}]


def _thinking(item: Json, at: Json) -> list[Json]:
    found = []
    for number, part in enumerate(item["summary"]):
        here = {**at, "summary_index": number}
        found.append({"type": "response.reasoning_summary_part.added", **here, "part": {**part, "text": ""}})
        found.extend(_deltas("response.reasoning_summary_text", part["text"], here, "text"))
        found.append({"type": "response.reasoning_summary_part.done", **here, "part": part})
    for number, part in enumerate(item.get("content") or ()):
        found.extend(_deltas("response.reasoning_text", part["text"], {**at, "content_index": number}, "text"))
    return found


# Strategies

_logprobs = [
    {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -1.5, "bytes": [98]}]}
]
_some_text = text.filter(bool)
_texts = st.fixed_dictionaries(
    {"type": st.just("output_text"), "text": _some_text, "annotations": st.lists(annotations, max_size=2)},
    optional={"logprobs": st.just(_logprobs)},
)


_calls_of_hosted: st.SearchStrategy[Json] = hosted.filter(lambda one: one["type"].endswith("_call"))


@st.composite
def _items(draw: st.DrawFn, number: int) -> Json:
    kind = draw(st.sampled_from(["message", "function_call", "custom_tool_call", "reasoning", "hosted"]))
    item_id = f"{kind[:3]}_{number}{draw(ids)}"
    if kind == "message":
        content = draw(st.lists(_texts | refusals, min_size=1, max_size=2))
        phase = draw(st.sampled_from([{}, {"phase": "final_answer"}]))
        return {"type": kind, "id": item_id, "role": "assistant", "status": "completed", "content": content, **phase}
    if kind == "reasoning":
        item: Json = {"type": kind, "id": item_id, "summary": draw(_pieces("summary_text"))}
        content = draw(_pieces("reasoning_text"))
        seal = draw(st.sampled_from([{}, {"encrypted_content": "gAAAA"}]))
        return {**item, **({"content": content} if content else {}), **seal}
    if kind == "hosted":
        return {**draw(_calls_of_hosted), "id": item_id}
    key = "arguments" if kind == "function_call" else "input"
    extra = draw(st.sampled_from([{}, {"namespace": "crm"}]))
    call = {
        "type": kind,
        "id": item_id,
        "status": "completed",
        "call_id": f"call_{number}",
        "name": "f",
        key: '{"a":1}',
    }
    return {**call, **extra}


def _pieces(kind: str) -> st.SearchStrategy[list[Json]]:
    return st.lists(
        st.sampled_from(["**A**\n\nfirst", "second", "\n\n", "a\n\n\n\nb"]).map(
            lambda one: {"type": kind, "text": one}
        ),
        max_size=3,
    )


@st.composite
def responses(draw: st.DrawFn) -> Json:
    """A response that ended."""
    output = [draw(_items(number)) for number in range(draw(st.integers(0, 4)))]
    reason = draw(st.sampled_from([None, "max_output_tokens", "content_filter", "steered"]))
    return {
        "id": "resp_up",
        "object": "response",
        "created_at": 1_700_000_002,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "error": None,
        "model": "gpt-x-2026",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "service_tier": draw(st.sampled_from(["default", None])),
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 16,
            **draw(st.sampled_from([{}, {"x_new_count": 3}])),
        },
        **draw(st.sampled_from([{}, {"x_new": {"a": 1}}])),
    }

"""Which streams the Responses API allows, as its reference tells ("Streaming events"), checked event by event.

Independent of the writer: it knows the wire alone.
"""

from typing import Any

__all__ = ["check"]

Json = dict[str, Any]

_TEXTS = {
    "response.output_text": ("output_text", "text"),
    "response.refusal": ("refusal", "refusal"),
    "response.reasoning_text": ("reasoning_text", "text"),
}
_INPUTS = {
    "response.function_call_arguments": ("function_call", "arguments"),
    "response.custom_tool_call_input": ("custom_tool_call", "input"),
}


class _Stream:
    def __init__(self) -> None:
        self.response: str | None = None
        self.item: Json | None = None
        self.part: Json | None = None
        self.part_index = 0
        self.grown = ""
        self.done = False
        self.items: list[Json] = []
        self.content: list[Json] = []
        self.summary: list[Json] = []
        self.notes: list[Json] = []


def check(events: list[Json]) -> Json:
    """Check a whole stream; return the response of its last event."""
    assert [one["sequence_number"] for one in events] == list(range(len(events)))
    assert [one["type"] for one in events[:2]] == ["response.created", "response.in_progress"]
    state = _Stream()
    for event in events:
        assert not state.done, "nothing follows the terminator"
        kind: str = event["type"]
        if "response" in event:
            _lifecycle(state, kind, event["response"])
            continue
        assert state.response is not None
        _inside(state, kind, event)
    assert state.done
    last: Json = events[-1]["response"]
    return last


def _lifecycle(state: _Stream, kind: str, response: Json) -> None:
    assert state.response in (None, response["id"])
    state.response = response["id"]
    if kind in ("response.created", "response.in_progress"):
        assert (response["status"], response["output"]) == ("in_progress", [])
        return
    assert kind == f"response.{response['status']}"
    assert kind in ("response.completed", "response.incomplete", "response.failed")
    if kind != "response.failed":
        assert state.item is None, "all items are done"
    assert response["output"] == state.items
    assert (response["error"] is not None) == (kind == "response.failed")
    assert (response["incomplete_details"] is not None) == (kind == "response.incomplete")
    state.done = True


def _inside(state: _Stream, kind: str, event: Json) -> None:
    if kind == "response.output_item.added":
        assert state.item is None, "items never overlap"
        assert event["output_index"] == len(state.items)
        assert event["item"]["id"] not in [one.get("id") for one in state.items]
        state.item = event["item"]
        state.content, state.summary, state.grown = [], [], ""
        return
    item = state.item
    assert item is not None, f"{kind} is about no item"
    assert event["output_index"] == len(state.items)
    if kind == "response.output_item.done":
        _item_done(state, event["item"])
        return
    assert event["item_id"] == item["id"]
    stem, _, verb = kind.rpartition(".")
    if stem in _INPUTS:
        _input(state, stem, verb, event)
    elif stem in ("response.content_part", "response.reasoning_summary_part"):
        _part(state, stem, verb, event)
    elif stem in _TEXTS or stem == "response.reasoning_summary_text":
        _text(state, stem, verb, event)
    elif kind == "response.output_text.annotation.added":
        assert event["annotation_index"] == len(state.notes)
        assert event["content_index"] == state.part_index
        state.notes.append(event["annotation"])
    else:
        assert item["type"].endswith("_call"), f"{kind} is of no hosted tool"


def _item_done(state: _Stream, item: Json) -> None:
    added = state.item
    assert added is not None
    assert state.part is None, "parts are done before their item"
    assert (item["id"], item["type"]) == (added["id"], added["type"])
    if item["type"] == "message":
        assert item["content"] == state.content
    if item["type"] == "reasoning":
        assert item["summary"] == state.summary
        assert item.get("content", []) == state.content
    for kind, key in _INPUTS.values():
        if item["type"] == kind:
            assert item[key] == state.grown
    state.items.append(item)
    state.item = None


def _input(state: _Stream, stem: str, verb: str, event: Json) -> None:
    kind, key = _INPUTS[stem]
    assert state.item is not None
    assert state.item["type"] == kind
    if verb == "delta":
        assert event["delta"]
        state.grown += event["delta"]
    else:
        assert event[key] == state.grown


def _part(state: _Stream, stem: str, verb: str, event: Json) -> None:
    summary = stem == "response.reasoning_summary_part"
    whole = state.summary if summary else state.content
    index = event["summary_index" if summary else "content_index"]
    if verb == "added":
        assert state.part is None, "parts never overlap"
        assert index == len(whole)
        state.part, state.part_index, state.grown, state.notes = event["part"], index, "", []
        return
    assert state.part is not None
    part = event["part"]
    assert part["type"] == state.part["type"]
    assert part["refusal" if part["type"] == "refusal" else "text"] == state.grown
    assert part.get("annotations", []) == state.notes
    whole.append(part)
    state.part = None


def _text(state: _Stream, stem: str, verb: str, event: Json) -> None:
    kind, key = _TEXTS.get(stem, ("summary_text", "text"))
    assert state.part is not None
    assert state.part["type"] == kind
    assert event.get("content_index", event.get("summary_index")) == state.part_index
    if verb == "delta":
        assert event["delta"]
        state.grown += event["delta"]
    else:
        assert event[key] == state.grown

"""Scenes in OpenAI's Responses (API reference, "The response object", "Streaming events")."""

import json
from collections.abc import Iterator
from typing import Any

from tests.fake import openai_words, responses_asks
from tests.fake.scenes import Act, Ask, Called, Declined, Said, Scene, Thought
from tests.fake.seen import ReceivedRequest
from tests.fake.tongue import Place

__all__ = ["RESPONSES"]

_ID = "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b"
_Event = tuple[str, dict[str, Any]]


class _Responses:
    stream_type = "text/event-stream; charset=utf-8"
    overloaded = 500

    def ask(self, request: ReceivedRequest, payload: dict[str, Any], place: Place) -> Ask:
        return responses_asks.ask(payload, place)

    def error(self, status: int, message: str) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
        return openai_words.error(status, message), ()

    def count(self, ask: Ask) -> dict[str, Any]:
        return {"object": "response.input_tokens", "input_tokens": ask.words}

    def whole(self, ask: Ask, scene: Scene) -> dict[str, Any]:
        return _response(ask, scene, _items(ask, scene))

    def events(self, ask: Ask, scene: Scene) -> tuple[list[bytes], list[bytes]]:
        started = {**_response(ask, Scene(), []), "status": "in_progress", "usage": None, "completed_at": None}
        said: list[_Event] = [
            ("response.created", {"response": started}),
            ("response.in_progress", {"response": started}),
        ]
        items = _items(ask, scene)
        for index, (item, act) in enumerate(zip(items, scene.acts, strict=True)):
            said += _streamed(item, act, index)
            if scene.pings:
                # Some providers of this dialect keep connections alive with an event of their own.
                said.append(("keepalive", {}))
        end = "response.incomplete" if scene.end in ("length", "filter") else "response.completed"
        whole = [*said, (end, {"response": _response(ask, scene, items)})]
        events = [_event(kind, number, fields) for number, (kind, fields) in enumerate(whole)]
        # A model that is cut off in mid-item never says that the item is done.
        until = -1 if scene.fault is None else -1 - len(_CLOSING[type(scene.acts[-1])])
        return events[:until], events[-1:]

    def failure(self, ask: Ask) -> list[bytes]:
        fault = {"code": "server_error", "message": "An error occurred while processing your request."}
        response = {**_response(ask, Scene(), []), "status": "failed", "error": fault, "usage": None}
        # The number is one more than that of the last event of a scene that fails: see `events`.
        return [_event("response.failed", 7, {"response": response})]


RESPONSES = _Responses()
_CLOSING: dict[type[Act], tuple[str, ...]] = {
    Said: ("output_text.done", "content_part.done", "output_item.done"),
    Declined: ("refusal.done", "content_part.done", "output_item.done"),
    Thought: ("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
    Called: ("function_call_arguments.done", "output_item.done"),
}


def _event(kind: str, number: int, fields: dict[str, Any]) -> bytes:
    content = json.dumps({"type": kind, "sequence_number": number, **fields}, separators=(",", ":"), ensure_ascii=False)
    return f"event: {kind}\ndata: {content}\n\n".encode()


def _response(ask: Ask, scene: Scene, output: list[dict[str, Any]]) -> dict[str, Any]:
    reasons = {"length": "max_output_tokens", "filter": "content_filter"}
    reason = reasons.get(scene.end)
    return {
        "id": _ID,
        "object": "response",
        "created_at": 1741476542,
        "status": "incomplete" if reason else "completed",
        "completed_at": None if reason else 1741476543,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": ask.system[0] if ask.system else None,
        "max_output_tokens": ask.limit,
        "model": f"{ask.model}-2025-08-07",
        "output": output,
        "parallel_tool_calls": ask.parallel,
        "previous_response_id": None,
        "reasoning": {"effort": "medium" if ask.thinks else None, "summary": "auto" if ask.shows else None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _usage(scene),
        "user": None,
        "metadata": {},
    }


def _usage(scene: Scene) -> dict[str, Any]:
    counts = scene.counts
    return {
        "input_tokens": counts.prompt,
        "input_tokens_details": {"cached_tokens": counts.cached, "cache_write_tokens": counts.written},
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.thought},
        "total_tokens": counts.prompt + counts.output,
    }


def _items(ask: Ask, scene: Scene) -> list[dict[str, Any]]:
    incomplete = scene.end in ("length", "filter")
    found = [_item(ask, act, index) for index, act in enumerate(scene.acts)]
    if incomplete and found:
        found[-1]["status"] = "incomplete"
    return found


def _item(ask: Ask, act: Act, index: int) -> dict[str, Any]:
    if isinstance(act, Called):
        return {
            "id": f"fc_67ccf18f64008190a39b619f4c8455ef{index}",
            "type": "function_call",
            "status": "completed",
            "arguments": json.dumps(act.arguments),
            "call_id": f"call_unDeRSd0Jv1BYCzFFYbIhsP{index}",
            "name": act.tool,
        }
    if isinstance(act, Thought):
        summary = [{"type": "summary_text", "text": act.text}] if ask.shows else []
        item: dict[str, Any] = {
            "id": f"rs_6876cf02e0bc8192b74af0fb64b715ff{index}",
            "type": "reasoning",
            "summary": summary,
        }
        return {**item, "encrypted_content": responses_asks.ENCRYPTED} if ask.seals else item
    part = {"type": "refusal", "refusal": act.text} if isinstance(act, Declined) else _output_text(act.text)
    return {
        "id": f"msg_67ccd2bf17f0819081ff3bb2cf6508e6{index}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }


def _output_text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _streamed(item: dict[str, Any], act: Act, index: int) -> list[_Event]:
    place = {"output_index": index}
    inner = {"item_id": item["id"], **place}
    empty: dict[str, dict[str, Any]] = {
        "message": {"content": []},
        "function_call": {"arguments": ""},
        "reasoning": {"summary": []},
    }
    begun = {**item, "status": "in_progress", **empty[item["type"]]}
    if item["type"] == "reasoning":
        begun.pop("status")
    events: list[_Event] = [("response.output_item.added", {"item": begun, **place})]
    events += ((kind, {**inner, **fields}) for kind, fields in _parts(item, act))
    return [*events, ("response.output_item.done", {"item": item, **place})]


def _parts(item: dict[str, Any], act: Act) -> Iterator[_Event]:
    if isinstance(act, Called):
        text = item["arguments"]
        for piece in (text[:5], text[5:]):
            yield "response.function_call_arguments.delta", {"delta": piece}
        yield "response.function_call_arguments.done", {"arguments": text, "name": act.tool}
    elif isinstance(act, Thought):
        if item["summary"]:
            yield from _summary(act)
    elif isinstance(act, Declined):
        place = {"content_index": 0}
        yield "response.content_part.added", {**place, "part": {"type": "refusal", "refusal": ""}}
        for piece in act.pieces:
            yield "response.refusal.delta", {**place, "delta": piece}
        yield "response.refusal.done", {**place, "refusal": act.text}
        yield "response.content_part.done", {**place, "part": item["content"][0]}
    else:
        place = {"content_index": 0}
        yield "response.content_part.added", {**place, "part": _output_text("")}
        for piece in act.pieces:
            yield "response.output_text.delta", {**place, "delta": piece, "logprobs": [], "obfuscation": "x7Yq"}
        yield "response.output_text.done", {**place, "text": act.text, "logprobs": []}
        yield "response.content_part.done", {**place, "part": item["content"][0]}


def _summary(act: Thought) -> Iterator[_Event]:
    place = {"summary_index": 0}
    yield "response.reasoning_summary_part.added", {**place, "part": {"type": "summary_text", "text": ""}}
    for piece in act.pieces:
        yield "response.reasoning_summary_text.delta", {**place, "delta": piece}
    yield "response.reasoning_summary_text.done", {**place, "text": act.text}
    yield "response.reasoning_summary_part.done", {**place, "part": {"type": "summary_text", "text": act.text}}

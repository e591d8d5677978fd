"""Answers of Anthropic's Messages API (platform.claude.com/docs/en/api/messages, /en/build-with-claude/streaming)."""

import json
from typing import Any

from tests.fake import anthropic_asks
from tests.fake.scenes import Act, Ask, Called, Scene, Thought
from tests.fake.seen import ReceivedRequest
from tests.fake.tongue import Place

__all__ = ["ANTHROPIC"]

_STOPS = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
    "refusal": "refusal",
    # The one reason that Anthropic has for output that classifiers held back (docs: handling stop reasons).
    "filter": "refusal",
}


class _Anthropic:
    stream_type = "text/event-stream; charset=utf-8"
    overloaded = 529

    def ask(self, request: ReceivedRequest, payload: dict[str, Any], place: Place) -> Ask:
        return anthropic_asks.ask(request, payload, place)

    def error(self, status: int, message: str) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
        return anthropic_asks.error(status, message), (("request-id", "req_011CSHoEeqs5C35K2UUqR7Fy"),)

    def count(self, ask: Ask) -> dict[str, Any]:
        return {"input_tokens": ask.words}

    def whole(self, ask: Ask, scene: Scene) -> dict[str, Any]:
        return {
            **_message(ask, scene),
            "content": [_block(act, index) for index, act in enumerate(_shown(ask, scene))],
            **_ending(scene),
            "usage": _usage(scene),
        }

    def events(self, ask: Ask, scene: Scene) -> tuple[list[bytes], list[bytes]]:
        # The stream's first usage has the input, and one token of output that is none yet.
        opening = {**_usage(scene), "output_tokens": 1}
        message = {**_message(ask, scene), "content": [], "stop_reason": None, "stop_sequence": None, "usage": opening}
        said = [_event("message_start", message=message)]
        for index, act in enumerate(_shown(ask, scene)):
            said += _streamed(act, index)
            if index == 0 or scene.pings:
                said.append(_event("ping"))
            if scene.pings:
                # docs: streaming, "Other events": new event types may be added, and clients should tolerate them.
                said.append(_event("telemetry_hint", weight=1))
        usage = _usage(scene)
        # Cumulative, and some of Anthropic's own back ends repeat the cache's counts here (docs: streaming, "usage").
        ended = {key: usage[key] for key in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")}
        ended |= {key: usage[key] for key in ("output_tokens", "output_tokens_details")}
        return said, [_event("message_delta", delta=_ending(scene), usage=ended), _event("message_stop")]

    def failure(self, ask: Ask) -> list[bytes]:
        return [_event("error", error={"type": "overloaded_error", "message": "Overloaded"}, request_id="req_011C")]


ANTHROPIC = _Anthropic()


def _event(kind: str, **fields: Any) -> bytes:
    content = json.dumps({"type": kind, **fields}, separators=(",", ":"), ensure_ascii=False)
    return f"event: {kind}\ndata: {content}\n\n".encode()


def _message(ask: Ask, scene: Scene) -> dict[str, Any]:
    return {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": f"{ask.model}-20250929",
    }


def _ending(scene: Scene) -> dict[str, Any]:
    ending: dict[str, Any] = {"stop_reason": _STOPS[scene.end], "stop_sequence": scene.stop, "stop_details": None}
    if scene.end in ("refusal", "filter"):
        ending["stop_details"] = {"type": "refusal", "category": "general_harms", "explanation": "Against the policy."}
    return ending


def _usage(scene: Scene) -> dict[str, Any]:
    # Total input is the sum of the three (API reference, "usage").
    counts = scene.counts
    return {
        "input_tokens": counts.fresh,
        "cache_creation_input_tokens": counts.written,
        "cache_read_input_tokens": counts.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": counts.written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": counts.output,
        "output_tokens_details": {"thinking_tokens": counts.thought},
        "service_tier": "standard",
    }


def _shown(ask: Ask, scene: Scene) -> list[Act]:
    # docs: extended thinking, "display": an omitted thought is an empty one with its signature.
    return [Thought(()) if isinstance(act, Thought) and not ask.shows else act for act in scene.acts]


def _call_id(index: int) -> str:
    return f"toolu_01T1x1fJ34qAmk2tNTrN7Up{index}"


def _block(act: Act, index: int) -> dict[str, Any]:
    if isinstance(act, Thought):
        return {"type": "thinking", "thinking": act.text, "signature": anthropic_asks.thinking_seal(act.text)}
    if isinstance(act, Called):
        return {"type": "tool_use", "id": _call_id(index), "name": act.tool, "input": act.arguments}
    return {"type": "text", "text": act.text, "citations": None}


def _streamed(act: Act, index: int) -> list[bytes]:
    empty = _block(act, index)
    if isinstance(act, Thought):
        empty |= {"thinking": "", "signature": ""}
        deltas: list[dict[str, Any]] = [{"type": "thinking_delta", "thinking": piece} for piece in act.pieces]
        deltas.append({"type": "signature_delta", "signature": anthropic_asks.thinking_seal(act.text)})
    elif isinstance(act, Called):
        empty |= {"input": {}}
        text = json.dumps(act.arguments)
        # The first fragment is empty, as in the API's own streams (docs: streaming, "Input JSON delta").
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", text[:6], text[6:])]
    else:
        empty |= {"text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in act.pieces]
    return [
        _event("content_block_start", index=index, content_block=empty),
        *(_event("content_block_delta", index=index, delta=delta) for delta in deltas),
        _event("content_block_stop", index=index),
    ]

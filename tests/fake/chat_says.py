"""Scenes in OpenAI's Chat Completions (API reference, "The chat completion object", "Streaming")."""

import json
from collections.abc import Iterator
from typing import Any

from tests.fake import chat_asks, openai_words
from tests.fake.scenes import Act, Ask, Called, Declined, Said, Scene, Thought
from tests.fake.seen import ReceivedRequest
from tests.fake.tongue import Place

__all__ = ["AZURE", "CHAT"]

_ID = "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT"
_FINISHES = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tools": "tool_calls",
    "refusal": "stop",
    "filter": "content_filter",
}


class _Chat:
    """`azure`: with Microsoft's filter results (learn.microsoft.com, Azure OpenAI, "Content filtering")."""

    stream_type = "text/event-stream; charset=utf-8"
    overloaded = 500

    def __init__(self, azure: bool = False) -> None:
        self.azure = azure

    def ask(self, request: ReceivedRequest, payload: dict[str, Any], place: Place) -> Ask:
        return chat_asks.ask(payload, place)

    def error(self, status: int, message: str) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
        return openai_words.error(status, message), ()

    def count(self, ask: Ask) -> dict[str, Any]:
        raise NotImplementedError("Chat Completions cannot count tokens")

    def whole(self, ask: Ask, scene: Scene) -> dict[str, Any]:
        choice = {"index": 0, "message": _message(scene), "logprobs": None, "finish_reason": _FINISHES[scene.end]}
        if self.azure:
            choice["content_filter_results"] = _SAFE
        return {**_envelope(ask, "chat.completion"), "choices": [choice], "usage": _usage(scene)}

    def events(self, ask: Ask, scene: Scene) -> tuple[list[bytes], list[bytes]]:
        envelope = _envelope(ask, "chat.completion.chunk")
        absent = {"usage": None} if ask.wants_usage else {}

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return _event({**envelope, "choices": [choice], **absent})

        said = []
        if self.azure:
            filtered = {"prompt_index": 0, "content_filter_results": _SAFE}
            said.append(_event({**envelope, "id": "", "choices": [], "prompt_filter_results": [filtered]}))
        said.append(chunk({"role": "assistant", "content": "", "refusal": None}))
        for delta in _deltas(scene):
            said.append(chunk(delta))
            if scene.pings:
                said.append(b": OPENROUTER PROCESSING\n\n")
        ended = [chunk({}, _FINISHES[scene.end])]
        if ask.wants_usage:
            ended.append(_event({**envelope, "choices": [], "usage": _usage(scene)}))
        return said, [*ended, b"data: [DONE]\n\n"]

    def failure(self, ask: Ask) -> list[bytes]:
        return [_event(openai_words.error(500, "The server had an error while processing your request. Sorry!"))]


CHAT = _Chat()
AZURE = _Chat(azure=True)
_SAFE = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")}


def _event(content: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def _envelope(ask: Ask, kind: str) -> dict[str, Any]:
    return {
        "id": _ID,
        "object": kind,
        "created": 1741569952,
        "model": f"{ask.model}-2025-04-14",
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
    }


def _usage(scene: Scene) -> dict[str, Any]:
    # Cached tokens are a part of prompt_tokens, reasoning one of completion_tokens (API reference, usage).
    counts = scene.counts
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": counts.output,
        "total_tokens": counts.prompt + counts.output,
        "prompt_tokens_details": {
            "cached_tokens": counts.cached,
            "audio_tokens": 0,
            "cache_write_tokens": counts.written,
        },
        "completion_tokens_details": {
            "reasoning_tokens": counts.thought,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _calls(scene: Scene) -> list[dict[str, Any]]:
    calls = [act for act in scene.acts if isinstance(act, Called)]
    return [
        {
            "id": f"call_62136354UPcnUdzVIDm0aFz{index}",
            "type": "function",
            "function": {"name": call.tool, "arguments": json.dumps(call.arguments)},
        }
        for index, call in enumerate(calls)
    ]


def _message(scene: Scene) -> dict[str, Any]:
    def joined(kind: type[Act]) -> str | None:
        texts = [act.text for act in scene.acts if isinstance(act, kind) and not isinstance(act, Called)]
        return "".join(texts) if texts else None

    message: dict[str, Any] = {"role": "assistant", "content": joined(Said), "refusal": joined(Declined)}
    if thoughts := joined(Thought):
        message["reasoning_content"] = thoughts
    if calls := _calls(scene):
        message["tool_calls"] = calls
    return {**message, "annotations": []}


def _deltas(scene: Scene) -> Iterator[dict[str, Any]]:
    names = {Said: "content", Thought: "reasoning_content", Declined: "refusal"}
    for act in scene.acts:
        if not isinstance(act, Called):
            yield from ({names[type(act)]: piece} for piece in act.pieces)
    for index, call in enumerate(_calls(scene)):
        function = call["function"]
        yield {"tool_calls": [{"index": index, **call, "function": {**function, "arguments": ""}}]}
        text = function["arguments"]
        for piece in (text[:4], text[4:]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}

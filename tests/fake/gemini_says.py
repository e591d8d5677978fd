"""Scenes in Gemini's generateContent (ai.google.dev/api/generate-content#generatecontentresponse)."""

import json
from typing import Any

from tests.fake import gemini_asks
from tests.fake.gemini_laws import TEXT_SEAL, call_seal
from tests.fake.gemini_words import error
from tests.fake.scenes import Act, Ask, Called, Scene, Thought
from tests.fake.seen import ReceivedRequest
from tests.fake.tongue import Place

__all__ = ["GEMINI"]

_Part = dict[str, Any]
_FINISHES = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "length": "MAX_TOKENS",
    "tools": "STOP",
    # A model of Google's that refuses says so in plain words, and is done.
    "refusal": "STOP",
    "filter": "SAFETY",
}


class _Gemini:
    stream_type = "text/event-stream"
    overloaded = 503

    def ask(self, request: ReceivedRequest, payload: dict[str, Any], place: Place) -> Ask:
        return gemini_asks.ask(request, payload, place)

    def error(self, status: int, message: str) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
        return error(status, message), ()

    def count(self, ask: Ask) -> dict[str, Any]:
        return {"totalTokens": ask.words, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": ask.words}]}

    def whole(self, ask: Ask, scene: Scene) -> dict[str, Any]:
        if scene.blocked:
            return _answer(ask, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, _usage(scene, True))
        parts = [part for index, act in enumerate(scene.acts) if (part := _part(ask, scene, act, index))]
        if parts and _sealed_at_end(scene):
            parts[-1]["thoughtSignature"] = TEXT_SEAL
        return _answer(ask, {"candidates": [_candidate(parts, _FINISHES[scene.end])]}, _usage(scene, True))

    def events(self, ask: Ask, scene: Scene) -> tuple[list[bytes], list[bytes]]:
        if scene.blocked:
            return [], [_event(self.whole(ask, scene))]
        said = []
        for index, act in enumerate(scene.acts):
            for part in _pieces(ask, scene, act, index):
                said.append(_event(_answer(ask, {"candidates": [_candidate([part])]}, _usage(scene, False))))
                if scene.pings:
                    said.append(_event({"modelStatus": {"modelStage": "STABLE"}, "responseId": _ID}))
        # The reason comes in a chunk of its own, after the function call, and is STOP then too.
        last: list[_Part] = [] if scene.end == "filter" else [{"text": ""}]
        if last and _sealed_at_end(scene):
            last[0]["thoughtSignature"] = TEXT_SEAL
        ended = {"candidates": [_candidate(last, _FINISHES[scene.end])]}
        return said, [_event(_answer(ask, ended, _usage(scene, True)))]

    def failure(self, ask: Ask) -> list[bytes]:
        return [_event(error(503, "The model is overloaded. Please try again later."))]


GEMINI = _Gemini()
_ID = "Il0taoSYJ5Cez7IPt9mOuQk"


def _event(content: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode() + b"\r\n\r\n"


def _answer(ask: Ask, content: dict[str, Any], usage: dict[str, Any]) -> dict[str, Any]:
    return {**content, "usageMetadata": usage, "modelVersion": f"{ask.model}-preview-09-2025", "responseId": _ID}


def _candidate(parts: list[_Part], finish: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}} if parts else {}
    if finish:
        candidate["finishReason"] = finish
    if finish == "SAFETY":
        rating = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}
        candidate["safetyRatings"] = [rating]
    return {**candidate, "index": 0}


def _usage(scene: Scene, ended: bool) -> dict[str, Any]:
    # Thoughts are counted beside the candidates, cached tokens inside of the prompt (API reference, UsageMetadata).
    counts = scene.counts
    usage: dict[str, Any] = {"promptTokenCount": counts.prompt, "totalTokenCount": counts.prompt}
    usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": counts.prompt}]
    if counts.cached:
        usage["cachedContentTokenCount"] = counts.cached
    if ended:
        usage["candidatesTokenCount"] = counts.spoken
        usage["totalTokenCount"] = counts.prompt + counts.output
    if counts.thought:
        usage["thoughtsTokenCount"] = counts.thought
    return usage


def _sealed_at_end(scene: Scene) -> bool:
    calls = any(isinstance(act, Called) for act in scene.acts)
    return not calls and any(isinstance(act, Thought) for act in scene.acts)


def _call(scene: Scene, act: Called, index: int) -> _Part:
    calls = [at for at, one in enumerate(scene.acts) if isinstance(one, Called)]
    call: dict[str, Any] = {"name": act.tool, "args": act.arguments}
    if len(calls) > 1:
        # Newer models number their calls, and older ones do not: here those do that call in parallel.
        call["id"] = f"fc{index}k3x9"
    part: _Part = {"functionCall": call}
    if index == calls[0]:
        # Only the first of parallel calls is signed (docs: thought-signatures, "Parallel function calling").
        part["thoughtSignature"] = call_seal(act.tool, act.arguments)
    return part


def _part(ask: Ask, scene: Scene, act: Act, index: int) -> _Part | None:
    if isinstance(act, Called):
        return _call(scene, act, index)
    if isinstance(act, Thought):
        return {"text": act.text, "thought": True} if ask.shows else None
    return {"text": act.text}


def _pieces(ask: Ask, scene: Scene, act: Act, index: int) -> list[_Part]:
    if isinstance(act, Called):
        return [_call(scene, act, index)]
    if isinstance(act, Thought):
        return [{"text": piece, "thought": True} for piece in act.pieces] if ask.shows else []
    return [{"text": piece} for piece in act.pieces]

"""Answers in the shapes of OpenAI's API reference (platform.openai.com/docs/api-reference), as plain dictionaries.

The SDK's types are generated from the same specification; `tests/test_fake_shapes.py` checks these against them.
"""

import base64
import struct
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

__all__ = [
    "TEXT",
    "Script",
    "UsageMode",
    "embeddings",
    "error",
    "events",
    "full",
    "images",
    "models",
    "rerank",
    "usage",
]

_SAYING = "Hello! How can I assist you today? I am a provider on loopback, and I say the same to everyone."
TEXT = tuple(_SAYING.split())
CREATED = 1741569952
CHAT_ID = "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT"

UsageMode = Literal[
    "asked",  # OpenAI: only with stream_options.include_usage, in a last chunk with `choices: []`
    "always",  # the same chunk, asked for or not
    "last-choice",  # inside the chunk that carries finish_reason (Groq, Mistral and others)
    "every",  # running totals in every chunk (vLLM, continuous_usage_stats)
    "never",
]

# A one-pixel PNG.
_PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f030005fe02fea72d8d"
        "7f0000000049454e44ae426082"
    )
).decode()


class Script(Struct, frozen=True):
    """What the model says: words, an end, and perhaps a tool call. The token of this model is the word."""

    words: tuple[str, ...] = TEXT
    finish: str = "stop"
    tool: bool = False
    refusal: str | None = None
    reasoning: int = 0
    cached: int = 0
    usage: UsageMode = "asked"
    pad: int = 0  # bytes that are added to the first word


def error(message: str, kind: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """Return OpenAI's error body (API reference, "Errors")."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def usage(payload: dict[str, Any], script: Script, produced: int | None = None) -> dict[str, Any]:
    """Return the usage object. Reasoning counts inside completion_tokens, cached inside prompt_tokens (API reference,
    "The chat completion object", usage)."""
    prompt = sum(len(str(message.get("content", "")).split()) for message in payload.get("messages", []))
    prompt = max(prompt or len(str(payload.get("prompt", "")).split()), script.cached, 1)
    choices = int(payload.get("n") or 1)
    spoken = len(_spoken(payload, script)) if produced is None else produced
    completion = spoken * choices + script.reasoning
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": script.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": script.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def full(payload: dict[str, Any], script: Script, chat: bool) -> dict[str, Any]:
    """Return the answer of a call that does not stream."""
    choices = [_choice(index, payload, script, chat) for index in range(int(payload.get("n") or 1))]
    answer = {**_envelope(payload, chat, "chat.completion"), "choices": choices}
    if script.usage != "never":
        answer["usage"] = usage(payload, script)
    return answer


def events(payload: dict[str, Any], script: Script, chat: bool) -> Iterator[dict[str, Any]]:
    """Yield the chunks of a stream, without its `[DONE]`.

    "If set, an additional chunk will be streamed before the data: [DONE] message. The usage field on this chunk shows
    the token usage statistics for the entire request, and the choices field will always be an empty array. All other
    chunks will also include a usage field, but with a null value." (API reference, stream_options.include_usage)
    """
    asked = bool((payload.get("stream_options") or {}).get("include_usage"))
    envelope = _envelope(payload, chat, "chat.completion.chunk")
    produced = 0
    for index in range(int(payload.get("n") or 1)):
        for fragment, finish in _fragments(payload, script, chat):
            produced += finish is None
            chunk = {**envelope, "choices": [_chunk_choice(index, fragment, finish, payload, chat)]}
            if script.usage == "every":
                chunk["usage"] = usage(payload, script, produced)
            elif script.usage == "last-choice" and finish is not None:
                chunk["usage"] = usage(payload, script)
            elif asked and script.usage in ("asked", "always"):
                chunk["usage"] = None
            yield chunk
    if script.usage == "always" or (asked and script.usage == "asked"):
        yield {**envelope, "choices": [], "usage": usage(payload, script)}


def _envelope(payload: dict[str, Any], chat: bool, kind: str) -> dict[str, Any]:
    return {
        "id": CHAT_ID if chat else "cmpl-uqkvlQyYK7bGYrRHQ0eXlWi7",
        "object": kind if chat else "text_completion",
        "created": CREATED,
        "model": f"{payload.get('model')}-2025-04-14",
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
    }


def _spoken(payload: dict[str, Any], script: Script) -> tuple[str, ...]:
    limit = payload.get("max_completion_tokens") or payload.get("max_tokens") or len(script.words)
    words = script.words[: int(limit)]
    return (words[0] + "x" * script.pad, *words[1:]) if words and script.pad else words


def _finish(payload: dict[str, Any], script: Script) -> str:
    if script.tool:
        return "tool_calls"
    return "length" if len(_spoken(payload, script)) < len(script.words) else script.finish


def _tool_call(payload: dict[str, Any]) -> dict[str, Any]:
    tools = payload.get("tools") or [{"function": {"name": "get_weather"}}]
    return {"name": tools[0]["function"]["name"], "arguments": '{"location":"Boston, MA"}'}


def _logprob(word: str, payload: dict[str, Any]) -> dict[str, Any]:
    entry = {"token": word, "logprob": -0.25, "bytes": list(word.encode())}
    return {**entry, "top_logprobs": [entry] * int(payload.get("top_logprobs") or 0)}


def _logprobs(words: tuple[str, ...], payload: dict[str, Any], chat: bool) -> dict[str, Any] | None:
    if not payload.get("logprobs"):
        return None
    if chat:
        return {"content": [_logprob(word, payload) for word in words], "refusal": None}
    return {
        "tokens": list(words),
        "token_logprobs": [-0.25] * len(words),
        "top_logprobs": None,
        "text_offset": [0] * len(words),
    }


def _choice(index: int, payload: dict[str, Any], script: Script, chat: bool) -> dict[str, Any]:
    words = _spoken(payload, script)
    finish = _finish(payload, script)
    logprobs = _logprobs(words, payload, chat)
    if not chat:
        return {"index": index, "text": " ".join(words), "logprobs": logprobs, "finish_reason": finish}
    message: dict[str, Any] = {
        "role": "assistant",
        "content": " ".join(words),
        "refusal": script.refusal,
        "annotations": [],
    }
    if script.tool:
        message["content"] = None
        message["tool_calls"] = [{"id": "call_abc123", "type": "function", "function": _tool_call(payload)}]
    if script.refusal:
        message["content"] = None
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish}


def _fragments(payload: dict[str, Any], script: Script, chat: bool) -> Iterator[tuple[Any, str | None]]:
    """Yield deltas (or pieces of text), the last one with its finish_reason."""
    words = _spoken(payload, script)
    pieces = [word if i == 0 else " " + word for i, word in enumerate(words)]
    finish = _finish(payload, script)
    if not chat:
        yield from ((piece, None) for piece in pieces)
        yield "", finish
        return
    yield {"role": "assistant", "content": None if script.tool else "", "refusal": None}, None
    if script.tool:
        call = _tool_call(payload)
        opening = {"name": call["name"], "arguments": ""}
        yield {"tool_calls": [{"index": 0, "id": "call_abc123", "type": "function", "function": opening}]}, None
        for part in ('{"location":', '"Boston, MA"}'):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}, None
    elif script.refusal:
        yield {"refusal": script.refusal}, None
    else:
        yield from (({"content": piece}, None) for piece in pieces)
    yield {}, finish


def _chunk_choice(index: int, fragment: Any, finish: str | None, payload: dict[str, Any], chat: bool) -> dict[str, Any]:
    word = fragment.get("content") if chat else fragment
    logprobs = _logprobs((word,), payload, chat) if word else None
    return {"index": index, "delta" if chat else "text": fragment, "logprobs": logprobs, "finish_reason": finish}


def embeddings(payload: dict[str, Any]) -> dict[str, Any]:
    """Return three-dimensional vectors, as floats or, as the SDK asks by default, in base64 of little-endian float32
    (API reference, "Create embeddings", encoding_format)."""
    wanted = payload.get("input", "")
    texts = wanted if isinstance(wanted, list) else [wanted]
    vectors = [(float(index), 0.25, -1.0) for index in range(len(texts))]
    packed = payload.get("encoding_format") == "base64"
    rows = [
        {
            "object": "embedding",
            "index": i,
            "embedding": base64.b64encode(struct.pack("<3f", *v)).decode() if packed else list(v),
        }
        for i, v in enumerate(vectors)
    ]
    tokens = sum(len(str(text).split()) for text in texts)
    return {
        "object": "list",
        "data": rows,
        "model": payload.get("model"),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def rerank(payload: dict[str, Any]) -> dict[str, Any]:
    """Return scores by shared words, best first: Cohere's shape (docs.cohere.com/reference/rerank: results with `index`
    and `relevance_score`) with the `model` and `usage` that vLLM and llama.cpp's server add."""
    query = set(str(payload.get("query", "")).lower().split())
    texts = [d["text"] if isinstance(d, dict) else str(d) for d in payload.get("documents", [])]
    scored = [(len(query & set(text.lower().split())) / max(len(query), 1), i) for i, text in enumerate(texts)]
    best = sorted(scored, key=lambda pair: (-pair[0], pair[1]))[: payload.get("top_n")]
    tokens = sum(len(text.split()) for text in texts) + len(query)
    return {
        "id": "rerank-2f1d6a",
        "model": payload.get("model"),
        "results": [{"index": i, "relevance_score": score} for score, i in best],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def images(payload: dict[str, Any]) -> dict[str, Any]:
    """Return one-pixel images (API reference, "Create image")."""
    count = int(payload.get("n") or 1)
    details = {"text_tokens": 5, "image_tokens": 0}
    return {
        "created": CREATED,
        "data": [{"b64_json": _PNG} for _ in range(count)],
        "usage": {"total_tokens": 105, "input_tokens": 5, "output_tokens": 100, "input_tokens_details": details},
    }


def models(names: list[str]) -> dict[str, Any]:
    """Return the list of models (API reference, "List models")."""
    rows = [{"id": name, "object": "model", "created": CREATED, "owned_by": "loopback"} for name in names]
    return {"object": "list", "data": rows}

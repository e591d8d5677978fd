"""Requests with something of everything, and what may stand in any place of them."""

import copy
from collections.abc import Iterator
from typing import Any

from tests.matrix.outcome import CITY_SCHEMA, PNG

__all__ = ["ODD", "PATHS", "RICH", "each_change", "places", "put"]

_IMAGE = f"data:image/png;base64,{PNG}"
RICH: dict[str, dict[str, Any]] = {
    "openai": {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": _IMAGE}}],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "18 degrees"},
            {"role": "user", "content": "And?", "name": "ann"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "get_weather", "description": "?", "parameters": CITY_SCHEMA}}
        ],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "p", "strict": True, "schema": CITY_SCHEMA}},
        "max_completion_tokens": 50,
        "temperature": 0.5,
        "top_p": 0.9,
        "n": 1,
        "stop": ["END"],
        "seed": 7,
        "logprobs": True,
        "top_logprobs": 2,
        "reasoning_effort": "medium",
        "parallel_tool_calls": False,
        "stream_options": {"include_usage": True},
        "user": "u",
        "metadata": {"a": "b"},
        "logit_bias": {"50256": -100},
        "modalities": ["text"],
        "service_tier": "auto",
    },
    "anthropic": {
        "model": "m",
        "max_tokens": 4096,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Hi"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
                    {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "18"}]},
                    {"type": "text", "text": "And?"},
                ],
            },
        ],
        "tools": [{"name": "get_weather", "description": "?", "input_schema": CITY_SCHEMA}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "stop_sequences": ["END"],
        "temperature": 1.0,
        "top_k": 5,
        "top_p": 0.95,
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
    },
    "openai-responses": {
        "model": "m",
        "instructions": "Be brief.",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Hi"}, {"type": "input_image", "image_url": _IMAGE}],
            },
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}]},
            {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "18 degrees"},
            {"role": "user", "content": "And?"},
        ],
        "tools": [
            {"type": "function", "name": "get_weather", "description": "?", "parameters": CITY_SCHEMA, "strict": True}
        ],
        "tool_choice": {"type": "function", "name": "get_weather"},
        "text": {"format": {"type": "json_schema", "name": "p", "schema": CITY_SCHEMA, "strict": True}},
        "reasoning": {"effort": "medium", "summary": "auto"},
        "max_output_tokens": 50,
        "temperature": 0.5,
        "top_p": 0.9,
        "parallel_tool_calls": False,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "metadata": {"a": "b"},
        "truncation": "auto",
        "user": "u",
    },
    "gemini": {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hi"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]},
            {
                "role": "model",
                "parts": [
                    {"text": "Hm", "thought": True},
                    {"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}, "thoughtSignature": "c2ln"},
                ],
            },
            {"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"output": "18"}}}]},
            {"role": "user", "parts": [{"text": "And?"}]},
        ],
        "tools": [
            {"functionDeclarations": [{"name": "get_weather", "description": "?", "parameters": {"type": "OBJECT"}}]}
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}},
        "generationConfig": {
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 2048},
            "stopSequences": ["END"],
            "maxOutputTokens": 50,
            "temperature": 0.5,
            "topP": 0.9,
            "topK": 5,
            "seed": 7,
            "candidateCount": 1,
            "responseMimeType": "application/json",
            "responseSchema": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}},
        },
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    },
}
PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "openai-responses": "/v1/responses",
    "gemini": "/v1beta/models/{model}:generateContent",
}
ODD: list[Any] = [
    *(None, True, -1, 0, 1.5, 10**30, "", "\0", "😀" * 50, [], {}, [[]], [None], [{}], {"": ""}, "x" * 5000, 1e308),
    *({"type": "text", "text": "a"}, [{"type": "image_url", "image_url": {"url": "data:,"}}], {"type": "unheard_of"}),
    *({"type": []}, {"type": {}}, "data:image/png;base64,AAAA", "https://", [{"role": "user"}], {"$ref": "#"}),
    *([{"type": "tool_result"}], {"type": "function", "function": None}, ["a", 1, None, {}]),
]
"""Values that fit hardly anywhere."""


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values within a value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [*([path] if path else []), *(one for key, item in inner for one in places(item, (*path, key)))]


def put(body: Any, path: tuple[Any, ...], value: Any) -> None:
    """Have `value` stand in a place of a body."""
    *way, last = path
    for key in way:
        body = body[key]
    body[last] = copy.deepcopy(value)


def each_change(body: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], Any, dict[str, Any]]]:
    """Yield each place, each odd value, and the body with that value in that place."""
    for path in places(body):
        for value in ODD:
            changed = copy.deepcopy(body)
            put(changed, path, value)
            yield path, value, changed

"""Requests to OpenAI's Chat Completions (API reference, "Create chat completion"), and what it refuses.

`reasoning_content` in an assistant's message is no field of OpenAI's: DeepSeek, vLLM and others who speak this dialect
say thoughts in it and take them back (api-docs.deepseek.com, "Thinking Mode").
"""

import base64
import json
from typing import Any

from tests.fake.checks import ANY, Tagged, check
from tests.fake.openai_words import OpenAIWords, bad, check_schema, seen_image
from tests.fake.scenes import THOUGHTS, Ask, Result
from tests.fake.tongue import Place, words_in

__all__ = ["ask"]

_TEXT = {"text!": str, "prompt_cache_breakpoint": ANY}
_PART = Tagged(
    "type",
    {
        "text": _TEXT,
        "image_url": {
            "image_url!": {"url!": str, "detail": frozenset({"auto", "low", "high", "original"})},
            "prompt_cache_breakpoint": ANY,
        },
        "input_audio": {"input_audio!": {"data!": str, "format!": frozenset({"wav", "mp3"})}},
        "file": {"file!": {"file_data": str, "file_id": str, "filename": str}},
    },
)
_TEXTS = (str, [Tagged("type", {"text": _TEXT})])
_CALL = Tagged(
    "type",
    {
        "function": {"id!": str, "function!": {"name!": str, "arguments!": str}},
        "custom": {"id!": str, "custom!": {"name!": str, "input!": str}},
    },
)
_MESSAGE = Tagged(
    "role",
    {
        "system": {"content!": _TEXTS, "name": str},
        "developer": {"content!": _TEXTS, "name": str},
        "user": {"content!": (str, [_PART]), "name": str},
        "assistant": {
            "content": (str, [Tagged("type", {"text": _TEXT, "refusal": {"refusal!": str}})], None),
            "name": str,
            "refusal": (str, None),
            "tool_calls": [_CALL],
            "audio": ({"id!": str}, None),
            "function_call": ANY,
            "reasoning_content": (str, None),
        },
        "tool": {"content!": _TEXTS, "tool_call_id!": str},
    },
)
_FORMAT = Tagged(
    "type",
    {
        "text": {},
        "json_object": {},
        "json_schema": {
            "json_schema!": {"name!": str, "schema": dict, "strict": (bool, None), "description": str},
        },
    },
)
_TOOL = Tagged(
    "type",
    {
        "function": {"function!": {"name!": str, "description": str, "parameters": dict, "strict": (bool, None)}},
        "custom": {"custom!": dict},
    },
)
_CHOICE = (
    frozenset({"none", "auto", "required"}),
    Tagged(
        "type",
        {
            "function": {"function!": {"name!": str}},
            "custom": {"custom!": {"name!": str}},
            "allowed_tools": {"allowed_tools!": {"mode!": frozenset({"auto", "required"}), "tools!": [dict]}},
        },
    ),
)
_EFFORT = (frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"}), None)
_REQUEST = {
    "messages!": [_MESSAGE],
    "model!": str,
    "stream": (bool, None),
    "stream_options": ({"include_usage": bool, "include_obfuscation": bool}, None),
    "tools": [_TOOL],
    "tool_choice": _CHOICE,
    "parallel_tool_calls": bool,
    "response_format": _FORMAT,
    "reasoning_effort": _EFFORT,
    "stop": (str, [str], None),
    **dict.fromkeys(("max_completion_tokens", "max_tokens", "n", "seed", "top_logprobs"), (int, None)),
    **dict.fromkeys(("temperature", "top_p", "frequency_penalty", "presence_penalty"), (float, None)),
    **dict.fromkeys(("logprobs", "store"), (bool, None)),
    **dict.fromkeys(("prompt_cache_key", "safety_identifier", "verbosity", "prompt_cache_retention"), (str, None)),
    **dict.fromkeys(("audio", "functions", "function_call", "logit_bias", "moderation", "prediction"), ANY),
    **dict.fromkeys(("prompt_cache_options", "web_search_options"), ANY),
    "metadata": (dict, None),
    "modalities": ([str], None),
    "service_tier": (frozenset({"auto", "default", "flex", "scale", "priority", "fast"}), None),
    "user": str,
}


def ask(payload: dict[str, Any], place: Place) -> Ask:
    """Return what is asked; raise Refused in OpenAI's words."""
    payload = {**payload, "model": place.model} if place.model else payload
    check(payload, _REQUEST, OpenAIWords())
    _settings(payload)
    messages = payload["messages"]
    names = _history(messages)
    choice = payload.get("tool_choice", "auto")
    tools = payload.get("tools", ())
    stop = payload.get("stop") or ()
    effort = payload.get("reasoning_effort")
    return Ask(
        model=payload["model"],
        stream=payload.get("stream") or False,
        system=tuple(_text(one) for one in messages if one["role"] in ("system", "developer")),
        text=_text(messages[-1]) if messages[-1]["role"] == "user" else "",
        images=_images(messages),
        tools=tuple(one["function"]["name"] for one in tools if one["type"] == "function"),
        choice=choice if isinstance(choice, str) else choice["type"],
        parallel=payload.get("parallel_tool_calls", True),
        results=_results(messages, names),
        stops=(stop,) if isinstance(stop, str) else tuple(stop),
        limit=payload.get("max_completion_tokens") or payload.get("max_tokens"),
        schema=(payload.get("response_format", {}).get("json_schema") or {}).get("schema"),
        thinks=effort not in (None, "none"),
        shows=True,
        wants_usage=bool((payload.get("stream_options") or {}).get("include_usage")),
        thoughts=sum(one.get("reasoning_content") == "".join(THOUGHTS) for one in messages),
        words=words_in([messages, tools]),
    )


def _settings(payload: dict[str, Any]) -> None:
    if not payload["messages"]:
        raise bad(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "messages",
            "empty_array",
        )
    if payload.get("stream_options") is not None and not payload.get("stream"):
        raise bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    if isinstance(payload.get("stop"), list) and len(payload["stop"]) > 4:
        raise bad(
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length "
            f"{len(payload['stop'])} instead.",
            "stop",
            "array_above_max_length",
        )
    for field in ("tool_choice", "parallel_tool_calls"):
        if field in payload and not payload.get("tools") and payload[field] != "none":
            raise bad(f"Invalid value for '{field}': '{field}' is only allowed when 'tools' are specified.", field)
    form = payload.get("response_format", {})
    if form.get("type") == "json_schema":
        asked = form["json_schema"]
        strict = bool(asked.get("strict"))
        check_schema(asked["name"], asked.get("schema", {}), strict, "response_format", "response_format")
    for index, tool in enumerate(payload.get("tools", ())):
        if tool["type"] == "function":
            asked = tool["function"]
            strict = bool(asked.get("strict"))
            where = f"tools[{index}].function.parameters"
            check_schema(asked["name"], asked.get("parameters", {}), strict, where, "function")


def _history(messages: list[dict[str, Any]]) -> dict[str, str]:
    """Return the tools' names by the ids of their calls; refuse an illegal conversation."""
    names: dict[str, str] = {}
    waiting: list[str] = []
    owner = 0
    for index, message in enumerate(messages):
        where = f"messages.[{index}].role"
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                # The misspelling is OpenAI's.
                raise bad(
                    "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.", where
                )
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            raise _unanswered(waiting, f"messages.[{owner + 1}].role")
        if message["role"] == "assistant":
            owner = index
            _assistant(index, message)
            waiting = _called(index, message, names)
    if waiting:
        raise _unanswered(waiting, f"messages.[{owner + 1}].role")
    return names


def _unanswered(ids: list[str], param: str) -> Any:
    return bad(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(ids)}",
        param,
    )


def _assistant(index: int, message: dict[str, Any]) -> None:
    if message.get("tool_calls") == []:
        raise bad(
            f"Invalid 'messages[{index}].tool_calls': empty array. Expected an array with minimum length 1, but got an "
            "empty array instead.",
            f"messages[{index}].tool_calls",
            "empty_array",
        )
    if message.get("content") is None and not any(message.get(key) for key in ("tool_calls", "refusal", "audio")):
        raise bad(
            "Invalid value for 'content': expected a string, got null.", f"messages.[{index}].content", "invalid_type"
        )


def _called(index: int, message: dict[str, Any], names: dict[str, str]) -> list[str]:
    ids = []
    for place, call in enumerate(message.get("tool_calls", ())):
        if len(call["id"]) > 40:
            raise bad(
                f"Invalid 'messages[{index}].tool_calls[{place}].id': string too long. Expected a string with maximum "
                f"length 40, but got a string with length {len(call['id'])} instead.",
                f"messages[{index}].tool_calls[{place}].id",
                "string_above_max_length",
            )
        ids.append(call["id"])
        names[call["id"]] = call[call["type"]]["name"]
        if call["type"] == "function":
            # OpenAI takes any text here; the model of this provider reads it, and a test must see what it cannot read.
            json.loads(call["function"]["arguments"])
    return ids


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _images(messages: list[dict[str, Any]]) -> tuple[tuple[str, int], ...]:
    found = []
    for index, message in enumerate(messages):
        content = message.get("content")
        for place, part in enumerate(content if isinstance(content, list) else ()):
            if part["type"] == "image_url":
                found.append(seen_image(part["image_url"]["url"], f"messages[{index}].content[{place}].image_url.url"))
            elif part["type"] == "file" and "file_data" in part["file"]:
                found.append(
                    seen_image(part["file"]["file_data"], f"messages[{index}].content[{place}].file.file_data")
                )
            elif part["type"] == "input_audio":
                sound = part["input_audio"]
                found.append((f"audio/{sound['format']}", len(base64.b64decode(sound["data"], validate=True))))
    return tuple(found)


def _results(messages: list[dict[str, Any]], names: dict[str, str]) -> tuple[Result, ...]:
    found: list[Result] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        found.insert(0, Result(names[message["tool_call_id"]], _text(message)))
    return tuple(found)

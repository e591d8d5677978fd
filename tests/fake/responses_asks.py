"""Requests to OpenAI's Responses (API reference, "Create a model response"), and what it refuses."""

import json
from typing import Any

from tests.fake.checks import ANY, Refused, Tagged, check
from tests.fake.openai_words import OpenAIWords, bad, check_schema, seen_image
from tests.fake.scenes import Ask, Result
from tests.fake.seals import seal
from tests.fake.tongue import Place, words_in

__all__ = ["ENCRYPTED", "ask"]

_CACHED = {"prompt_cache_breakpoint": ANY}
_INPUT = Tagged(
    "type",
    {
        "input_text": {"text!": str, **_CACHED},
        "input_image": {
            "image_url": (str, None),
            "file_id": (str, None),
            "detail": frozenset({"auto", "low", "high", "original"}),
            **_CACHED,
        },
        "input_file": {
            "file_data": str,
            "file_id": (str, None),
            "file_url": str,
            "filename": str,
            "detail": str,
            **_CACHED,
        },
        "input_audio": {"input_audio!": {"data!": str, "format!": frozenset({"wav", "mp3"})}},
        "output_text": {"text!": str, "annotations": [ANY], "logprobs": ANY},
        "refusal": {"refusal!": str},
    },
)
_STATUS = (frozenset({"in_progress", "completed", "incomplete"}), None)
_ITEM = Tagged(
    "type",
    {
        "message": {
            "role!": frozenset({"user", "assistant", "system", "developer"}),
            "content!": (str, [_INPUT]),
            "id": (str, None),
            "status": _STATUS,
            "phase": (str, None),
        },
        "function_call": {
            "call_id!": str,
            "name!": str,
            "arguments!": str,
            "id": (str, None),
            "status": _STATUS,
            "namespace": (str, None),
            "caller": ANY,
        },
        "function_call_output": {
            "call_id!": str,
            "output!": (str, [_INPUT]),
            "id": (str, None),
            "status": _STATUS,
            "name": (str, None),
        },
        "reasoning": {
            "id": str,
            "summary!": [Tagged("type", {"summary_text": {"text!": str}})],
            "content": ([Tagged("type", {"reasoning_text": {"text!": str}})], None),
            "encrypted_content": (str, None),
            "status": _STATUS,
        },
        "item_reference": {"id!": str},
    },
    default="message",
)
_FORMAT = Tagged(
    "type",
    {
        "text": {},
        "json_object": {},
        "json_schema": {"name!": str, "schema!": dict, "strict": (bool, None), "description": (str, None)},
    },
)
_TOOL = {
    "type!": str,
    "name!": str,
    "parameters": (dict, None),
    "strict": (bool, None),
    "description": (str, None),
    "defer_loading": bool,
    "output_schema": ANY,
}
_CHOICE = (
    frozenset({"none", "auto", "required"}),
    Tagged(
        "type",
        {"function": {"name!": str}, "allowed_tools": {"mode!": frozenset({"auto", "required"}), "tools!": [dict]}},
    ),
)
_REQUEST = {
    "model!": str,
    "input!": (str, [_ITEM]),
    "instructions": (str, [_ITEM], None),
    "stream": (bool, None),
    "stream_options": ({"include_obfuscation": bool}, None),
    "tools": [_TOOL],
    "tool_choice": _CHOICE,
    "parallel_tool_calls": (bool, None),
    "reasoning": (
        {
            "effort": (frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"}), None),
            "summary": (frozenset({"auto", "concise", "detailed"}), None),
            "generate_summary": (str, None),
            "context": (str, None),
            "mode": (str, None),
        },
        None,
    ),
    "text": {"format": _FORMAT, "verbosity": (frozenset({"low", "medium", "high"}), None)},
    "include": ([str], None),
    **dict.fromkeys(("max_output_tokens", "max_tool_calls", "top_logprobs"), (int, None)),
    **dict.fromkeys(("temperature", "top_p"), (float, None)),
    **dict.fromkeys(("store", "background"), (bool, None)),
    **dict.fromkeys(("previous_response_id", "prompt_cache_key", "safety_identifier", "user"), (str, None)),
    **dict.fromkeys(("prompt_cache_retention", "truncation"), (str, None)),
    **dict.fromkeys(("conversation", "context_management", "moderation", "prompt", "prompt_cache_options"), ANY),
    "metadata": (dict, None),
    "service_tier": (frozenset({"auto", "default", "flex", "scale", "priority", "fast"}), None),
}


ENCRYPTED = "gAAAAAB" + seal("openai-responses", "thoughts")
"""The encrypted content of every reasoning item of this provider: it does not depend on the summary."""


def ask(payload: dict[str, Any], place: Place) -> Ask:
    """Return what is asked; raise Refused in OpenAI's words."""
    check(payload, _REQUEST, OpenAIWords())
    _settings(payload)
    items = payload["input"]
    items = [{"role": "user", "content": items}] if isinstance(items, str) else items
    if not items:
        raise bad("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    names = _history(items)
    reasoning = payload.get("reasoning") or {}
    choice = payload.get("tool_choice", "auto")
    tools = payload.get("tools", ())
    instructions = payload.get("instructions")
    system = [instructions] if isinstance(instructions, str) else []
    system += [_text(item["content"]) for item in items if item.get("role") in ("system", "developer")]
    last = items[-1]
    return Ask(
        model=payload["model"],
        stream=payload.get("stream") or False,
        system=tuple(system),
        text=_text(last["content"]) if last.get("role") == "user" else "",
        images=_images(items),
        tools=tuple(tool["name"] for tool in tools),
        choice=choice if isinstance(choice, str) else choice["type"],
        parallel=payload.get("parallel_tool_calls") is not False,
        results=_results(items, names),
        limit=payload.get("max_output_tokens"),
        schema=payload.get("text", {}).get("format", {}).get("schema"),
        thinks=reasoning.get("effort") not in (None, "none"),
        shows=reasoning.get("summary") is not None,
        seals="reasoning.encrypted_content" in (payload.get("include") or ()),
        thoughts=_thoughts(items),
        words=words_in([items, system, tools]),
    )


def _settings(payload: dict[str, Any]) -> None:
    limit = payload.get("max_output_tokens")
    if limit is not None and limit < 16:
        raise bad(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got "
            f"{limit} instead.",
            "max_output_tokens",
            "integer_below_min_value",
        )
    form = payload.get("text", {}).get("format", {})
    if form.get("type") == "json_schema":
        # Unlike Chat Completions, a schema is strict here unless it is said not to be.
        strict = form.get("strict") is not False
        check_schema(form["name"], form["schema"], strict, "text.format.schema", "response_format")
    for index, tool in enumerate(payload.get("tools", ())):
        if tool["type"] != "function":
            raise bad(f"Invalid value: '{tool['type']}'.", f"tools[{index}].type", "invalid_value")
        # And so are a function's parameters.
        strict = tool.get("strict") is not False
        check_schema(tool["name"], tool.get("parameters") or {}, strict, f"tools[{index}].parameters", "function")


_PREFIXES = {"message": "msg", "function_call": "fc", "reasoning": "rs", "function_call_output": "fc"}


def _history(items: list[dict[str, Any]]) -> dict[str, str]:
    """Return the tools' names by the ids of their calls; refuse an illegal conversation."""
    names: dict[str, str] = {}
    answered: set[str] = set()
    for index, item in enumerate(items):
        kind = item.get("type", "message")
        _identified(index, kind, item)
        if kind == "message":
            _spoken(index, item)
        elif kind == "function_call":
            names[item["call_id"]] = item["name"]
            json.loads(item["arguments"])
        elif kind == "function_call_output":
            _output(item["call_id"], names, answered)
        elif kind == "reasoning":
            _followed(index, items)
        elif kind == "item_reference":
            raise Refused(404, bad(f"Item with id '{item['id']}' not found.", "input").body)
    for name in names:
        if name not in answered:
            raise bad(f"No tool output found for function call {name}.", "input")
    return names


def _output(call_id: str, names: dict[str, str], answered: set[str]) -> None:
    if call_id not in names:
        raise bad(f"No tool call found for function call output with call_id {call_id}.", "input")
    if call_id in answered:
        raise bad(f"Duplicate function call output for call_id {call_id}.", "input")
    answered.add(call_id)


def _identified(index: int, kind: str, item: dict[str, Any]) -> None:
    prefix = _PREFIXES.get(kind, "")
    if item.get("id") is not None and not item["id"].startswith(prefix):
        raise bad(
            f"Invalid 'input[{index}].id': '{item['id']}'. Expected an ID that begins with '{prefix}'.",
            f"input[{index}].id",
            "invalid_value",
        )
    if len(item.get("call_id", "")) > 64:
        raise bad(
            f"Invalid 'input[{index}].call_id': string too long. Expected a string with maximum length 64, but got a "
            f"string with length {len(item['call_id'])} instead.",
            f"input[{index}].call_id",
            "string_above_max_length",
        )


def _spoken(index: int, item: dict[str, Any]) -> None:
    """Refuse what another role says: input_… is for users and output_… for assistants."""
    content = item["content"]
    for place, part in enumerate(content if isinstance(content, list) else ()):
        own = part["type"] in ("output_text", "refusal")
        if own != (item["role"] == "assistant"):
            allowed = "'output_text' and 'refusal'" if item["role"] == "assistant" else "'input_text', 'input_image', …"
            raise bad(
                f"Invalid value: '{part['type']}'. Supported values are: {allowed}.",
                f"input[{index}].content[{place}]",
                "invalid_value",
            )


def _followed(index: int, items: list[dict[str, Any]]) -> None:
    item = items[index]
    following = items[index + 1] if index + 1 < len(items) else {}
    own = following.get("type") in ("function_call", "reasoning") or following.get("role") == "assistant"
    if not own:
        raise bad(
            f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item.", "input"
        )
    sealed = item.get("encrypted_content")
    if sealed is not None and sealed != ENCRYPTED:
        raise bad(
            f"The encrypted content {sealed[:4]}...{sealed[-4:]} could not be verified. Reason: Encrypted content "
            "could not be decrypted or parsed.",
            None,
            "invalid_encrypted_content",
        )


def _thoughts(items: list[dict[str, Any]]) -> int:
    return sum(item.get("type") == "reasoning" and bool(item.get("encrypted_content")) for item in items)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _images(items: list[dict[str, Any]]) -> tuple[tuple[str, int], ...]:
    found = []
    for index, item in enumerate(items):
        content = item.get("content") if item.get("type", "message") == "message" else item.get("output")
        for place, part in enumerate(content if isinstance(content, list) else ()):
            where = f"input[{index}].content[{place}]"
            if part["type"] == "input_image" and part.get("image_url"):
                found.append(seen_image(part["image_url"], f"{where}.image_url"))
            elif part["type"] == "input_file" and part.get("file_data"):
                found.append(seen_image(part["file_data"], f"{where}.file_data"))
    return tuple(found)


def _results(items: list[dict[str, Any]], names: dict[str, str]) -> tuple[Result, ...]:
    found: list[Result] = []
    for item in reversed(items):
        if item.get("type") != "function_call_output":
            break
        found.insert(0, Result(names[item["call_id"]], _text(item["output"])))
    return tuple(found)

"""Requests to Anthropic's Messages API (platform.claude.com/docs/en/api/messages), and what it refuses.

Texts of errors are those that the API sends, as users quote them.
"""

import base64
import re
from typing import Any

from tests.fake.checks import ANY, Refused, Tagged, check
from tests.fake.scenes import Ask, Result
from tests.fake.schemas import subschemas
from tests.fake.seals import seal
from tests.fake.seen import ReceivedRequest
from tests.fake.tongue import Place, words_in

__all__ = ["ask", "error", "thinking_seal"]

# docs: /en/api/errors. 529 has no phrase of its own.
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_CACHE = ({"type!": frozenset({"ephemeral"}), "ttl": frozenset({"5m", "1h"})}, None)
_TEXT = {"text!": str, "cache_control": _CACHE, "citations": ([ANY], None)}
_SOURCE = Tagged(
    "type",
    {
        "base64": {"data!": str, "media_type!": frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})},
        "url": {"url!": str},
        "file": {"file_id!": str},
    },
)
_DOCUMENT_SOURCE = Tagged(
    "type",
    {
        "base64": {"data!": str, "media_type!": frozenset({"application/pdf"})},
        "text": {"data!": str, "media_type!": frozenset({"text/plain"})},
        "url": {"url!": str},
        "file": {"file_id!": str},
        "content": {"content!": (str, [ANY])},
    },
)
_IMAGE = {"source!": _SOURCE, "cache_control": _CACHE}
_DOCUMENT = {
    "source!": _DOCUMENT_SOURCE,
    "cache_control": _CACHE,
    "citations": ({"enabled": bool}, None),
    "context": (str, None),
    "title": (str, None),
}
_BLOCK = Tagged(
    "type",
    {
        "text": _TEXT,
        "image": _IMAGE,
        "document": _DOCUMENT,
        "thinking": {"thinking!": str, "signature!": str},
        "redacted_thinking": {"data!": str},
        "tool_use": {"id!": str, "name!": str, "input!": dict, "cache_control": _CACHE, "caller": ANY},
        "tool_result": {
            "tool_use_id!": str,
            "content": (str, [Tagged("type", {"text": _TEXT, "image": _IMAGE, "document": _DOCUMENT})]),
            "is_error": bool,
            "cache_control": _CACHE,
        },
    },
)
_TOOL = {
    "name!": str,
    "input_schema!": dict,
    "description": str,
    "cache_control": _CACHE,
    "strict": bool,
    "type": (frozenset({"custom"}), None),
    "eager_input_streaming": (bool, None),
    "defer_loading": bool,
    "input_examples": [dict],
    "allowed_callers": [str],
}
_PARALLEL = {"disable_parallel_tool_use": bool}
_COUNTED = {
    "messages!": [{"role!": frozenset({"user", "assistant", "system"}), "content!": (str, [_BLOCK])}],
    "model!": str,
    "cache_control": _CACHE,
    "output_config": {
        "effort": (frozenset({"low", "medium", "high", "xhigh", "max"}), None),
        "format": (Tagged("type", {"json_schema": {"schema!": dict}}), None),
    },
    "system": (str, [Tagged("type", {"text": _TEXT})]),
    "thinking": Tagged(
        "type",
        {"enabled": {"budget_tokens!": int, "display": ANY}, "adaptive": {"display": ANY}, "disabled": {}},
    ),
    "tool_choice": Tagged(
        "type", {"auto": _PARALLEL, "any": _PARALLEL, "tool": {"name!": str, **_PARALLEL}, "none": {}}
    ),
    "tools": [_TOOL],
}
_CREATED = {
    **_COUNTED,
    "max_tokens!": int,
    "metadata": {"user_id": (str, None)},
    "service_tier": frozenset({"auto", "standard_only"}),
    "stop_sequences": [str],
    "stream": bool,
    "temperature": float,
    "top_k": int,
    "top_p": float,
    "container": ANY,
    "inference_geo": (str, None),
}


def error(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error."""
    kind = _TYPES.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}


class _Words:
    def join(self, path: str, key: str | int) -> str:
        return f"{path}.{key}" if path else str(key)

    def inside(self, path: str, tag: str) -> str:
        return self.join(path, tag)

    def unknown(self, path: str, key: str) -> Refused:
        return _bad(f"{self.join(path, key)}: Extra inputs are not permitted")

    def missing(self, path: str, key: str) -> Refused:
        return _bad(f"{self.join(path, key)}: Field required")

    def wrong(self, path: str, expected: str, value: Any) -> Refused:
        if path.endswith(".type") and expected.startswith("'"):
            return _bad(
                f"{path.removesuffix('.type')}: Input tag '{value}' found using 'type' does not match any of the "
                f"expected tags: {expected}"
            )
        return _bad(f"{path}: Input should be {'a valid ' if chr(39) not in expected else ''}{expected}")


def _bad(message: str, status: int = 400) -> Refused:
    return Refused(status, error(status, message))


def thinking_seal(text: str) -> str:
    """Return the signature that belongs to a thinking block's text."""
    return seal("anthropic", text)


def ask(request: ReceivedRequest, payload: dict[str, Any], place: Place) -> Ask:
    """Return what is asked; raise Refused in Anthropic's words."""
    payload = _admitted(request, payload, place)
    _refuse_threads(payload)
    check(payload, _COUNTED if place.counts else _CREATED, _Words())
    _settings(payload)
    messages = [_blocks(message) for message in payload["messages"]]
    names = _history(messages)
    thinks = payload.get("thinking", {}).get("type") in ("enabled", "adaptive")
    kept = _thoughts(messages, thinks)
    last = messages[-1][1]
    choice = payload.get("tool_choice", {})
    system = payload.get("system", ())
    return Ask(
        model=payload["model"],
        stream=payload.get("stream", False) if place.stream is None else place.stream,
        system=(system,) if isinstance(system, str) else tuple(block["text"] for block in system),
        text="".join(block["text"] for block in last if block["type"] == "text"),
        images=tuple(found for _, blocks in messages for found in _images(blocks)),
        tools=tuple(tool["name"] for tool in payload.get("tools", ())),
        choice=choice.get("type", "auto"),
        parallel=not choice.get("disable_parallel_tool_use", False),
        results=tuple(_result(block, names) for block in last if block["type"] == "tool_result"),
        stops=tuple(payload.get("stop_sequences", ())),
        limit=payload.get("max_tokens"),
        schema=(payload.get("output_config", {}).get("format") or {}).get("schema"),
        thinks=thinks,
        shows=payload.get("thinking", {}).get("display") != "omitted",
        thoughts=kept,
        words=words_in([payload["messages"], system, payload.get("tools", ())]),
    )


def _admitted(request: ReceivedRequest, payload: dict[str, Any], place: Place) -> dict[str, Any]:
    """Check what says who calls, and return the body as the API itself has it."""
    if place.house == "vertex":
        # cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude: `model` is in the URL, and
        # `anthropic_version` in the body, with this value.
        if not (request.header("authorization") or "").startswith("Bearer "):
            raise _bad("Request had invalid authentication credentials.", 401)
        if "model" in payload:
            raise _bad("model: Extra inputs are not permitted")
        if payload.get("anthropic_version") != "vertex-2023-10-16":
            raise _bad("anthropic_version: Field required")
        others = {key: value for key, value in payload.items() if key != "anthropic_version"}
        return {**others, "model": place.model}
    if not request.header("x-api-key") and not (request.header("authorization") or "").startswith("Bearer "):
        raise _bad("x-api-key header is required", 401)
    version = request.header("anthropic-version")
    if version is None:
        raise _bad("anthropic-version: header is required")
    if version == "2026-10-21":
        _refuse_removed(payload)
    elif version not in ("2023-06-01", "2023-01-01"):
        raise _bad(f'anthropic-version: "{version}" is not a valid version')
    return payload


def _refuse_removed(payload: dict[str, Any]) -> None:
    """Refuse what version 2026-10-21 took away (docs: /en/api/migration-2026-10-21)."""
    for setting in ("temperature", "top_p", "top_k"):
        if setting in payload:
            raise _bad(f"{setting}: Extra inputs are not permitted")
    for index, message in enumerate(payload.get("messages", ())):
        for place, block in enumerate(message["content"] if isinstance(message["content"], list) else ()):
            where = f"messages.{index}.content.{place}"
            if block["type"] == "document" and message["role"] == "assistant":
                raise _bad(f"{where}: `document` blocks are not permitted in `assistant` messages")
            if block["type"] == "text" and message["role"] == "user" and block.get("citations"):
                raise _bad(f"{where}.text.citations: citations are not permitted in `user` messages")


def _refuse_threads(payload: dict[str, Any]) -> None:
    """Refuse what is asked with a thread, as it is where an organisation's settings do not go with one (API reference,
    "Errors", thread_unsupported_request)."""
    if payload.get("thread") is not None:
        refused = error(400, "This organization does not support `thread`.")
        refused["error"]["details"] = {"error_code": "thread_unsupported_request", "unsupported": ["hipaa"]}
        raise Refused(400, refused)


def _settings(payload: dict[str, Any]) -> None:
    """Refuse settings that contradict each other (docs: extended thinking, structured outputs)."""
    if payload.get("max_tokens", 1) < 1:
        raise _bad("max_tokens: Input should be greater than or equal to 1")
    if not 0 <= payload.get("temperature", 0) <= 1:
        raise _bad("temperature: range: 0..1")
    if not payload["messages"]:
        raise _bad("messages: at least one message is required")
    if any(not stop.strip() for stop in payload.get("stop_sequences", ())):
        raise _bad("stop_sequences: each stop sequence must contain non-whitespace")
    _thinking_settings(payload)
    schema = (payload.get("output_config", {}).get("format") or {}).get("schema")
    for _, one in subschemas(schema):
        if one.get("type") == "object" and one.get("additionalProperties") is not False:
            raise _bad(
                "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
            )
    for index, tool in enumerate(payload.get("tools", ())):
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"]):
            raise _bad(f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if tool["input_schema"].get("type") != "object":
            raise _bad(f"tools.{index}.custom.input_schema.type: Field required")


def _thinking_settings(payload: dict[str, Any]) -> None:
    thinking = payload.get("thinking", {})
    if thinking.get("type") not in ("enabled", "adaptive"):
        return
    budget = thinking.get("budget_tokens", 1024)
    if budget < 1024:
        raise _bad("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if payload.get("max_tokens", budget + 1) <= budget:
        raise _bad("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if payload.get("temperature", 1) != 1:
        raise _bad("`temperature` may only be set to 1 when thinking is enabled.")
    if payload.get("tool_choice", {}).get("type") in ("any", "tool"):
        raise _bad("Thinking may not be enabled when tool_choice forces tool use.")


def _blocks(message: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return message["role"], blocks


def _history(messages: list[tuple[str, list[dict[str, Any]]]]) -> dict[str, str]:
    """Return the tools' names by the ids of their calls; refuse an illegal conversation."""
    names: dict[str, str] = {}
    waiting: list[str] = []
    for index, (role, blocks) in enumerate(messages):
        if not blocks and index < len(messages) - 1:
            raise _bad(
                f"messages.{index}: all messages must have non-empty content except for the optional final assistant "
                "message"
            )
        if any(block["type"] == "text" and not block["text"].strip() for block in blocks):
            raise _bad("messages: text content blocks must be non-empty")
        _results(index, role, blocks, waiting)
        waiting = _called(index, role, blocks, names)
    if waiting:
        raise _unanswered(len(messages) - 1, waiting)
    if messages[-1][0] == "assistant":
        raise _bad(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    return names


def _unanswered(index: int, ids: list[str]) -> Refused:
    return _bad(
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(ids)}."
        " Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def _results(index: int, role: str, blocks: list[dict[str, Any]], waiting: list[str]) -> None:
    given: list[str] = []
    for place, block in enumerate(blocks):
        if block["type"] != "tool_result":
            continue
        name = block["tool_use_id"]
        if role != "user":
            raise _bad(f"messages.{index}: `tool_result` blocks can only be in `user` messages")
        if name not in waiting:
            raise _bad(
                f"messages.{index}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: {name}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        if name in given:
            raise _bad(
                f"messages.{index}.content.{place}: each tool_use must have a single result. Found multiple "
                f"`tool_result` blocks with id: {name}"
            )
        if place > len(given):
            # docs: /en/agents-and-tools/tool-use: results come first in the content, text after all of them.
            raise _unanswered(index - 1, [one for one in waiting if one not in given])
        given.append(name)
    if missing := [one for one in waiting if one not in given]:
        raise _unanswered(index - 1, missing)


def _called(index: int, role: str, blocks: list[dict[str, Any]], names: dict[str, str]) -> list[str]:
    calls = [block for block in blocks if block["type"] == "tool_use"]
    if calls and role != "assistant":
        raise _bad(f"messages.{index}: `tool_use` blocks can only be in `assistant` messages")
    for place, block in enumerate(calls):
        if not re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]):
            raise _bad(f"messages.{index}.content.{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        if block["id"] in names:
            raise _bad("messages: `tool_use` ids must be unique")
        names[block["id"]] = block["name"]
    return [block["id"] for block in calls]


def _thoughts(messages: list[tuple[str, list[dict[str, Any]]]], thinks: bool) -> int:
    """Return how many thinking blocks came back as they were; refuse those that were changed, and missing ones
    (docs: /en/build-with-claude/extended-thinking, "Preserving thinking blocks")."""
    kept = 0
    for index, (role, blocks) in enumerate(messages):
        for place, block in enumerate(blocks):
            if block["type"] == "thinking":
                if block["signature"] != thinking_seal(block["thinking"]):
                    raise _bad(f"messages.{index}.content.{place}: Invalid `signature` in `thinking` block")
                kept += 1
        last_turn = index == len(messages) - 2 and any(one["type"] == "tool_result" for one in messages[-1][1])
        if thinks and last_turn and role == "assistant" and blocks[0]["type"] not in ("thinking", "redacted_thinking"):
            raise _bad(
                f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
                f"`{blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with a "
                "thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you "
                "include thinking blocks from previous turns. To avoid this requirement, disable `thinking`. Please "
                "consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
            )
    return kept


def _images(blocks: list[dict[str, Any]]) -> list[tuple[str, int]]:
    found = []
    for block in blocks:
        if block["type"] == "tool_result" and isinstance(block.get("content"), list):
            found += _images(block["content"])
        elif block["type"] in ("image", "document"):
            source = block["source"]
            size = len(base64.b64decode(source["data"], validate=True)) if source["type"] == "base64" else 0
            found.append((source.get("media_type", source["type"]), size))
    return found


def _result(block: dict[str, Any], names: dict[str, str]) -> Result:
    content = block.get("content", "")
    if isinstance(content, list):
        content = "".join(one.get("text", "") for one in content)
    return Result(names[block["tool_use_id"]], content, block.get("is_error", False))

"""A conversation of about 12 kB with tools, the same in two dialects; and a short one that is answered in a stream."""

import json
from typing import Any

from bench.load import BODY

__all__ = ["ANTHROPIC", "ANTHROPIC_STREAM", "OPENAI"]

_PARAGRAPH = (
    "The ledger keeps one row for each call: who asked, who answered, how long it took, what it cost, and what was "
    "said about it. Rows are never changed. A row that is erased leaves its place behind, so that the count stays. "
)
_TURNS = 6
_SCHEMA = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "Words to look for, in the order of their weight."},
        "since": {"type": "string", "description": "The first day, in ISO form; absent: from the beginning."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
    },
    "required": ["query"],
    "additionalProperties": False,
}
_TOOLS = [(f"search_{name}", f"Search the {name} of the ledger.") for name in ("calls", "keys", "routes", "costs")]


def _arguments(turn: int) -> dict[str, Any]:
    return {"query": f"calls that failed in week {turn}", "limit": 10}


def _openai() -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": _PARAGRAPH * 6}]
    for turn in range(_TURNS):
        call = {"name": "search_calls", "arguments": json.dumps(_arguments(turn))}
        calls = [{"id": f"call_{turn}", "type": "function", "function": call}]
        messages += [
            {"role": "user", "content": _PARAGRAPH * 2},
            {"role": "assistant", "content": "I look it up.", "tool_calls": calls},
            {"role": "tool", "tool_call_id": f"call_{turn}", "content": _PARAGRAPH * 2},
            {"role": "assistant", "content": _PARAGRAPH},
        ]
    tools = [
        {"type": "function", "function": {"name": name, "description": told, "parameters": _SCHEMA}}
        for name, told in _TOOLS
    ]
    messages.append({"role": "user", "content": "What follows from all this?"})
    return {"model": "assistant", "max_tokens": 256, "temperature": 0.7, "messages": messages, "tools": tools}


def _anthropic() -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    for turn in range(_TURNS):
        use = {"type": "tool_use", "id": f"call_{turn}", "name": "search_calls", "input": _arguments(turn)}
        result = {"type": "tool_result", "tool_use_id": f"call_{turn}", "content": _PARAGRAPH * 2}
        messages += [
            {"role": "user", "content": _PARAGRAPH * 2},
            {"role": "assistant", "content": [{"type": "text", "text": "I look it up."}, use]},
            {"role": "user", "content": [result]},
            {"role": "assistant", "content": _PARAGRAPH},
        ]
    tools = [{"name": name, "description": told, "input_schema": _SCHEMA} for name, told in _TOOLS]
    messages.append({"role": "user", "content": "What follows from all this?"})
    asked = {"model": "assistant", "max_tokens": 256, "temperature": 0.7, "system": _PARAGRAPH * 6}
    return {**asked, "messages": messages, "tools": tools}


def _compact(fields: dict[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"))


OPENAI = _compact(_openai())
ANTHROPIC = _compact(_anthropic())

_short = json.loads(BODY)
_system, _question = _short["messages"]
ANTHROPIC_STREAM = _compact({**_short, "system": _system["content"], "messages": [_question], "stream": True})

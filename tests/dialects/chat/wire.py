"""Bodies of Chat Completions, as clients and servers write them."""

import json
from typing import Any

from steelyard.core.losses import Loss, Losses
from steelyard.core.request import Request
from steelyard.dialects.chat import CHAT
from steelyard.dialects.dialect import Asked, Facts

__all__ = ["FACTS", "USAGE", "asked", "body", "call", "chunk", "decoded", "encoded", "event", "own"]

FACTS = Facts("acme/model-1")
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


def body(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a request; without messages the user greets."""
    return {"model": "m", "messages": list(messages) or [{"role": "user", "content": "Hi"}], **more}


def decoded(value: Any) -> Request:
    return CHAT.decode_request(json.dumps(value).encode())


def encoded(request: Request, facts: Facts = FACTS) -> tuple[Any, tuple[Loss, ...]]:
    losses = Losses()
    return json.loads(CHAT.encode_request(request, facts, losses)), losses.all()


def own(value: Any) -> Any:
    """Return a request as a server of the same dialect is sent it, under the name that the client gave the model."""
    sent, losses = encoded(decoded(value), Facts(value["model"], tells_usage=False))
    assert losses == ()
    return sent


def asked(value: Any | None = None) -> Asked:
    return Asked(decoded(value if value is not None else body()), "0123456789", 1_700_000_000)


def call(call_id: str = "c1", name: str = "find", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    """Return one event of a stream; without a delta one that only ends a choice."""
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    return event({"id": "chatcmpl-1", "created": 1_700_000_000, "model": "model-1", "choices": [choice], **more})

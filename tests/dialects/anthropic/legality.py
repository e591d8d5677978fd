"""What makes a stream legal for clients of Anthropic's Messages API, checked event by event.

The rules are those that the official Python SDK's accumulation rests on, written down without it: `message_start`
first and once; blocks under indexes that count from 0, one open at a time; fragments only inside their block and of its
kind; `message_delta` behind all blocks, then `message_stop`, then nothing. `ping` may come anywhere.
"""

import json
from typing import Any

__all__ = ["Illegal", "accumulated", "events_of"]

_FRAGMENTS = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "server_tool_use": {"input_json_delta"},
    "mcp_tool_use": {"input_json_delta"},
}


class Illegal(AssertionError):
    """The stream breaks a rule."""


def events_of(stream: bytes) -> list[tuple[str | None, dict[str, Any]]]:
    """Return the events of a stream; each must be named as its type says."""
    found = []
    assert stream == b"" or stream.endswith(b"\n\n")
    for event in stream.decode().split("\n\n")[:-1]:
        lines = event.split("\n")
        name = next((line[7:] for line in lines if line.startswith("event: ")), None)
        told = json.loads("".join(line[6:] for line in lines if line.startswith("data: ")))
        if name != told["type"]:
            raise Illegal(f"event {name} of type {told['type']}")
        found.append((name, told))
    return found


class _Message:
    def __init__(self) -> None:
        self.message: dict[str, Any] | None = None
        self.open: int | None = None
        self.json: dict[int, str] = {}
        self.delta = False
        self.stopped = False

    def take(self, kind: str, event: dict[str, Any]) -> None:
        if self.stopped:
            raise Illegal(f"{kind} behind the end")
        if kind == "ping":
            return
        if kind == "error":
            self.stopped = True
            return
        if (self.message is None) != (kind == "message_start"):
            raise Illegal(f"{kind} {'before' if self.message is None else 'after'} message_start")
        take = getattr(self, f"_{kind}", None)
        if take is not None:
            take(event)

    def _message_start(self, event: dict[str, Any]) -> None:
        message = event["message"]
        assert message["type"] == "message"
        assert message["role"] == "assistant"
        assert message["content"] == []
        assert message["id"].startswith("msg_")
        assert isinstance(message["usage"]["input_tokens"], int)
        self.message = {**message, "content": []}

    def _content_block_start(self, event: dict[str, Any]) -> None:
        assert self.message is not None
        if self.open is not None or self.delta:
            raise Illegal("a block begins inside another or behind message_delta")
        if event["index"] != len(self.message["content"]):
            raise Illegal(f"index {event['index']} is not the next")
        self.open = event["index"]
        self.message["content"].append(event["content_block"])

    def _content_block_delta(self, event: dict[str, Any]) -> None:
        assert self.message is not None
        index, delta = event["index"], event["delta"]
        if index != self.open:
            raise Illegal("a fragment outside its block")
        block = self.message["content"][index]
        if delta["type"] not in _FRAGMENTS.get(block["type"], set()):
            raise Illegal(f"{delta['type']} in a block of type {block['type']}")
        match delta["type"]:
            case "text_delta":
                block["text"] += delta["text"]
            case "thinking_delta":
                block["thinking"] += delta["thinking"]
            case "signature_delta":
                block["signature"] = delta["signature"]
            case "citations_delta":
                block.setdefault("citations", []).append(delta["citation"])
            case "input_json_delta":
                self.json[index] = self.json.get(index, "") + delta["partial_json"]

    def _content_block_stop(self, event: dict[str, Any]) -> None:
        assert self.message is not None
        if event["index"] != self.open:
            raise Illegal("the end of a block that is not open")
        if self.json.get(event["index"]):
            self.message["content"][event["index"]]["input"] = json.loads(self.json[event["index"]])
        self.open = None

    def _message_delta(self, event: dict[str, Any]) -> None:
        assert self.message is not None
        if self.open is not None:
            raise Illegal("message_delta inside a block")
        self.delta = True
        self.message.update(event["delta"])
        assert isinstance(event["usage"]["output_tokens"], int)
        self.message["usage"] = {**self.message["usage"], **event["usage"]}

    def _message_stop(self, event: dict[str, Any]) -> None:
        if not self.delta or self.open is not None:
            raise Illegal("message_stop before its time")
        self.stopped = True


def accumulated(stream: bytes, *, whole: bool = True) -> dict[str, Any]:
    """Return the message that a client makes of a stream. Raises Illegal. `whole`: it must have come to its end."""
    found = _Message()
    for name, event in events_of(stream):
        assert name is not None
        found.take(name, event)
    if whole and not found.stopped:
        raise Illegal("no end")
    return found.message or {}

"""A client of Anthropic's Messages API (platform.claude.com/docs/en/api/messages)."""

import json
from typing import Any

from tests.matrix.outcome import CITY_SCHEMA, PNG, Call, Outcome, Question
from tests.support import Response
from tests.support.sse import fields

__all__ = ["Anthropic"]

_STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "tool_use": "tools",
    "refusal": "refusal",
}
_TYPES = {
    400: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_DELTAS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("thinking", "signature"),
    "input_json_delta": ("tool_use", "partial_json"),
    "citations_delta": ("text", "citation"),
}


class Anthropic:
    """With extended thinking, whose blocks are sent back as they came."""

    name = "anthropic"
    stops = True

    def request(self, model: str, question: Question, stream: bool) -> tuple[str, dict[str, str], dict[str, Any]]:
        """Return path, headers and body."""
        content: list[dict[str, Any]] = [{"type": "text", "text": question.text}]
        if question.image:
            source = {"type": "base64", "media_type": "image/png", "data": PNG}
            content.insert(0, {"type": "image", "source": source})
        messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if question.earlier:
            messages.append({"role": "assistant", "content": question.earlier.answer.native})
            results = [
                {"type": "tool_result", "tool_use_id": call.id, "content": text}
                for call, text in zip(question.earlier.answer.calls, question.earlier.results, strict=True)
            ]
            messages.append({"role": "user", "content": results})
        body: dict[str, Any] = {"model": model, "system": question.system, "messages": messages}
        body["max_tokens"] = question.limit or 4096
        if stream:
            body["stream"] = True
        if question.tool:
            tool = {"name": "get_weather", "description": "Tell the weather.", "input_schema": CITY_SCHEMA}
            body["tools"] = [tool]
        if question.schema:
            body["output_config"] = {"format": {"type": "json_schema", "schema": question.schema}}
        if question.thinks:
            body["thinking"] = {"type": "enabled", "budget_tokens": 2048}
        if question.stops:
            body["stop_sequences"] = list(question.stops)
        return "/v1/messages", {"x-api-key": "any", "anthropic-version": "2023-06-01"}, body

    def error(self, response: Response) -> str:
        body = response.json()
        assert body["type"] == "error", body
        assert body["error"]["type"] == _TYPES.get(response.status), (response.status, body)
        return str(body["error"]["message"])

    def whole(self, answer: dict[str, Any]) -> Outcome:
        assert (answer["type"], answer["role"]) == ("message", "assistant"), answer
        assert answer["id"].startswith("msg_"), answer["id"]
        blocks = answer["content"]
        calls = tuple(Call(one["id"], one["name"], one["input"]) for one in blocks if one["type"] == "tool_use")
        assert len({call.id for call in calls}) == len(calls), "ids of calls are distinct"
        for one in blocks:
            if one["type"] == "thinking":
                assert isinstance(one["signature"], str), one
        usage = answer["usage"]
        cached = usage.get("cache_read_input_tokens") or 0
        total = usage["input_tokens"] + cached + (usage.get("cache_creation_input_tokens") or 0)
        return Outcome(
            status=200,
            text="".join(one["text"] for one in blocks if one["type"] == "text"),
            thoughts="".join(one["thinking"] for one in blocks if one["type"] == "thinking"),
            calls=calls,
            finish=_STOPS[answer["stop_reason"]] if answer["stop_reason"] else None,
            stop=answer["stop_sequence"],
            usage=(total, cached, usage["output_tokens"]),
            model=answer["model"],
            native=blocks,
        )

    def stream(self, response: Response) -> Outcome:
        events = [dict(fields(event)) for event in response.body.decode().split("\n\n") if event.startswith("event")]
        told = [json.loads(event["data"]) for event in events]
        assert [event["event"] for event in events] == [one["type"] for one in told]
        message = _Message()
        for one in told:
            message.take(one)
        assert message.ended, "a stream ends with message_stop or an error"
        if message.error is not None:
            text = "".join(one["text"] for one in message.blocks if one["type"] == "text")
            return Outcome(status=200, text=text, error=message.error)
        return self.whole({**message.whole, "content": message.blocks})


class _Message:
    """A message of a stream; every event must be legal when it comes (docs: streaming)."""

    def __init__(self) -> None:
        self.whole: dict[str, Any] = {}
        self.blocks: list[dict[str, Any]] = []
        self.error: str | None = None
        self.ended = False
        self._open = False
        self._json = ""

    def take(self, event: dict[str, Any]) -> None:
        assert not self.ended, f"{event['type']} after the end"
        kind = event["type"]
        if kind == "error":
            self.error, self.ended = event["error"]["message"], True
        elif kind == "message_start":
            assert not self.whole, "one message_start"
            self.whole = event["message"]
            assert self.whole["content"] == [], event
        elif kind.startswith("content_block_"):
            assert self.whole, f"{kind} before message_start"
            self._block(kind.removeprefix("content_block_"), event)
        elif kind == "message_delta":
            assert not self._open, "message_delta inside of a block"
            # Cumulative: set, never added.
            self.whole = {**self.whole, **event["delta"], "usage": {**self.whole["usage"], **event["usage"]}}
        elif kind == "message_stop":
            assert self.whole["stop_reason"], "message_stop without a reason"
            self.ended = True

    def _block(self, kind: str, event: dict[str, Any]) -> None:
        if kind == "start":
            assert not self._open, "blocks do not overlap"
            assert event["index"] == len(self.blocks), event
            self._open, self._json = True, ""
            self.blocks.append(event["content_block"])
            return
        assert self._open, f"{kind} outside of a block"
        assert event["index"] == len(self.blocks) - 1, event
        block = self.blocks[-1]
        if kind == "stop":
            self._open = False
            if block["type"] == "tool_use":
                block["input"] = json.loads(self._json or "{}")
            return
        of, key = _DELTAS[event["delta"]["type"]]
        assert block["type"] == of, f"{event['delta']['type']} in a {block['type']} block"
        if key == "partial_json":
            self._json += event["delta"][key]
        elif key != "citation":
            block[key] = block.get(key, "") + event["delta"][key]

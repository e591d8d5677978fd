"""A client of OpenAI's Chat Completions (platform.openai.com/docs/api-reference/chat)."""

import json
from typing import Any

from tests.matrix.outcome import CITY_SCHEMA, PNG, Call, Outcome, Question
from tests.support import Response

__all__ = ["Chat"]

_FINISHES = {"stop": "stop", "length": "length", "tool_calls": "tools", "content_filter": "filter"}


class Chat:
    """Thoughts are read as DeepSeek and OpenRouter say them (`reasoning_content`, `reasoning_details`), and messages
    sent back whole, as their documentation wants it."""

    name = "openai"
    stops = True

    def request(self, model: str, question: Question, stream: bool) -> tuple[str, dict[str, str], dict[str, Any]]:
        """Return path, headers and body."""
        content: list[dict[str, Any]] = [{"type": "text", "text": question.text}]
        if question.image:
            content.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}})
        messages: list[dict[str, Any]] = [{"role": "system", "content": question.system}]
        messages.append({"role": "user", "content": content if question.image else question.text})
        if question.earlier:
            messages.append(question.earlier.answer.native)
            messages += (
                {"role": "tool", "tool_call_id": call.id, "content": text}
                for call, text in zip(question.earlier.answer.calls, question.earlier.results, strict=True)
            )
        body: dict[str, Any] = {"model": model, "messages": messages}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if question.tool:
            function = {"name": "get_weather", "description": "Tell the weather.", "parameters": CITY_SCHEMA}
            body["tools"] = [{"type": "function", "function": function}]
        if question.schema:
            form = {"name": "place", "strict": True, "schema": question.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        if question.thinks:
            body["reasoning_effort"] = "medium"
        if question.stops:
            body["stop"] = list(question.stops)
        if question.limit:
            body["max_tokens"] = question.limit
        return "/v1/chat/completions", {"Authorization": "Bearer any"}, body

    def error(self, response: Response) -> str:
        error = response.json()["error"]
        assert set(error) >= {"message", "type", "param", "code"}, error
        return str(error["message"])

    def whole(self, answer: dict[str, Any]) -> Outcome:
        assert answer["object"] == "chat.completion", answer
        assert answer["id"], answer
        (choice,) = answer["choices"]
        return _outcome(choice["message"], choice["finish_reason"], answer["usage"], answer["model"])

    def stream(self, response: Response) -> Outcome:
        *events, last = response.payloads()
        if last != "[DONE]":
            events.append(last)
        chunks = [json.loads(event) for event in events]
        error = next((str(one["error"]["message"]) for one in chunks if "error" in one), None)
        assert (error is None) == (last == "[DONE]"), "a stream ends with [DONE], and one that failed does not"
        chunks = [one for one in chunks if "error" not in one]
        assert len({(one["id"], one["object"], one["created"]) for one in chunks}) == 1, "one id for a whole stream"
        usages = [one["usage"] for one in chunks if one.get("usage")]
        assert len(usages) <= 1, "usage once, at the end"
        choices = [choice for one in chunks for choice in one["choices"]]
        assert choices[0]["delta"].get("role") == "assistant", choices[0]
        finishes = [choice["finish_reason"] for choice in choices if choice["finish_reason"]]
        assert len(finishes) == (error is None), finishes
        if usages:
            assert chunks[-1]["choices"] == [], "the chunk with usage has no choices"
        message = _message([choice["delta"] for choice in choices])
        found = _outcome(message, finishes[0] if finishes else None, usages[0] if usages else None, chunks[0]["model"])
        return Outcome(**{key: getattr(found, key) for key in found.__struct_fields__ if key != "error"}, error=error)


def _message(deltas: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    calls: dict[int, dict[str, Any]] = {}
    details: dict[tuple[int, str], dict[str, Any]] = {}
    for delta in deltas:
        for key in ("content", "refusal", "reasoning_content"):
            if delta.get(key):
                message[key] = message.get(key, "") + delta[key]
        for fragment in delta.get("tool_calls") or ():
            _call(calls, fragment)
        for detail in delta.get("reasoning_details") or ():
            _detail(details, detail)
    message.setdefault("content", None)
    if calls:
        assert sorted(calls) == list(range(len(calls))), f"indexes of calls {sorted(calls)}"
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    if details:
        message["reasoning_details"] = list(details.values())
    return message


def _call(calls: dict[int, dict[str, Any]], fragment: dict[str, Any]) -> None:
    index = fragment["index"]
    if index not in calls:
        function = {"name": fragment["function"]["name"], "arguments": ""}
        calls[index] = {"id": fragment["id"], "type": "function", "function": function}
    if "extra_content" in fragment:
        calls[index]["extra_content"] = fragment["extra_content"]
    calls[index]["function"]["arguments"] += fragment["function"].get("arguments") or ""


def _detail(details: dict[tuple[int, str], dict[str, Any]], detail: dict[str, Any]) -> None:
    known = details.setdefault((detail.get("index", 0), detail["type"]), {})
    text = known.get("text", "") + (detail.get("text") or "")
    known |= {key: value for key, value in detail.items() if value is not None}
    if detail["type"] == "reasoning.text":
        known["text"] = text


def _outcome(message: dict[str, Any], finish: str | None, usage: dict[str, Any] | None, model: str) -> Outcome:
    assert message["role"] == "assistant", message
    calls = tuple(
        Call(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls") or ()
    )
    assert len({call.id for call in calls}) == len(calls), "ids of calls are distinct"
    counts = None
    if usage:
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"], usage
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        counts = (usage["prompt_tokens"], cached, usage["completion_tokens"])
    kept = {key: value for key, value in message.items() if value is not None and key != "annotations"}
    return Outcome(
        status=200,
        text=message.get("content") or "",
        refusal=message.get("refusal") or "",
        thoughts=message.get("reasoning_content") or "",
        calls=calls,
        finish=_FINISHES[finish] if finish else None,
        usage=counts,
        model=model,
        native={"content": None, **kept},
    )

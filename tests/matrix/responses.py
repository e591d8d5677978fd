"""A client of OpenAI's Responses (platform.openai.com/docs/api-reference/responses)."""

import json
from typing import Any

from tests.matrix.outcome import CITY_SCHEMA, PNG, Call, Outcome, Question
from tests.support import Response
from tests.support.sse import fields

__all__ = ["Responses"]


class Responses:
    """Stateless, with encrypted reasoning, as the guide to reasoning has it."""

    name = "openai-responses"
    stops = False

    def request(self, model: str, question: Question, stream: bool) -> tuple[str, dict[str, str], dict[str, Any]]:
        """Return path, headers and body. This dialect has no stop sequences."""
        content: list[dict[str, Any]] = [{"type": "input_text", "text": question.text}]
        if question.image:
            content.append({"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"})
        items: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if question.earlier:
            items += question.earlier.answer.native
            items += (
                {"type": "function_call_output", "call_id": call.id, "output": text}
                for call, text in zip(question.earlier.answer.calls, question.earlier.results, strict=True)
            )
        body: dict[str, Any] = {"model": model, "instructions": question.system, "input": items, "store": False}
        if stream:
            body["stream"] = True
        if question.tool:
            tool = {"type": "function", "name": "get_weather", "description": "Tell the weather.", "strict": False}
            body["tools"] = [{**tool, "parameters": CITY_SCHEMA}]
        if question.schema:
            form = {"type": "json_schema", "name": "place", "strict": True, "schema": question.schema}
            body["text"] = {"format": form}
        if question.thinks:
            body |= {"reasoning": {"effort": "medium", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
        if question.limit:
            body["max_output_tokens"] = question.limit
        return "/v1/responses", {"Authorization": "Bearer any"}, body

    def error(self, response: Response) -> str:
        error = response.json()["error"]
        assert set(error) >= {"message", "type", "param", "code"}, error
        return str(error["message"])

    def whole(self, answer: dict[str, Any]) -> Outcome:
        assert answer["object"] == "response", answer
        assert answer["id"].startswith("resp_"), answer["id"]
        items = answer["output"]
        assert len({item["id"] for item in items}) == len(items), "ids of items are distinct"
        texts = [part for item in items if item["type"] == "message" for part in item["content"]]
        calls = tuple(
            Call(item["call_id"], item["name"], json.loads(item["arguments"]))
            for item in items
            if item["type"] == "function_call"
        )
        summaries = [
            part["text"]
            for item in items
            if item["type"] == "reasoning"
            for part in [*item["summary"], *(item.get("content") or ())]
        ]
        return Outcome(
            status=200,
            text="".join(part["text"] for part in texts if part["type"] == "output_text"),
            refusal="".join(part["refusal"] for part in texts if part["type"] == "refusal"),
            thoughts="".join(summaries),
            calls=calls,
            finish=_finish(answer, bool(calls)),
            usage=_usage(answer.get("usage")),
            error=(answer.get("error") or {}).get("message"),
            model=answer["model"],
            native=items,
        )

    def stream(self, response: Response) -> Outcome:
        events = [dict(fields(event)) for event in response.body.decode().split("\n\n") if event.startswith("event")]
        told = [json.loads(event["data"]) for event in events]
        assert [event["event"] for event in events] == [one["type"] for one in told]
        assert [one["sequence_number"] for one in told] == list(range(len(told))), "numbers without gaps"
        assert [one["type"] for one in told[:2]] == ["response.created", "response.in_progress"]
        ends = ("response.completed", "response.incomplete", "response.failed", "error")
        assert [one["type"] for one in told if one["type"] in ends] == [told[-1]["type"]], told[-1]
        stream = _Items()
        for one in told[2:-1]:
            stream.take(one)
        if told[-1]["type"] == "error":
            return Outcome(status=200, text=stream.texts(), error=told[-1]["message"])
        assert len({one["response"]["id"] for one in told if "response" in one}) == 1, "one id for a whole stream"
        found = self.whole(told[-1]["response"])
        if told[-1]["type"] == "response.failed":
            return Outcome(status=200, text=stream.texts(), error=found.error)
        assert told[-1]["response"]["output"] == stream.done, "the whole answer is what was streamed"
        return found


class _Items:
    """Items of a stream; every event must be legal when it comes."""

    def __init__(self) -> None:
        self.done: list[dict[str, Any]] = []
        self._open: dict[str, Any] | None = None
        self._text = ""
        self._said: list[str] = []

    def texts(self) -> str:
        """Return what was said, whether it was completed or not."""
        return "".join(self._said)

    def take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if not kind.startswith("response."):
            return
        if kind == "response.output_item.added":
            assert self._open is None, "items do not overlap"
            assert event["output_index"] == len(self.done), event
            self._open = event["item"]
            return
        assert self._open is not None, f"{kind} outside of an item"
        assert event["output_index"] == len(self.done), event
        assert event.get("item_id", self._open["id"]) == self._open["id"], event
        if kind == "response.output_item.done":
            assert event["item"]["id"] == self._open["id"], event
            assert event["item"]["type"] == self._open["type"], event
            self.done.append(event["item"])
            self._open = None
        elif kind.endswith(".delta"):
            self._text += event["delta"]
            if kind == "response.output_text.delta":
                self._said.append(event["delta"])
        elif kind.endswith((".text.done", "_text.done", ".refusal.done", "arguments.done")):
            whole = next(event[key] for key in ("text", "refusal", "arguments") if key in event)
            assert whole == self._text, f"{kind} says {whole!r}, deltas {self._text!r}"
            self._text = ""


def _finish(answer: dict[str, Any], calls: bool) -> str | None:
    if answer["status"] == "incomplete":
        return {"max_output_tokens": "length", "content_filter": "filter"}[answer["incomplete_details"]["reason"]]
    if answer["status"] != "completed":
        return None
    return "tools" if calls else "stop"


def _usage(usage: dict[str, Any] | None) -> tuple[int, int, int] | None:
    if usage is None:
        return None
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"], usage
    return usage["input_tokens"], usage["input_tokens_details"]["cached_tokens"], usage["output_tokens"]

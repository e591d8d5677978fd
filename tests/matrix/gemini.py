"""A client of Gemini's generateContent (ai.google.dev/api/generate-content)."""

import json
from typing import Any

from tests.matrix.outcome import PNG, Call, Outcome, Question
from tests.support import Response

__all__ = ["Gemini"]

_FINISHES = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "filter",
    "PROHIBITED_CONTENT": "filter",
    "BLOCKLIST": "filter",
    "RECITATION": "filter",
    "OTHER": "other",
}
_STATUSES = {
    400: ("INVALID_ARGUMENT", "FAILED_PRECONDITION"),
    429: ("RESOURCE_EXHAUSTED",),
    500: ("INTERNAL",),
    502: ("UNAVAILABLE", "INTERNAL"),
    503: ("UNAVAILABLE",),
    504: ("DEADLINE_EXCEEDED",),
    529: ("UNAVAILABLE",),
}


class Gemini:
    """Parts are sent back as they came, with their thought signatures."""

    name = "gemini"
    stops = True

    def request(self, model: str, question: Question, stream: bool) -> tuple[str, dict[str, str], dict[str, Any]]:
        """Return path, headers and body."""
        parts: list[dict[str, Any]] = [{"text": question.text}]
        if question.image:
            parts.append({"inlineData": {"mimeType": "image/png", "data": PNG}})
        contents: list[dict[str, Any]] = [{"role": "user", "parts": parts}]
        if question.earlier:
            contents.append({"role": "model", "parts": question.earlier.answer.native})
            results = [
                {"name": call.name, "response": {"output": text}, **({"id": call.id} if call.id else {})}
                for call, text in zip(question.earlier.answer.calls, question.earlier.results, strict=True)
            ]
            contents.append({"role": "user", "parts": [{"functionResponse": one} for one in results]})
        config: dict[str, Any] = {}
        body: dict[str, Any] = {"contents": contents, "systemInstruction": {"parts": [{"text": question.system}]}}
        if question.tool:
            schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
            tool = {"name": "get_weather", "description": "Tell the weather.", "parameters": schema}
            body["tools"] = [{"functionDeclarations": [tool]}]
        if question.schema:
            config |= {"responseMimeType": "application/json", "responseJsonSchema": question.schema}
        if question.thinks:
            config["thinkingConfig"] = {"includeThoughts": True, "thinkingBudget": 2048}
        if question.stops:
            config["stopSequences"] = list(question.stops)
        if question.limit:
            config["maxOutputTokens"] = question.limit
        if config:
            body["generationConfig"] = config
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{method}", {"x-goog-api-key": "any"}, body

    def error(self, response: Response) -> str:
        error = response.json()["error"]
        assert error["code"] == response.status, error
        assert error["status"] in _STATUSES[response.status], error
        return str(error["message"])

    def whole(self, answer: dict[str, Any]) -> Outcome:
        return _outcome([answer])

    def stream(self, response: Response) -> Outcome:
        chunks = [json.loads(event) for event in response.payloads()]
        errors = [one for one in chunks if "error" in one]
        assert errors in ([], chunks[-1:]), "an error is the last that comes"
        found = _outcome([one for one in chunks if "error" not in one])
        if not errors:
            return found
        error = errors[0]["error"]
        assert isinstance(error["code"], int), error
        return Outcome(status=200, text=found.text, error=error["message"])


def _outcome(chunks: list[dict[str, Any]]) -> Outcome:
    assert len({one.get("responseId") for one in chunks}) == 1, "one id for a whole stream"
    candidates = [candidate for one in chunks for candidate in one.get("candidates", ())]
    assert {candidate.get("index", 0) for candidate in candidates} <= {0}, candidates
    parts = [part for one in candidates for part in one.get("content", {}).get("parts", ())]
    finishes = [one["finishReason"] for one in candidates if "finishReason" in one]
    assert len(finishes) <= 1, finishes
    calls = tuple(
        Call(call.get("id"), call["name"], call.get("args", {}))
        for call in (part["functionCall"] for part in parts if "functionCall" in part)
    )
    texts = [part for part in parts if "text" in part]
    finish = _FINISHES[finishes[0]] if finishes else None
    usages = [one["usageMetadata"] for one in chunks if "usageMetadata" in one]
    return Outcome(
        status=200,
        text="".join(part["text"] for part in texts if not part.get("thought")),
        thoughts="".join(part["text"] for part in texts if part.get("thought")),
        calls=calls,
        finish="tools" if calls and finish == "stop" else finish,
        usage=_usage(usages[-1]) if usages else None,
        model=chunks[0].get("modelVersion"),
        native=parts,
    )


def _usage(usage: dict[str, Any]) -> tuple[int, int, int]:
    # Output is candidates and thoughts (API reference, UsageMetadata).
    output = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
    assert usage["totalTokenCount"] in (usage["promptTokenCount"] + output, usage["promptTokenCount"]), usage
    return usage["promptTokenCount"], usage.get("cachedContentTokenCount", 0), output

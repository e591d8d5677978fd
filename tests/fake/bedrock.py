"""AWS Bedrock's Converse and ConverseStream (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html;
shapes as in botocore's service model `bedrock-runtime`)."""

import base64
import json
from typing import Any

from tests.fake.bedrock_laws import history, settings
from tests.fake.checks import ANY, Refused, check
from tests.fake.eventstream import frame
from tests.fake.scenes import Act, Ask, Called, Scene, Thought
from tests.fake.schemas import subschemas
from tests.fake.seals import seal
from tests.fake.seen import ReceivedRequest
from tests.fake.tongue import Place, words_in

__all__ = ["BEDROCK"]

_KINDS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
_IMAGE = {"format!": frozenset({"png", "jpeg", "gif", "webp"}), "source!": {"bytes": str, "s3Location": ANY}}
_DOCUMENT = {"name!": str, "source!": dict, "format": str, "context": str, "citations": ANY}
_CACHE = {"type!": frozenset({"default"}), "ttl": frozenset({"5m", "1h"})}
_RESULT = {
    "toolUseId!": str,
    "content!": [{"text": str, "json": ANY, "image": _IMAGE, "document": _DOCUMENT, "video": ANY}],
    "status": frozenset({"success", "error"}),
    "type": str,
}
_BLOCK = {
    "text": str,
    "image": _IMAGE,
    "document": _DOCUMENT,
    "toolUse": {"toolUseId!": str, "name!": str, "input!": ANY},
    "toolResult": _RESULT,
    "cachePoint": _CACHE,
    "reasoningContent": {"reasoningText": {"text!": str, "signature": str}, "redactedContent": str},
    **dict.fromkeys(("video", "audio", "guardContent", "citationsContent", "searchResult"), ANY),
}
_REQUEST = {
    "messages!": [{"role!": frozenset({"user", "assistant"}), "content!": [_BLOCK]}],
    "system": [{"text": str, "cachePoint": _CACHE, "guardContent": ANY}],
    "inferenceConfig": {"maxTokens": int, "temperature": float, "topP": float, "stopSequences": [str]},
    "toolConfig": {
        "tools!": [
            {
                "toolSpec": {"name!": str, "description": str, "inputSchema!": {"json!": dict}, "strict": bool},
                "cachePoint": _CACHE,
                "systemTool": ANY,
            }
        ],
        "toolChoice": {"auto": dict, "any": dict, "tool": {"name!": str}},
    },
    "additionalModelRequestFields": dict,
    "additionalModelResponseFieldPaths": [str],
    "outputConfig": {
        "textFormat": {
            "type!": frozenset({"json_schema"}),
            "structure!": {"jsonSchema!": {"schema!": str, "name": str, "description": str}},
        },
        "effort": str,
    },
    **dict.fromkeys(("guardrailConfig", "performanceConfig", "promptVariables", "requestMetadata", "serviceTier"), ANY),
}
_STOPS = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
    "refusal": "end_turn",
    "filter": "content_filtered",
}


def _refused(message: str, status: int = 400) -> Refused:
    return Refused(status, {"message": message}, (("x-amzn-ErrorType", _KINDS[status]),))


class _Words:
    def join(self, path: str, key: str | int) -> str:
        return f"{path}.{key}" if path else str(key)

    def inside(self, path: str, tag: str) -> str:
        return path

    def unknown(self, path: str, key: str) -> Refused:
        # The service's SDKs refuse such a member before they send it: "Unknown parameter in input".
        return _refused(
            f"The model returned the following errors: {self.join(path, key)}: Extra inputs are not permitted"
        )

    def missing(self, path: str, key: str) -> Refused:
        where = self.join(path, key)
        return _refused(
            f"1 validation error detected: Value at '{where}' failed to satisfy constraint: Member must not be null"
        )

    def wrong(self, path: str, expected: str, value: Any) -> Refused:
        return _refused(f"Value at '{path}' failed to satisfy constraint: Member must be {expected}")


class _Bedrock:
    stream_type = "application/vnd.amazon.eventstream"
    overloaded = 503

    def ask(self, request: ReceivedRequest, payload: dict[str, Any], place: Place) -> Ask:
        signed = request.header("authorization") or ""
        if not signed.startswith(("AWS4-HMAC-SHA256 Credential=", "Bearer ")):
            raise _refused("Missing Authentication Token", 403)
        check(payload, _REQUEST, _Words())
        try:
            settings(payload)
            names, results = history(payload["messages"], "toolConfig" in payload, _seal)
        except ValueError as reason:
            raise _refused(str(reason)) from None
        config = payload.get("inferenceConfig", {})
        tools = payload.get("toolConfig", {}).get("tools", ())
        more = payload.get("additionalModelRequestFields", {})
        blocks = [block for message in payload["messages"] for block in message["content"]]
        form = payload.get("outputConfig", {}).get("textFormat")
        return Ask(
            model=place.model or "",
            stream=bool(place.stream),
            system=tuple(block["text"] for block in payload.get("system", ()) if "text" in block),
            text="".join(block.get("text", "") for block in payload["messages"][-1]["content"]),
            images=tuple(_image(block["image"]) for block in blocks if "image" in block),
            tools=tuple(tool["toolSpec"]["name"] for tool in tools if "toolSpec" in tool),
            choice=next(iter(payload.get("toolConfig", {}).get("toolChoice", {"auto": {}}))),
            results=results,
            stops=tuple(config.get("stopSequences", ())),
            limit=config.get("maxTokens"),
            schema=_schema(form) if form else None,
            thinks=more.get("thinking", more.get("reasoning_config", {})).get("type") in ("enabled", "adaptive"),
            shows=True,
            thoughts=sum("reasoningContent" in block for block in blocks),
            words=words_in([payload["messages"], list(tools), names]),
        )

    def error(self, status: int, message: str) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
        # AWS restJson1: the type of an error is in a header, and may be followed by a colon and a URI.
        kind = _KINDS.get(status, "InternalServerException")
        uri = "http://internal.amazon.com/coral/com.amazon.bedrock/"
        return {"message": message}, (("x-amzn-ErrorType", f"{kind}:{uri}"),)

    def count(self, ask: Ask) -> dict[str, Any]:
        return {"inputTokens": ask.words}

    def whole(self, ask: Ask, scene: Scene) -> dict[str, Any]:
        content = [_block(act, index) for index, act in enumerate(scene.acts)]
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": _STOPS[scene.end],
            "usage": _usage(scene),
            "metrics": {"latencyMs": 551},
        }

    def events(self, ask: Ask, scene: Scene) -> tuple[list[bytes], list[bytes]]:
        said = [_event("messageStart", {"role": "assistant"})]
        for index, act in enumerate(scene.acts):
            said += _streamed(act, index)
        stop = _event("messageStop", {"stopReason": _STOPS[scene.end]})
        return said, [stop, _event("metadata", {"usage": _usage(scene), "metrics": {"latencyMs": 551}})]

    def failure(self, ask: Ask) -> list[bytes]:
        headers = {":exception-type": "modelStreamErrorException", ":content-type": "application/json"}
        body = {"message": "The system encountered an unexpected error during processing.", "originalStatusCode": 500}
        return [frame({**headers, ":message-type": "exception"}, json.dumps(body).encode())]


BEDROCK = _Bedrock()


def _event(kind: str, content: dict[str, Any]) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    # `p` is padding of random length, which hides the lengths of what a model says.
    return frame(headers, json.dumps({**content, "p": "abcdefghij"}, separators=(",", ":")).encode())


def _seal(text: str) -> str:
    return seal("bedrock", text)


def _schema(form: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(form["structure"]["jsonSchema"]["schema"])
    for _, one in subschemas(schema):
        if one.get("type") == "object" and one.get("additionalProperties") is not False:
            raise _refused("For 'object' type, 'additionalProperties' must be explicitly set to false")
    return schema


def _image(image: dict[str, Any]) -> tuple[str, int]:
    data = image["source"].get("bytes")
    return f"image/{image['format']}", len(base64.b64decode(data, validate=True)) if data else 0


def _usage(scene: Scene) -> dict[str, Any]:
    # inputTokens are those that were neither read from the cache nor written to it (API reference, TokenUsage).
    counts = scene.counts
    usage = {"inputTokens": counts.fresh, "outputTokens": counts.output, "totalTokens": counts.prompt + counts.output}
    if counts.cached or counts.written:
        usage |= {"cacheReadInputTokens": counts.cached, "cacheWriteInputTokens": counts.written}
    return usage


def _call_id(index: int) -> str:
    return f"tooluse_kZJMlvQmRJ6eAyJE5GIl7{index}"


def _block(act: Act, index: int) -> dict[str, Any]:
    if isinstance(act, Thought):
        return {"reasoningContent": {"reasoningText": {"text": act.text, "signature": _seal(act.text)}}}
    if isinstance(act, Called):
        return {"toolUse": {"toolUseId": _call_id(index), "name": act.tool, "input": act.arguments}}
    return {"text": act.text}


def _streamed(act: Act, index: int) -> list[bytes]:
    place = {"contentBlockIndex": index}
    opening = []
    if isinstance(act, Thought):
        deltas: list[dict[str, Any]] = [{"reasoningContent": {"text": piece}} for piece in act.pieces]
        deltas.append({"reasoningContent": {"signature": _seal(act.text)}})
    elif isinstance(act, Called):
        start = {"toolUse": {"toolUseId": _call_id(index), "name": act.tool}}
        opening = [_event("contentBlockStart", {"start": start, **place})]
        text = json.dumps(act.arguments)
        deltas = [{"toolUse": {"input": piece}} for piece in ("", text[:6], text[6:])]
    else:
        # Texts begin without a contentBlockStart.
        deltas = [{"text": piece} for piece in act.pieces]
    events = [_event("contentBlockDelta", {"delta": delta, **place}) for delta in deltas]
    return [*opening, *events, _event("contentBlockStop", place)]

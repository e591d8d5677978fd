"""Requests to Gemini's generateContent (ai.google.dev/api/generate-content), and what it refuses.

Bodies are JSON forms of protocol buffers: members may be written in camelCase or in snake_case, and errors name fields
in snake_case, as Google's servers do.
"""

import base64
import json
import re
from typing import Any

from tests.fake.checks import ANY, Shape, check
from tests.fake.gemini_laws import history
from tests.fake.gemini_words import SCHEMA, GeminiWords, bad, open_schema
from tests.fake.scenes import Ask, Result
from tests.fake.seen import ReceivedRequest
from tests.fake.tongue import Place, words_in

__all__ = ["ask"]

_BLOB = {"mimeType!": str, "data!": str, "displayName": str}
_PART: dict[str, Shape] = {
    "text": str,
    "thought": bool,
    "thoughtSignature": str,
    "inlineData": _BLOB,
    "fileData": {"mimeType": str, "fileUri!": str, "displayName": str},
    "functionCall": {"id": str, "name!": str, "args": (dict, None), "partialArgs": ANY, "willContinue": bool},
    "functionResponse": {
        "id": str,
        "name!": str,
        "response!": dict,
        "willContinue": bool,
        "scheduling": str,
        "parts": [{"inlineData": _BLOB, "fileData": ANY}],
    },
    "executableCode": ANY,
    "codeExecutionResult": ANY,
    "videoMetadata": ANY,
    "mediaResolution": ANY,
    "partMetadata": ANY,
}
_CONTENT = {"role": str, "parts": [_PART]}
_DECLARATION = {
    "name!": str,
    "description": str,
    "parameters": SCHEMA,
    "parametersJsonSchema": ANY,
    "response": SCHEMA,
    "responseJsonSchema": ANY,
    "behavior": str,
}
_CONFIG: dict[str, Shape] = {
    "stopSequences": [str],
    "responseMimeType": str,
    "responseSchema": SCHEMA,
    "responseJsonSchema": ANY,
    "responseModalities": [str],
    "candidateCount": int,
    "maxOutputTokens": int,
    "temperature": float,
    "topP": float,
    "topK": float,
    "seed": int,
    "presencePenalty": float,
    "frequencyPenalty": float,
    "responseLogprobs": bool,
    "logprobs": int,
    "thinkingConfig": {"includeThoughts": bool, "thinkingBudget": int, "thinkingLevel": str},
    "enableEnhancedCivicAnswers": bool,
    "speechConfig": ANY,
    "imageConfig": ANY,
    "mediaResolution": str,
    "audioTranscriptionConfig": ANY,
}
_TOOL = {
    "functionDeclarations": [_DECLARATION],
    **dict.fromkeys(("googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "computerUse"), ANY),
    **dict.fromkeys(("fileSearch", "googleMaps", "mcpServers"), ANY),
}
_REQUEST: dict[str, Shape] = {
    "contents!": [_CONTENT],
    "systemInstruction": _CONTENT,
    "generationConfig": _CONFIG,
    "tools": [_TOOL],
    "toolConfig": {
        "functionCallingConfig": {"mode": str, "allowedFunctionNames": [str]},
        "retrievalConfig": ANY,
        "includeServerSideToolInvocations": bool,
    },
    "safetySettings": [{"category": str, "threshold": str, "method": str}],
    "cachedContent": str,
    "labels": dict,
    "model": str,
    "serviceTier": str,
    "store": bool,
}
_COUNT = {"contents": [_CONTENT], "generateContentRequest": {**_REQUEST, "contents": [_CONTENT]}}


def ask(request: ReceivedRequest, payload: dict[str, Any], place: Place) -> Ask:
    """Return what is asked; raise Refused in Google's words."""
    _authorized(request, place)
    payload = _camel(payload)
    if place.counts:
        check(payload, _COUNT, GeminiWords())
        payload = payload.get("generateContentRequest", payload)
    else:
        check(payload, _REQUEST, GeminiWords())
    contents = _turns(payload.get("contents", ()))
    config = payload.get("generationConfig", {})
    _settings(contents, config, payload)
    thoughts, unsealed = history(contents)
    calling = payload.get("toolConfig", {}).get("functionCallingConfig", {})
    thinking = config.get("thinkingConfig", {})
    last = contents[-1]["parts"]
    system = payload.get("systemInstruction", {}).get("parts", ())
    declared = [one for tool in payload.get("tools", ()) for one in tool.get("functionDeclarations", ())]
    results = tuple(_result(part["functionResponse"]) for part in last if "functionResponse" in part)
    return Ask(
        model=place.model or "",
        stream=place.stream or False,
        system=tuple(part.get("text", "") for part in system),
        text="".join(part.get("text", "") for part in last),
        images=tuple(found for one in contents for found in _images(one["parts"])),
        tools=tuple(one["name"] for one in declared),
        choice=calling.get("mode", "AUTO").lower(),
        results=results,
        stops=tuple(config.get("stopSequences", ())),
        limit=config.get("maxOutputTokens"),
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
        thinks=bool(thinking) and thinking.get("thinkingBudget") != 0,
        shows=thinking.get("includeThoughts", False),
        thoughts=thoughts,
        unsealed=unsealed,
        words=words_in([contents, list(system), declared]),
    )


def _authorized(request: ReceivedRequest, place: Place) -> None:
    if place.house == "vertex":
        if not (request.header("authorization") or "").startswith("Bearer "):
            raise bad("Request is missing required authentication credential. Expected OAuth 2 access token.", 401)
        return
    if not request.header("x-goog-api-key") and not re.search(r"(?:^|&)key=[^&]", request.query):
        raise bad(
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
            "other form of API consumer identity to call this API.",
            403,
        )


_FREE = frozenset({"args", "response", "responseJsonSchema", "parametersJsonSchema", "properties", "labels"})


def _camel(value: Any, free: bool = False) -> Any:
    """Return a body with its members in camelCase; what is free (arguments, properties' names) stays as it is."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, one in value.items():
        name = key if free else re.sub(r"_([a-z])", lambda found: found[1].upper(), key)
        if name == "properties" and isinstance(one, dict) and not free:
            found[name] = {prop: _camel(schema) for prop, schema in one.items()}
        else:
            found[name] = one if name in _FREE and not free else _camel(one)
    return found


def _turns(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return contents with neighbours of one role joined: SDKs keep a stream's chunks as contents of their own."""
    turns: list[dict[str, Any]] = []
    for one in contents:
        turn = {"role": "user", "parts": [], **one}
        if turns and turns[-1]["role"] == turn["role"]:
            turns[-1]["parts"] = [*turns[-1]["parts"], *turn["parts"]]
        else:
            turns.append(turn)
    return turns


def _settings(contents: list[dict[str, Any]], config: dict[str, Any], payload: dict[str, Any]) -> None:
    if not contents:
        raise bad("* GenerateContentRequest.contents: contents is not specified\n")
    words = GeminiWords()
    if len(config.get("stopSequences", ())) > 5:
        raise bad("The number of stop sequences must be at most 5.")
    if not 0 <= config.get("temperature", 1) <= 2:
        raise bad(
            "* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].\n"
        )
    if "responseSchema" in config and "responseJsonSchema" in config:
        raise bad("Only one of response_schema and response_json_schema may be set.")
    asks_schema = "responseSchema" in config or "responseJsonSchema" in config
    if asks_schema and config.get("responseMimeType") not in ("application/json", "text/x.enum"):
        raise bad("Unsupported response mime type: response_schema is supported for application/json and text/x.enum.")
    open_schema(config.get("responseSchema"), "generation_config.response_schema", words)
    for index, tool in enumerate(payload.get("tools", ())):
        for place, one in enumerate(tool.get("functionDeclarations", ())):
            where = f"tools[{index}].function_declarations[{place}].parameters"
            if "parameters" in one and "parametersJsonSchema" in one:
                raise bad("parameters and parameters_json_schema are mutually exclusive.")
            open_schema(one.get("parameters"), where, words)
    if "thinkingLevel" in config.get("thinkingConfig", {}) and "thinkingBudget" in config["thinkingConfig"]:
        raise bad("You can only set only one of thinking budget and thinking level.")


def _images(parts: list[dict[str, Any]]) -> list[tuple[str, int]]:
    found = []
    for part in parts:
        if "inlineData" in part:
            blob = part["inlineData"]
            # Bytes are base64 of either alphabet (protobuf.dev, "ProtoJSON"): Google's own SDK sends the other one.
            data = blob["data"].replace("-", "+").replace("_", "/")
            found.append((blob["mimeType"], len(base64.b64decode(data, validate=True))))
        elif "fileData" in part:
            found.append(("url", 0))
        elif "functionResponse" in part:
            found += _images(part["functionResponse"].get("parts", []))
    return found


def _result(answer: dict[str, Any]) -> Result:
    # ai.google.dev/api/caching#FunctionResponse: "output" for the result and "error" for an error, else the whole.
    content = answer["response"]
    failed = "error" in content
    text = content.get("error", content.get("output", content.get("result", content)))
    return Result(answer["name"], text if isinstance(text, str) else json.dumps(text), failed)

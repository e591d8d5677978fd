"""Requests, answers and streams of Gemini's, drawn and written out."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from steelyard.core.answer import Answer
from steelyard.core.events import Event
from steelyard.core.fold import Fold
from steelyard.core.losses import Losses
from steelyard.core.request import Request
from steelyard.dialects.dialect import Asked, Facts
from steelyard.dialects.gemini import GEMINI

__all__ = [
    "answers",
    "asked",
    "asking",
    "decoded",
    "encoded",
    "folded",
    "joined",
    "requests",
    "streamed",
    "streams",
    "told",
]

encode = msgspec.json.encode
words = st.text(max_size=8)
names = st.from_regex(r"[a-z][a-zA-Z0-9]{0,8}", fullmatch=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(words, json_values, max_size=3)
signatures = st.binary(min_size=1, max_size=12).map(lambda raw: msgspec.json.decode(encode(raw)))


def optional(required: dict[str, Any], more: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw objects with all of the first members, and some of the second."""
    return st.fixed_dictionaries(required, optional=more)


media_types = st.sampled_from(["image/png", "audio/wav", "application/pdf"])
addresses = st.sampled_from(["files/a1", "gs://b/c.mp4", "https://example.org/a.png"])
inline = optional({"mimeType": media_types, "data": signatures}, {"displayName": words})
stored = optional({"fileUri": addresses, "mimeType": st.just("image/png")}, {})
film = st.just({"startOffset": "1s"})
level = st.just({"level": "MEDIA_RESOLUTION_LOW"})
media = optional({"inlineData": inline}, {"videoMetadata": film, "thoughtSignature": signatures}) | optional(
    {"fileData": stored}, {"mediaResolution": level}
)
spoken = words.filter(bool)
texts = optional({"text": spoken}, {"thoughtSignature": signatures, "partMetadata": objects})
thoughts = optional({"text": words, "thought": st.just(True)}, {"thoughtSignature": signatures})
native = st.sampled_from(
    [
        {"executableCode": {"language": "PYTHON", "code": "print(1)", "id": "x"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"toolCall": {"id": "s", "toolType": "GOOGLE_SEARCH_WEB", "args": {"q": 1}}},
    ]
)
results = st.one_of(
    st.builds(lambda text: {"output": text}, words),
    st.builds(lambda text: {"error": text}, words),
    st.dictionaries(words, json_values, min_size=1, max_size=3),
)


@st.composite
def turns(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw a user's content, a model's, and the results of its calls."""
    user = draw(st.lists(texts | media, min_size=1, max_size=3))
    model = draw(st.lists(texts | thoughts | native | media, max_size=3))
    called, answered = [], []
    for number in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(["weather", "clock"]))
        identity = {"id": f"id{draw(st.integers(0, 2**60))}"} if draw(st.booleans()) else {}
        signature = {"thoughtSignature": draw(signatures)} if number == 0 and draw(st.booleans()) else {}
        called.append({"functionCall": {"name": name, "args": draw(objects), **identity}, **signature})
        nested = {"parts": [{"inlineData": draw(inline)}]} if draw(st.booleans()) else {}
        more = {"willContinue": False} if draw(st.booleans()) else {}
        answered.append({"functionResponse": {"name": name, "response": draw(results), **identity, **nested, **more}})
    contents: list[dict[str, Any]] = [{"role": "user", "parts": user}]
    if model or called:
        contents.append({"role": "model", "parts": model + called})
    if answered:
        contents.append({"role": "user", "parts": answered})
    return contents


schemas = st.sampled_from(
    [
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}},
        {"type": "array", "items": {"type": ["string", "null"]}, "minItems": 1},
    ]
)
more_of_a_function = {
    "description": words,
    "parametersJsonSchema": schemas,
    "behavior": st.just("BLOCKING"),
    "responseJsonSchema": schemas,
}
declarations = optional({"name": names}, more_of_a_function)
own_tools = st.sampled_from(["googleSearch", "codeExecution", "urlContext", "fileSearch"])
natives = st.lists(own_tools, unique=True, max_size=2)
calling = st.sampled_from(
    [
        {"mode": "AUTO"},
        {"mode": "NONE"},
        {"mode": "ANY"},
        {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        {"mode": "VALIDATED", "allowedFunctionNames": ["weather"]},
        {"mode": "AUTO", "streamFunctionCallArguments": True},
    ]
)
output = st.sampled_from(
    [
        {},
        {"responseMimeType": "application/json"},
        {"responseMimeType": "text/x.enum", "responseJsonSchema": {"enum": ["a"]}},
    ]
)
thinking = st.sampled_from(
    [
        {"thinkingBudget": 0},
        {"thinkingLevel": "LOW", "includeThoughts": True},
        {"thinkingBudget": -1, "newField": 3},
    ]
)
configs = st.builds(
    lambda config, form: {**config, **form},
    optional(
        {},
        {
            "temperature": st.sampled_from([0.5, 1.5]),
            "topP": st.just(0.9),
            "topK": st.integers(1, 90),
            "maxOutputTokens": st.integers(1, 9000),
            "stopSequences": st.lists(st.sampled_from(["END", "\n"]), min_size=1, max_size=2),
            "seed": st.integers(-9, 9),
            "candidateCount": st.integers(1, 3),
            "presencePenalty": st.just(0.5),
            "frequencyPenalty": st.just(-0.5),
            "responseLogprobs": st.booleans(),
            "logprobs": st.integers(0, 5),
            "thinkingConfig": thinking,
            "speechConfig": objects,
            "responseModalities": st.just(["TEXT", "IMAGE"]),
            "mediaResolution": st.just("MEDIA_RESOLUTION_LOW"),
        },
    ),
    output,
).filter(bool)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a request's body, in the spelling that is written."""
    drawn = draw(st.lists(turns(), min_size=1, max_size=2))
    body: dict[str, Any] = {"contents": [one for turn in drawn for one in turn]}
    if draw(st.booleans()):
        said_first = draw(st.lists(words, min_size=1, max_size=2))
        body["systemInstruction"] = {"parts": [{"text": one} for one in said_first]}
    functions = draw(st.lists(declarations, max_size=2))
    own: list[dict[str, Any]] = [{name: {}} for name in draw(natives)]
    if functions or own:
        body["tools"] = ([{"functionDeclarations": functions}] if functions else []) + own
    if draw(st.booleans()):
        more = draw(optional({}, {"retrievalConfig": objects}))
        body["toolConfig"] = {"functionCallingConfig": draw(calling), **more}
    if draw(st.booleans()):
        body["generationConfig"] = draw(configs)
    extras = {
        "safetySettings": st.just([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]),
        "cachedContent": st.just("cachedContents/1"),
        "labels": st.dictionaries(names, words, max_size=2),
        "serviceTier": st.sampled_from(["flex", "priority"]),
        "store": st.booleans(),
        "newField": objects,
    }
    return {**body, **draw(optional({}, extras))}


usages = optional(
    {"promptTokenCount": st.integers(0, 99), "totalTokenCount": st.integers(100, 999)},
    {
        "candidatesTokenCount": st.integers(0, 99),
        "thoughtsTokenCount": st.integers(0, 99),
        "toolUsePromptTokenCount": st.integers(0, 9),
        "cachedContentTokenCount": st.integers(0, 9),
        "promptTokensDetails": st.just([{"modality": "TEXT", "tokenCount": 3}, {"modality": "IMAGE", "tokenCount": 9}]),
        "trafficType": st.just("ON_DEMAND"),
    },
)
said = optional({"text": spoken}, {"thoughtSignature": signatures, "partMetadata": objects})
mused = optional({"text": spoken, "thought": st.just(True)}, {"thoughtSignature": signatures})
calls = optional(
    {"functionCall": st.fixed_dictionaries({"name": names, "args": objects, "id": st.integers(0, 2**60).map(str)})},
    {"thoughtSignature": signatures},
)
token = {"token": "a", "tokenId": 7, "logProbability": -0.5}
logprobs = {
    "chosenCandidates": [token],
    "topCandidates": [{"candidates": [token, {"token": "b", "logProbability": -2.0}]}],
    "logProbabilitySum": -0.5,
}
grounding = {
    "webSearchQueries": ["q"],
    "groundingChunks": [{"web": {"uri": "https://example.org", "title": "E"}}],
    "groundingSupports": [
        {"segment": {"endIndex": 1, "text": "x"}, "groundingChunkIndices": [0], "confidenceScores": [0.5]}
    ],
}
cited = {"citationSources": [{"startIndex": 0, "endIndex": 1, "uri": "https://example.org/b", "license": "mit"}]}
reasons = ["STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "MALFORMED_FUNCTION_CALL", "NEWER"]
ends = optional(
    {"finishReason": st.sampled_from(reasons)},
    {
        "safetyRatings": st.just([{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}]),
        "avgLogprobs": st.just(-0.25),
        "finishMessage": words,
        "tokenCount": st.integers(1, 9),
        "newField": objects,
        "logprobsResult": st.just(logprobs),
        "groundingMetadata": st.just(grounding),
        "citationMetadata": st.just(cited),
    },
)
heads = optional(
    {"modelVersion": st.just("gemini-2.5-pro"), "responseId": names},
    {"createTime": st.just("2026-01-01T00:00:00Z"), "modelStatus": objects},
)
kinds_said = said | mused | calls | native | media


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a whole answer's body, in the spelling that is written."""
    head = {**draw(heads), "usageMetadata": draw(usages)}
    if draw(st.integers(0, 9)) == 0:
        return {**head, "promptFeedback": {"blockReason": "SAFETY", "safetyRatings": []}}
    count = draw(st.integers(1, 2))
    candidates = []
    for index in range(count):
        content = {"parts": draw(st.lists(kinds_said, max_size=4)), "role": "model"}
        candidates.append({"content": content, **draw(ends), "index": index})
    return {**head, "candidates": candidates}


def joined(body: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with plain texts of one kind that stand side by side made one: streams do not tell them
    apart."""
    candidates = []
    for candidate in body.get("candidates", ()):
        parts: list[dict[str, Any]] = []
        for part in candidate["content"]["parts"]:
            if is_plain(part) and parts and set(parts[-1]) == set(part):
                parts[-1] = {**part, "text": parts[-1]["text"] + part["text"]}
            else:
                parts.append(part)
        candidates.append({**candidate, "content": {**candidate["content"], "parts": parts}})
    return {**body, "candidates": candidates} if candidates else body


def is_plain(part: dict[str, Any]) -> bool:
    """Say whether a part is a text, or a thought, and nothing more."""
    return set(part) <= {"text", "thought"}


@st.composite
def streams(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Draw a whole answer, and chunks that tell the same."""
    whole = joined(draw(answers()))
    if "candidates" not in whole:
        return whole, [whole]
    head = {name: value for name, value in whole.items() if name not in ("candidates", "usageMetadata")}
    chunks: list[dict[str, Any]] = []
    for candidate in whole["candidates"]:
        for part in candidate["content"]["parts"]:
            pieces = [part]
            if is_plain(part):
                cut = draw(st.integers(0, len(part["text"])))
                pieces = [{**part, "text": one} for one in (part["text"][:cut], part["text"][cut:])]
            for piece in pieces:
                content = {"parts": [piece], "role": "model"}
                chunks.append({**head, "candidates": [{"content": content, "index": candidate["index"]}]})
        chunks.append({**head, "candidates": [{**candidate, "content": {"parts": [{"text": ""}], "role": "model"}}]})
    chunks[-1]["usageMetadata"] = whole["usageMetadata"]
    return whole, chunks


def streamed(chunks: list[dict[str, Any]], ending: bytes = b"\r\n\r\n") -> bytes:
    """Return chunks as the events of a stream."""
    return b"".join(b"data: " + encode(chunk) + ending for chunk in chunks)


def asking(*parts: Any, **more: Any) -> bytes:
    """Return a request with one content of the user's."""
    return encode({"contents": [{"role": "user", "parts": list(parts) or [{"text": "hello"}]}], **more})


def decoded(body: dict[str, Any] | bytes) -> Request:
    """Return what a body asks."""
    return GEMINI.decode_request(body if isinstance(body, bytes) else encode(body), model="gemini-2.5-flash")


def encoded(request: Request, losses: Losses | None = None, model: str = "gemini-2.5-flash") -> Any:
    """Return the body that asks a model the same."""
    return msgspec.json.decode(GEMINI.encode_request(request, Facts(model), losses or Losses()))


def asked(request: Request | None = None) -> Asked:
    """Return what is known of a call."""
    return Asked(request or decoded(asking()), "req_7", 1_700_000_000)


def folded(events: list[Event] | None) -> Fold:
    """Return events as an answer."""
    assert events is not None
    fold = Fold("gemini")
    fold.take_all(events)
    return fold


def told(answer: Answer, losses: Losses | None = None) -> Any:
    """Return the body that tells an answer."""
    return msgspec.json.decode(GEMINI.encode_answer(answer, asked(), losses or Losses()))

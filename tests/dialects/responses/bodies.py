"""Samples and strategies for the Responses API, and one form in which requests that ask the same are equal."""

import json
from typing import Any

from hypothesis import strategies as st

from steelyard.core.request import Request
from steelyard.dialects.dialect import Asked
from steelyard.dialects.responses import RESPONSES

__all__ = ["asked", "decoded", "events_of", "normal", "requests", "said"]

Json = dict[str, Any]


def decoded(**fields: Any) -> Request:
    """Decode a request; a model and an input are given where they are not said."""
    return RESPONSES.decode_request(json.dumps({"model": "m", "input": "Hello.", **fields}).encode())


def asked(**fields: Any) -> Asked:
    return Asked(decoded(**fields), "req_0123456789abcdef", 1_700_000_000)


def events_of(stream: bytes) -> list[Json]:
    """Return the events of a stream, each checked to be named as its data says."""
    found = []
    for block in stream.decode().split("\n\n"):
        if not block or block.startswith(":"):
            continue
        name, told = block.split("\n")
        event = json.loads(told.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def said(stream: bytes) -> list[str]:
    return [event["type"] for event in events_of(stream)]


# Strategies

text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
name = st.text("abcdefgh_", min_size=1, max_size=8)
ids = st.text("0123456789abcdef", min_size=4, max_size=8)
schema = st.fixed_dictionaries({"type": st.just("object"), "properties": st.just({"a": {"type": "string"}})})
unknown = st.dictionaries(st.sampled_from(["x_new", "x_other"]), st.integers() | text, max_size=1)
statuses = st.sampled_from([{}, {"status": "completed"}, {"status": "incomplete"}])
breakpoints = st.sampled_from(
    [
        {},
        {"prompt_cache_breakpoint": {"mode": "explicit"}},
        {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
    ]
)


def _merged(*parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.tuples(*parts).map(lambda dicts: {key: value for one in dicts for key, value in one.items()})


input_text = _merged(st.fixed_dictionaries({"type": st.just("input_text"), "text": text}), breakpoints, unknown)
images = _merged(
    st.sampled_from(
        [
            {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0="},
            {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "high"},
            {"type": "input_image", "file_id": "file-1", "detail": "auto"},
        ]
    ),
    breakpoints,
    unknown,
)
files = _merged(
    st.sampled_from(
        [
            {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"},
            {"type": "input_file", "file_data": "JVBERi0="},
            {"type": "input_file", "file_url": "https://example.com/a.pdf"},
            {"type": "input_file", "file_id": "file-2", "detail": "low"},
        ]
    ),
    breakpoints,
)
sounds = st.sampled_from([{"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}])
annotations = st.sampled_from(
    [
        {"type": "url_citation", "url": "https://a.b", "title": "A", "start_index": 0, "end_index": 3},
        {"type": "file_citation", "file_id": "file-1", "filename": "a.pdf", "index": 2},
        {
            "type": "container_file_citation",
            "container_id": "c",
            "file_id": "f",
            "filename": "x",
            "start_index": 0,
            "end_index": 1,
        },
        {"type": "file_path", "file_id": "file-3", "index": 0},
    ]
)
output_text = _merged(
    st.fixed_dictionaries(
        {"type": st.just("output_text"), "text": text, "annotations": st.lists(annotations, max_size=2)}
    ),
    unknown,
)
refusals = st.fixed_dictionaries({"type": st.just("refusal"), "refusal": text})
user_content = text | st.lists(input_text | images | files | sounds, min_size=1, max_size=3)
result_content = text | st.lists(input_text | images | files, min_size=1, max_size=2)

messages = _merged(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "system", "developer"]), "content": user_content}),
    st.sampled_from([{}, {"type": "message"}]),
    ids.map(lambda one: {"id": f"msg_{one}"}) | st.just({}),
    statuses,
    unknown,
)
said_before = _merged(
    st.fixed_dictionaries(
        {
            "type": st.just("message"),
            "role": st.just("assistant"),
            "content": text | st.lists(output_text | refusals, max_size=2),
        }
    ),
    ids.map(lambda one: {"id": f"msg_{one}", "status": "completed"}) | st.just({}),
    st.sampled_from([{}, {"phase": "commentary"}]),
)


@st.composite
def calls(draw: st.DrawFn) -> list[Json]:
    """A call and its result."""
    call_id = "call_" + draw(ids)
    custom = draw(st.booleans())
    kind = "custom_tool_call" if custom else "function_call"
    key = "input" if custom else "arguments"
    call = {"type": kind, "call_id": call_id, "name": draw(name), key: '{"a": 1}', **draw(unknown), **draw(statuses)}
    if draw(st.booleans()):
        call["id"] = f"fc_{draw(ids)}"
    result = {"type": f"{kind}_output", "call_id": call_id, "output": draw(result_content), **draw(statuses)}
    if draw(st.booleans()):
        result["id"] = f"fco_{draw(ids)}"
    return [call, result]


summaries = st.lists(text.filter(bool).map(lambda one: {"type": "summary_text", "text": one}), max_size=3)
reasonings = _merged(
    ids.map(lambda one: {"type": "reasoning", "id": f"rs_{one}"}),
    summaries.map(lambda found: {"summary": found}),
    st.lists(text.filter(bool).map(lambda one: {"type": "reasoning_text", "text": one}), max_size=2).map(
        lambda found: {"content": found} if found else {}
    ),
    st.sampled_from([{}, {"encrypted_content": "gAAAAAB=="}]),
)
hosted: st.SearchStrategy[Json] = st.sampled_from(
    [
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "item_reference", "id": "msg_1"},
        {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": "x"}},
        {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "iVBO"},
        {"type": "local_shell_call_output", "id": "l", "output": "{}"},
    ]
)
items = st.lists(
    messages.map(lambda one: [one])
    | said_before.map(lambda one: [one])
    | calls()
    | reasonings.map(lambda one: [one])
    | hosted.map(lambda one: [one]),
    min_size=1,
    max_size=5,
).map(lambda found: [item for group in found for item in group])
tools = st.lists(
    _merged(
        st.fixed_dictionaries({"type": st.just("function"), "name": name, "parameters": schema}),
        st.sampled_from([{}, {"strict": True}, {"strict": False}, {"description": "d", "defer_loading": True}]),
    )
    | st.sampled_from(
        [
            {"type": "web_search", "search_context_size": "low"},
            {"type": "custom", "name": "sql", "format": {"type": "grammar", "syntax": "lark", "definition": "a: b"}},
            {"type": "mcp", "server_label": "s", "server_url": "https://s"},
        ]
    ),
    max_size=3,
)
choices = st.sampled_from(
    [
        "auto",
        "none",
        "required",
        {"type": "function", "name": "f"},
        {"type": "custom", "name": "sql"},
        {"type": "file_search"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}],
        },
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "mcp", "server_label": "s"}]},
    ]
)
texts = st.sampled_from(
    [
        {"format": {"type": "json_object"}},
        {
            "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True},
            "verbosity": "low",
        },
        {"format": {"type": "json_schema", "name": "n", "schema": {}, "description": "d"}},
        {"verbosity": "high"},
    ]
)
includes = st.lists(
    st.sampled_from(
        [
            "message.output_text.logprobs",
            "reasoning.encrypted_content",
            "file_search_call.results",
            "code_interpreter_call.outputs",
        ]
    ),
    unique=True,
    min_size=1,
)
requests = st.fixed_dictionaries(
    {"model": st.just("m"), "input": text | items},
    optional={
        "instructions": text,
        "tools": tools,
        "tool_choice": choices,
        "parallel_tool_calls": st.booleans(),
        "text": texts,
        "reasoning": st.sampled_from(
            [{"effort": "high", "summary": "auto"}, {"effort": "none"}, {"context": "all_turns"}]
        ),
        "include": includes,
        "max_output_tokens": st.integers(1, 99),
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0, 1),
        "top_logprobs": st.integers(0, 20),
        "truncation": st.sampled_from(["auto", "disabled"]),
        "prompt_cache_key": text,
        "safety_identifier": text,
        "user": text,
        "service_tier": st.sampled_from(["auto", "flex"]),
        "metadata": st.dictionaries(name, text, max_size=2),
        "store": st.booleans(),
        "previous_response_id": ids,
        "conversation": st.sampled_from(["conv_1", {"id": "conv_2"}]),
        "prompt": st.just({"id": "pmpt_1", "variables": {"a": "b"}}),
        "max_tool_calls": st.integers(1, 9),
        "stream": st.booleans(),
        "stream_options": st.just({"include_obfuscation": False}),
        "x_unheard_of": st.just({"deep": [1, None]}),
        "background": st.just(False),
    },
)


# One form for what is equal


def normal(body: Json) -> Json:
    """Return a request in the form in which two that ask the same are equal: a string is one text, null and a default
    are absent."""
    told = {key: value for key, value in body.items() if value is not None}
    told["input"] = [_item(one) for one in _items(told["input"])]
    for key, default in (
        ("stream", False),
        ("background", False),
        ("truncation", "disabled"),
        ("tools", []),
        ("metadata", None),
    ):
        if told.get(key) == default:
            told.pop(key, None)
    if "include" in told:
        told["include"] = sorted(told["include"])
    return told


def _items(given: Any) -> list[Json]:
    return [{"role": "user", "content": given}] if isinstance(given, str) else given


def _item(item: Json) -> Json:
    told = dict(item)
    kind = told.setdefault("type", "message")
    # Of items that only OpenAI has every byte counts; others are done unless they say so.
    if kind not in ("message", "function_call", "custom_tool_call", "function_call_output", "custom_tool_call_output"):
        return told
    if told.get("status") == "completed":
        del told["status"]
    for key in ("content", "output"):
        if key in told:
            told[key] = [_part(one, told.get("role")) for one in _parts(told[key])]
    return told


def _parts(content: Any) -> list[Json]:
    return [{"type": "input_text", "text": content}] if isinstance(content, str) else content


def _part(part: Json, role: Any) -> Json:
    told = dict(part)
    if role == "assistant" and told["type"] == "input_text":
        told["type"] = "output_text"
    if told.get("annotations") == []:
        del told["annotations"]
    return told

"""Requests, answers and streams of Anthropic's Messages API, drawn at random from all that it documents."""

import json
from typing import Any

from hypothesis import strategies as st

__all__ = ["answers", "cut", "requests", "stream_of"]

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
names = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
caches = st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])
objects = st.dictionaries(words, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words, max_size=3)
# A field that the API may get tomorrow.
unknown = st.fixed_dictionaries({}, optional={"later_field": objects, "later.field": words})


def block(kind: str, needed: dict[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a block: its type, what it must have, what it may have, and what nobody knows yet."""
    told = st.fixed_dictionaries({"type": st.just(kind), **needed}, optional=optional)
    return st.builds(lambda one, more: {**one, **more}, told, unknown)


def citation(kind: str, **members: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), "cited_text": words, **members})


citations = st.lists(
    citation("char_location", document_index=st.just(0), start_char_index=st.just(1), end_char_index=st.just(5))
    | citation("web_search_result_location", url=words, encrypted_index=words, title=words),
    min_size=1,
    max_size=2,
)
texts = block("text", {"text": words}, cache_control=caches, citations=citations)
plain_texts = block("text", {"text": words}, cache_control=caches)
sources = st.builds(
    lambda source, more: {**source, **more},
    st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("base64"), "media_type": st.just("image/png"), "data": st.just("iVBORw0K")}
        ),
        st.fixed_dictionaries({"type": st.just("url"), "url": words}),
        st.fixed_dictionaries({"type": st.just("file"), "file_id": names}),
    ),
    unknown,
)
images = block("image", {"source": sources}, cache_control=caches)
documents = block(
    "document",
    {
        "source": st.fixed_dictionaries({"type": st.just("url"), "url": words})
        | st.fixed_dictionaries({"type": st.just("file"), "file_id": names})
        | st.fixed_dictionaries({"type": st.just("text"), "media_type": st.just("text/plain"), "data": words})
        | st.fixed_dictionaries(
            {"type": st.just("base64"), "media_type": st.just("application/pdf"), "data": st.just("JVBERi0x")}
        )
        | st.fixed_dictionaries({"type": st.just("content"), "content": words | st.lists(texts | images, max_size=2)})
    },
    title=words,
    context=words,
    citations=st.fixed_dictionaries({"enabled": st.booleans()}),
    cache_control=caches,
)
searched = block(
    "search_result",
    {"source": words, "title": words, "content": st.lists(plain_texts, max_size=2)},
    citations=st.fixed_dictionaries({"enabled": st.booleans()}),
    cache_control=caches,
)
thinking = block("thinking", {"thinking": st.just("") | words, "signature": names})
redacted = block("redacted_thinking", {"data": names})
served = block("server_tool_use", {"id": names, "name": st.just("web_search"), "input": objects}) | block(
    "web_search_tool_result", {"tool_use_id": names, "content": st.just([])}
)
calls = block(
    "tool_use",
    {"id": names, "name": names, "input": objects},
    caller=st.just({"type": "direct"}),
)


@st.composite
def turns(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw a conversation in which each call is answered."""
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": draw(words | st.lists(texts, min_size=1, max_size=2))}
    ]
    for _ in range(draw(st.integers(0, 2))):
        blocks = draw(st.lists(texts | thinking | redacted | served, max_size=3))
        called = draw(st.lists(calls, max_size=2, unique_by=lambda one: one["id"]))
        messages.append({"role": "assistant", "content": blocks + called or draw(words)})
        results = [
            draw(
                block(
                    "tool_result",
                    {"tool_use_id": st.just(one["id"])},
                    content=words
                    | st.lists(
                        plain_texts | images | block("tool_reference", {"tool_name": names}), min_size=1, max_size=2
                    ),
                    is_error=st.booleans(),
                    cache_control=caches,
                )
            )
            for one in called
        ]
        messages.append({"role": "user", "content": results + draw(st.lists(texts | images, min_size=1, max_size=2))})
        if draw(st.booleans()):
            messages.append({"role": "system", "content": draw(words | st.lists(plain_texts, min_size=1, max_size=2))})
    return messages


tools = block(
    "custom",
    {"name": names, "input_schema": st.just({"type": "object", "properties": {"x": {"type": "string"}}})},
    description=words,
    strict=st.booleans(),
    cache_control=caches,
    defer_loading=st.booleans(),
) | st.just({"type": "web_search_20250305", "name": "web_search", "max_uses": 3})
choices = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["auto", "any"])}, optional={"disable_parallel_tool_use": st.booleans()}
    ),
    st.fixed_dictionaries(
        {"type": st.just("tool"), "name": names}, optional={"disable_parallel_tool_use": st.booleans()}
    ),
    st.just({"type": "none"}),
)
displays = st.sampled_from(["summarized", "omitted"])
thoughtful = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("enabled"), "budget_tokens": st.integers(1024, 9999)}, optional={"display": displays}
    ),
    st.fixed_dictionaries({"type": st.just("adaptive")}, optional={"display": displays}),
    st.sampled_from([{"type": "disabled"}, {"type": "between_tools"}]),
)
forms = st.fixed_dictionaries({"type": st.just("json_schema"), "schema": objects})
requests: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda one, more: {**one, **more},
    st.fixed_dictionaries(
        {"model": words, "max_tokens": st.integers(0, 99999), "messages": turns()},
        optional={
            "system": words | st.lists(plain_texts, min_size=1, max_size=2),
            "stream": st.just(True),
            "tools": st.lists(tools, min_size=1, max_size=2),
            "tool_choice": choices,
            "thinking": thoughtful,
            "output_config": st.fixed_dictionaries(
                {}, optional={"effort": st.sampled_from(["low", "max"]), "format": forms, "task_budget": objects}
            ).filter(bool),
            "stop_sequences": st.lists(words, min_size=1, max_size=3),
            "metadata": st.fixed_dictionaries({"user_id": words}, optional={"region": words}),
            "service_tier": st.sampled_from(["auto", "standard_only"]),
            "temperature": st.floats(0, 1),
            "top_p": st.floats(0, 1),
            "top_k": st.integers(0, 100),
            "cache_control": caches,
            "container": names,
            "mcp_servers": st.just([{"type": "url", "url": "https://mcp.test", "name": "m"}]),
        },
    ),
    unknown,
)

usages = st.fixed_dictionaries(
    {"input_tokens": st.integers(0, 9999), "output_tokens": st.integers(0, 9999)},
    optional={
        "cache_creation_input_tokens": st.integers(0, 999),
        "cache_read_input_tokens": st.integers(0, 999),
        "output_tokens_details": st.just({"thinking_tokens": 7}),
        "server_tool_use": st.just({"web_search_requests": 1, "web_fetch_requests": 0}),
        "service_tier": st.just("standard"),
    },
)
answered = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": words}, optional={"citations": citations}),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": words, "signature": names}),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": st.just(""), "signature": names}),
    st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": names}),
    st.fixed_dictionaries({"type": st.just("tool_use"), "id": names, "name": names, "input": objects}),
    st.fixed_dictionaries({"type": st.just("server_tool_use"), "id": names, "name": names, "input": objects}),
    st.fixed_dictionaries(
        {"type": st.just("web_search_tool_result"), "tool_use_id": names, "content": st.lists(objects, max_size=1)}
    ),
)
stops = st.sampled_from(
    [
        {"stop_reason": "end_turn", "stop_sequence": None},
        {"stop_reason": "stop_sequence", "stop_sequence": "END"},
        {"stop_reason": "max_tokens", "stop_sequence": None},
        {"stop_reason": "model_context_window_exceeded", "stop_sequence": None},
        {"stop_reason": "tool_use", "stop_sequence": None},
        {"stop_reason": "pause_turn", "stop_sequence": None},
        {"stop_reason": "refusal", "stop_sequence": None, "stop_details": {"type": "refusal", "category": "bio"}},
    ]
)
answers: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda content, stop, usage, name, more: {
        "id": f"msg_{name}",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": content,
        **stop,
        "usage": usage,
        **more,
    },
    st.lists(answered, max_size=4),
    stops,
    usages,
    names,
    st.fixed_dictionaries({}, optional={"container": objects}),
)


def stream_of(answer: dict[str, Any], pieces: int = 3) -> bytes:
    """Return the stream that tells an answer, as the API does: texts in pieces, a ping, usage that grows."""
    usage = answer["usage"]
    begun = {
        **answer,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": 1},
    }
    begun.pop("stop_details", None)
    found: list[dict[str, Any]] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for index, one in enumerate(answer["content"]):
        start, deltas = _told(one, pieces)
        found.append({"type": "content_block_start", "index": index, "content_block": start})
        found += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        found.append({"type": "content_block_stop", "index": index})
    delta = {name: answer[name] for name in ("stop_reason", "stop_sequence", "stop_details") if name in answer}
    found.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": usage["output_tokens"]}})
    found.append({"type": "message_stop"})
    return b"".join(_event(one) for one in found)


def _told(one: dict[str, Any], pieces: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match one["type"]:
        case "text":
            deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(one["text"], pieces)]
            cited = [{"type": "citations_delta", "citation": each} for each in one.get("citations", ())]
            return {"type": "text", "text": ""}, deltas + cited
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(one["thinking"], pieces)]
            signed = {"type": "signature_delta", "signature": one["signature"]}
            return {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signed]
        case "tool_use" | "server_tool_use":
            text = json.dumps(one["input"], ensure_ascii=False, separators=(",", ":")) if one["input"] else ""
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *_pieces(text, pieces)]]
            return {**one, "input": {}}, deltas
    return one, []


def _pieces(text: str, pieces: int) -> list[str]:
    size = max(1, len(text) // pieces)
    return [text[at : at + size] for at in range(0, len(text), size)]


def _event(told: dict[str, Any]) -> bytes:
    return f"event: {told['type']}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n".encode()


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    """Return a stream in pieces of these sizes, over and over."""
    found = []
    at = turn = 0
    while at < len(stream):
        found.append(stream[at : at + sizes[turn % len(sizes)]])
        at += sizes[turn % len(sizes)]
        turn += 1
    return found

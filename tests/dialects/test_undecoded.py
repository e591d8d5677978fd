"""Members that are not decoded with what holds them may hold anything, and break nothing when they are."""

import json

import pytest

from steelyard.core.errors import UpstreamError
from steelyard.dialects.openai import decode_chunk, without_usage
from steelyard.dialects.stream import StreamReader
from steelyard.dialects.table import DIALECTS

ERROR = UpstreamError("It broke.", code="upstream_cut")
ID = "req_0192f0c1a2b37c4d8e9f0a1b2c3d4e5f"
BAD = b'{"input_tokens":5,"x":"\xac","deep":' + b"[" * 3000 + b"]" * 3000 + b"}"
BODIES = {
    "openai": b'{"choices":[],"usage":%b}' % BAD,
    "openai-responses": b'{"object":"response","output":[],"usage":%b}' % BAD,
    "anthropic": b'{"type":"message","content":[],"usage":%b}' % BAD,
    "gemini": b'{"candidates":[],"usageMetadata":%b}' % BAD,
}
EVENTS = {
    "openai": b'data: {"choices":[],"usage":%b}\n\n' % BAD,
    "openai-responses": b'data: {"type":"response.created","response":{"usage":%b}}\n\n' % BAD,
    "anthropic": b'data: {"type":"message_start","message":{"usage":%b}}\n\n' % BAD,
    "gemini": b'data: {"candidates":[],"usageMetadata":%b}\n\n' % BAD,
}


@pytest.mark.parametrize("name", BODIES)
def test_usage_that_cannot_be_read_is_unknown(name: str) -> None:
    glance = DIALECTS[name].glance(BODIES[name])
    assert glance is None or glance.usage is None


@pytest.mark.parametrize("name", EVENTS)
def test_a_stream_whose_usage_cannot_be_read_is_relayed_and_can_be_ended(name: str) -> None:
    event = EVENTS[name]
    watch = StreamReader(hide_usage=False) if name == "openai" else DIALECTS[name].watch(hide_usage=False)
    assert watch.feed(event) == event
    assert watch.usage is None
    *_, told = watch.fail(ERROR, ID).strip().split(b"\n")
    assert "It broke." in json.dumps(json.loads(told.removeprefix(b"data: ")))


def test_a_chunk_with_a_name_that_is_not_utf_8_is_relayed_as_it_came() -> None:
    chunk = b'{"\xff":1,"choices":[],"usage":{"prompt_tokens":1}}'
    assert decode_chunk(chunk) is not None
    assert without_usage(chunk) == chunk

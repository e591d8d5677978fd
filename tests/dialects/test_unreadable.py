"""A piece of an answer that arrives damaged must not vanish from it."""

import pytest

from steelyard.core.events import Ended, Failed, Strange
from steelyard.dialects.table import DIALECTS

NAMES = ("openai", "openai-responses", "anthropic", "gemini")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "damaged", [b'{"delta": "Hel', b'{"delta": "H\xff\xfello"}', b'{"a":' * 100_000, b'{"delta": 1}}'], ids=range(4)
)
def test_a_stream_with_an_event_that_cannot_be_read_fails(name: str, damaged: bytes) -> None:
    reader = DIALECTS[name].reader()
    found = reader.feed(b"data: " + damaged + b"\n\n")
    assert [type(one) for one in found] == [Failed]
    assert isinstance(found[0], Failed)
    assert (found[0].status, found[0].code) == (502, "upstream_invalid")
    rest = [*reader.feed(b"data: [DONE]\n\n"), *reader.finish()]
    assert not any(isinstance(one, Ended) for one in rest)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("word", [b"", b"heartbeat", b"7", b"null"])
def test_words_between_the_chunks_lose_nothing(name: str, word: bytes) -> None:
    found = DIALECTS[name].reader().feed(b"data: " + word + b"\n\n")
    assert all(isinstance(one, Strange) for one in found)


_DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("openai", b'{"choices":[],"usage":{"prompt_tokens":1,"z":%b}}'),
        ("openai-responses", b'{"type":"response.completed","response":{"usage":{"z":%b}}}'),
        ("openai-responses", b'{"type":"response.output_text.delta","delta":"x","logprobs":%b}'),
        ("anthropic", b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x","z":%b}}'),
        ("anthropic", b'{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"z":%b}}'),
        ("gemini", b'{"candidates":[{"content":{"parts":[{"text":"x"}]},"z":%b}]}'),
    ],
)
def test_an_event_that_is_nested_without_end_ends_no_gateway(name: str, event: bytes) -> None:
    kind = event.partition(b'"type":"')[2].partition(b'"')[0]
    sent = b"event: %b\ndata: %b\n\n" % (kind, event % _DEEP)
    assert [type(one) for one in DIALECTS[name].reader().feed(sent)] == [Failed]
    watch = DIALECTS[name].watch(hide_usage=False)
    assert watch.feed(sent) + watch.ending == sent  # relayed as it came

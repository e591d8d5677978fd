"""The quickstart's client, against a provider with every fault."""

import asyncio

import pytest

from steelyard.cli.asking import Answer, Question, ask
from steelyard.core.errors import EngineError
from tests.fake import FakeProvider


def _ask(provider: FakeProvider, model: str, timeout_s: float = 20.0) -> tuple[Answer, list[str]]:
    pieces: list[str] = []
    question = Question(provider.base_url.removesuffix("/v1"), model, "Hi", timeout_s=timeout_s)
    return asyncio.run(ask(question, pieces.append)), pieces


@pytest.mark.parametrize(
    "model", ["words:5", "byte-at-a-time", "split-events:3", "close-delimited", "crlf-events", "ping-comments"]
)
def test_an_answer_is_read_in_whatever_pieces_it_comes(provider: FakeProvider, model: str) -> None:
    answer, pieces = _ask(provider, model)
    assert answer.text == "".join(pieces) != ""
    assert len(pieces) > 1
    assert answer.tokens is not None


def test_figures_are_those_of_the_stream(provider: FakeProvider) -> None:
    answer, _ = _ask(provider, "slow-chunks:0.05:5")
    assert answer.tokens == 5
    assert answer.tokens_per_s is not None
    assert 5 < answer.tokens_per_s < 25
    assert 0 < answer.first_token_s < 5


def test_without_usage_the_speed_is_unknown(provider: FakeProvider) -> None:
    answer, _ = _ask(provider, "no-usage")
    assert (answer.tokens, answer.tokens_per_s) == (None, None)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("status:500", "HTTP 500"),
        ("nothing-of-the-kind", "does not exist"),
        ("error-event:2", "broke off"),
        ("no-done", "broke off"),
        ("cut:mid-stream:2", "broke off"),
        ("cut:before-headers", "broke off"),
        ("empty-stream", "broke off"),
        ("html-200", "broke off"),
    ],
)
def test_an_answer_that_is_not_whole_is_an_error(provider: FakeProvider, model: str, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        _ask(provider, model)


def test_silence_ends_after_the_time_that_was_given(provider: FakeProvider) -> None:
    with pytest.raises(EngineError, match=r"within 0\.2 s"):
        _ask(provider, "never-answers", timeout_s=0.2)


def test_nobody_at_the_address_is_an_error() -> None:
    with pytest.raises(EngineError, match="broke off"):
        asyncio.run(ask(Question("http://127.0.0.1:9", "x", "Hi"), lambda _: None))

"""What holds for every request, answer and stream."""

import itertools
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.answer import Answer
from steelyard.core.events import Ended, Event
from steelyard.core.fold import unfold
from steelyard.core.losses import Losses
from steelyard.core.parts import Text
from steelyard.dialects.dialect import Facts
from steelyard.dialects.gemini import GEMINI
from steelyard.dialects.gemini.stream_in import Reader
from tests.dialects.gemini.wire import (
    answers,
    asked,
    decoded,
    encoded,
    folded,
    joined,
    requests,
    streamed,
    streams,
    told,
)

few = settings(max_examples=30, deadline=None)


@few
@given(requests())
def test_a_request_comes_back_as_it_was(body: dict[str, Any]) -> None:
    losses = Losses()
    assert encoded(decoded(body), losses) == body
    assert losses.all() == ()


@few
@given(requests())
def test_a_request_in_snake_case_asks_the_same(body: dict[str, Any]) -> None:
    assert decoded(_snake(body)) == decoded(body)


def _snake(body: dict[str, Any]) -> dict[str, Any]:
    """Spell the fields of the outer messages as proto files do."""
    found = {_spelt(name): value for name, value in body.items()}
    if "generation_config" in found:
        found["generation_config"] = {_spelt(name): value for name, value in found["generation_config"].items()}
    found["contents"] = [
        {"role": one["role"], "parts": [{_spelt(name): value for name, value in part.items()} for part in one["parts"]]}
        for one in found["contents"]
    ]
    return found


def _spelt(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


@few
@given(answers())
def test_an_answer_comes_back_as_it_was(body: dict[str, Any]) -> None:
    losses = Losses()
    answer = folded(GEMINI.decode_answer(msgspec.json.encode(body))).answer()
    assert told(answer, losses) == body
    assert losses.all() == ()


@few
@given(streams())
def test_the_fold_of_a_stream_is_the_whole_answer(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    whole, chunks = drawn
    reader = GEMINI.reader()
    fold = folded([*reader.feed(streamed(chunks)), *reader.finish()])
    assert fold.ended
    assert _uncited(fold.answer()) == _uncited(folded(GEMINI.decode_answer(msgspec.json.encode(whole))).answer())


def _uncited(answer: Answer) -> Answer:
    """Return an answer without its texts' citations: a stream may tell them when the text has long ended. They stand
    beside the reason too, and are compared there."""
    choices = tuple(
        msgspec.structs.replace(
            choice,
            parts=tuple(
                msgspec.structs.replace(part, citations=()) if isinstance(part, Text) else part for part in choice.parts
            ),
        )
        for choice in answer.choices
    )
    return msgspec.structs.replace(answer, choices=choices)


@few
@given(streams(), st.data())
def test_cutting_a_stream_anywhere_changes_nothing(
    drawn: tuple[dict[str, Any], list[dict[str, Any]]], data: st.DataObject
) -> None:
    wire = data.draw(st.sampled_from([_events, _array]))(drawn[1])
    whole = Reader(lambda: "call_1")
    expected = [*whole.feed(wire), *whole.finish()]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    assert _read(wire, [0, *cuts, len(wire)]) == expected


def test_cutting_a_stream_after_every_byte_changes_nothing() -> None:
    chunks: list[dict[str, Any]] = [
        {"candidates": [{"content": {"parts": [{"text": 'a"}]\\ñ\n'}], "role": "model"}}], "modelVersion": "m"},
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"x": "}{]["}, "id": "1"}}]}}]},
        {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 3}},
    ]
    for wire in (_events(chunks), _array(chunks), streamed(chunks, b"\n\n")):
        assert _read(wire, [0, len(wire)])[-1] == Ended()
        assert _read(wire, list(range(len(wire) + 1))) == _read(wire, [0, len(wire)])


def _events(chunks: list[dict[str, Any]]) -> bytes:
    return streamed(chunks)


def _array(chunks: list[dict[str, Any]]) -> bytes:
    return b"[" + b"\n,\r\n".join(msgspec.json.encode(chunk) for chunk in chunks) + b"\n]\n"


def _read(wire: bytes, cuts: list[int]) -> list[Event]:
    reader = Reader(lambda: "call_1")
    found: list[Event] = []
    for start, end in itertools.pairwise(cuts):
        found += reader.feed(wire[start:end])
    return found + reader.finish()


@few
@given(answers(), st.booleans())
def test_an_answer_told_as_a_stream_reads_as_the_same_answer(body: dict[str, Any], array: bool) -> None:
    events = GEMINI.decode_answer(msgspec.json.encode(body))
    assert events is not None
    losses = Losses()
    writer = GEMINI.writer(asked(), losses, array=array)
    answer = folded(events).answer()
    wire = b"".join(writer.write(event) for event in unfold(answer))
    reader = GEMINI.reader()
    found = folded([*reader.feed(wire), *reader.finish()])
    assert found.ended
    assert losses.all() == ()
    assert joined(told(found.answer())) == joined(body)


@few
@given(requests())
def test_what_came_in_other_words_is_asked_without_the_extras_and_each_is_reported(body: dict[str, Any]) -> None:
    body.pop("toolConfig", None)
    request = msgspec.structs.replace(decoded(body), dialect="openai")
    losses = Losses()
    GEMINI.encode_request(request, Facts("gemini-2.5-flash"), losses)
    paths = {loss.path for loss in losses.all()}
    for path in request.extra:
        assert path in paths
    for message in request.messages:
        for part in message.parts:
            for name in getattr(part, "extra", {}):
                assert f"{part.at}.{name}" in paths

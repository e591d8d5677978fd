"""A whole answer is the fold of its stream, however that was cut and interleaved, at one price an event."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.answer import Answer, Choice, Finish, TokenLogprob
from steelyard.core.events import (
    Added,
    Began,
    Cited,
    Ended,
    Event,
    Failed,
    Finished,
    Logged,
    PartBegan,
    PartEnded,
    Pinged,
    Sealed,
    Strange,
    Used,
)
from steelyard.core.fold import Fold, unfold
from steelyard.core.parts import Citation, Media, Text, Thinking, ToolCall
from steelyard.core.usage import Usage
from tests.dialects.strategies import answers, streams
from tests.support.lines import lines_of


def folded(events: list[Event], dialect: str = "openai") -> Answer:
    fold = Fold(dialect)
    fold.take_all(events)
    return fold.answer()


@settings(max_examples=50, deadline=None)
@given(answers(choices=3))
def test_an_answer_is_the_fold_of_its_events(answer: Answer) -> None:
    assert folded(list(unfold(answer))) == answer


@settings(max_examples=50, deadline=None)
@given(st.data(), answers(choices=2))
def test_any_cut_and_any_interleaving_fold_to_the_same_answer(data: st.DataObject, answer: Answer) -> None:
    assert folded(data.draw(streams(answer))) == answer


def test_leftover_fields_usage_and_logprobs_survive() -> None:
    logged = (TokenLogprob("a", -0.5, (97,), (TokenLogprob("b", -1.0),)),)
    parts = (Text("Hi"), Media("image", "image/png", "AAAA"))
    choice = Choice(parts, Finish("stop_sequence", "END", "x", "stop", {"k": 1}), logged)
    answer = Answer("x", (choice,), "id", "m", 7, Usage(1, 2), b"{}", {"cost": 3}, {"tier": "flex"})
    assert folded(list(unfold(answer)), "x") == answer


def test_a_choice_of_logprobs_alone_is_a_choice() -> None:
    answer = Answer("x", (Choice((), None, (TokenLogprob("a", 0.0),)),))
    assert folded(list(unfold(answer)), "x") == answer


def test_seals_and_citations_come_to_their_part() -> None:
    one = Citation("x", {"url": "u"}, "u")
    events: list[Event] = [
        PartBegan(0, "thinking", Thinking("a", "x")),
        PartBegan(1, "text", Text("b")),
        Cited(1, one),
        Sealed(0, signature="s"),
        PartBegan(2, "tool_call", ToolCall("c", "f", "")),
        Sealed(2, signature="t"),
        Added(0, "a"),
        Sealed(0, sealed="z"),
    ]
    parts = folded(events).choices[0].parts
    assert parts == (
        Thinking("aa", "x", "s", "z"),
        Text("b", (one,)),
        ToolCall("c", "f", "", signature="t"),
    )


def test_a_part_that_is_told_whole_at_its_end_is_taken_so() -> None:
    events: list[Event] = [
        PartBegan(0, "text", Text("")),
        Added(0, "wrong"),
        PartEnded(0, Text("right")),
    ]
    assert folded(events).choices[0].parts == (Text("right"),)


def test_a_part_can_be_read_before_it_has_ended() -> None:
    fold = Fold("x")
    fold.take_all([PartBegan(0, "text", Text("a")), Added(0, "b")])
    assert fold.part(0) == Text("ab")
    fold.take(Added(0, "c"))
    assert fold.part(0) == Text("abc")


def test_usage_is_set_and_never_added() -> None:
    events: list[Event] = [Used(Usage(5, 1)), Used(Usage(5, 9), b"raw", {"x": 1})]
    answer = folded(events)
    assert (answer.usage, answer.usage_raw, answer.usage_extra) == (Usage(5, 9), b"raw", {"x": 1})


def test_a_later_beginning_adds_what_it_knows() -> None:
    answer = folded([Began("i", None, 0, {"a": 1}), Began(None, "m", None, {"b": 2})])
    assert (answer.id, answer.model, answer.created, answer.extra) == ("i", "m", 0, {"a": 1, "b": 2})


def test_failures_and_the_end_are_noted_and_signs_of_life_say_nothing() -> None:
    fold = Fold("x")
    fold.take_all([Pinged(), Strange("x", None, b"{}")])
    assert (fold.failed, fold.ended, fold.answer()) == (None, False, Answer("x", ()))
    fold.take_all([Failed("broken", 503), Ended()])
    assert (fold.failed, fold.ended) == (Failed("broken", 503), True)


def test_choices_are_in_the_order_of_their_numbers() -> None:
    events: list[Event] = [
        PartBegan(0, "text", Text("second"), 1),
        PartBegan(1, "text", Text("first"), 0),
        Finished(Finish("length"), 1),
        Logged((TokenLogprob("t", 0.0),), 0),
    ]
    first, second = folded(events).choices
    assert first == Choice((Text("first"),), None, (TokenLogprob("t", 0.0),))
    assert second == Choice((Text("second"),), Finish("length"))


class Weighed(str):
    """A text that counts what is copied when it is put behind another one by one."""

    copied = 0

    def __radd__(self, other: str) -> str:
        Weighed.copied += len(other) + len(self)
        return str(other) + str(self)

    def __add__(self, other: str) -> str:
        Weighed.copied += len(other) + len(self)
        return str(self) + str(other)


def fold_of(size: int) -> Answer:
    fold = Fold("x")
    fold.take(PartBegan(0, "text", Text("")))
    for _ in range(size):
        fold.take(Added(0, Weighed("word ")))
    fold.take(PartEnded(0))
    return fold.answer()


def test_the_work_of_an_event_does_not_grow_with_the_stream() -> None:
    Weighed.copied = 0
    small, large = (lines_of(lambda size=size: fold_of(size)) for size in (1000, 4000))  # type: ignore[misc]
    assert large <= 4 * small
    assert Weighed.copied == 0
    assert fold_of(3).choices[0].parts == (Text("word word word "),)


@pytest.mark.parametrize("part", [Text("a"), Thinking("a", "x"), ToolCall("c", "f", "{}")])
def test_a_part_to_which_nothing_was_added_is_the_same_value(part: Any) -> None:
    fold = Fold("x")
    fold.take(PartBegan(0, "whole", part))
    assert fold.part(0) is part
    fold.take(Added(0, "b"))
    assert fold.part(0) != part

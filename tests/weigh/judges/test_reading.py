"""A judge's reply is read strictly, or not at all."""

import pytest

from steelyard.weigh.judges.reading import read_score, read_verdict


@pytest.mark.parametrize(
    ("reply", "choice"),
    [
        ("B is vague.\nVerdict: A", "A"),
        ("Verdict: B\n", "B"),
        ("verdict: TIE", "tie"),
        ("So it is.\n\n**Verdict: A**", "A"),
        ("Verdict: **B**.", "B"),
        ("### Verdict: [[A]]", "A"),
        ("B", "B"),
        (" tie.", "tie"),
        ("**A**", "A"),
        ("<think>\nVerdict: B?\nVerdict: B\n</think>\nVerdict: A", "A"),
        ("Verdict: A\nIndeed.\nVerdict: A", "A"),
    ],
)
def test_a_verdict_in_the_form_that_was_asked_for_is_read(reply: str, choice: str) -> None:
    assert read_verdict(reply).choice == choice


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("", "empty"),
        ("<think>hm</think>", "empty"),
        ("I prefer A.", "no last line"),
        ("Verdict: A or B", "no last line"),
        ("Verdict: C", "no last line"),
        ("Verdict: A\nBut B has its points too.", "no last line"),
        ("Verdict: B\nNo:\nVerdict: A", "several different ones"),
        ("a", "no last line"),
        ("The verdict: A is better", "no last line"),
    ],
)
def test_any_other_reply_says_nothing_and_why(reply: str, why: str) -> None:
    found = read_verdict(reply)
    assert found.choice is None
    assert (found.why or "").startswith(why)


@pytest.mark.parametrize(
    ("reply", "score"),
    [("Good.\nScore: 4", 4), ("Score: 4/5", 4), ("**Score: 1**", 1), ("5", 5), ("score: 3.", 3)],
)
def test_a_score_on_the_scale_is_read(reply: str, score: int) -> None:
    assert read_score(reply, 1, 5).score == score


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("Score: 6", "off the scale"),
        ("Score: 0", "off the scale"),
        ("Score: -3", "no last line"),
        ("Score: 4/10", "another scale"),
        ("Score: 4.5", "no last line"),
        ("Score: 4 to 5", "no last line"),
        ("Score: 4\nScore: 5", "several different ones"),
        ("About four.", "no last line"),
    ],
)
def test_any_other_score_is_none(reply: str, why: str) -> None:
    found = read_score(reply, 1, 5)
    assert found.score is None
    assert (found.why or "").startswith(why)

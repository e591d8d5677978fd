"""What the operator is told, and how often."""

import pytest

from steelyard.gateway.notices import Notices


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_same_complaint_is_told_again_only_after_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    notices = Notices(clock)
    for now in (100.0, 104.0, 110.0, 110.5, 111.0):
        clock.now = now
        notices.complain("the disk is full")
    notices.complain("the key file is broken")
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "steelyard gateway: the disk is full",
        "steelyard gateway: the disk is full",
        "steelyard gateway: the key file is broken",
    ]


def test_a_change_is_told_each_time_and_makes_a_complaint_news_again(capsys: pytest.CaptureFixture[str]) -> None:
    notices = Notices(Clock())
    notices.complain("the server cannot be reached")
    notices.tell("the server is there again")
    notices.tell("the server is there again")
    notices.complain("the server cannot be reached")
    assert len(capsys.readouterr().err.splitlines()) == 4


def test_however_many_complaints_there_are_few_are_kept_in_mind(capsys: pytest.CaptureFixture[str]) -> None:
    notices = Notices(Clock())
    for number in range(1000):
        notices.complain(f"fault {number}")
    notices.complain("fault 0")
    assert len(capsys.readouterr().err.splitlines()) == 1001, "it has been forgotten since, and is told again"
    assert len(notices._said) <= 101

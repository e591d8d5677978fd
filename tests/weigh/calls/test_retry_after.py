"""How long is waited before a call is made again."""

import pytest

from steelyard.weigh.calls.retry_after import asked_s, pause_s

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 0.5 ", 0.5),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0),
        (None, None),
        ("soon", None),
        ("-3", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_both_forms_are_read(value: str | None, seconds: float | None) -> None:
    assert asked_s(value, NOW) == seconds


def test_pauses_double_and_have_an_end() -> None:
    assert [pause_s(attempt, 1.0) for attempt in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert pause_s(1, 0.0) == 0.25
    assert pause_s(40, 1.0) == 30.0

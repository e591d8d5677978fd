"""Durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import ConfigError
from steelyard.keys.duration import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("30m", 1800), ("12h", 43_200), ("90d", 7_776_000), ("2w", 1_209_600), (" 1d ", 86_400)],
)
def test_a_number_and_a_unit_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "d", "9 d", "-1d", "1.5h", "1y", "1M", "1d2h", "٣d", "1d\n1d"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a duration. Write a number and a unit: 30m, 12h, 90d or 2w."):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0d", "999999999999w", "36501d"])
def test_no_time_and_too_much_time_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is out of range"):
        parse_duration(text)


@given(st.one_of(st.text(), st.from_regex(r"[0-9]{1,14}[smhdwy]", fullmatch=True)))
def test_a_text_is_a_duration_or_a_short_refusal(text: str) -> None:
    try:
        seconds, words = parse_duration(text), ""
    except ConfigError as error:
        seconds, words = 1, str(error)
    assert seconds > 0
    assert len(words) < 200

"""The canonical form, held against the library that writes it piece by piece."""

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as some

from steelyard.weigh.evidence.canonical_bytes import canonical

NUMBERS = some.floats(allow_nan=False, allow_infinity=False)
WHOLE = some.integers(-(2**53) + 1, 2**53 - 1)
TEXTS = some.text()  # without surrogates, which are no Unicode
PLAIN = some.none() | some.booleans() | WHOLE | NUMBERS | TEXTS
VALUES = some.recursive(
    PLAIN, lambda inner: some.lists(inner) | some.tuples(inner, inner) | some.dictionaries(TEXTS, inner), max_leaves=20
)


@given(VALUES)
def test_every_value_has_the_bytes_that_the_library_gives_it(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(some.integers(-(2**53), 2**53), some.integers(-345, 290))
def test_every_number_of_any_size_has_the_bytes_that_the_library_gives_it(digits: int, power: int) -> None:
    value = float(f"{digits}e{power}")
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("power", range(-30, 30))
def test_numbers_beside_every_power_of_ten_have_the_bytes_that_the_library_gives_them(power: int) -> None:
    ten = float(f"1e{power}")
    values = [sign * ten * part for sign in (1, -1) for part in (1, 1 - 2**-53, 1 + 2**-52, 1.5, 9.999999999999999)]
    assert canonical(values) == rfc8785.dumps(values)


def test_every_character_below_a_thousand_and_beyond_the_first_plane_is_escaped_as_there() -> None:
    text = "".join(map(chr, range(1000))) + "\u2028\u2029\ufeff\uffff\U0001f600\U0010ffff"
    assert canonical({text: text}) == rfc8785.dumps({text: text})


def test_keys_are_sorted_by_utf_16_code_units() -> None:
    # The example of RFC 8785, section 3.2.3.
    keys = ["€", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "ö"]
    value = dict.fromkeys(keys, 0)
    assert canonical(value) == rfc8785.dumps(value)
    assert canonical(value).index("\U0001f600".encode()) < canonical(value).index("\ufb33".encode())


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), float("inf"), {1: 2}, b"", {"a": object()}])
def test_what_has_no_canonical_form_there_has_none_here(value: Any) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        rfc8785.dumps(value)
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical(value)


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["a\ud800b"]])
def test_text_that_is_no_unicode_has_no_canonical_form(value: Any) -> None:
    with pytest.raises((UnicodeEncodeError, rfc8785.CanonicalizationError)):
        canonical(value)

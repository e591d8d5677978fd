"""JSON as other tools write it."""

import math

import pytest

from steelyard.weigh.results.decoded import HalfError, decoded


def test_what_python_writes_for_no_number_is_read() -> None:
    assert math.isnan(decoded(b'{"score": NaN}')["score"])
    assert decoded(b'{"score": 0.5}') == {"score": 0.5}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|decode|nested too deeply"):
        decoded(content)


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(HalfError):
        decoded(b'{"text": "\\ud800", "score": NaN}')

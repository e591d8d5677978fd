"""Trace context as W3C writes it, and ids that follow from an exchange's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.traces import Parent, attempt_span, exchange_span, read_parent, trace_of, written

EXAMPLE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"  # W3C Trace Context, 3.2.2
ID = "req_019ab0000000aaaaaaaaaaaaaaaaaaaa"


def test_a_parent_is_read_and_written() -> None:
    parent = read_parent(EXAMPLE)
    assert parent == Parent(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, 1)
    assert parent.sampled
    assert written(parent.trace, parent.span, parent.flags) == EXAMPLE


def test_a_later_version_may_have_more_fields() -> None:
    assert read_parent("01" + EXAMPLE[2:] + "-more") == read_parent(EXAMPLE)


@pytest.mark.parametrize(
    "header",
    [
        "",
        EXAMPLE + "-more",
        EXAMPLE[:-1],
        EXAMPLE.upper(),
        "ff" + EXAMPLE[2:],
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        EXAMPLE + "\n",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
    ],
)
def test_what_is_malformed_counts_as_absent(header: str) -> None:
    assert read_parent(header) is None


def test_what_is_not_sampled_says_so() -> None:
    parent = read_parent(EXAMPLE[:-1] + "0")
    assert parent is not None
    assert not parent.sampled


def test_an_exchange_is_found_by_its_trace() -> None:
    assert f"req_{trace_of(ID):032x}" == ID


@given(st.text(max_size=40) | st.from_regex(r"req_[0-9a-f]{32}", fullmatch=True), st.integers(0, 100))
def test_ids_are_never_zero_and_never_the_same(exchange_id: str, number: int) -> None:
    assert 0 < trace_of(exchange_id) < 2**128
    spans = [exchange_span(exchange_id), *(attempt_span(exchange_id, one) for one in range(number))]
    assert all(0 < one < 2**64 for one in spans)
    assert len(set(spans)) == len(spans)

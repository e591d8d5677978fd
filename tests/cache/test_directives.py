"""What requests say of caches, as RFC 9111 has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.cache import Directives, directives_of

NO_STORE = Directives(no_store=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", Directives()),
        (b"no-store", NO_STORE),
        (b"No-Store", NO_STORE),
        (b" no-cache , max-age=60", Directives(no_cache=True, max_age=60)),
        (b'max-age="60"', Directives(max_age=60)),
        (b"max-age=0", Directives(max_age=0)),
        (b"min-fresh=5,only-if-cached", Directives(only_if_cached=True, min_fresh=5)),
        (b"max-stale, no-transform, stale-if-error=10", Directives()),
        (b'private="a, no-store, b"', Directives()),
        (b"max-age=1, max-age=2", Directives(max_age=1)),
        (b"max-age=99999999999999999999999999", Directives(max_age=2**31)),
    ],
)
def test_directives_are_read(value: bytes, expected: Directives) -> None:
    assert directives_of(value) == expected


@pytest.mark.parametrize(
    "value", [b"max-age", b"max-age=", b"max-age=-1", b"max-age=1.5", b"max-age=\xb2", b"=;", b'a="']
)
def test_what_cannot_be_read_keeps_nothing(value: bytes) -> None:
    assert directives_of(value) == NO_STORE


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_bytes_break_the_reader_and_no_store_is_never_lost(before: bytes, after: bytes) -> None:
    plain = bytes(byte for byte in before if byte not in b'"\\')
    assert directives_of(plain + b", no-store, " + after).no_store

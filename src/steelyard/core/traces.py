"""Traces of calls: W3C Trace Context, and ids that follow from an exchange's own.

What exports spans may do so twice, after a kill: the ids are the same then.
"""

import re
from hashlib import blake2b
from typing import Final

from msgspec import Struct

__all__ = ["Parent", "attempt_span", "exchange_span", "read_parent", "trace_of", "written"]

# W3C Trace Context (Recommendation, 23 November 2021), 3.2.2: lower-case hexadecimal; ids are not all zero; version ff
# is invalid; later versions may append fields, 00 has none.
_HEADER: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.DOTALL
)
_LENGTH: Final = 55
_ID: Final = re.compile(r"req_([0-9a-f]{32})")
_ODD: Final = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio (Knuth, The Art of Computer Programming, volume 3, 6.4): far from any small multiple
of itself, and odd."""
_MOST: Final = 2**64 - 1


class Parent(Struct, frozen=True):
    """Where a call comes from, as its client says: ids as numbers, flags as a byte (the lowest bit: sampled)."""

    trace: int
    span: int
    flags: int

    @property
    def sampled(self) -> bool:
        """Say whether the client records the trace."""
        return bool(self.flags & 1)


def read_parent(header: str) -> Parent | None:
    """Return what a `traceparent` says; None for one that is malformed, which counts as absent (3.2)."""
    found = _HEADER.fullmatch(header)
    if found is None or (found[1] == "00" and len(header) != _LENGTH):
        return None
    return Parent(int(found[2], 16), int(found[3], 16), int(found[4], 16))


def trace_of(exchange_id: str) -> int:
    """Return the trace of an exchange without a parent: its id has the 128 bits that a trace id has."""
    return _number(exchange_id)


def exchange_span(exchange_id: str) -> int:
    """Return the id of an exchange's span: the random end of its own."""
    return _number(exchange_id) & _MOST or 1


def attempt_span(exchange_id: str, number: int) -> int:
    """Return the id of the span of an exchange's attempt, from 0."""
    return (exchange_span(exchange_id) + (number + 1) * _ODD) & _MOST or 1


def written(trace: int, span: int, flags: int) -> str:
    """Return a `traceparent` of version 00."""
    return f"00-{trace:032x}-{span:016x}-{flags:02x}"


def _number(exchange_id: str) -> int:
    found = _ID.fullmatch(exchange_id)
    if found is not None:
        return int(found[1], 16) or 1
    return int.from_bytes(blake2b(exchange_id.encode(), digest_size=16).digest(), "big") or 1

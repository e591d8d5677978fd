"""The head of a request, kept for the next one on the same connection.

A client sends the same head again and again; only Content-Length differs. A head that llhttp has read and the gateway
has checked is kept here, and a request that has the very same bytes around its length need not be taken apart again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from steelyard.gateway.incoming import Incoming
    from steelyard.gateway.surface import Endpoint
    from steelyard.keys.ring import KeyRing

__all__ = ["Head"]

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})\r\n", re.IGNORECASE)
_END = b"\r\n\r\n"
_MOST_KNOWN: Final = 65536
_sizes: dict[bytes, int] = {}
"""Lengths that were read before: to look one up costs half of reading it."""


class Head:
    """One checked head. It holds for the key ring that it was checked against, until the key expires."""

    __slots__ = ("_prefix", "_start", "_suffix", "_tail", "endpoint", "good_until", "incoming", "ring")

    def __init__(self, prefix: bytes, suffix: bytes, incoming: Incoming, endpoint: Endpoint, ring: KeyRing) -> None:
        self._prefix = prefix
        self._start = len(prefix)
        self._suffix = suffix
        self._tail = len(suffix)
        self.incoming = incoming
        self.endpoint = endpoint
        self.hold_for(ring)

    def hold_for(self, ring: KeyRing) -> None:
        """Take note that the head's key has been admitted by this ring."""
        key = self.incoming.key
        self.ring = ring
        self.good_until = key.expires_at if key is not None and key.expires_at is not None else float("inf")

    @staticmethod
    def learn(read: bytes, incoming: Incoming, endpoint: Endpoint, ring: KeyRing) -> Head | None:
        """Return the head of the request that `read` holds, for the next ones; None where that cannot be exact: the
        request came in several reads, is not kept alive, or expects something before its body."""
        if endpoint.form or not incoming.keep_alive or incoming.length is None or b"expect" in incoming.headers:
            return None
        end = read.find(_END)
        found = _LENGTH.search(read, 0, end + 2)
        if found is None or end < 0 or len(read) != end + 4 + incoming.length:
            return None
        return Head(read[: found.start(1)], read[found.end(1) : end + 4], incoming.without_body(), endpoint, ring)

    def body_of(self, read: bytes) -> bytes | None:
        """Return the body of the request that `read` holds, if it is one whole request with this head; else None."""
        if not read.startswith(self._prefix):
            return None
        start = self._start
        end = read.find(b"\r", start, start + 10)
        length = read[start:end]
        if end < 0 or not read.startswith(self._suffix, end):
            return None
        size = _sizes.get(length)
        if size is None:
            size = _size_of(length)
        body = end + self._tail
        return read[body:] if len(read) - body == size else None


def _size_of(length: bytes) -> int:
    """Return the length that a head names; -1 where it is no number."""
    if not length.isdigit():
        return -1
    size = int(length)
    if len(_sizes) < _MOST_KNOWN:
        _sizes[length] = size
    return size

"""An answer that is kept."""

from hashlib import blake2b

import msgspec
from msgspec import Struct

from steelyard.core.losses import Loss
from steelyard.core.usage import Usage

__all__ = ["Entry", "encoded", "entry_of"]

_SEAL = 16
"""Bytes before an entry that is kept outside: of a checksum of it and of what was asked."""
_OVERHEAD = 1024
"""Bytes of an entry beside its answer: the objects that hold it."""


class Entry(Struct, frozen=True, array_like=True, gc=False):
    """An answer as its client saw it, without transfer coding, and what is to be known of it to give it again.

    `exchange` is the id of the exchange that it was the answer of, `made_at` when that was (seconds since the epoch),
    `key` the id of the caller's key. `maker` is the digest of who gave it, and with what duties. `tells_usage`: a
    stream whose client asked for usage. `cost_usd` is what it had cost; None where that is unknown.
    """

    exchange: str
    made_at: float
    route: str
    key: str | None
    deployment: str
    maker: bytes
    stream: bool
    tells_usage: bool
    body: bytes
    usage: Usage | None = None
    usage_raw: bytes | None = None
    finish_reason: str | None = None
    model: str | None = None
    cost_usd: str | None = None
    losses: tuple[Loss, ...] = ()
    spoken: str | None = None

    @property
    def size(self) -> int:
        """How many bytes it counts for."""
        return len(self.body) + len(self.usage_raw or b"") + _OVERHEAD


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


def encoded(digest: bytes, entry: Entry) -> bytes:
    """Return an entry as it is kept outside of this process, under the digest of what was asked."""
    content = _encode(entry)
    return _seal(digest, content) + content


def entry_of(digest: bytes, kept: bytes) -> Entry | None:
    """Return the entry that was kept under a digest; None for what is not as it was then, for one that was kept under
    another, and for what another version has written. A broken disk does not say that it is broken."""
    seal, content = kept[:_SEAL], kept[_SEAL:]
    if seal != _seal(digest, content):
        return None
    try:
        return _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _seal(digest: bytes, content: bytes) -> bytes:
    return blake2b(content, digest_size=_SEAL, key=digest).digest()

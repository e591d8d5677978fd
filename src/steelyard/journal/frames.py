"""One exchange as bytes: u32 LE payload length, u32 LE CRC-32 of the payload, payload.

The payload is the msgpack array `[SCHEMA, Exchange]`. A length of zero marks the end of what was written in a file
whose room was reserved beforehand, for reserved room reads as zeros (fallocate(2)).
"""

from enum import Enum
from struct import Struct as Layout
from zlib import crc32

import msgspec

from steelyard.core.errors import StoreError
from steelyard.core.exchange import SCHEMA, Exchange

__all__ = ["HEAD_BYTES", "Scan", "SchemaError", "Stop", "decode_payload", "scan"]

_HEAD = Layout("<II")
_decode = msgspec.msgpack.Decoder(tuple[int, Exchange]).decode
_decode_version = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw]).decode

HEAD_BYTES = _HEAD.size


class SchemaError(StoreError):
    """A whole frame of a version that this Steelyard does not know."""


class Stop(Enum):
    """Why reading frames ended."""

    LIMIT = "as many frames as were asked for"
    END = "a zero length word, or the end of the bytes"
    SHORT = "fewer bytes than the length word says"
    BAD = "the checksum does not fit"


class Scan(msgspec.Struct, frozen=True):
    """Whole frames: `payloads` with the offset after each; `at` is where the first frame that is not whole begins,
    `wanted` the bytes that it claims, its head included, and `exhausted` says that only more bytes can tell more."""

    payloads: list[tuple[int, memoryview]]
    at: int
    stop: Stop
    wanted: int = HEAD_BYTES
    exhausted: bool = False


def decode_payload(payload: bytes | memoryview) -> Exchange:
    """Return the exchange in a payload whose checksum was right. Raises SchemaError for a version that is not ours,
    msgspec.DecodeError for what is no exchange."""
    try:
        version, exchange = _decode(payload)
    except msgspec.ValidationError:
        _require_known(_decode_version(payload)[0])
        raise
    _require_known(version)
    return exchange


def scan(buffer: bytes | memoryview, at: int = 0, limit: int = 2**31) -> Scan:
    """Split `buffer` from `at` into whole frames, at most `limit`; stop at the first that is not whole."""
    view = memoryview(buffer)
    end = len(view)
    payloads: list[tuple[int, memoryview]] = []
    while len(payloads) < limit:
        if end - at < HEAD_BYTES:
            stop = Stop.SHORT if any(view[at:end]) else Stop.END
            return Scan(payloads, at, stop, exhausted=True)
        length, checksum = _HEAD.unpack_from(view, at)
        if length == 0:
            return Scan(payloads, at, Stop.END)
        after = at + HEAD_BYTES + length
        if after > end:
            return Scan(payloads, at, Stop.SHORT, HEAD_BYTES + length, exhausted=True)
        payload = view[at + HEAD_BYTES : after]
        if crc32(payload) != checksum:
            return Scan(payloads, at, Stop.BAD, HEAD_BYTES + length)
        payloads.append((after, payload))
        at = after
    return Scan(payloads, at, Stop.LIMIT)


def _require_known(version: int) -> None:
    if version != SCHEMA:
        raise SchemaError(
            f"A journal frame has version {version}; this Steelyard reads version {SCHEMA}. "
            "Start the clerk with the version of Steelyard that wrote the journal, or a newer one."
        )

"""Frames of `application/vnd.amazon.eventstream` (docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html):
total length, headers' length, CRC of these two; headers; payload; CRC of all before. Integers are big-endian."""

import struct
import zlib
from collections.abc import Iterator

__all__ = ["frame", "frames"]


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """Return a frame; all its headers are strings (type 7)."""
    packed = b"".join(
        struct.pack(f">B{len(name)}sBH{len(value)}s", len(name), name, 7, len(value), value)
        for name, value in ((key.encode(), text.encode()) for key, text in headers.items())
    )
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    start = prelude + struct.pack(">I", zlib.crc32(prelude)) + packed + payload
    return start + struct.pack(">I", zlib.crc32(start))


def frames(stream: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yield headers and payload of each frame; fail on a wrong checksum."""
    while stream:
        total, size, checksum = struct.unpack(">III", stream[:12])
        assert checksum == zlib.crc32(stream[:8]), "prelude CRC"
        assert struct.unpack(">I", stream[total - 4 : total])[0] == zlib.crc32(stream[: total - 4]), "message CRC"
        yield dict(_headers(stream[12 : 12 + size])), stream[12 + size : total - 4]
        stream = stream[total:]


def _headers(packed: bytes) -> Iterator[tuple[str, str]]:
    while packed:
        end = 1 + packed[0]
        assert packed[end] == 7, "a header that is no string"
        (size,) = struct.unpack(">H", packed[end + 1 : end + 3])
        yield packed[1:end].decode(), packed[end + 3 : end + 3 + size].decode()
        packed = packed[end + 3 + size :]

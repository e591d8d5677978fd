"""An exchange made into a frame, as `frames` describes them."""

from struct import Struct as Layout
from typing import Final
from zlib import crc32

import msgspec

from steelyard.core.exchange import SCHEMA, Exchange

__all__ = ["encode_frame"]

_pack: Final = Layout("<II").pack
_encode: Final = msgspec.msgpack.Encoder().encode


def encode_frame(exchange: Exchange) -> bytes:
    """Return the frame of an exchange as one bytes object."""
    try:
        payload = _encode((SCHEMA, exchange))
    except OverflowError:
        # An upstream that counts beyond 64 bits counts wrongly: unknown. `usage_raw` has what it said.
        payload = _encode((SCHEMA, msgspec.structs.replace(exchange, usage=None)))
    return _pack(len(payload), crc32(payload)) + payload

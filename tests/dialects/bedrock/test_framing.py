"""The framing of Amazon's event streams, against published bytes and against botocore."""

import struct
import uuid
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.dialects.bedrock.framing import Frame, Framer, FramingError
from tests.dialects.bedrock.wire import event, message

# hexdocs.pm/event_stream, "EventStream.encode!"; the same bytes as in AWS's own tests of its SDKs.
PUBLISHED = bytes.fromhex("0000001e00000000baf2f68a") + b'{"foo": "bar"}' + bytes.fromhex("ae7258e4")
PUBLISHED_WITH_HEADER = (
    bytes.fromhex("0000003e00000020405df946")
    + bytes([12])
    + b"content-type"
    + bytes([7, 0, 16])
    + b"application/json"
    + b'{"foo": "bar"}'
    + bytes.fromhex("6fa2bf3b")
)


def read(*pieces: bytes) -> list[Frame]:
    framer = Framer()
    found: list[Frame] = []
    for piece in pieces:
        framer.feed(piece, found)
    assert not framer.rest()
    return found


def test_published_messages_are_read() -> None:
    assert read(PUBLISHED) == [({}, b'{"foo": "bar"}')]
    assert read(PUBLISHED_WITH_HEADER) == [({"content-type": "application/json"}, b'{"foo": "bar"}')]


def test_every_type_of_header_is_passed_over_and_strings_are_kept() -> None:
    headers = [
        ("yes", 0, b""),
        ("no", 1, b""),
        ("byte", 2, b"\x01"),
        ("short", 3, b"\x01\x02"),
        ("int", 4, b"\x00\x00\x00\x07"),
        ("long", 5, b"\x00" * 7 + b"\x07"),
        ("bytes", 6, b"\x00\xff"),
        ("said", 7, "é".encode()),
        ("when", 8, b"\x00" * 8),
        ("id", 9, uuid.UUID(int=7).bytes),
        ("last", 7, b"end"),
    ]
    whole = message(headers, b"{}")
    assert read(whole) == [({"said": "é", "last": "end"}, b"{}")]
    theirs = EventStreamBuffer()
    theirs.add_data(whole)
    assert set(theirs.next().headers) == {name for name, _, _ in headers}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=60)), max_size=5), st.data())
def test_a_stream_cut_anywhere_is_read_as_botocore_reads_it(told: list[tuple[str, bytes]], data: st.DataObject) -> None:
    whole = b"".join(message([(":event-type", 7, name.encode())], payload) for name, payload in told)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    theirs = EventStreamBuffer()
    for piece in pieces:
        theirs.add_data(piece)
    assert read(*pieces) == [({":event-type": one.headers[":event-type"]}, one.payload) for one in theirs]


def test_a_stream_in_single_bytes_is_read() -> None:
    whole = event("a", {"x": 1}) + event("b", {"y": 2})
    assert read(*(bytes([one]) for one in whole)) == read(whole)


def test_no_flipped_bit_is_overlooked() -> None:
    whole = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}})
    for position in range(len(whole)):
        broken = bytearray(whole)
        broken[position] ^= 0x10
        framer = Framer()
        found: list[Frame] = []
        with pytest.raises(FramingError):
            framer.feed(bytes(broken), found)
        assert found == []


def test_messages_before_the_damage_are_given() -> None:
    found: list[Frame] = []
    with pytest.raises(FramingError, match="checksum"):
        Framer().feed(PUBLISHED + b"<html>502 Bad Gateway</html>", found)
    assert found == [({}, b'{"foo": "bar"}')]


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        (b"\x04na", "cannot be read"),
        (b"\x02na\x07\x00\x09ab", "cut off"),
        (b"\x02na\x05\x00", "cut off"),
        (b"\x02na\x0b\x00", "unknown type 11"),
        (b"\x02na\x07\x00\x01\xff", "cannot be read"),
    ],
)
def test_broken_headers_are_told(headers: bytes, complaint: str) -> None:
    prelude = struct.pack(">II", 16 + len(headers), len(headers))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers
    with pytest.raises(FramingError, match=complaint):
        Framer().feed(whole + struct.pack(">I", zlib.crc32(whole)), [])


def test_headers_longer_than_their_message_are_told() -> None:
    prelude = struct.pack(">II", 20, 400)
    with pytest.raises(FramingError, match="longer"):
        Framer().feed(prelude + struct.pack(">I", zlib.crc32(prelude)) + b"\0" * 8, [])


def test_a_message_of_over_64_mib_is_given_up() -> None:
    prelude = struct.pack(">II", 65 * 1024 * 1024, 0)
    framer = Framer()
    framer.feed(prelude + struct.pack(">I", zlib.crc32(prelude)) + b"\0" * 16, [])
    assert framer.overflow

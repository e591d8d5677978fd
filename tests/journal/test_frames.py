"""Frames: what was written comes back, or nothing does."""

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.exchange import SCHEMA, Exchange
from steelyard.core.usage import Usage
from steelyard.journal.frames import SchemaError, Stop, decode_payload, scan
from steelyard.journal.framing import encode_frame
from tests.journal.samples import exchange

_bodies = st.lists(st.binary(max_size=60), min_size=1, max_size=6)


def test_a_frame_is_length_checksum_and_a_msgpack_array_of_version_and_exchange() -> None:
    frame = encode_frame(exchange(7))
    payload = frame[8:]
    assert int.from_bytes(frame[:4], "little") == len(payload)
    assert int.from_bytes(frame[4:8], "little") == zlib.crc32(payload)
    version, fields = msgspec.msgpack.decode(payload)
    assert version == SCHEMA
    assert fields[0] == exchange(7).id
    assert [decode_payload(found) for _, found in scan(frame).payloads] == [exchange(7)]


def test_an_exchange_of_an_older_version_of_the_same_schema_has_the_defaults_of_the_fields_it_lacks() -> None:
    fields = msgspec.to_builtins(exchange(3), builtin_types=(bytes,))[:11]
    read = decode_payload(msgspec.msgpack.encode([SCHEMA, fields]))
    assert read == Exchange(*[getattr(exchange(3), name) for name in Exchange.__struct_fields__[:11]])


def test_fields_appended_by_a_newer_steelyard_are_passed_over() -> None:
    fields = [*msgspec.to_builtins(exchange(3), builtin_types=(bytes,)), "of tomorrow", 7]
    assert decode_payload(msgspec.msgpack.encode([SCHEMA, fields])) == exchange(3)


@pytest.mark.parametrize("fields", [["another", "shape"], msgspec.to_builtins(exchange(1), builtin_types=(bytes,))])
def test_an_unknown_schema_is_refused_with_the_way_out(fields: object) -> None:
    payload = msgspec.msgpack.encode([SCHEMA + 1, fields])
    with pytest.raises(SchemaError, match=rf"version {SCHEMA + 1}; this Steelyard reads version {SCHEMA}.*newer"):
        decode_payload(payload)


def test_a_payload_that_is_no_exchange_is_an_error_of_its_own() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_payload(msgspec.msgpack.encode([SCHEMA, [1, 2]]))


@given(_bodies, st.data())
def test_frames_cut_anywhere_give_exactly_the_whole_frames_before_the_cut(
    bodies: list[bytes], data: st.DataObject
) -> None:
    frames = [encode_frame(exchange(n, request=body)) for n, body in enumerate(bodies)]
    stream = b"".join(frames)
    cut = data.draw(st.integers(0, len(stream)))
    ends = [sum(map(len, frames[: n + 1])) for n in range(len(frames))]
    found = scan(stream[:cut])
    assert [after for after, _ in found.payloads] == [end for end in ends if end <= cut]
    assert found.at == max([end for end in ends if end <= cut], default=0)
    # A preallocated file goes on with zeros.
    padded = scan(stream[:cut] + bytes(data.draw(st.integers(0, 400))))
    assert [after for after, _ in padded.payloads][: len(found.payloads)] == [after for after, _ in found.payloads]
    assert [bytes(payload) for _, payload in padded.payloads] == [f[8:] for f in frames[: len(padded.payloads)]]


@given(_bodies, st.data())
def test_a_flipped_byte_never_gives_a_wrong_exchange(bodies: list[bytes], data: st.DataObject) -> None:
    written = [exchange(n, request=body) for n, body in enumerate(bodies)]
    stream = bytearray(b"".join(map(encode_frame, written)))
    at = data.draw(st.integers(0, len(stream) - 1))
    stream[at] ^= data.draw(st.integers(1, 255))
    found = scan(bytes(stream))
    assert [decode_payload(payload) for _, payload in found.payloads] == written[: len(found.payloads)]
    assert len(found.payloads) < len(written)
    assert found.at <= at


def test_a_count_beyond_64_bits_is_unknown_and_kept_as_it_was_said() -> None:
    said = b'{"prompt_tokens":1%s}' % (b"0" * 30)
    ((_, payload),) = scan(encode_frame(exchange(1, usage=Usage(10**30, 5), usage_raw=said))).payloads
    assert decode_payload(payload) == exchange(1, usage=None, usage_raw=said)


def test_a_zero_length_word_ends_what_was_written() -> None:
    frame = encode_frame(exchange())
    found = scan(frame + bytes(100))
    assert (len(found.payloads), found.at, found.stop) == (1, len(frame), Stop.END)

"""The gateway's own credentials, as an upstream may quote them."""

import json

import pytest
from msgspec import Raw

from steelyard.gateway.lane import Lane, Vitals
from steelyard.gateway.meter import Row
from steelyard.policy.plan import Origin, Target

KEY = 'sk-S/E"C\\RET-0123456789'


def lane(key: str) -> Lane:
    target = Target(
        "acme/m", "acme", "m", Raw(b'"m"'), Origin("127.0.0.1", 1), {}, b"", secrets=(key.encode("latin-1"),)
    )
    return Lane(target, Vitals(), Row())


@pytest.mark.parametrize(
    "quoted",
    [KEY, json.dumps(KEY)[1:-1], json.dumps(KEY)[1:-1].replace("/", "\\/")],
    ids=["plain", "as JSON", "as PHP writes JSON"],
)
def test_a_quoted_key_is_found_and_taken_out_however_it_is_escaped(quoted: str) -> None:
    told = f'{{"error":{{"message":"your key {quoted} is no good"}}}}'.encode()
    one = lane(KEY)
    assert one.is_quoted(b"", told)
    assert one.is_quoted(told, b"")
    assert one.scrub(told) == b'{"error":{"message":"your key [secret] is no good"}}'


def test_what_is_too_short_for_a_credential_is_not_looked_for() -> None:
    one = lane("none")
    assert not one.is_quoted(b"", b'{"detail":"none"}')
    assert one.scrub(b"none") == b"none"

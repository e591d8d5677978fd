"""The normal form of a request: equal for bodies that are the same JSON, however they are written.

The order of members, white space and escapes do not count (RFC 8259, 2 and 7). Numbers count as they are written: 1 and
1.0 are two requests, for who reads them may tell them apart. A body that readers of JSON may understand in more than
one way has no normal form: a member that is named twice (RFC 8259, 4), half a surrogate pair (8.2), NaN.
"""

import json
from hashlib import sha256
from typing import NoReturn

import msgspec
from msgspec import Raw

from steelyard.core.loose import JsonObject, JsonValue

__all__ = ["NotNormal", "digest_of", "members_of", "written"]


class NotNormal(ValueError):
    """A body has no normal form."""


def members_of(body: bytes) -> JsonObject:
    """Return a body's members; numbers in them are the text that they were written as. Raises NotNormal."""
    try:
        found = _decoder.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise NotNormal(str(error)) from None
    if not isinstance(found, dict):
        raise NotNormal("no JSON object")
    return found


def written(members: JsonObject) -> bytes:
    """Return members in normal form. Raises NotNormal."""
    try:
        return _encode(members)
    except (UnicodeEncodeError, RecursionError) as error:
        raise NotNormal(str(error)) from None


def digest_of(*parts: object) -> bytes:
    """Return the SHA-256 of values: of their encoding, which no other values have."""
    return sha256(_pack(parts)).digest()


def _number(text: str) -> Raw:
    return Raw(text.encode())


def _no_number(text: str) -> NoReturn:
    raise NotNormal(f"{text} is no JSON")


def _members(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotNormal("a member is named twice")
    return members


_decoder = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_number, parse_float=_number, parse_constant=_no_number
)
_encode = msgspec.json.Encoder(order="sorted").encode
_pack = msgspec.msgpack.Encoder().encode

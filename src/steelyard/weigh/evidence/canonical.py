"""A document of evidence as canonical JSON, with its digest; and reading one that a stranger may have written.

RFC 8785 ("JSON Canonicalization Scheme"): keys sorted by UTF-16 code units, numbers as ECMAScript writes them, no
blanks. So the same document has the same bytes everywhere, and its SHA-256 says whether anything in it was changed.
"""

import json
import math
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import rfc8785
from msgspec import Struct

from steelyard.core.errors import ConfigError, StoreError
from steelyard.core.loose import JsonObject, JsonValue
from steelyard.weigh.evidence.canonical_bytes import canonical
from steelyard.weigh.evidence.document import SCHEMA, SIDES, Evidence
from steelyard.weigh.verdict import Weighing, weighing_row

__all__ = ["LARGEST", "Sealed", "decoded", "digest", "plain", "read_sealed", "seal", "sealed"]

LARGEST: Final = 128 * 1024 * 1024
"""Bytes of the largest file that is read."""

_DIGEST: Final = "sha256"


class Sealed(Struct, frozen=True):
    """A document as it was read: its keys and values, the same as a value, and the digest that it states."""

    document: JsonObject
    evidence: Evidence
    stated: str


def plain(value: JsonValue) -> JsonValue:
    """Return a value as JSON has it: a weighing in the order in which `weigh recorded --json` prints it."""
    if isinstance(value, Weighing):
        return msgspec.to_builtins(weighing_row(value))
    if isinstance(value, Evidence):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return {
            name: plain(field) if name == "verdict" else msgspec.to_builtins(field) for name, field in fields.items()
        }
    return msgspec.to_builtins(value)


def digest(document: JsonObject) -> str:
    """Return the SHA-256 of the canonical document without its key `sha256`. Raises ConfigError for what JSON lacks."""
    return sha256(_joined(_members(document))).hexdigest()


def seal(evidence: Evidence) -> tuple[bytes, str]:
    """Return the canonical document with its digest, and the digest."""
    members = _members(plain(evidence))
    told = sha256(_joined(members)).hexdigest()
    return _joined({**members, _DIGEST: canonical(told)}) + b"\n", told


def sealed(evidence: Evidence) -> bytes:
    """Return the canonical document with its digest."""
    return seal(evidence)[0]


def _members(document: JsonObject) -> dict[str, bytes]:
    """Return the canonical values of a document's keys, but for its digest: each is written once, for the digest and
    for the file. Raises ConfigError."""
    try:
        return {key: canonical(one) for key, one in document.items() if key != _DIGEST}
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise ConfigError(f"it has no canonical form: {error}") from error


def _joined(members: dict[str, bytes]) -> bytes:
    """Return the canonical object of canonical values: the document's keys are ASCII, so any order of letters is that
    of UTF-16 code units."""
    return b"{" + b",".join(canonical(key) + b":" + members[key] for key in sorted(members)) + b"}"


def read_sealed(path: Path) -> Sealed:
    """Read a document. Raises StoreError for a file that cannot be read, ConfigError for one that holds no document."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ConfigError(f"{path}: {size:,} bytes, and {LARGEST:,} are the most that is read")
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}. Check the path and its mode.") from error
    try:
        return decoded(content)
    except ConfigError as error:
        raise ConfigError(f"{path}: no evidence of a weighing: {error}") from error


def decoded(content: bytes) -> Sealed:
    """Return the document in some bytes. Raises ConfigError with what is wrong and where."""
    document = _parsed(content)
    if not isinstance(document, dict):
        raise ConfigError("it is no JSON object")
    if document.get("schema") != SCHEMA:
        raise ConfigError(f"schema is {_short(document.get('schema'))}, and this Steelyard reads {SCHEMA}")
    stated = document.get(_DIGEST)
    if not isinstance(stated, str):
        raise ConfigError(f"{_DIGEST} is {_short(stated)}, and should be its digest")
    rest = {key: one for key, one in document.items() if key != _DIGEST}
    try:
        evidence = msgspec.convert(rest, Evidence)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ConfigError(str(error)) from error
    if set(evidence.models) != set(SIDES):
        raise ConfigError("models are not baseline and candidate - at `$.models`")
    return Sealed(document, evidence, stated)


def _parsed(content: bytes) -> JsonValue:
    try:
        return json.loads(
            content.decode(),
            object_pairs_hook=_once,
            parse_constant=_no_number,
            parse_float=_finite,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise ConfigError(f"no UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise ConfigError("it is nested too deeply") from error
    except ValueError as error:
        raise ConfigError(f"no JSON: {str(error)[:300]}") from error


def _once(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"the key {_short(twice)} stands twice in one object: which one counts, nobody can say")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large")
    return number


def _integer(text: str) -> int | float:
    # RFC 8785, section 3.2.2.3: numbers are IEEE 754 doubles, whose integers are exact below 2^53.
    return int(text) if len(text) < 16 else _finite(text)


def _short(value: object) -> str:
    told = json.dumps(value, default=str)
    return told if len(told) <= 60 else f"{told[:59]}…"

"""An exchange as one line of JSON: what a log may hold, and nothing of what was said."""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct

from steelyard.core.exchange import Exchange
from steelyard.core.usage import Usage

__all__ = ["BEGINS", "AccessLine", "line_of"]

BEGINS: Final = '{"time":'
"""How every line begins."""

_LONGEST: Final = 500
_encode = msgspec.json.Encoder().encode


class AccessLine(Struct, frozen=True):
    """The fields of a line, in their order. Unknown is null. Times are milliseconds after `time`, sizes bytes.

    `user` is a keyed hash of the end user that the client named: the same user has the same hash in all lines of one
    installation, and nobody without its key can find out who it is by guessing. `trace` is the client's.
    """

    time: str
    id: str
    worker: str
    endpoint: str
    dialect: str
    key: str | None
    user: str | None
    trace: str | None
    route: str | None
    deployment: str | None
    model: str | None
    status: int
    outcome: str
    stream: bool
    attempts: int
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    tokens_estimated: bool
    cost_usd: str | None
    first_byte_ms: float | None
    duration_ms: float | None
    request_bytes: int
    response_bytes: int


def line_of(exchange: Exchange, secret: bytes) -> bytes:
    """Return the line of an exchange, without its end. `secret` is what users are hashed with."""
    it = exchange
    usage = it.usage or Usage()
    line = AccessLine(
        _time(it.received_at),
        it.id,
        it.worker,
        it.endpoint,
        it.dialect,
        _short(it.key),
        None if it.end_user is None else blake2b(it.end_user.encode(), key=secret, digest_size=8).hexdigest(),
        it.traceparent[3:35] if it.traceparent is not None else None,
        _short(it.route),
        _short(it.deployment),
        _short(it.model_reported),
        it.status,
        it.outcome,
        it.stream,
        len(it.attempts),
        _short(it.finish_reason),
        usage.input,
        usage.output,
        usage.cached,
        usage.estimated,
        it.cost_usd,
        _rounded(it.first_byte_ms),
        _rounded(it.last_byte_ms),
        it.request_bytes,
        it.response_bytes,
    )
    return _encode(line)


def _time(seconds: float) -> str:
    """Return RFC 3339, in UTC, with milliseconds."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _short(name: str | None) -> str | None:
    return name if name is None or len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 3)

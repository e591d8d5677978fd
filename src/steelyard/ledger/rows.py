"""Turn an exchange into a row, and a row back into the exchange."""

from datetime import date
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import Row as SqlRow

from steelyard.core.exchange import Attempt, Decided, Exchange
from steelyard.core.losses import Loss
from steelyard.core.usage import Usage
from steelyard.journal.tail import Entry
from steelyard.ledger.money import to_parts

__all__ = ["INDEX_BYTES", "Values", "body_of", "cleaned", "exchange_of", "recorded_bytes", "row_of"]

Values = tuple[Any, ...]
"""A row. The values are what both drivers take as they are: a day is ISO text."""

INDEX_BYTES = 256
"""What a row takes beside its frame. Measured with frames of 332 bytes: 122 more on SQLite, 330 on PostgreSQL 18."""

_MOST_TOKENS: Final = 10**12
"""A count beyond is a provider's mistake: unknown, lest one absurd figure overflow every sum. `usage_raw` keeps it."""

_LONGEST_NAME: Final = 500
"""PostgreSQL indexes at most 2,704 bytes of a row (documentation, "B-Tree Indexes"); a code point has up to four."""

_NO_USAGE: Final = (None,) * 8
_SAME: Final = tuple(
    name
    for name in Exchange.__struct_fields__
    if name not in ("attempts", "usage", "request", "response", "losses", "decided")
)
"""Fields that are columns as they stand."""

_MOST: Final = 2**63 - 1
_EPOCH: Final = date(1970, 1, 1).toordinal()
_encode = msgspec.json.Encoder().encode
_decode_losses = msgspec.json.Decoder(tuple[Loss, ...]).decode
_decode_decided = msgspec.json.Decoder(Decided).decode
_decode_attempts = msgspec.json.Decoder(tuple[Attempt, ...]).decode


def recorded_bytes(entry: Entry) -> int:
    """Return what an exchange counts for in retention by size."""
    return entry.bytes + INDEX_BYTES


def row_of(entry: Entry, seq: int) -> Values:
    """Return the row of table `exchange`, in the order of its columns."""
    it = entry.exchange
    usage = it.usage
    nano, atto = to_parts(it.cost_usd)
    tokens = _NO_USAGE if usage is None else _usage(usage)
    return (
        seq,
        _name(it.id),
        it.received_at,
        _day(it.received_at // 86400),
        it.worker,
        it.endpoint,
        it.dialect,
        _name(it.key),
        _name(it.route),
        _name(it.deployment),
        it.status,
        it.outcome,
        it.stream,
        _encode(it.attempts).decode(),
        it.first_byte_ms,
        it.last_byte_ms,
        *tokens,
        it.usage_raw,
        it.cost_usd,
        nano,
        atto,
        it.price_source,
        it.finish_reason,
        it.request_bytes,
        it.response_bytes,
        it.model_reported,
        it.error,
        it.record,
        it.end_user,
        it.region,
        _encode(it.losses).decode() if it.losses else None,
        _name(it.kept_as),
        it.spoken,
        _encode(it.decided).decode() if it.decided is not None else None,
        it.rights,
        it.traceparent,
        it.cache,
        _name(it.copied_from),
        it.saved_usd,
        recorded_bytes(entry),
    )


def body_of(entry: Entry, seq: int) -> Values | None:
    """Return the row of table `content`, in the order of its columns, or `None` when no body was recorded."""
    it = entry.exchange
    if it.request is None and it.response is None:
        return None
    return seq, it.request, it.response


def cleaned(values: Values) -> Values:
    """Return a row that every database takes: PostgreSQL's text holds no NUL (documentation, "Character Types"), and
    integers have 64 bits."""
    return tuple(map(_clean, values))


def exchange_of(row: SqlRow[Any], request: bytes | None = None, response: bytes | None = None) -> Exchange:
    """Return the exchange that a row of table `exchange` was made from."""
    at = row._mapping
    usage = None
    if at["usage_estimated"] is not None:
        usage = Usage(
            at["input_tokens"],
            at["output_tokens"],
            at["cached_tokens"],
            at["cache_write_tokens"],
            at["reasoning_tokens"],
            at["input_audio_tokens"],
            at["output_audio_tokens"],
            at["usage_estimated"],
        )
    plain = {name: at[name] for name in _SAME}
    return Exchange(
        **plain,
        attempts=_decode_attempts(at["attempts"]),
        usage=usage,
        request=request,
        response=response,
        losses=_decode_losses(at["losses"]) if at["losses"] else (),
        decided=_decode_decided(at["decided"]) if at["decided"] else None,
    )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-_MOST, min(_MOST, value))
    return value


def _usage(usage: Usage) -> Values:
    return (
        usage.estimated,
        _tokens(usage.input),
        _tokens(usage.output),
        _tokens(usage.cached),
        _tokens(usage.cache_write),
        _tokens(usage.reasoning),
        _tokens(usage.input_audio),
        _tokens(usage.output_audio),
    )


def _tokens(count: int | None) -> int | None:
    return count if count is not None and 0 <= count <= _MOST_TOKENS else None


def _name(name: str | None) -> str | None:
    return name if name is None or len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


@lru_cache(maxsize=64)
def _day(days: float) -> str:
    """Return the UTC day; the epoch for a time that no calendar holds."""
    try:
        return date.fromordinal(_EPOCH + int(days)).isoformat()
    except (OverflowError, ValueError):
        return date.fromordinal(_EPOCH).isoformat()

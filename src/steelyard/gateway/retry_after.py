"""How long to wait before another attempt: what the upstream asks for (Retry-After: RFC 9110, 10.2.3), or a pause."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["pause_s", "retry_after_in"]

_LONGEST_S = 365 * 86400.0
_LONGEST_WAIT_S = 10.0
_BACKOFF_S = 0.25


def pause_s(asked_s: float | None, rounds: int, chance: float) -> float | None:
    """Return how long to wait after every deployment was tried `rounds` times: what the upstream asked for, or a
    growing pause with jitter (`chance`, from 0 to 1); None when that is longer than a client waits."""
    if asked_s is not None:
        return asked_s if asked_s <= _LONGEST_WAIT_S else None
    return _BACKOFF_S * 2.0 ** min(rounds - 1, 6) * (0.5 + chance)


def retry_after_in(headers: list[tuple[bytes, bytes]], now: float) -> float | None:
    """Return what an answer's Retry-After asks for, in seconds; None when it asks for nothing that can be read."""
    told = [value.decode("latin-1") for name, value in headers if name == b"retry-after"]
    return _seconds(told[-1], now) if told else None


def _seconds(value: str, now: float) -> float | None:
    """Return how long to wait, in seconds from `now` (seconds since the epoch); None when it cannot be read."""
    value = value.strip()
    if value.isascii() and value.replace(".", "", 1).isdigit():
        return min(float(value), _LONGEST_S)
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.fromtimestamp(now, UTC)).total_seconds())

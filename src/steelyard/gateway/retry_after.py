"""The Retry-After field (RFC 9110, 10.2.3): seconds, or an HTTP date."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["retry_after_s"]

_LONGEST_S = 365 * 86400.0


def retry_after_s(value: str, now: float) -> float | None:
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

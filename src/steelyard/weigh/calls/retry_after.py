"""How long to wait before a call is made again."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["asked_s", "pause_s"]

_FIRST_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0


def asked_s(value: str | None, now: float) -> float | None:
    """Return what Retry-After asks for, in seconds from `now` (seconds since the epoch); None: for nothing readable.

    Both forms are read: seconds, and a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    value = value.strip()
    try:
        seconds = float(value)
        return seconds if math.isfinite(seconds) and seconds >= 0 else None
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.fromtimestamp(now, UTC)).total_seconds())


def pause_s(attempts: int, chance: float) -> float:
    """Return a pause that doubles with each attempt, from a quarter of a second on; `chance` (0 to 1) spreads it."""
    return min(_FIRST_S * 2.0 ** (attempts - 1), _LONGEST_PAUSE_S) * (0.5 + chance / 2)

"""The periods of budgets: days, ISO weeks and months of UTC, and all time."""

from datetime import UTC, datetime, timedelta
from math import inf
from typing import Literal

__all__ = ["Per", "period_of"]

Per = Literal["day", "week", "month", "total"]


def period_of(per: Per, wall: float) -> tuple[float, float]:
    """Return begin and end of the period that holds a moment, in seconds since the epoch; the end is not part of it.
    Weeks begin on Monday (ISO 8601)."""
    if per == "total":
        return 0.0, inf
    moment = datetime.fromtimestamp(wall, UTC)
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if per == "day":
        end = start + timedelta(days=1)
    elif per == "week":
        start -= timedelta(days=start.weekday())
        end = start + timedelta(days=7)
    else:
        start = start.replace(day=1)
        end = (start + timedelta(days=32)).replace(day=1)
    return start.timestamp(), end.timestamp()

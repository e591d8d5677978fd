"""Periods of budgets."""

from datetime import UTC, datetime, timedelta
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from steelyard.limits.period import Per, period_of

moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(moments, st.sampled_from(["day", "week", "month"]))
def test_a_moment_lies_in_its_period_and_the_next_period_begins_where_it_ends(moment: datetime, per: Per) -> None:
    wall = moment.timestamp()
    start, end = period_of(per, wall)
    assert start <= wall < end
    assert period_of(per, end)[0] == end
    assert period_of(per, start) == (start, end)


@given(moments)
def test_a_week_begins_on_the_monday_of_its_iso_week(moment: datetime) -> None:
    start, end = period_of("week", moment.timestamp())
    first = datetime.fromtimestamp(start, UTC)
    year, week, _ = moment.isocalendar()
    assert first == datetime.fromisocalendar(year, week, 1).replace(tzinfo=UTC)
    assert datetime.fromtimestamp(end, UTC) - first == timedelta(days=7)


def test_a_month_ends_with_its_last_day_and_total_never() -> None:
    start, end = period_of("month", datetime(2028, 2, 29, 12, tzinfo=UTC).timestamp())
    assert (start, end) == (datetime(2028, 2, 1, tzinfo=UTC).timestamp(), datetime(2028, 3, 1, tzinfo=UTC).timestamp())
    assert period_of("total", 1e9) == (0.0, inf)

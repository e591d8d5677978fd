"""Limits and budgets: all or nothing, reserved and settled, never over."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.errors import BadRequest, BudgetExceeded, CallError, TooMany
from steelyard.limits import Hold, Limits
from steelyard.limits.rules import ATTO
from tests.limits.rig import DAY, NOW, WALL, call, limits, rule


def refusal(made: Limits, at: float = 0.0, **asks: Any) -> CallError:
    """Return what a call is told that is not admitted."""
    hold = call(made, at, **asks)
    assert not hold.open
    applied = made.known("team-a", "assistant")
    assert applied is not None
    lacking = next(one for one in applied.counters if not one.has_room(hold))
    return lacking.error(hold)


def standing(made: Limits, at: float = 0.0) -> dict[str, tuple[object, object]]:
    return {f"{one.scope} {one.limit}": (one.used, one.reserved) for one in made.standings(NOW + at, WALL + at)}


def test_a_call_that_one_scope_has_no_room_for_is_counted_by_none() -> None:
    made = limits(
        rule("key:team-a", "requests_per_minute", 10),
        rule("all", "tokens_per_minute", 1000),
        rule("route:assistant", "concurrent", 5),
        rule("key:team-a", "usd_total", 1),
    )
    assert call(made, tokens=900, atto=ATTO // 2).open
    before = standing(made)
    assert isinstance(refusal(made, tokens=101, atto=1), TooMany)
    assert isinstance(refusal(made, tokens=1, atto=ATTO), BudgetExceeded)
    assert standing(made) == before


def test_a_refusal_names_all_callers_in_lower_case_within_a_sentence() -> None:
    tokens = limits(rule("all", "tokens_per_minute", 10))
    assert ", and this gateway has 10 tokens per minute. " in str(refusal(tokens, tokens=11))
    assert ", and this gateway has a limit. " in str(refusal(tokens, tokens=-1))
    budget = limits(rule("all", "usd_per_day", 1))
    assert ", and this gateway has a budget. " in str(refusal(budget, priced=False))
    assert str(refusal(budget, atto=2 * ATTO)).startswith("This gateway has spent 0 ")


def test_requests_count_for_a_minute_from_their_admission() -> None:
    made = limits(rule("key:team-a", "requests_per_minute", 3))
    assert [call(made, at).open for at in (0, 10, 20, 30)] == [True, True, True, False]
    assert not call(made, 59.9).open
    assert call(made, 61.1).open
    assert not call(made, 61.2).open


def test_a_refusal_says_when_the_next_call_may_come() -> None:
    made = limits(rule("key:team-a", "requests_per_minute", 2))
    call(made, 0)
    call(made, 30)
    error = refusal(made, at=40)
    assert error.retry_after_s == pytest.approx(21, abs=1.1)
    assert call(made, 40 + (error.retry_after_s or 0) + 0.001).open


def test_tokens_that_were_reserved_and_not_taken_come_back() -> None:
    made = limits(rule("key:team-a", "tokens_per_minute", 1000))
    held = call(made, tokens=1000)
    assert not call(made, tokens=1).open
    held.settle(10, 0)
    assert call(made, tokens=990).open
    assert not call(made, tokens=1).open


def test_a_call_that_was_not_made_counts_nowhere() -> None:
    made = limits(
        rule("key:team-a", "requests_per_minute", 1),
        rule("key:team-a", "tokens_per_minute", 10),
        rule("key:team-a", "concurrent", 1),
        rule("key:team-a", "usd_per_day", 1),
    )
    empty = standing(made)
    held = call(made, tokens=10, atto=ATTO)
    held.free()
    held.free()
    held.settle(10, ATTO)
    assert standing(made) == empty
    assert call(made, tokens=10, atto=ATTO).open


def test_concurrent_calls_are_counted_until_they_end() -> None:
    made = limits(rule("key:team-a", "concurrent", 2))
    first, second = call(made), call(made)
    assert not call(made).open
    first.settle(0, 0)
    second.free()
    assert call(made).open
    assert call(made).open
    assert not call(made).open


def test_a_body_that_is_too_large_is_refused_and_no_wait_is_promised() -> None:
    made = limits(rule("key:team-a", "input_bytes", 100))
    assert call(made, size=100).open
    error = refusal(made, size=101)
    assert (error.code, error.retry_after_s, error.should_retry) == ("input_too_large", None, False)


def test_a_call_that_could_exceed_a_budget_is_refused() -> None:
    made = limits(rule("key:team-a", "usd_per_month", 1))
    held = call(made, atto=ATTO * 6 // 10)
    error = refusal(made, atto=ATTO * 6 // 10)
    assert isinstance(error, BudgetExceeded)
    assert error.should_retry, "the call under way may cost less"
    held.settle(0, ATTO * 6 // 10)
    error = refusal(made, atto=ATTO * 6 // 10)
    assert error.should_retry is False
    assert "has spent 0.6 of its 1 USD per month" in str(error)


def test_the_last_call_may_cross_a_budget_and_only_one_does() -> None:
    made = limits(rule("key:team-a", "usd_total", 1, last_call=True))
    held = call(made, atto=5 * ATTO)
    assert held.open
    assert not call(made, atto=1).open
    held.settle(0, ATTO // 2)
    unknown = call(made, atto=-1)
    assert unknown.open
    assert not call(made, atto=1).open
    unknown.settle(0, ATTO)
    assert not call(made, atto=1).open
    assert standing(made) == {"key:team-a usd_total": ("1.5", "0")}


def test_a_call_whose_price_is_unknown_is_refused_or_allowed_by_choice() -> None:
    strict = limits(rule("key:team-a", "usd_total", 1))
    error = refusal(strict, priced=False)
    assert (error.status, error.code) == (402, "price_unknown")
    assert call(limits(rule("key:team-a", "usd_total", 1, unpriced=True)), priced=False).open


def test_a_call_without_a_bound_is_told_to_name_one() -> None:
    for metric in ("tokens_per_day", "usd_total"):
        error = refusal(limits(rule("key:team-a", metric, 1)), tokens=-1, atto=-1)
        assert isinstance(error, BadRequest)
        assert error.code == "max_tokens_required"


def test_a_new_period_begins_empty_and_an_old_call_does_not_count_in_it() -> None:
    made = limits(rule("key:team-a", "usd_per_day", 1))
    held = call(made, DAY - 1, atto=ATTO)
    assert not call(made, DAY - 0.5, atto=1).open
    assert call(made, DAY + 1, atto=ATTO).open
    held.settle(0, ATTO)
    assert standing(made, DAY + 2) == {"key:team-a usd_per_day": ("0", "1")}


def test_a_clock_that_goes_back_brings_no_second_budget() -> None:
    made = limits(rule("key:team-a", "usd_per_day", 1))
    call(made, DAY + 1, atto=ATTO).settle(0, ATTO)
    assert not call(made, DAY - 1, atto=1).open
    assert not call(made, DAY + 2, atto=1).open


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_is_set_changes_nothing_of_a_window(jump: float) -> None:
    made = limits(rule("all", "requests_per_minute", 2))
    assert [at_wall(made, at, at).open for at in (0.0, 1.0, 2.0)] == [True, True, False]
    assert [at_wall(made, at, at + jump).open for at in (3.0, 59.0)] == [False, False]
    assert at_wall(made, 63.0, 63.0 + jump).open


def test_a_clock_that_is_set_forth_and_back_leaves_the_budget_in_the_later_period() -> None:
    made = limits(rule("key:team-a", "usd_per_day", 1))
    assert at_wall(made, 1.0, DAY - 10, atto=ATTO).open
    assert at_wall(made, 2.0, DAY + 3590, atto=ATTO).open, "a new day, by that clock"
    assert not at_wall(made, 3.0, DAY - 8, atto=1).open, "neither day is had twice"
    assert not at_wall(made, 20.0, DAY + 10, atto=1).open
    assert at_wall(made, DAY, 2 * DAY + 10, atto=1).open


def at_wall(limits: Limits, at: float, wall: float, atto: int = 0) -> Hold:
    """Make a call by two clocks: seconds after the beginning by that which is never set, and by that which may be."""
    applied = limits.apply("team-a", ("team-a", None, None), "assistant", NOW + at, WALL + wall)
    hold = limits.begin(NOW + at, WALL + wall, 100)
    hold.atto = atto
    hold.take(applied.counters)
    return hold


def test_each_threshold_is_told_once_a_period() -> None:
    told: list[str] = []
    made = limits(rule("key:team-a", "usd_per_day", 10, warn_at=(0.5, 0.8)), told=told)
    for _ in range(9):
        call(made, atto=ATTO).settle(0, ATTO)
    assert [text.rpartition(": ")[2] for text in told] == ["50% is reached.", "80% is reached."]
    for _ in range(6):
        call(made, DAY, atto=ATTO).settle(0, ATTO)
    assert len(told) == 3


def test_a_budget_that_was_raised_tells_of_its_own_parts() -> None:
    told: list[str] = []
    small, large = (rule("key:team-a", "usd_per_day", most, warn_at=(0.5, 0.8)) for most in (10, 20))
    made = limits(small, told=told)
    under_way = [call(made, atto=ATTO) for _ in range(9)]
    for hold in under_way[:8]:
        hold.settle(0, ATTO)
    raised = Limits((large,), told.append, made)
    under_way[8].settle(0, ATTO)
    assert [text.partition(" of its ")[2] for text in told[1:]] == ["10 USD per day: 80% is reached."]
    for _ in range(9):
        call(raised, atto=ATTO).settle(0, ATTO)
    assert [text.partition(" of its ")[2] for text in told[2:]] == [
        "20 USD per day: 50% is reached.",
        "20 USD per day: 80% is reached.",
    ]


def test_a_budget_that_was_lowered_tells_what_has_been_reached_and_was_not_told() -> None:
    told: list[str] = []
    large, small = (rule("key:team-a", "usd_per_day", most, warn_at=(0.5, 0.8)) for most in (20, 10))
    made = limits(large, told=told)
    for _ in range(8):
        call(made, atto=ATTO).settle(0, ATTO)
    lowered = Limits((small,), told.append, made)
    call(lowered, atto=ATTO).settle(0, ATTO)
    assert [text.partition(" of its ")[2] for text in told] == ["10 USD per day: 80% is reached."]


def test_a_user_whose_name_has_a_line_break_writes_no_line_of_the_log() -> None:
    told: list[str] = []
    made = limits(rule("user:*", "usd_per_day", 10, warn_at=(0.5,)), told=told)
    call(made, user="a\nb\x1b[31m", atto=9 * ATTO).settle(0, 9 * ATTO)
    assert told[0].startswith("user:team-a/a\\nb\\x1b[31m has spent 9 ")
    assert told[0].isprintable()


moves = st.lists(
    st.tuples(
        st.sampled_from(["call", "call", "call", "settle", "settle", "free"]),
        st.integers(0, 400),
        st.integers(0, 400),
        st.floats(0, 2000),
    ),
    max_size=120,
)


@settings(max_examples=150, deadline=None)
@given(moves)
def test_no_sequence_of_calls_overruns_anything(moves: list[tuple[str, int, int, float]]) -> None:
    """A log of all calls, kept by brute force, never holds more than a limit in any window or period."""
    made = limits(
        rule("key:team-a", "tokens_per_hour", 1000),
        rule("all", "requests_per_hour", 9),
        rule("route:assistant", "usd_per_day", 1),
        rule("all", "concurrent", 4),
    )
    log: list[list[float]] = []  # admitted at, tokens, cost
    under_way: list[tuple[Hold, list[float]]] = []
    now = 0.0
    for kind, tokens, real, pause in moves:
        now += pause
        if kind == "call":
            hold = call(made, now, tokens=tokens, atto=tokens * ATTO // 1000)
            if hold.open:
                log.append([now, tokens, tokens * ATTO // 1000])
                under_way.append((hold, log[-1]))
        elif under_way:
            hold, entry = under_way.pop(real % len(under_way))
            if kind == "settle":
                took = min(real, hold.tokens)
                entry[1:] = [took, took * ATTO // 1000]
                hold.settle(took, took * ATTO // 1000)
            else:
                log.remove(entry)
                hold.free()
        recent = [entry for entry in log if entry[0] > now - 3600]
        today = [entry for entry in log if entry[0] // DAY == now // DAY]
        assert sum(entry[1] for entry in recent) <= 1000
        assert len(recent) <= 9
        assert sum(entry[2] for entry in today) <= ATTO
        assert len(under_way) <= 4

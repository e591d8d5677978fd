"""The retry budget: further attempts are a part of the calls and of the time, whatever comes in which order."""

from hypothesis import given
from hypothesis import strategies as st

from steelyard.gateway.retry_budget import LASTS_S, RetryBudget

STEPS = st.lists(
    st.tuples(st.floats(0, 30), st.integers(0, 50), st.integers(0, 30)),  # seconds that pass, calls, attempts asked for
    max_size=40,
)


@given(STEPS, st.sampled_from([0.0, 0.1, 0.2, 1.0]), st.sampled_from([0.0, 0.5, 3.0, 10.0]))
def test_never_more_is_granted_than_calls_and_time_have_paid(
    steps: list[tuple[float, int, int]], ratio: float, per_s: float
) -> None:
    budget = RetryBudget(ratio, per_s, 100.0)
    now, calls, granted = 100.0, 0, 0
    for passed, begun, asked in steps:
        now += passed
        budget.calls += begun
        calls += begun
        granted += sum(budget.spend(now, "again") for _ in range(asked))
        assert granted <= per_s * LASTS_S + ratio * calls + per_s * (now - 100.0) + 1e-6
    assert sum(budget.granted.values()) == granted
    assert budget.refused == sum(asked for _, _, asked in steps) - granted


@given(st.integers(1, 10_000), st.floats(0.1, 5.0))
def test_a_quiet_day_does_not_pay_for_a_storm(calls: int, ratio: float) -> None:
    budget = RetryBudget(ratio, 2.0, 0.0)
    budget.calls += calls
    budget.settle(1.0)
    assert budget.settle(86_400.0) <= 2.0 * LASTS_S + 1e-6


def test_a_fresh_budget_has_room_for_ten_seconds_of_its_floor() -> None:
    budget = RetryBudget(0.0, 3.0, 50.0)
    assert sum(budget.spend(50.0, "elsewhere") for _ in range(100)) == 30


def test_a_steady_stream_of_calls_pays_its_part() -> None:
    budget = RetryBudget(0.2, 0.0, 0.0)
    granted = 0
    for second in range(1, 601):
        budget.calls += 100
        granted += sum(budget.spend(float(second), "again") for _ in range(100))
    assert 0.9 * 0.2 * 100 * 600 <= granted <= 0.2 * 100 * 600


def test_with_nothing_paid_in_nothing_is_granted() -> None:
    budget = RetryBudget(0.0, 0.0, 0.0)
    budget.calls += 1000
    assert not budget.spend(10.0, "hedge")
    assert (budget.granted["hedge"], budget.refused) == (0, 1)


def test_another_configuration_goes_on_with_what_is_left() -> None:
    budget = RetryBudget(0.2, 10.0, 0.0)
    while budget.spend(0.0, "again"):
        pass
    budget.adopt(0.2, 10.0, 0.0)
    assert not budget.spend(0.0, "again"), "a reload fills nothing up"
    budget.adopt(0.2, 1.0, 0.0)
    assert not budget.spend(0.0, "again")
    budget.adopt(0.2, 5.0, 0.0)
    assert budget.spend(0.0, "again"), "a larger one has room at once"

"""Sliding windows against a log of every event."""

from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.limits.window import PARTS, Window

LENGTH_S = 60.0
LIMIT = 50

steps = st.lists(
    st.tuples(
        st.one_of(st.just(0.0), st.floats(0.0, 2.5), st.floats(10.0, 61.0), st.sampled_from([1.0, 59.0, 60.0, 61.0])),
        st.integers(0, LIMIT),
        st.integers(0, LIMIT),
    ),
    max_size=80,
)


def counted(log: list[tuple[float, int]], now: float, length_s: float) -> int:
    """Return what a log holds of the last `length_s` seconds."""
    return sum(amount for at, amount in log if at > now - length_s)


@settings(max_examples=300, deadline=None)
@given(steps, st.floats(0.0, 1e6))
def test_no_window_of_its_length_ever_holds_more_than_was_admitted_into_one(
    steps: list[tuple[float, int, int]], start: float
) -> None:
    window, log, now = Window(LENGTH_S), [], start
    for pause, amount, real in steps:
        now += pause
        if window.used(now) + amount <= LIMIT:
            window.add(now, amount)
            taken = min(amount, real)
            window.change(now, taken - amount)
            log.append((now, taken))
        assert counted(log, now, LENGTH_S) <= window.used(now) <= LIMIT


@settings(max_examples=300, deadline=None)
@given(steps, st.floats(0.0, 1e6))
def test_it_never_counts_more_than_a_window_that_is_a_sixtieth_longer(
    steps: list[tuple[float, int, int]], start: float
) -> None:
    window, log, now = Window(LENGTH_S), [], start
    for pause, amount, _ in steps:
        now += pause
        window.add(now, amount)
        log.append((now, amount))
        assert window.used(now) <= counted(log, now, LENGTH_S * (PARTS + 1) / PARTS + 1e-6)


@settings(max_examples=200, deadline=None)
@given(steps, st.integers(0, 3 * LIMIT))
def test_after_the_wait_that_it_names_no_more_than_asked_is_left(
    steps: list[tuple[float, int, int]], most: int
) -> None:
    window, now = Window(LENGTH_S), 1000.0
    for pause, amount, _ in steps:
        now += pause
        window.add(now, amount)
    wait = window.wait_s(now, most)
    assert 0 <= wait <= LENGTH_S * (PARTS + 1) / PARTS + 1e-6
    assert window.used(now + wait + 1e-6) <= most


def test_what_has_left_the_window_can_no_longer_be_corrected() -> None:
    window = Window(60.0)
    window.add(100.0, 7)
    assert window.used(170.0) == 0
    window.change(100.0, -7)
    assert window.used(170.0) == 0


def test_it_takes_no_more_numbers_than_it_has_parts() -> None:
    window = Window(60.0)
    for tenth in range(10_000):
        window.add(tenth / 10, 1)
    assert len(window.parts()) <= PARTS + 1


def test_what_was_counted_before_the_beginning_of_the_clock_counts_and_leaves() -> None:
    window = Window(60.0)
    for then in (-200.0, -40.0, -40.5, -20.0, -40.0):  # a clock that begins with the machine; earlier calls of a ledger
        window.add(then, 5)
    assert window.used(0.0) == 20
    assert sorted(window.parts()) == sorted([(-19.0, 5), (-39.0, 15)])
    assert window.change(-20.0, -2)
    assert window.used(1.0) == 18
    assert window.used(100.0) == 0
    assert window.empty_in_s(100.0) == 0.0

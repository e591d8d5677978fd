"""Which new calls are turned away when the event loop is behind: the rule, look by look."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.priority import PRIORITIES, Priority
from steelyard.gateway.shedding import Shedding

LATE = 1.2
TICK = 0.1


def made(bearable_s: float = 1.0, after_s: float = 3.0) -> Shedding:
    one = Shedding()
    one.bearable_s, one.after_s = bearable_s, after_s
    return one


class Loop:
    """A loop that looks ten times a second, each time as late as it is told; callers call between two looks."""

    def __init__(self, shedding: Shedding, *callers: Priority) -> None:
        self.shedding = shedding
        self.callers = callers
        self.now = 1000.0
        self.away: dict[str, int] = dict.fromkeys(PRIORITIES, 0)

    def lag(self, *lags: float, busy: bool = True) -> None:
        for lag in lags:
            for caller in self.callers:
                if self.shedding.pressure and self.shedding.turns_away(caller):
                    self.away[caller] += 1
            self.now += TICK + lag
            self.shedding.look(lag, self.now, busy=busy)


def test_a_loop_that_is_never_in_time_begins_to_shed() -> None:
    loop = Loop(made())
    loop.lag(LATE, LATE)
    assert loop.shedding.pressure == 0
    loop.lag(LATE, LATE)
    assert loop.shedding.pressure == 0.25


def test_one_stall_sheds_nothing_however_long() -> None:
    loop = Loop(made())
    loop.lag(0.0, 3600.0, 0.0, 60.0, 60.0, 0.3, 60.0)
    assert loop.shedding.pressure == 0


@given(st.lists(st.floats(0, 50), max_size=60))
def test_who_is_in_time_once_in_three_looks_sheds_nothing(lags: list[float]) -> None:
    lags[::3] = [0.9 for _ in lags[::3]]
    loop = Loop(made(), "low", "normal")
    loop.lag(*lags)
    assert loop.shedding.pressure == 0


@given(st.lists(st.floats(0, 50), max_size=60))
def test_an_idle_loop_sheds_nothing(lags: list[float]) -> None:
    loop = Loop(made())
    loop.lag(*lags, busy=False)
    assert loop.shedding.pressure == 0


def test_shedding_that_is_off_sheds_nothing() -> None:
    loop = Loop(made(bearable_s=0.0), "low")
    loop.lag(*[LATE] * 30)
    assert loop.shedding.pressure == 0


@given(st.lists(st.floats(0, 3), min_size=40, max_size=120))
def test_no_class_is_touched_before_all_of_those_below_it_are_turned_away(lags: list[float]) -> None:
    shedding = made()
    loop = Loop(shedding, *PRIORITIES)
    for lag in lags:
        before = dict(loop.away)
        pressure = shedding.pressure
        loop.lag(lag)
        went = [loop.away[name] - before[name] for name in reversed(PRIORITIES)]  # low, normal, high: one call each
        assert all(below == 1 for below, above in pairwise(went) if above), (went, pressure)
    assert loop.away["high"] <= 0.75 * len(lags)


def test_shedding_of_one_class_only_lets_a_quarter_of_it_pass() -> None:
    for only in PRIORITIES:
        loop = Loop(made(), only)
        loop.lag(*[LATE] * 20)
        loop.away[only] = 0
        loop.lag(*[LATE] * 100)
        assert loop.away[only] == 75
        assert loop.shedding.shed[only] >= 75


def test_it_takes_a_while_without_lag_until_all_calls_are_taken_again() -> None:
    loop = Loop(made(), "low")
    loop.lag(*[LATE] * 8)
    assert loop.shedding.pressure == 0.75, "low alone calls: a quarter of it passes"
    loop.lag(*[0.8] * 50)  # neither late nor in time
    assert loop.shedding.pressure == 0.75
    began = loop.now
    while loop.shedding.pressure:
        loop.lag(0.0)
    assert 3.0 < loop.now - began < 3.7

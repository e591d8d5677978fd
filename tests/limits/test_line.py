"""Who is served first of those who wait, and how long it is said to take."""

from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.priority import rank_of
from steelyard.limits.gate import Gate
from steelyard.limits.line import Line

HIGH, NORMAL, LOW = rank_of("high"), rank_of("normal"), rank_of("low")
RANKS = st.sampled_from((HIGH, NORMAL, LOW))


class Caller:
    def __init__(self, rank: int, ticket: int) -> None:
        self.rank = rank
        self.ticket = ticket

    def summon(self, gate: Gate) -> None:
        raise AssertionError

    def enter(self, gate: Gate) -> None:
        raise AssertionError


def line_of(*ranks: int) -> Line:
    line = Line(10.0, 1000)
    for ticket, rank in enumerate(ranks):
        line.add(Caller(rank, ticket), 0.0)
    return line


def served(line: Line, most: int = 1000) -> list[tuple[int, int]]:
    """Serve a line to its end; return rank and ticket of each."""
    found: list[tuple[int, int]] = []
    while line.length and len(found) < most:
        first = line.first()
        one = line.serve(0.0)
        assert one is first
        found.append((one.rank, one.ticket))
    return found


@settings(max_examples=40, deadline=None)
@given(st.lists(RANKS, max_size=60))
def test_within_a_priority_who_came_first_is_served_first(ranks: list[int]) -> None:
    order = served(line_of(*ranks))
    assert len(order) == len(ranks)
    for rank in (HIGH, NORMAL, LOW):
        tickets = [ticket for one, ticket in order if one == rank]
        assert tickets == sorted(tickets)


def test_high_goes_before_normal_and_normal_before_low() -> None:
    order = served(line_of(LOW, NORMAL, HIGH, LOW, NORMAL, HIGH))
    assert [rank for rank, _ in order] == [HIGH, HIGH, NORMAL, NORMAL, LOW, LOW]


def test_of_what_is_served_while_all_wait_high_has_sixteen_parts_normal_four_and_low_one() -> None:
    line = line_of(*[rank for rank in (HIGH, NORMAL, LOW) for _ in range(400)])
    first = [rank for rank, _ in served(line, 420)]
    assert [first.count(rank) for rank in (HIGH, NORMAL, LOW)] == [320, 80, 20]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("aaals"), RANKS), min_size=30, max_size=300))
def test_nobody_starves_whoever_comes_and_leaves(events: list[tuple[str, int]]) -> None:
    """While a call is the first of its class, at most 22 others are served before it."""
    line = Line(10.0, 1000)
    tickets = count()
    waiting: list[Caller] = []
    passed_over: dict[int, int] = {}
    for event, rank in events + [("s", HIGH)] * 300:
        among = [one for one in waiting if one.rank == rank]
        if event == "a":
            waiting.append(Caller(rank, next(tickets)))
            line.add(waiting[-1], 0.0)
        elif event == "l" and among:
            line.remove(among[0])
            waiting.remove(among[0])
        elif event == "s" and line.length:
            heads = {min((w.ticket for w in waiting if w.rank == r), default=-1) for r in (HIGH, NORMAL, LOW)}
            one = line.serve(0.0)
            waiting = [other for other in waiting if other is not one]
            for ticket in heads - {one.ticket, -1}:
                passed_over[ticket] = passed_over.get(ticket, 0) + 1
        assert line.length == len(waiting)
    assert all(number <= 22 for number in passed_over.values()), passed_over


def test_who_waited_elsewhere_keeps_the_turn() -> None:
    line = Line(10.0, 1000)
    for ticket in (3, 5, 9, 4, 1, 7):
        line.add(Caller(NORMAL, ticket), 0.0)
    assert [ticket for _, ticket in served(line)] == [1, 3, 4, 5, 7, 9]


def test_who_leaves_twice_leaves_once() -> None:
    line = Line(10.0, 1000)
    caller = Caller(LOW, 1)
    line.add(caller, 0.0)
    line.remove(caller)
    line.remove(caller)
    assert line.length == 0


def test_a_wait_is_told_by_the_pace_at_which_those_before_were_served() -> None:
    line = line_of(*[NORMAL] * 10)
    for number in range(1, 5):
        line.serve(2.0 * number)
    assert line.wait_s(NORMAL, 8.0) == 7 * 2.0  # six wait, and it is the seventh
    assert line.wait_s(HIGH, 8.0) == 2.0
    assert line.wait_s(LOW, 8.0) == 5 * 2.0  # of normal, four are served before the first of low
    assert line.wait_s(NORMAL, 9.5) == 7 * 2.0 - 1.5


def test_where_nobody_waits_nothing_is_foretold() -> None:
    line = line_of(NORMAL)
    line.serve(500.0)
    assert line.wait_s(NORMAL, 501.0) == 0.0
    line.add(Caller(NORMAL, 2), 600.0)
    assert line.wait_s(NORMAL, 600.0) == 0.0  # the pace of a rush that is over says nothing of this one
    assert line.wait_s(NORMAL, 603.0) == 2 * 3.0 - 3.0


def test_who_gives_way_is_the_last_of_the_lowest_class_and_never_the_first() -> None:
    line = line_of(HIGH, NORMAL, NORMAL, LOW, LOW, LOW)
    given_way = []
    while (one := line.last_below(HIGH)) is not None:
        given_way.append(one.ticket)
        line.remove(one)
    assert given_way == [5, 4, 2]
    assert line.last_below(LOW) is None

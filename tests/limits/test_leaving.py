"""A process leaves budgets to another one: whatever both do from then on, together they stay within them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.limits import Hold, Limits
from steelyard.limits.recall import Left
from steelyard.limits.rules import ATTO
from tests.limits.rig import DAY, WALL, call, limits, rule

RULES = rule("key:*", "usd_per_day", 10), rule("user:*", "usd_total", 7)

moves = st.lists(
    st.tuples(
        st.sampled_from(["old", "old", "new", "new", "settle", "tell"]),
        st.sampled_from(["a", "a", "b"]),
        st.sampled_from([ATTO // 2, ATTO, 3 * ATTO, 5 * ATTO]),
        st.sampled_from([0.0, 0.0, 0.0, 1.0, DAY / 3]),
    ),
    min_size=8,
    max_size=40,
)


class Two:
    """An old process and a new one, what both have spent by subject and period, and their calls under way."""

    def __init__(self) -> None:
        self.old, self.new = limits(*RULES), limits(*RULES)
        self.at = 0.0
        self.spent: dict[tuple[str, float], int] = {}
        self.under_way: list[tuple[Hold, str, float]] = []
        self._known: dict[tuple[str, str], Left] = {}

    def retire(self) -> None:
        left = self.old.leave(WALL + self.at)
        self.new.succeed(left)
        self.new.inherit(left, self._known, WALL + self.at)

    def tell(self, *, ended: bool = False) -> None:
        self.new.inherit(self.old.leave(WALL + self.at, ended=ended), self._known, WALL + self.at)

    def ask(self, made: Limits, subject: str, atto: int) -> None:
        hold = call(made, self.at, key=subject, user=subject, atto=atto)
        if hold.open:
            self.under_way.append((hold, subject, self.at // DAY))

    def settle(self, most: int) -> None:
        hold, subject, day = self.under_way.pop(0)
        cost = min(most, hold.atto)
        hold.settle(0, cost)
        for place in ((subject, day), (subject, -1.0)):
            self.spent[place] = self.spent.get(place, 0) + cost


@settings(max_examples=150)
@given(moves, st.integers(0, 12))
def test_old_and_new_never_spend_more_than_a_budget(moves: list[tuple[str, str, int, float]], retires: int) -> None:
    two = Two()
    for number, (what, subject, amount, later) in enumerate(moves):
        if number == retires:
            two.retire()
        two.at += later
        if what in ("old", "new"):
            two.ask(two.new if what == "new" and number >= retires else two.old, subject, amount)
        elif what == "settle" and two.under_way:
            two.settle(amount)
        elif what == "tell" and number > retires:
            two.tell()
    while two.under_way:
        two.settle(5 * ATTO)
    assert all(cost <= (7 if day < 0 else 10) * ATTO for (_, day), cost in two.spent.items())
    if len(moves) > retires:
        two.tell(ended=True)
        assert {one.reserved for one in two.new.standings(0.0, WALL + two.at)} <= {"0"}

"""What a counter takes of a lease, and what it does alone."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.limits import Hold, Limits, Share, Sharing
from steelyard.limits.recall import Recalled, Spent
from steelyard.limits.rules import ATTO
from tests.limits.rig import DAY, NOW, WALL, call, rule


def shared(sharing: Sharing, *rules: object) -> Limits:
    """Return limits that others count, too, before which nothing was."""
    made = Limits(rules, lambda _: None, sharing=sharing)  # type: ignore[arg-type]
    made.take_back(WALL, Recalled({want: [] for want in made.wants(WALL)}, {}), NOW, WALL)
    return made


def lend(sharing: Sharing, amount: int, kind: str = "") -> Share:
    """Lend so much of the only counter there is (of a kind) from now on; return what it shares."""
    found = [one for one in sharing.shares.values() if kind in one.key]
    assert len(found) == 1, sharing.shares.keys()
    found[0].room += amount
    sharing.pulse.until = inf
    return found[0]


def test_a_call_takes_of_the_lease_and_is_not_admitted_without_one() -> None:
    sharing = Sharing()
    made = shared(sharing, rule("all", "requests_per_minute", 10))
    assert not call(made).open
    share = lend(sharing, 2)
    assert [call(made).open for _ in range(3)] == [True, True, False]
    assert share.key in sharing.active
    assert sum(amount for _, amount in share.told()) == 2


def test_a_lease_that_has_ended_is_not_spent() -> None:
    sharing = Sharing()
    made = shared(sharing, rule("all", "concurrent", 10))
    call(made)
    lend(sharing, 5)
    sharing.pulse.until = NOW + 1
    assert call(made, 0.9).open
    assert not call(made, 1.1).open


def test_what_was_reserved_and_not_taken_goes_back_to_the_lease() -> None:
    sharing = Sharing()
    made = shared(sharing, rule("all", "tokens_per_minute", 5000), rule("all", "usd_per_day", 5))
    made.standings(NOW, WALL)
    tokens, money = lend(sharing, 1000, "tokens"), lend(sharing, ATTO, "usd")
    held = call(made, tokens=1000, atto=ATTO)
    assert held.open
    assert (tokens.room, money.room) == (0, 0)
    held.settle(10, ATTO // 4)
    assert (tokens.room, money.room) == (990, ATTO * 3 // 4)
    assert money.told() == [(0.0, 250_000), (1.0, 0)]
    late = call(made, tokens=990, atto=0)
    late.now = NOW - 120
    late.settle(0, 0)
    assert tokens.room == 0, "what counts no longer is not had twice"


def test_a_gateway_that_is_alone_counts_against_the_whole_limit_and_what_it_knows_of_before() -> None:
    sharing = Sharing()
    limits = Limits((rule("all", "requests_per_hour", 10, local=True),), lambda _: None, sharing=sharing)
    (want,) = limits.wants(WALL)
    spent = Spent(WALL, None, "assistant", None, None, 6, 0, 0)
    limits.take_back(WALL, Recalled({want: [spent]}, {}), NOW, WALL)
    assert not call(limits).open
    share = next(iter(sharing.shares.values()))
    share.alone = True
    assert [call(limits).open for _ in range(5)] == [True] * 4 + [False]
    share.alone, share.room, share.others = False, 0, 3
    assert limits.standings(NOW, WALL)[0].used == 7, "others and this one: what was before, others know"


def test_each_period_of_a_budget_has_a_lease_of_its_own() -> None:
    sharing = Sharing()
    made = shared(sharing, rule("all", "usd_per_day", 5))
    call(made, atto=1)
    today = lend(sharing, ATTO)
    held = call(made, atto=ATTO // 2)
    assert held.open
    assert not call(made, DAY, atto=1).open
    assert today.over
    assert len(sharing.shares) == 2
    held.settle(0, ATTO // 4)
    assert today.told() == [(0.0, 250_000), (1.0, 0)]


def test_a_rule_that_goes_and_comes_again_goes_on_with_its_count() -> None:
    sharing = Sharing()
    requests = rule("all", "requests_per_day", 10)
    made = shared(sharing, requests)
    call(made)
    share = lend(sharing, 5)
    assert call(made).open
    without = Limits((rule("all", "concurrent", 3),), lambda _: None, made, sharing=sharing)
    again = Limits((requests,), lambda _: None, without, sharing=sharing)
    again.take_back(WALL, Recalled({want: [] for want in again.wants(WALL)}, {}), NOW, WALL)
    assert sum(amount for _, amount in share.told()) == 1
    assert call(again).open
    assert sum(amount for _, amount in share.told()) == 2


def test_a_lower_limit_gives_the_lease_back() -> None:
    sharing = Sharing()
    made = shared(sharing, rule("all", "requests_per_day", 10))
    call(made)
    share = lend(sharing, 5)
    Limits((rule("all", "requests_per_day", 4),), lambda _: None, made, sharing=sharing)
    call(made)
    assert (share.limit, share.room) == (4, 0)


moves = st.lists(
    st.tuples(st.sampled_from(["lend", "call", "call", "settle", "free", "later"]), st.integers(0, 400)), max_size=80
)


@settings(max_examples=100, deadline=None)
@given(moves)
def test_what_is_taken_and_held_is_never_above_what_was_lent(moves: list[tuple[str, int]]) -> None:
    """Each grant, and nothing else, may raise what is counted of a gateway."""
    sharing = Sharing()
    made = shared(sharing, rule("all", "tokens_per_hour", 10_000), rule("all", "usd_total", 10))
    made.standings(NOW, WALL)
    tokens, money = lend(sharing, 0, "tokens"), lend(sharing, 0, "usd")
    under_way: list[Hold] = []
    granted, now = 0, 0.0
    for kind, amount in moves:
        if kind == "lend":
            granted += amount
            tokens.room += amount
            money.room += amount * ATTO // 1000
        elif kind == "call":
            hold = call(made, now, tokens=amount, atto=amount * ATTO // 1000)
            under_way += [hold] if hold.open else []
        elif kind == "later":
            now += amount * 10.0
        elif under_way:
            hold = under_way.pop(amount % len(under_way))
            if kind == "free":
                hold.free()
            else:
                hold.settle(min(amount, hold.tokens), min(amount, hold.tokens) * ATTO // 1000)
        window = sum(count for _, count in tokens.told())
        assert tokens.room >= 0
        assert window + tokens.room <= granted
        spent = made.standings(NOW + now, WALL + now)[-1]
        assert float(spent.used) + float(spent.reserved) + money.room / ATTO <= granted / 1000 + 1e-9


@pytest.mark.parametrize("metric", ["requests_per_day", "concurrent", "usd_total"])
def test_an_idle_user_is_forgotten_only_with_nothing_left_to_give_back(metric: str) -> None:
    sharing = Sharing()
    made = shared(sharing, rule("user:*", metric, 10))  # type: ignore[arg-type]
    call(made, user="ann", atto=1)
    share = lend(sharing, 1)
    (crowd,) = made
    for number in range(3):
        call(made, user=f"user-{number}", atto=1)
    assert any(one.name.endswith("/ann") for one in crowd)
    share.room = 0
    share.ask(1)
    for number in range(3, 12):
        call(made, user=f"user-{number}", atto=1)
    assert any(one.name.endswith("/ann") for one in crowd), "she waits to be lent something"
    share.awaited = False
    for number in range(12, 40):
        call(made, user=f"user-{number}", atto=1)
    assert not any(one.name.endswith("/ann") for one in crowd)
    assert share.key not in sharing.shares

"""Whom limits concern, what stays of them through a new configuration, and what is known of the time before."""

from steelyard.limits import Limits, Recalled, Spent
from steelyard.limits.crowd import Crowd
from steelyard.limits.rules import ATTO
from tests.limits.rig import DAY, NOW, WALL, call, limits, rule


def test_each_key_of_a_wildcard_has_a_count_of_its_own() -> None:
    made = limits(rule("key:*", "requests_per_minute", 1))
    assert call(made, key="a").open
    assert not call(made, key="a").open
    assert call(made, key="b").open


def test_a_named_scope_concerns_no_other() -> None:
    made = limits(rule("key:a", "requests_per_minute", 1), rule("route:cheap", "requests_per_minute", 1))
    assert [call(made, key="b").open for _ in range(3)] == [True, True, True]
    assert call(made, key="a", route="cheap").open
    assert not call(made, key="b", route="cheap").open


def test_users_are_counted_by_key_and_those_without_a_name_together() -> None:
    made = limits(rule("user:*", "requests_per_minute", 1))
    assert call(made, key="a", user="ann").open
    assert not call(made, key="a", user="ann").open
    assert call(made, key="a", user="bob").open
    assert call(made, key="b", user="ann").open
    assert call(made, key="a").open
    assert not call(made, key="a").open


def test_idle_users_are_forgotten() -> None:
    made = limits(rule("user:*", "requests_per_minute", 5), most_subjects=1000)
    for number in range(500):
        call(made, number, user=f"u{number}")
    (crowd,) = made
    assert len(crowd) < 200


def test_users_beyond_the_bound_are_counted_together_until_they_are_idle() -> None:
    made = limits(rule("user:*", "requests_per_minute", 2), most_subjects=3)
    assert [call(made, user=f"u{number}").open for number in range(5)] == [True] * 5
    assert not call(made, user="u5").open, "the two before were counted with it"
    assert call(made, user="u0").open, "who was there first has a count of his own"
    assert call(made, 200, user="u5").open
    assert call(made, 200, user="u5").open


def test_a_long_name_of_a_user_is_kept_as_its_digest() -> None:
    made = limits(rule("user:*", "requests_per_minute", 1))
    assert call(made, user="x" * 10_000).open
    assert not call(made, user="x" * 10_000).open
    (crowd,) = made
    assert all(len(one.name) < 100 for one in crowd)


def test_counts_stay_when_a_limit_is_raised() -> None:
    before = limits(rule("key:*", "requests_per_minute", 2), rule("all", "usd_total", 1))
    held = call(before, atto=ATTO)
    call(before, atto=0)
    after = Limits((rule("key:*", "requests_per_minute", 3), rule("all", "usd_total", 2)), print, before)
    assert not after.pending
    assert call(after, atto=ATTO).open
    assert not call(after, atto=0).open
    held.settle(0, ATTO // 4)
    used = {one.limit: (one.used, one.reserved) for one in after.standings(NOW, WALL)}
    assert used == {"requests_per_minute": (3, 0), "usd_total": ("0.25", "1")}


def test_a_rule_that_is_new_waits_for_what_was_counted_before_it() -> None:
    before = limits(rule("key:*", "requests_per_minute", 2))
    after = Limits((rule("key:*", "requests_per_minute", 2), rule("all", "usd_total", 2)), print, before)
    assert [crowd.rule.metric for crowd in after.pending] == ["usd_total"]
    assert [want.since for want in after.wants(WALL)] == [0.0]


def test_what_the_ledger_has_is_counted() -> None:
    rules = (
        rule("key:team-a", "tokens_per_day", 1000),
        rule("user:*", "requests_per_hour", 10),
        rule("team:red", "usd_per_week", 5),
        rule("deployment:*", "requests_per_day", 7),
    )
    made = Limits(rules, print)
    asked = WALL + DAY
    answers = {
        want: [
            Spent(asked - 60, "key_1", "assistant", "acme/m", "ann", 3, 200, 2 * ATTO),
            Spent(asked - 30, "key_2", "assistant", "acme/m", None, 1, 50, ATTO),
            Spent(asked, None, "assistant", "acme/n", None, 1, 5, 0),
        ]
        for want in made.wants(asked)
    }
    keys: dict[str, tuple[str, str | None, str | None]] = {
        "key_1": ("team-a", "red", None),
        "key_2": ("team-b", "red", None),
    }
    made.take_back(asked, Recalled(answers, keys), NOW, asked)
    assert not made.pending
    told = {f"{one.scope} {one.limit}": one.used for one in made.standings(NOW, asked)}
    assert told == {
        "key:team-a tokens_per_day": 200,
        "user:team-a/ann requests_per_hour": 3,
        "user:team-b/ requests_per_hour": 1,
        "user:(none)/ requests_per_hour": 1,
        "team:red usd_per_week": "3",
        "deployment:acme/m requests_per_day": 4,
        "deployment:acme/n requests_per_day": 1,
    }


def test_what_was_counted_before_leaves_its_window_in_time() -> None:
    made = Limits((rule("all", "requests_per_minute", 5),), print)
    (want,) = made.wants(WALL)
    assert want.since <= WALL - 60
    assert want.width_s == 1.0
    spent = [Spent(WALL - 50, None, None, None, None, 4, 0, 0), Spent(WALL - 10, None, None, None, None, 1, 0, 0)]
    made.take_back(WALL, Recalled({want: spent}, {}), NOW, WALL)
    assert not call(made).open
    assert call(made, 12).open


def test_a_budget_of_everybody_stands_even_before_the_first_call() -> None:
    made = limits(rule("key:team-a", "usd_per_day", 5))
    (one,) = made.standings(NOW, WALL)
    assert (one.scope, one.most, one.remaining, one.resets_at) == ("key:team-a", "5", "5", WALL + DAY)
    assert isinstance(next(iter(made)), Crowd)

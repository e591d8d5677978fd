"""One licence against one purpose: three values, acts and facts, thresholds, territories, names, duties."""

from datetime import date
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.catalog.conditions import DOMAINS
from steelyard.catalog.licences import Licence, Permit
from steelyard.catalog.purpose import Purpose, Use
from steelyard.core.errors import ConfigError
from steelyard.policy.decision import Outcome, Verdict
from steelyard.policy.rules import Rules, circumstances_of
from tests.policy.small import ALL_ACTS, TODAY, as_duty, as_rule, licence, purpose

RELEASE = date(2024, 7, 23)


def verdict(
    one: Licence, text: str, *, modalities: tuple[str, ...] | None = ("text",), on: date = TODAY, **facts: Any
) -> Verdict:
    (at,) = circumstances_of(purpose(text, **facts), modalities, on)
    return Rules(one).verdict(at)


def outcome(one: Licence, text: str = "use=research", on: date = TODAY, **facts: Any) -> Outcome:
    return verdict(one, text, on=on, **facts).outcome


# Permits.


def test_what_is_neither_permitted_nor_prohibited_is_unknown() -> None:
    silent = licence("silent", acts=["research"])
    assert outcome(silent, "use=research") == "allow"
    assert outcome(silent, "use=commercial") == "unknown"
    (reason,) = verdict(silent, "use=commercial").reasons
    assert (reason.effect, reason.clause, reason.licence) == ("unknown", None, "silent")
    assert reason.text == "Nothing in it permits commercial use."


@pytest.mark.parametrize(
    ("key", "act"),
    [
        ("hosts_for_third_parties", "host"),
        ("redistributes_weights", "redistribute"),
        ("modifies_weights", "modify"),
        ("train_on_outputs", "train"),
    ],
)
def test_each_act_must_be_permitted_by_itself(key: str, act: str) -> None:
    without = licence("without", acts=[one for one in ALL_ACTS if one != act])
    assert outcome(without, f"use=research {key}=true") == "unknown"
    assert outcome(without, f"use=research {key}=false") == "allow"
    assert outcome(licence("whole"), f"use=research {key}=true") == "allow"


def test_an_undeclared_use_is_allowed_where_every_use_is() -> None:
    assert outcome(licence("whole"), "") == "allow"
    assert outcome(licence("part", acts=["research", "evaluation"]), "") == "unknown"
    assert outcome(licence("barred", as_rule(use="commercial")), "") == "unknown"


def test_a_permit_counts_where_its_conditions_are_known_to_hold() -> None:
    permits = [Permit(acts=("research",), clause="1", text="Yes.", when={"annual_revenue_usd": {"above": 10}})]
    one = licence("rich", permits=permits)
    assert outcome(one, "use=research annual_revenue_usd=11") == "allow"
    assert outcome(one, "use=research annual_revenue_usd=10") == "unknown"
    assert outcome(one, "use=research") == "unknown"


# Prohibitions: acts that are not declared are not done; facts that are not declared are unknown.


@pytest.mark.parametrize(
    "key",
    ["train_on_outputs", "distributes_derived", "hosts_for_third_parties", "redistributes_weights", "modifies_weights"],
)
def test_an_act_that_is_not_declared_is_not_done(key: str) -> None:
    barring = licence("barring", as_rule(**{key: True}))
    assert outcome(barring) == "allow"
    assert outcome(barring, f"use=research {key}=false") == "allow"
    assert outcome(barring, f"use=research {key}=true") == "deny"


def test_a_prohibition_cites_its_clause() -> None:
    (reason, *_) = verdict(licence("l", as_rule("2.b", use="commercial")), "use=commercial").reasons
    assert (reason.effect, reason.clause, reason.licence) == ("deny", "2.b", "l")


def test_all_conditions_of_a_rule_must_hold() -> None:
    both = licence("both", as_rule(use="commercial", domain=["medical"]))
    assert outcome(both, "use=commercial domain=medical") == "deny"
    assert outcome(both, "use=commercial") == "allow"
    assert outcome(both, "use=research domain=medical") == "allow"
    assert outcome(both, "domain=medical") == "unknown"


def test_one_condition_that_does_not_hold_settles_it_whatever_else_is_unknown() -> None:
    rule = as_rule(use="commercial", annual_revenue_usd={"above": 5})
    assert outcome(licence("l", rule), "use=research") == "allow"
    assert outcome(licence("l", rule), "use=commercial") == "unknown"


def test_an_unknown_prohibition_says_what_to_declare() -> None:
    told = verdict(licence("l", as_rule("5", monthly_active_users={"above": 5})), "use=research").reasons[0]
    assert told.text == "What clause 5 prohibits. Whether this applies: declare `monthly_active_users`."


# Thresholds.


@pytest.mark.parametrize(
    ("test", "value", "expected"),
    [
        ("above", 99, "allow"), ("above", 100, "allow"), ("above", 101, "deny"),
        ("at_least", 99, "allow"), ("at_least", 100, "deny"), ("at_least", 101, "deny"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["monthly_active_users", "annual_revenue_usd"])
def test_a_threshold_at_any_time_is_tested_against_the_present_number(
    key: str, test: str, value: int, expected: Outcome
) -> None:
    one = licence("l", as_rule(**{key: {test: 100}}))
    assert outcome(one, f"use=research {key}={value}") == expected
    assert outcome(one) == "unknown"


ONCE = licence("once", as_rule(monthly_active_users={"above": 700, "on": RELEASE}))


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("monthly_active_users=700", "allow"),  # fewer now: hardly anybody loses hundreds of millions
        ("monthly_active_users=701", "unknown"),  # how many there were then is not told
        ("monthly_active_users_at_release=701", "deny"),
        ("monthly_active_users_at_release=700", "allow"),
        ("monthly_active_users=9000 monthly_active_users_at_release=1", "allow"),
        ("monthly_active_users=1 monthly_active_users_at_release=9000", "deny"),
        ("", "unknown"),
    ],
)
def test_a_threshold_that_was_tested_once_is_tested_against_what_was_then(declared: str, expected: Outcome) -> None:
    assert outcome(ONCE, f"use=research {declared}") == expected


def test_a_threshold_at_any_time_does_not_ask_what_was_at_the_release() -> None:
    one = licence("l", as_rule(monthly_active_users={"above": 700}))
    assert outcome(one, "use=research monthly_active_users=9000 monthly_active_users_at_release=1") == "deny"
    assert outcome(one, "use=research monthly_active_users_at_release=1") == "unknown"


@pytest.mark.parametrize(("days", "expected"), [(0, "deny"), (31, "deny"), (32, "unknown"), (-5, "deny")])
def test_in_the_month_of_the_release_the_present_number_is_the_one_that_was_asked(days: int, expected: Outcome) -> None:
    on = date.fromordinal(RELEASE.toordinal() + days)
    assert outcome(ONCE, "use=research monthly_active_users=701", on=on) == expected


# Fields of use.


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("military", "deny"), ("MILITARY", "deny"), ("defence", "deny"), ("warfare", "deny"), ("medical", "allow"),
        ("general", "allow"), ("gardening", "unknown"), ("medical,military", "deny"), ("gardening,military", "deny"),
        ("general,gardening", "unknown"),
    ],
)  # fmt: skip
def test_a_field_of_use_is_barred_by_its_name_or_by_a_synonym(declared: str, expected: Outcome) -> None:
    barring = licence("l", as_rule(domain=["military", "weapons"]))
    assert outcome(barring, f"use=research domain={declared}") == expected
    assert outcome(licence("whole"), f"use=research domain={declared}") == "allow"


def test_no_field_of_use_counts_as_none_that_is_barred() -> None:
    assert outcome(licence("l", as_rule(domain=sorted(DOMAINS)))) == "allow"


# Territories.


@pytest.mark.parametrize("key", ["territory", "end_user_territory"])
@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("DE", "deny"), ("de", "deny"), ("EU", "deny"), ("US", "allow"), ("US,DE", "deny"), ("EEA", "unknown"),
        ("NO", "allow"), ("WORLD", "unknown"), ("EL", "deny"), ("UK", "allow"), ("US-CA", "allow"), ("DE-BY", "deny"),
    ],
)  # fmt: skip
def test_a_prohibition_within_a_union_bars_its_members(key: str, declared: str, expected: Outcome) -> None:
    one = licence("l", as_rule(**{key: ["EU"]}))
    assert outcome(one, f"use=research {key}={declared}") == expected
    assert outcome(one) == "unknown"


@pytest.mark.parametrize("key", ["territory", "end_user_territory"])
@pytest.mark.parametrize(
    ("declared", "expected"),
    [("CN", "allow"), ("US", "deny"), ("CN,US", "deny"), ("WORLD", "unknown"), ("CN-BJ", "allow")],
)
def test_a_prohibition_outside_of_a_territory_bars_all_others(key: str, declared: str, expected: Outcome) -> None:
    one = licence("l", as_rule(**{f"not_{key}": ["CN"]}))
    assert outcome(one, f"use=research {key}={declared}") == expected
    assert outcome(one) == "unknown"


# Names of derived models, and models that are trained on outputs.


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Llama-Foo", "allow"), ("llamafoo", "allow"), ("Foo-Llama", "deny"), ("Llama-1,Foo", "deny"), ("", "allow")],
)
def test_a_name_must_begin_as_the_licence_demands_whatever_its_case(name: str, expected: Outcome) -> None:
    rule = as_rule(train_on_outputs=True, distributes_derived=True, derived_model_name={"lacks_prefix": "Llama"})
    facts: dict[str, Any] = {"derived_model_name": name} if name else {}
    assert outcome(licence("l", rule), "use=research train_on_outputs=true distributes_derived=true", **facts) == (
        expected
    )


def test_whether_a_trained_model_is_passed_on_must_be_declared() -> None:
    one = licence("l", as_rule(train_on_outputs=True, distributes_derived=True))
    assert outcome(one, "use=research train_on_outputs=true") == "unknown"
    assert outcome(one, "use=research train_on_outputs=true distributes_derived=false") == "allow"
    assert outcome(one, "use=research train_on_outputs=true distributes_derived=true") == "deny"
    assert outcome(one, "use=research distributes_derived=true") == "allow"


# Modalities of the card.


@pytest.mark.parametrize(
    ("modalities", "expected"), [(("text",), "allow"), (("text", "image"), "deny"), (None, "unknown"), ((), "allow")]
)
def test_a_rule_on_modalities_asks_the_card(modalities: tuple[str, ...] | None, expected: Outcome) -> None:
    one = licence("l", as_rule(modality=["image"]))
    assert verdict(one, "use=research", modalities=modalities).outcome == expected


# Duties.


def test_a_duty_whose_conditions_hold_is_owed() -> None:
    one = licence("l", duties=[as_duty("display", "3.a", "Built with L", use="commercial"), as_duty("policy", "3.b")])
    found = verdict(one, "use=commercial")
    assert found.outcome == "duties"
    assert [(duty.kind, duty.clause, duty.show) for duty in found.duties] == [
        ("display", "3.a", "Built with L"),
        ("policy", "3.b", None),
    ]
    assert [duty.clause for duty in verdict(one, "use=research").duties] == ["3.b"]


def test_a_duty_whose_conditions_may_hold_is_owed_too() -> None:
    one = licence("l", duties=[as_duty("display", "3", monthly_active_users={"above": 100})])
    assert outcome(one, "use=research") == "duties"
    assert outcome(one, "use=research monthly_active_users=5") == "allow"


def test_a_rule_that_cannot_be_read_is_refused_rather_than_left_out() -> None:
    with pytest.raises(ConfigError, match="no condition is called so"):
        Rules(licence("l", as_rule(fullmoon=True)))


# The outcome alone, which plans are compiled by, is that of the verdict with its reasons.

NUMBERS = st.none() | st.sampled_from([0.0, 5.0, 100.0, 1e9])
YES = st.none() | st.booleans()
PLACES = st.lists(st.sampled_from(["US", "DE", "EU", "EEA", "CN", "WORLD"]), max_size=2).map(tuple)
PURPOSES = st.builds(
    Purpose,
    use=st.none() | st.sampled_from(get_args(Use)),
    monthly_active_users=NUMBERS,
    monthly_active_users_at_release=NUMBERS,
    annual_revenue_usd=NUMBERS,
    domain=st.lists(st.sampled_from(["medical", "military", "general", "gardening", "health"]), max_size=2).map(tuple),
    territory=PLACES,
    end_user_territory=PLACES,
    train_on_outputs=YES,
    distributes_derived=YES,
    hosts_for_third_parties=YES,
    redistributes_weights=YES,
    modifies_weights=YES,
    derived_model_name=st.lists(st.sampled_from(["Llama-x", "Other"]), max_size=1).map(tuple),
)
WHENS = st.dictionaries(
    st.sampled_from(
        [
            "use",
            "monthly_active_users",
            "domain",
            "not_territory",
            "train_on_outputs",
            "distributes_derived",
            "modality",
        ]
    ),
    st.none(),
    max_size=3,
).map(
    lambda keys: {
        key: {
            "use": "commercial",
            "monthly_active_users": {"above": 50, "on": RELEASE},
            "domain": ["medical"],
            "not_territory": ["EU"],
            "train_on_outputs": True,
            "distributes_derived": True,
            "modality": ["image"],
        }[key]
        for key in keys
    }
)


@settings(max_examples=50, deadline=None)
@given(PURPOSES, WHENS, WHENS, WHENS, st.none() | st.sampled_from([("text",), ("image",)]))
def test_the_outcome_alone_is_that_of_the_verdict(
    asked: Purpose,
    barred: dict[str, Any],
    owed: dict[str, Any],
    granted: dict[str, Any],
    modalities: tuple[str, ...] | None,
) -> None:
    permits = [
        Permit(acts=("research", "commercial"), clause="1", text="Yes.", when=granted),
        Permit(acts=ALL_ACTS[1:], clause="1", text="Yes."),
    ]
    rules = Rules(licence("l", as_rule(**barred), duties=[as_duty(**owed)], permits=permits))
    for at in circumstances_of(asked, modalities, TODAY):
        assert rules.outcome(at) == rules.verdict(at).outcome

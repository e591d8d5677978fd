"""What a purpose demands of a card and of a provider: met by what is known, and by nothing else."""

from typing import Any

import pytest
from msgspec import structs

from steelyard.catalog.cards import Card, Component, Evaluation
from steelyard.catalog.openness.components import pieces
from steelyard.catalog.terms import Terms
from steelyard.policy.decision import Decision, Outcome
from tests.policy.small import SOURCE, TODAY, YESTERDAY, card, claim, decided, licence, terms

OWN = terms("vllm", self_hosted=True)


def at(settings: str, **claims: Any) -> Decision:
    """Return the decision on a free model at a provider of which this is known, and terms that permit all."""
    return decided(f"use=research {settings}", at=terms(terms="free", **claims))


def outcome(settings: str, **claims: Any) -> Outcome:
    return at(settings, **claims).decision


# Providers.


@pytest.mark.parametrize(
    ("days", "expected"), [(0, "allow"), (29, "allow"), (30, "allow"), (31, "deny"), (None, "unknown")]
)
def test_inputs_are_kept_no_longer_than_demanded(days: int | None, expected: Outcome) -> None:
    told = {} if days is None else {"retention_days": days}
    assert outcome("max_retention_days=30", **told) == expected


def test_no_retention_at_all_can_be_demanded() -> None:
    assert outcome("max_retention_days=0", retention_days=0) == "allow"
    assert outcome("max_retention_days=0", retention_days=1) == "deny"


@pytest.mark.parametrize(("trains", "expected"), [(False, "allow"), (True, "deny"), (None, "unknown")])
def test_a_provider_that_may_not_train_on_inputs_must_be_known_not_to(trains: bool | None, expected: Outcome) -> None:
    told = {} if trains is None else {"trains_on_inputs": trains}
    assert outcome("allow_provider_training=false", **told) == expected
    assert outcome("allow_provider_training=true", **told) == "allow"


@pytest.mark.parametrize(("own", "expected"), [(True, "allow"), (False, "deny")])
def test_only_a_machine_that_is_known_to_be_ones_own_is_self_hosted(own: bool, expected: Outcome) -> None:
    assert outcome("self_hosted_only=true", self_hosted=own) == expected
    assert outcome("self_hosted_only=false", self_hosted=own) == "allow"


def test_a_service_is_nobody_s_own_machine_and_of_who_has_no_terms_nothing_is_known() -> None:
    assert outcome("self_hosted_only=true") == "deny"
    decision = decided("use=research self_hosted_only=true", at=Terms(provider="acme"))
    told = 'Provider "acme": whether it is a machine of yours is not known; `self_hosted_only` is demanded.'
    assert (decision.decision, decision.reasons[0].text) == ("unknown", told)


@pytest.mark.parametrize(
    ("regions", "wanted", "expected"),
    [
        (["eu"], "eu", "allow"),
        (["EU-FR", "de"], "eu", "allow"),
        (["eu-central-1"], "eu", "allow"),
        (["europe-west4"], "eu", "allow"),
        (["fr-par"], "eu", "allow"),
        (["eu-de"], "de", "allow"),
        (["us-east-1"], "us", "allow"),
        (["eu"], "eea", "allow"),
        (["us"], "eu", "deny"),
        (["eu", "us"], "eu", "deny"),
        (["eu", "us"], "eu,us", "allow"),
        (["eu-west-1"], "de", "deny"),  # Ireland, or wherever it may be
        (["eu-west-2"], "eu", "deny"),  # London
        (["eu-central-2"], "eu", "deny"),  # Zürich
        (["europe-west2"], "eu", "deny"),
        (["europe-west6"], "eu", "deny"),
        (["eu-gb"], "eu", "deny"),
        (["no"], "eu", "deny"),
        (["no"], "eea", "allow"),
        (["global"], "eu", "deny"),
        ([], "eu", "unknown"),
        (None, "eu", "unknown"),
    ],
)
def test_inputs_are_dealt_with_nowhere_but_where_it_is_demanded(
    regions: list[str] | None, wanted: str, expected: Outcome
) -> None:
    told = {} if regions is None else {"regions": regions}
    assert outcome(f"region={wanted}", **told) == expected


ALL = "region=eu max_retention_days=0 allow_provider_training=false self_hosted_only=true"


def test_ones_own_machine_meets_every_demand_on_providers() -> None:
    assert decided(f"use=research {ALL}", at=OWN).decision == "allow"


def test_a_provider_that_nobody_names_meets_none() -> None:
    decision = decided(f"use=research {ALL}")
    assert decision.decision == "unknown"
    assert all(one.text.startswith("A provider that is not named") for one in decision.reasons if one.effect != "allow")
    assert len(decision.reasons) == 5


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        ("max_retention_days=30", "retention_days", 0),
        ("allow_provider_training=false", "trains_on_inputs", False),
        ("region=eu", "regions", ["eu"]),
    ],
)
def test_what_was_known_of_a_provider_and_has_expired_meets_no_demand(settings: str, name: str, value: object) -> None:
    assert outcome(settings, **{name: claim(value, TODAY)}) == "allow"
    decision = at(settings, **{name: claim(value, YESTERDAY)})
    assert (decision.decision, decision.flags) == ("unknown", ("stale",))


def test_a_machine_that_was_ones_own_is_not_known_to_be_any_more() -> None:
    decision = decided("use=research self_hosted_only=true", at=terms(self_hosted=claim(True, YESTERDAY)))
    assert (decision.decision, set(decision.flags)) == ("unknown", {"stale", "unknown-terms"})


def test_a_denial_names_the_source_of_what_is_known() -> None:
    (reason,) = [one for one in at("max_retention_days=0", retention_days=30).reasons if one.effect == "deny"]
    assert (reason.clause, reason.licence) == (SOURCE, None)
    assert reason.text == 'Provider "acme" keeps inputs for 30 days; at most 0 are demanded.'


def test_terms_that_nobody_knows_permit_nothing() -> None:
    decision = decided("use=research", at=Terms(provider="acme"))
    assert (decision.decision, decision.flags) == ("unknown", ("unknown-terms",))
    stale = decided("use=research", at=terms(terms=claim("free", YESTERDAY)))
    assert (stale.decision, stale.flags) == ("unknown", ("stale",))
    strange = decided("use=research", at=terms(terms="nobody-s"))
    assert (strange.decision, strange.flags) == ("unknown", ("unknown-licence",))


# Cards: openness.


APACHE = licence("apache-2.0")


def open_card(*components: str, **claims: Any) -> Card:
    """Return a card whose components are published under a licence that the Model Openness Framework calls open."""
    part = Component(SOURCE, TODAY, APACHE.id)
    return structs.replace(card(licence=APACHE.id, **claims), components=dict.fromkeys(components, part))


def required(mof_class: int) -> list[str]:
    return [one.name for one in pieces().values() if one.required and one.mof_class >= mof_class]


LADDER = ("closed", "open-weight", "mof3", "mof2", "mof1")


@pytest.mark.parametrize("wanted", LADDER)
@pytest.mark.parametrize("reached", LADDER)
def test_each_rung_of_openness_meets_those_below_it(reached: str, wanted: str) -> None:
    described = {
        "closed": card(weights_published=False),
        "open-weight": card(weights_published=True),
        "mof3": open_card(*required(3)),
        "mof2": open_card(*required(2)),
        "mof1": open_card(*required(1)),
    }[reached]
    expected = "allow" if LADDER.index(reached) >= LADDER.index(wanted) else "deny"
    assert decided(f"use=research min_openness={wanted}", described, licences=[APACHE]).decision == expected


def test_a_card_that_does_not_tell_of_its_weights_is_as_open_as_nobody_knows() -> None:
    assert decided("use=research min_openness=open-weight").decision == "unknown"
    assert decided("use=research min_openness=closed").decision == "allow"
    stale = decided("use=research min_openness=open-weight", card(weights_published=claim(True, YESTERDAY)))
    assert (stale.decision, stale.flags) == ("unknown", ("stale",))


def test_weights_that_are_published_and_are_not_meet_no_demand() -> None:
    both = open_card("final-parameters", weights_published=False)
    decision = decided("use=research min_openness=open-weight", both, licences=[APACHE])
    assert (decision.decision, decision.flags) == ("unknown", ("contradictory",))
    assert decided("use=research", both, licences=[APACHE]).decision == "allow"


def test_that_weights_are_not_published_does_not_turn_into_that_they_are_when_it_expires() -> None:
    once = open_card("final-parameters", weights_published=claim(False, YESTERDAY))
    decision = decided("use=research min_openness=open-weight", once, licences=[APACHE])
    assert (decision.decision, decision.flags) == ("unknown", ("contradictory", "stale"))
    since = open_card("final-parameters", weights_published=claim(True, YESTERDAY))
    assert decided("use=research min_openness=open-weight", since, licences=[APACHE]).decision == "allow"


# Cards: compute and quality.


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ([1e24, 1e24], "allow"),
        ([1e25, 1e25], "allow"),
        ([1e24, 1e26], "unknown"),
        ([1.01e25, 1e26], "deny"),
        (None, "unknown"),
    ],
)
def test_training_compute_counts_as_the_range_that_it_is(span: list[float] | None, expected: Outcome) -> None:
    assert decided("use=research max_compute_flop=1e25", card(compute_flop=span)).decision == expected


def test_compute_that_is_no_longer_known_meets_no_demand() -> None:
    stale = decided("use=research max_compute_flop=1e25", card(compute_flop=claim([1e20, 1e20], YESTERDAY)))
    assert (stale.decision, stale.flags) == ("unknown", ("stale",))


def measured(*results: tuple[str, float], **more: Any) -> Card:
    return structs.replace(
        card(), evaluations=tuple(Evaluation(name, value, SOURCE, TODAY, **more) for name, value in results)
    )


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        ("MMLU >= 0.7", "allow"), ("mmlu>=0.7", "allow"), ("MMLU >= 70 %", "allow"), ("MMLU > 0.7", "deny"),
        ("MMLU >= 0.71", "deny"), ("MMLU > 0.69", "allow"), ("GSM8K >= 0.1", "unknown"),
        ("MMLU >= 0.7,GSM8K >= 0.1", "unknown"), ("MMLU >= 0.9,GSM8K >= 0.1", "deny"),
    ],
)  # fmt: skip
def test_a_card_must_show_the_results_that_are_demanded(demand: str, expected: Outcome) -> None:
    assert decided("use=research", measured(("MMLU", 0.7)), facts={"min_quality": demand}).decision == expected


def test_of_several_results_of_one_benchmark_the_worst_counts() -> None:
    both = measured(("MMLU", 0.9), ("mmlu", 0.5))
    assert decided("use=research", both, facts={"min_quality": "MMLU >= 0.7"}).decision == "deny"


def test_a_result_that_has_expired_shows_nothing() -> None:
    old = measured(("MMLU", 0.9), expires=YESTERDAY)
    decision = decided("use=research", old, facts={"min_quality": "MMLU >= 0.7"})
    assert (decision.decision, decision.flags) == ("unknown", ("stale",))

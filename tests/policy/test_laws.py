"""What holds of every decision, whatever is on the cards: a restriction lets nobody in, nor does what has expired."""

from collections import Counter
from datetime import date, timedelta
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import json, structs

from steelyard.catalog.cards import Card, Component, Evaluation
from steelyard.catalog.catalogue import Catalogue
from steelyard.catalog.claims import Claim
from steelyard.catalog.purpose import Purpose, stricter
from steelyard.policy.basis import Basis
from steelyard.policy.decide import Decider
from steelyard.policy.decision import ORDER, Outcome, permits
from steelyard.policy.outcomes import Outcomes
from tests.policy.worlds import MODELS, TODAY, World, demands, purposes, restricted, worlds
from tests.support.catalogue import shipped_catalogue


@cache
def shipped() -> Catalogue:
    """Return the catalogue that is shipped: read for these tests, not whenever tests are listed."""
    return shipped_catalogue()


@cache
def real() -> Decider:
    return Decider(shipped(), TODAY)


ALL: Any = {"max_examples": 50, "deadline": None, "suppress_health_check": list(HealthCheck)}


def outcomes(world: World, purpose: Purpose) -> dict[tuple[str, str], Outcome]:
    """Return the outcome for each model at each provider."""
    catalogue = world.catalogue
    decider = Decider(catalogue, TODAY)
    return {
        (model, terms.provider): decider.verdict(purpose, catalogue.named(model), terms).outcome
        for model in MODELS
        for terms in world.terms
    }


def lets_nobody_in(
    before: dict[tuple[str, str], Outcome], after: dict[tuple[str, str], Outcome], told: object, seen: Counter[str]
) -> None:
    for place, outcome in after.items():
        assert permits(before[place]) or not permits(outcome), (told, place, before[place], outcome)
        if permits(before[place]):
            seen["kept" if permits(outcome) else "lost"] += 1


def test_a_restriction_of_a_card_a_licence_or_terms_lets_nobody_in() -> None:
    seen: Counter[str] = Counter()

    @settings(**ALL)
    @given(st.data(), worlds, purposes)
    def restrict(data: st.DataObject, world: World, purpose: Purpose) -> None:
        before = outcomes(world, purpose)
        for _ in range(4):
            kind, world = data.draw(restricted(world))
            after = outcomes(world, purpose)
            lets_nobody_in(before, after, kind, seen)
            before = after

    restrict()
    assert min(seen["kept"], seen["lost"]) > 10, "restrictions were tried on what was permitted"


def test_a_demand_lets_nobody_in() -> None:
    seen: Counter[str] = Counter()

    @settings(**ALL)
    @given(worlds, purposes, demands)
    def demand(world: World, purpose: Purpose, wanted: Purpose) -> None:
        lets_nobody_in(outcomes(world, purpose), outcomes(world, stricter(purpose, wanted)), wanted, seen)

    demand()
    assert min(seen["kept"], seen["lost"]) > 10, "demands were made of what was permitted"


@settings(**ALL)
@given(worlds, purposes, st.data())
def test_what_has_expired_gives_no_more_than_what_is_not_known(
    world: World, purpose: Purpose, data: st.DataObject
) -> None:
    card = data.draw(st.sampled_from(world.cards))
    names = data.draw(st.sets(st.sampled_from([*card.claims, "licence"])))
    gone = TODAY - timedelta(1)
    stale = {name: structs.replace(one, expires=gone) if name in names else one for name, one in card.claims.items()}
    absent = {name: one for name, one in card.claims.items() if name not in names}
    expired = outcomes(world.with_card(structs.replace(card, claims=stale)), purpose)
    unknown = outcomes(world.with_card(structs.replace(card, claims=absent)), purpose)
    for place, outcome in expired.items():
        assert permits(unknown[place]) or not permits(outcome), (names, place)


@settings(**ALL)
@given(worlds, purposes)
def test_a_licence_that_has_expired_never_allows(world: World, purpose: Purpose) -> None:
    gone = TODAY - timedelta(1)
    cards = tuple(
        structs.replace(
            card,
            claims={
                name: structs.replace(one, expires=gone) if name in ("licence", "developer") else one
                for name, one in card.claims.items()
            },
        )
        for card in world.cards
    )
    assert not any(map(permits, outcomes(structs.replace(world, cards=cards), purpose).values()))


@settings(**ALL)
@given(worlds, purposes)
def test_expired_terms_allow_only_one_s_own_machine(world: World, purpose: Purpose) -> None:
    gone = TODAY - timedelta(1)
    terms = tuple(
        structs.replace(one, claims={name: structs.replace(claim, expires=gone) for name, claim in one.claims.items()})
        for one in world.terms
    )
    assert not any(map(permits, outcomes(structs.replace(world, terms=terms), purpose).values()))


@settings(**ALL)
@given(worlds, st.lists(purposes, min_size=1, max_size=4))
def test_outcomes_are_those_of_verdicts_with_reasons(world: World, several: list[Purpose]) -> None:
    catalogue = world.catalogue
    compiled = Outcomes(Decider(catalogue, TODAY))
    for purpose in several:
        fresh = Decider(catalogue, TODAY)
        for card in (None, *catalogue.cards.values()):
            for terms in world.terms:
                place = compiled.place(card, terms)
                assert compiled.of(purpose).of([place]) == [fresh.verdict(purpose, card, terms).outcome], place


@settings(**ALL)
@given(worlds, purposes)
def test_a_decision_can_be_made_again_from_its_basis(world: World, purpose: Purpose) -> None:
    catalogue = world.catalogue
    decider = Decider(catalogue, TODAY)
    for card in (None, *catalogue.cards.values()):
        for terms in (None, *world.terms):
            decision = decider.decide(purpose, card, terms, "it")
            basis = json.decode(json.encode(decider.basis(purpose, card, terms)), type=Basis)
            again = Decider(basis.catalogue(), basis.on).decide(basis.purpose, basis.card, basis.terms, "it")
            assert again == decision


# The same of the cards and licences that are shipped.

_CARDS = st.deferred(lambda: st.sampled_from(list(shipped().cards.values())))
_TERMS = st.none() | st.deferred(lambda: st.sampled_from(list(shipped().terms.values())))


@settings(**{**ALL, "max_examples": 200})
@given(_CARDS, _TERMS, purposes, demands)
def test_a_demand_never_turns_the_denial_of_a_real_model_into_leave(
    card: Any, terms: Any, purpose: Purpose, demand: Purpose
) -> None:
    before = real().verdict(purpose, card, terms).outcome
    after = real().verdict(stricter(purpose, demand), card, terms).outcome
    assert permits(before) or not permits(after)


@settings(**{**ALL, "max_examples": 200})
@given(_CARDS, _TERMS, purposes, purposes)
def test_what_either_of_two_callers_is_denied_both_together_are_denied(
    card: Any, terms: Any, one: Purpose, other: Purpose
) -> None:
    both = real().verdict(stricter(one, other), card, terms).outcome
    denied = "deny" in (real().verdict(one, card, terms).outcome, real().verdict(other, card, terms).outcome)
    assert not (denied and permits(both))


@settings(**{**ALL, "max_examples": 30})
@given(purposes)
def test_outcomes_of_real_models_are_those_of_verdicts(purpose: Purpose) -> None:
    compiled = Outcomes(real())
    terms = [shipped().terms[name] for name in sorted(shipped().terms)]
    cards = [shipped().cards[name] for name in sorted(shipped().cards)]
    pairs = [(card, terms[number % len(terms)]) for number, card in enumerate(cards)]
    found = compiled.of(purpose).of(compiled.place(card, who) for card, who in pairs)
    for (card, who), outcome in zip(pairs, found, strict=True):
        assert outcome == real().verdict(purpose, card, who).outcome, (card.model, who.provider)


@settings(**{**ALL, "max_examples": 100})
@given(_CARDS, _TERMS, purposes)
def test_the_decision_on_a_real_model_can_be_made_again_from_its_basis(card: Any, terms: Any, purpose: Purpose) -> None:
    decision = real().decide(purpose, card, terms)
    basis = json.decode(json.encode(real().basis(purpose, card, terms)), type=Basis)
    assert Decider(basis.catalogue(), basis.on).decide(basis.purpose, basis.card, basis.terms) == decision


def test_outcomes_are_ordered_and_only_the_lenient_ones_permit() -> None:
    assert sorted(ORDER, key=lambda one: ORDER[one]) == ["allow", "duties", "unknown", "deny"]
    assert [permits(one) for one in ("allow", "duties", "unknown", "deny")] == [True, True, False, False]


def test_a_bad_result_that_expires_leaves_the_good_one_not_enough() -> None:
    def card(expires: date | None) -> Card:
        made = date(2025, 1, 1)
        bad = Evaluation(name="MMLU", value=0.4, source="https://example.com", retrieved=made, expires=expires)
        good = Evaluation(name="MMLU", value=0.9, source="https://example.com", retrieved=made)
        return Card(model="maker/m0", claims={}, evaluations=(bad, good))

    demand = Purpose(min_quality=("MMLU >= 0.7",))
    assert real().of_demands(demand, card(None)).outcome == "deny"
    assert real().of_demands(demand, card(TODAY)).outcome == "deny"
    expired = real().of_demands(demand, card(TODAY - timedelta(1)))
    assert expired.outcome == "unknown"
    assert "expired" in expired.reasons[0].text


def test_weights_that_were_not_to_be_had_are_not_taken_for_published_when_that_expires() -> None:
    def card(expires: date | None) -> Card:
        made = date(2025, 1, 1)
        part = Component(source="https://example.com", retrieved=made, published=False, expires=expires)
        said = Claim(True, "https://example.com", made)
        return Card(model="maker/m0", claims={"weights_published": said}, components={"final-parameters": part})

    demand = Purpose(min_openness="open-weight")
    assert not permits(real().of_demands(demand, card(None)).outcome)
    assert not permits(real().of_demands(demand, card(TODAY - timedelta(1))).outcome)

"""Decisions on real models by each key of a purpose; laundering; contradictions; laws that hold for all decisions."""

from datetime import date
from functools import cache
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from steelyard.catalog.cards import Card, Component
from steelyard.catalog.catalogue import Catalogue
from steelyard.catalog.conditions import DOMAINS
from steelyard.catalog.licences import Permit
from steelyard.catalog.purpose import NO_PURPOSE, Openness, Purpose, Use, stricter
from steelyard.policy.decide import Decider
from steelyard.policy.decision import ORDER, Decision, Outcome, permits
from tests.policy.small import (
    ALL_ACTS,
    FREE,
    NC,
    SOURCE,
    TODAY,
    YESTERDAY,
    as_duty,
    as_rule,
    card,
    claim,
    decided,
    decider,
    licence,
    purpose,
    terms,
)  # fmt: skip
from tests.support.catalogue import shipped_catalogue

LLAMA_3_1 = "meta-llama/Llama-3.1-8B-Instruct"
LLAMA_2 = "meta-llama/Llama-2-7b-chat-hf"
LLAMA_4 = "meta-llama/Llama-4-Scout-17B-16E-Instruct"
QWEN_2024 = "Qwen/Qwen2.5-72B-Instruct"
QWEN_RESEARCH = "Qwen/Qwen2.5-3B-Instruct"
GEMMA = "google/gemma-2-9b-it"
PHI = "microsoft/phi-4"
SMALL = "use=commercial monthly_active_users=1000 annual_revenue_usd=1000 territory=US end_user_territory=US"


@cache
def shipped() -> Catalogue:
    return shipped_catalogue()


@cache
def shipped_decider(on: date = TODAY) -> Decider:
    return Decider(shipped(), on)


def of(model: str, text: str = "", provider: str | None = None, **settings: Any) -> Decision:
    """Return the decision on a shipped card, at a provider of the catalogue."""
    known = shipped().named(model)
    assert known is not None, model
    return shipped_decider().decide(
        purpose(text, **settings), known, shipped().terms[provider] if provider else None, model
    )


def clause(decision: Decision) -> tuple[str | None, str | None]:
    return decision.reasons[0].licence, decision.reasons[0].clause


# Each key.


def test_use() -> None:
    assert of(QWEN_RESEARCH, "use=research").decision == "duties"
    assert of(QWEN_RESEARCH, "use=evaluation").decision == "duties"
    denied = of(QWEN_RESEARCH, "use=commercial")
    assert (denied.decision, clause(denied)) == ("deny", ("qwen-research", "2.b"))
    assert of(QWEN_RESEARCH).decision == "unknown"
    assert of(PHI, "use=commercial").decision == "allow"


def test_a_caller_with_one_use_on_a_route_for_another_needs_leave_for_both() -> None:
    both = stricter(Purpose(use="evaluation"), Purpose(use="commercial"))
    assert (both.use, both.other_uses) == ("commercial", ("evaluation",))
    assert stricter(both, Purpose(use="evaluation")) == both
    assert of("xai/grok-3", "use=commercial", "xai").decision == "duties"
    for asked in ("use=evaluation", "use=commercial other_uses=evaluation"):
        decision = of("xai/grok-3", asked, "xai")
        assert (decision.decision, clause(decision)) == ("deny", ("xai", "ET 2(j)"))
    # Not because no use were declared: what bars research only does not bar these two.
    assert of("openai/gpt-4.1", "use=commercial other_uses=evaluation", "openai").decision == "duties"


def test_monthly_active_users_are_asked_once_by_one_licence_and_at_any_time_by_another() -> None:
    grown = "use=commercial monthly_active_users=800000000 monthly_active_users_at_release=1000"
    assert of(LLAMA_3_1, grown).decision == "duties"
    assert (of(QWEN_2024, grown).decision, clause(of(QWEN_2024, grown))) == ("deny", ("qwen-2024", "4"))
    shrunk = "use=commercial monthly_active_users=1000 monthly_active_users_at_release=800000000"
    assert (of(LLAMA_3_1, shrunk).decision, clause(of(LLAMA_3_1, shrunk))) == ("deny", ("llama-3.1", "2"))
    assert of(QWEN_2024, shrunk).decision == "duties"


@pytest.mark.parametrize(
    ("model", "users", "expected"),
    [
        (LLAMA_3_1, 700_000_000, "duties"),
        (LLAMA_3_1, 700_000_001, "unknown"),  # now: how many there were at the release is not told
        (LLAMA_3_1, None, "unknown"),
        (QWEN_2024, 100_000_000, "duties"),
        (QWEN_2024, 100_000_001, "deny"),
        (QWEN_2024, None, "unknown"),
        (PHI, None, "allow"),
    ],
)
def test_monthly_active_users(model: str, users: int | None, expected: Outcome) -> None:
    told: dict[str, Any] = {} if users is None else {"monthly_active_users": users}
    assert of(model, "use=commercial", **told).decision == expected


def test_as_of() -> None:
    """The month after a release is the one that its threshold asks about; a decision is made as on its day."""
    asked = purpose("use=commercial monthly_active_users=800000000")
    known = shipped().named(LLAMA_3_1)
    assert shipped_decider(date(2024, 8, 1)).decide(asked, known, None).decision == "deny"
    assert shipped_decider(date(2026, 8, 1)).decide(asked, known, None).decision == "unknown"


def test_annual_revenue_usd() -> None:
    law = licence("l", as_rule("4", use="commercial", annual_revenue_usd={"above": 1_000_000}))
    one = card(licence="l")
    outcomes = [
        decided(f"use=commercial annual_revenue_usd={usd}", one, licences=[law]).decision for usd in (1e6, 1e6 + 1)
    ]
    assert outcomes == ["allow", "deny"]
    assert decided("use=commercial", one, licences=[law]).decision == "unknown"


def test_domain() -> None:
    assert clause(of(LLAMA_3_1, f"{SMALL} domain=military"))[0] == "llama-3.1"
    assert of(LLAMA_3_1, f"{SMALL} domain=military").decision == "deny"
    assert of(LLAMA_3_1, f"{SMALL} domain=education").decision == "duties"
    assert of(LLAMA_3_1, f"{SMALL} domain=falconry").decision == "unknown"
    assert of(PHI, "use=commercial domain=military").decision == "allow"


def test_territory() -> None:
    assert of(LLAMA_4, SMALL).decision == "duties"
    for place in ("DE", "EU", "FR,US"):
        assert of(LLAMA_4, SMALL, territory=place).decision == "deny"
    undeclared = "use=commercial monthly_active_users=1000 end_user_territory=US"
    assert of(LLAMA_4, undeclared).decision == "unknown"
    assert of(LLAMA_3_1, SMALL, territory="DE").decision == "duties"


def test_end_user_territory() -> None:
    law = licence("l", as_rule("1", not_end_user_territory=["CN"]))
    one = card(licence="l")
    assert decided("use=research end_user_territory=CN", one, licences=[law]).decision == "allow"
    assert decided("use=research end_user_territory=CN,US", one, licences=[law]).decision == "deny"
    assert decided("use=research territory=CN", one, licences=[law]).decision == "unknown"


def test_train_on_outputs() -> None:
    assert of(LLAMA_2, f"{SMALL} train_on_outputs=true").decision == "deny"
    assert of(LLAMA_2, f"{SMALL} train_on_outputs=false").decision == "duties"
    assert of(LLAMA_3_1, f"{SMALL} train_on_outputs=true").decision == "duties"
    closed = of("openai/gpt-4.1", f"{SMALL} train_on_outputs=true", "openai")
    assert (closed.decision, closed.reasons[0].licence) == ("deny", "openai-services")


def test_derived_model_name() -> None:
    trains = f"{SMALL} train_on_outputs=true distributes_derived=true"
    (name,) = [duty for duty in of(LLAMA_3_1, trains).duties if duty.kind == "name"]
    assert name.show == "Llama"
    assert of(LLAMA_3_1, trains, derived_model_name="Llama-Acme").decision == "duties"
    denied = of(LLAMA_3_1, trains, derived_model_name="Acme-1")
    assert (denied.decision, clause(denied)) == ("deny", ("llama-3.1", "1.b.i"))


def test_distributes_derived() -> None:
    kept = of(LLAMA_3_1, f"{SMALL} train_on_outputs=true distributes_derived=false derived_model_name=Acme-1")
    assert kept.decision == "duties"
    assert "name" not in {duty.kind for duty in kept.duties}
    half_told = of(LLAMA_3_1, f"{SMALL} train_on_outputs=true derived_model_name=Acme-1")
    assert half_told.decision == "unknown"


def test_hosts_for_third_parties() -> None:
    hosted = of(GEMMA, f"{SMALL} hosts_for_third_parties=true")
    assert {"pass-on", "licence-copy"} <= {duty.kind for duty in hosted.duties}
    assert "pass-on" not in {duty.kind for duty in of(GEMMA, SMALL).duties}
    assert of("tiiuae/falcon-180B", f"{SMALL} hosts_for_third_parties=true").decision == "deny"


def test_redistributes_weights() -> None:
    assert of(PHI, "use=commercial").duties == ()
    assert [duty.kind for duty in of(PHI, "use=commercial redistributes_weights=true").duties] == ["notice"]


def test_modifies_weights() -> None:
    changed = of(GEMMA, f"{SMALL} redistributes_weights=true modifies_weights=true")
    assert "state-changes" in {duty.kind for duty in changed.duties}
    assert "state-changes" not in {duty.kind for duty in of(GEMMA, f"{SMALL} redistributes_weights=true").duties}


def test_region_retention_training_and_self_hosting_are_asked_of_the_provider() -> None:
    mistral = "mistralai/Mistral-7B-Instruct-v0.3"
    assert of(mistral, "use=commercial region=eu", "mistral").decision == "duties"
    assert of(mistral, "use=commercial region=us", "mistral").decision == "deny"
    assert of("openai/gpt-4.1", f"{SMALL} max_retention_days=30", "openai").decision == "duties"
    assert of("openai/gpt-4.1", f"{SMALL} max_retention_days=0", "openai").decision == "deny"
    assert of("openai/gpt-4.1", f"{SMALL} allow_provider_training=false", "openai").decision == "duties"
    assert of("openai/gpt-4.1", f"{SMALL} self_hosted_only=true", "openai").decision == "deny"
    assert of(PHI, "use=commercial self_hosted_only=true region=eu max_retention_days=0", "ollama").decision == "allow"
    assert of(PHI, "use=commercial self_hosted_only=true").decision == "unknown"


def test_min_openness_max_compute_flop_and_min_quality_are_asked_of_the_card() -> None:
    assert of(PHI, "use=commercial min_openness=open-weight").decision == "allow"
    assert of("openai/gpt-4.1", f"{SMALL} min_openness=open-weight", "openai").decision == "deny"
    assert of("openai/gpt-4.1", f"{SMALL} min_openness=closed", "openai").decision == "duties"
    assert of(LLAMA_3_1, f"{SMALL} max_compute_flop=1e25").decision == "duties"
    assert of("meta-llama/Llama-3.1-405B", f"{SMALL} max_compute_flop=1e25").decision == "deny"
    shown = next(one for one in shipped().cards.values() if one.evaluations and "," not in one.evaluations[0].name)
    demand = f"{shown.evaluations[0].name} > 999"
    denied = of(shown.model, f"{SMALL} use=research", min_quality=demand)
    assert any(reason.text.endswith(f"{demand} is demanded.") for reason in denied.reasons if reason.effect == "deny")


# What a decision says.


def test_a_decision_carries_reasons_duties_flags_and_digests() -> None:
    found = of(LLAMA_3_1, SMALL)
    display = next(duty for duty in found.duties if duty.kind == "display")
    assert (display.show, display.licence) == ("Built with Llama", "llama-3.1")
    assert {reason.effect for reason in found.reasons} == {"allow", "duty"}
    assert all(reason.clause and reason.licence == "llama-3.1" for reason in found.reasons)
    assert found.terms_sha256 is None
    assert all(len(digest or "") == 64 for digest in (found.card_sha256, found.purpose_sha256, found.basis_sha256))


def test_what_is_denied_has_no_duties() -> None:
    assert of(LLAMA_3_1, f"{SMALL} domain=military").duties == ()


def test_the_weightiest_reason_stands_first() -> None:
    effects = [reason.effect for reason in of(QWEN_RESEARCH, "use=commercial").reasons]
    assert effects == sorted(effects, key=["deny", "unknown", "duty", "allow"].index)


def test_a_model_without_a_card_is_unknown_by_name() -> None:
    decision = decider().decide(NO_PURPOSE, None, None, "acme/strange")
    assert (decision.decision, decision.flags, decision.card_sha256) == ("unknown", ("no-card",), None)
    assert decision.reasons[0].text == "No card describes acme/strange: nothing is known of it."


def test_terms_and_licence_both_bind() -> None:
    service = licence("service", as_rule("t.1", domain=["military"]), duties=[as_duty("policy", "t.2")])
    at = terms(terms="service")
    assert decided("use=research", at=at, licences=[service]).decision == "duties"
    assert decided("use=commercial", card(licence="nc"), at=at, licences=[service]).decision == "deny"
    assert decided("use=research domain=military", at=at, licences=[service]).decision == "deny"


def test_a_developer_s_own_service_is_bound_by_its_terms_alone() -> None:
    service = licence("service")
    own = card(licence="nc", developer="Acme")
    assert decided("use=commercial", own, at=terms(terms="service", developer="Acme"), licences=[service]).decision == (
        "allow"
    )
    assert decided(
        "use=commercial", own, at=terms(terms="service", developer="Other"), licences=[service]
    ).decision == ("deny")


# Laundering.


def test_a_quantised_model_is_no_freer_than_what_it_was_made_from() -> None:
    quant = card("q/quant", "apache-2.0", base_model=QWEN_RESEARCH, base_model_relation="quantized")
    known = Decider(shipped().with_cards([quant]), TODAY)
    sold = known.decide(purpose("use=commercial"), quant, None)
    assert (sold.decision, sold.flags, clause(sold)) == ("deny", ("laundering",), ("qwen-research", "2.b"))
    studied = known.decide(purpose("use=research"), quant, None)
    assert (studied.decision, studied.flags) == ("duties", ("laundering",))
    told = next(reason for reason in studied.reasons if "says apache-2.0" in reason.text)
    assert (told.effect, told.licence) == ("allow", "qwen-research")


@pytest.mark.parametrize("order", [("o/nc", "o/free"), ("o/free", "o/nc")])
def test_a_merge_is_as_free_as_the_least_free_of_its_parents(order: tuple[str, str]) -> None:
    merge = card("o/merge", base_model=list(order), base_model_relation="merge")
    for cards in ((merge, card("o/nc", "nc"), card("o/free")), (card("o/free"), card("o/nc", "nc"), merge)):
        found = decider(*cards)
        assert found.decide(purpose("use=commercial"), merge, None).decision == "deny"
        assert found.decide(purpose("use=commercial"), merge, None).flags == ("laundering",)
        assert found.decide(purpose("use=research"), merge, None).decision == "allow"


def test_a_model_of_a_forbidden_grandparent_launders_too() -> None:
    family = (card("o/a", base_model="o/b"), card("o/b", base_model="o/c"), card("o/c", "nc"))
    assert decided("use=commercial", *family).decision == "deny"
    assert decided("use=research", *family).flags == ("laundering",)


def test_a_child_that_is_as_strict_or_stricter_launders_nothing() -> None:
    assert decided("use=research", card(licence="nc", base_model="o/p"), card("o/p", "nc")).flags == ()
    assert decided("use=research", card(licence="nc", base_model="o/p"), card("o/p", "free")).flags == ()


def test_what_a_parent_does_not_permit_cannot_be_granted_by_its_child() -> None:
    silent = licence("silent", acts=["research"])
    found = decided("use=commercial", card(base_model="o/p"), card("o/p", "silent"), licences=[silent])
    assert (found.decision, found.flags) == ("unknown", ("laundering",))


def test_a_child_that_drops_share_alike_launders() -> None:
    found = decided(
        "use=research redistributes_weights=true modifies_weights=true", card(base_model="o/p"), card("o/p", "sa")
    )
    assert (found.decision, found.flags) == ("duties", ("laundering",))
    assert [duty.kind for duty in found.duties] == ["share-alike"]
    kept = decided("use=research", card(licence="sa", base_model="o/p"), card("o/p", "sa"))
    assert kept.flags == ()


def test_choosing_among_licences_launders_what_a_parent_does_not_let_choose() -> None:
    own = card(licence="mit OR cc-by-nc-4.0", base_model="o/p")
    known = Decider(shipped().with_cards([own, card("o/p", "mit AND cc-by-nc-4.0")]), TODAY)
    found = known.decide(purpose("use=commercial"), own, None)
    assert (found.decision, found.flags) == ("deny", ("laundering",))


def test_the_shipped_cards_that_launder_are_known() -> None:
    flagged = {
        one.model
        for one in shipped().cards.values()
        if "laundering" in shipped_decider().verdict(purpose("use=research"), one, None).flags
    }
    assert {"RedHatAI/Qwen2.5-3B-quantized.w8a8", "CultriX/NeuralTrix-7B-v1"} <= flagged
    assert not flagged & {LLAMA_2, LLAMA_3_1, LLAMA_4, QWEN_2024, QWEN_RESEARCH, GEMMA, PHI}


# Contradictions.


def test_two_licences_of_the_same_weights_allow_nothing() -> None:
    own = structs.replace(card(), components={"final-parameters": Component(SOURCE, TODAY, "nc")})
    found = decided("use=research", own)
    assert (found.decision, found.flags) == ("unknown", ("contradictory",))
    assert found.reasons[0].text == 'The card of owner/model says "free", and of the weights themselves "nc".'
    same = structs.replace(card(), components={"final-parameters": Component(SOURCE, TODAY, "Free")})
    assert decided("use=research", same).decision == "allow"


def test_a_parent_that_contradicts_itself_allows_nothing() -> None:
    parent = structs.replace(card("o/p"), components={"final-parameters": Component(SOURCE, TODAY, "nc")})
    assert decided("use=research", card(base_model="o/p"), parent).decision == "unknown"


# Laws.

MODELS = [LLAMA_2, LLAMA_3_1, LLAMA_4, QWEN_2024, QWEN_RESEARCH, GEMMA, PHI, "openai/gpt-4.1", "tiiuae/falcon-180B"]
NUMBERS = st.none() | st.sampled_from([0.0, 1000.0, 150e6, 800e6, 1e13])
YES = st.none() | st.booleans()
PLACES = st.lists(st.sampled_from(["US", "DE", "CN", "EU"]), max_size=2).map(tuple)
DECLARED: dict[str, Any] = {
    "use": st.none() | st.sampled_from(get_args(Use)),
    "monthly_active_users": NUMBERS,
    "monthly_active_users_at_release": NUMBERS,
    "annual_revenue_usd": NUMBERS,
    "domain": st.lists(st.sampled_from([*sorted(DOMAINS), "falconry"]), max_size=2).map(tuple),
    "territory": PLACES,
    "end_user_territory": PLACES,
    "train_on_outputs": YES,
    "distributes_derived": YES,
    "derived_model_name": st.lists(st.sampled_from(["Llama-x", "x"]), max_size=1).map(tuple),
    "hosts_for_third_parties": YES,
    "redistributes_weights": YES,
    "modifies_weights": YES,
}
DEMANDED: dict[str, Any] = {
    "region": st.lists(st.sampled_from(["eu", "us"]), max_size=2).map(tuple),
    "max_retention_days": st.none() | st.sampled_from([0.0, 30.0]),
    "allow_provider_training": YES,
    "self_hosted_only": YES,
    "min_openness": st.none() | st.sampled_from(get_args(Openness)),
    "max_compute_flop": st.none() | st.sampled_from([1e23, 1e25]),
    "min_quality": st.lists(st.sampled_from(["MMLU >= 0.7", "GSM8K > 0.5"]), max_size=1).map(tuple),
}
ANY = st.builds(Purpose, **DECLARED, **DEMANDED)
DEMANDS = st.builds(Purpose, **DEMANDED)
MODEL = st.sampled_from(MODELS)
PROVIDER = st.none() | st.sampled_from(["openai", "mistral", "groq", "ollama"])


def outcome(asked: Purpose, model: str, provider: str | None, on: Decider | None = None) -> Outcome:
    known = shipped().named(model)
    at = shipped().terms[provider] if provider else None
    return (on or shipped_decider()).verdict(asked, known, at).outcome


@settings(max_examples=50, deadline=None)
@given(ANY, DEMANDS, MODEL, PROVIDER)
def test_a_further_demand_never_allows_what_was_not_allowed(
    asked: Purpose, more: Purpose, model: str, provider: str | None
) -> None:
    assert ORDER[outcome(stricter(asked, more), model, provider)] >= ORDER[outcome(asked, model, provider)]


@settings(max_examples=50, deadline=None)
@given(ANY, ANY, MODEL, PROVIDER)
def test_who_is_bound_by_two_purposes_may_do_nothing_that_either_denies(
    one: Purpose, other: Purpose, model: str, provider: str | None
) -> None:
    both = outcome(stricter(one, other), model, provider)
    if "deny" in (outcome(one, model, provider), outcome(other, model, provider)):
        assert both == "deny"
    assert both == outcome(stricter(other, one), model, provider)


RULES = st.sampled_from(
    [as_rule(use="research"), as_rule(domain=["medical"]), as_rule(monthly_active_users={"above": 5}), as_rule(
        not_territory=["US"]), as_rule(train_on_outputs=True)]
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(ANY, RULES, st.sampled_from(["free", "nc", "sa"]), st.booleans())
def test_a_further_restriction_never_allows_what_was_not_allowed(
    asked: Purpose, rule: Any, name: str, in_parent: bool
) -> None:
    base = {"free": FREE, "nc": NC, "sa": decider().catalogue.licences["sa"]}[name]
    tightened = structs.replace(base, prohibits=(*base.prohibits, rule))
    family = (card("o/a", base_model="o/b"), card("o/b", name)) if in_parent else (card("o/a", name),)
    before = Decider(Catalogue(family, (FREE, base), ()), TODAY).verdict(asked, family[0], None).outcome
    after = Decider(Catalogue(family, (FREE, tightened), ()), TODAY).verdict(asked, family[0], None).outcome
    assert ORDER[after] >= ORDER[before]


@settings(max_examples=50, deadline=None)
@given(ANY, st.sampled_from(["free", "nc", "sa", "other"]), st.sampled_from([None, "finetune", "distilled"]))
def test_a_further_parent_never_allows_what_was_not_allowed(asked: Purpose, name: str, relation: str | None) -> None:
    alone = decider(card("o/a")).verdict(asked, card("o/a"), None).outcome
    child = card("o/a", base_model="o/b", base_model_relation=relation)
    assert ORDER[decider(child, card("o/b", name)).verdict(asked, child, None).outcome] >= ORDER[alone]


@settings(max_examples=50, deadline=None)
@given(ANY, MODEL, PROVIDER, st.data())
def test_an_expired_claim_never_allows(asked: Purpose, model: str, provider: str | None, data: st.DataObject) -> None:
    known = shipped().named(model)
    at = shipped().terms[provider] if provider else None
    assert known is not None
    before = shipped_decider().verdict(asked, known, at).outcome
    name = data.draw(st.sampled_from(sorted(known.claims)))
    stale = structs.replace(
        known, claims={**known.claims, name: structs.replace(known.claims[name], expires=YESTERDAY)}
    )
    after = Decider(shipped().with_cards([stale]), TODAY)
    assert permits(before) or not permits(after.verdict(asked, stale, at).outcome)
    if name == "licence" and provider is None:
        assert not permits(after.verdict(asked, stale, None).outcome)
    if at is not None:
        claimed = data.draw(st.sampled_from(sorted(at.claims)))
        old = structs.replace(at, claims={**at.claims, claimed: structs.replace(at.claims[claimed], expires=YESTERDAY)})
        assert permits(before) or not permits(Decider(shipped(), TODAY).verdict(asked, known, old).outcome)


def test_when_everything_has_expired_nothing_is_allowed() -> None:
    def stale(one: Card) -> Card:
        return structs.replace(one, claims={name: claim(told.value, YESTERDAY) for name, told in one.claims.items()})

    cards = [stale(one) for one in shipped().cards.values()]
    found = Decider(shipped().with_cards(cards), TODAY)
    for one in cards:
        assert not permits(found.verdict(purpose(SMALL), one, None).outcome), one.model


def test_a_licence_that_permits_nothing_here_allows_nothing() -> None:
    nothing = licence("n", permits=[Permit(acts=ALL_ACTS, clause="1", text="Yes.", when={"use": "research"})])
    assert decided("use=commercial", card(licence="n"), licences=[nothing]).decision == "unknown"

"""The cards of closed models, and the terms of those who serve models."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

import pytest

from steelyard.catalog.cards import Card
from steelyard.catalog.catalogue import Catalogue
from steelyard.catalog.claims import Claim
from steelyard.catalog.providers import provider_table
from tests.support.catalogue import shipped_catalogue

_INTERFACES = frozenset(
    {"openai-services", "anthropic-commercial", "google-gemini-api", "mistral-commercial", "xai", "aws-bedrock"}
)
"""The terms under which a developer offers models whose weights it keeps."""

_AWAITED = frozenset({"dashscope", "sambanova"})
"""Terms that may be named before they are written down as rules: until then a decision under them is unknown."""

_OWN_MACHINES = frozenset({"llamacpp", "lmstudio", "local", "localai", "ollama", "sglang", "tgi", "vllm"})
_OF_A_SERVICE = frozenset({"licence", "weights_published", "context", "most_output", "modalities", "capabilities"})
_YEAR = timedelta(days=366)


@cache
def shipped() -> Catalogue:
    return shipped_catalogue()


def closed_cards() -> list[Card]:
    return [card for card in shipped().cards.values() if card.text("licence") in _INTERFACES]


def claims_of_closed_cards() -> Iterator[tuple[str, str, Claim]]:
    for card in closed_cards():
        for name, claim in card.claims.items():
            yield card.model, name, claim


def claims_about_terms() -> Iterator[tuple[str, str, Claim]]:
    for terms in shipped().terms.values():
        for name, claim in terms.claims.items():
            yield terms.provider, name, claim


def lasts_a_year_at_most(claim: Claim) -> bool:
    return claim.expires is not None and claim.retrieved < claim.expires <= claim.retrieved + _YEAR


def is_address(source: str) -> bool:
    return re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+/\S*", source) is not None


def test_the_closed_models_that_people_use_have_cards() -> None:
    developers = Counter(card.text("developer") for card in closed_cards())
    assert developers.total() >= 60
    assert set(developers) == {"OpenAI", "Anthropic", "Google", "Mistral AI", "xAI", "Amazon"}
    assert all(card.text("title") for card in closed_cards())


def test_every_claim_of_a_closed_card_comes_from_an_address_and_has_a_day() -> None:
    for model, name, claim in claims_of_closed_cards():
        assert is_address(claim.source), (model, name, claim.source)
        assert claim.retrieved >= date(2026, 11, 22), (model, name)
    for card in closed_cards():
        assert all(is_address(one.source) for one in card.evaluations), card.model


def test_what_a_closed_service_offers_may_change_and_so_the_claim_expires() -> None:
    for model, name, claim in claims_of_closed_cards():
        if name in _OF_A_SERVICE:
            assert lasts_a_year_at_most(claim), (model, name)


def test_what_has_happened_does_not_expire() -> None:
    past = {"released", "training_data", "knowledge_cutoff", "compute_flop"}
    for model, name, claim in claims_of_closed_cards():
        if name in past:
            assert claim.expires is None, (model, name)


def test_no_closed_card_claims_published_weights() -> None:
    assert [card.model for card in closed_cards() if card.yes("weights_published")] == []


def test_the_licence_of_command_a_is_that_of_its_weights() -> None:
    card = shipped().card("cohere/command-a-03-2025")
    assert card is not None
    assert card.yes("weights_published")
    assert card.text("licence") == "cohere-cc-by-nc-4.0"
    assert shipped().licences["cohere-cc-by-nc-4.0"].kind == "licence"


def test_an_estimate_of_compute_is_a_range_with_its_method_and_how_sure_it_is() -> None:
    estimated = [card for card in closed_cards() if "compute_flop" in card.claims]
    assert len(estimated) >= 5
    for card in estimated:
        span = card.span("compute_flop")
        assert span is not None, card.model
        assert 1e23 < span[0] < span[1] < 1e28, card.model
        assert card.claims["compute_flop"].confidence in {"low", "medium"}, card.model
        assert card.text("compute_method"), card.model


def test_results_are_fractions_and_none_is_told_twice() -> None:
    for card in closed_cards():
        assert all(0 < one.value < 1 for one in card.evaluations), card.model
        told = [(one.name.casefold(), one.metric) for one in card.evaluations]
        assert len(told) == len(set(told)), card.model


def test_no_two_cards_share_a_name() -> None:
    owners = Counter(
        name for card in shipped().cards.values() for name in {one.casefold() for one in (card.model, *card.names)}
    )
    assert [name for name, count in owners.items() if count > 1] == []


def test_a_name_is_no_pointer_that_moves() -> None:
    # These two point at the only snapshot that there ever was, of models that have been retired.
    standing = {"claude-3-5-haiku-latest", "claude-3-7-sonnet-latest"}
    moving = {name for card in closed_cards() for name in card.names if name.endswith(("-latest", "@latest", ":free"))}
    assert moving == standing


def test_no_card_answers_to_a_model_that_ollama_passes_on() -> None:
    # docs.ollama.com/cloud: such a model is asked at ollama.com, though the address is this machine's.
    passed_on = re.compile(r".*[:-]cloud", re.IGNORECASE)
    assert [name for card in shipped().cards.values() for name in card.names if passed_on.fullmatch(name)] == []


@pytest.mark.parametrize(
    ("deployment", "model"),
    [
        ("openai/gpt-4.1", "openai/gpt-4.1"),
        ("azure/gpt-4.1-2025-04-14", "openai/gpt-4.1"),
        ("openrouter/openai/gpt-4.1", "openai/gpt-4.1"),
        ("openai/gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),
        ("openai/gpt-4o-2024-11-20", "openai/gpt-4o"),
        ("bedrock/us.openai.gpt-6-sol", "openai/gpt-6-sol"),
        ("anthropic/claude-sonnet-4-20250514", "anthropic/claude-sonnet-4"),
        ("bedrock/anthropic.claude-sonnet-4-20250514-v1:0", "anthropic/claude-sonnet-4"),
        ("bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic/claude-sonnet-4.5"),
        ("vertex-anthropic/claude-opus-4-1@20250805", "anthropic/claude-opus-4.1"),
        ("openrouter/anthropic/claude-3.5-haiku", "anthropic/claude-3.5-haiku"),
        ("gemini/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("vertex/GEMINI-2.5-Flash", "google/gemini-2.5-flash"),
        ("mistral/mistral-medium-2505", "mistralai/mistral-medium-2505"),
        ("openrouter/x-ai/grok-4", "xai/grok-4"),
        ("bedrock/eu.amazon.nova-lite-v1:0", "amazon/nova-lite-v1"),
    ],
)
def test_a_card_is_found_under_the_name_that_each_provider_has_for_it(deployment: str, model: str) -> None:
    card = shipped().card(deployment)
    assert card is not None
    assert card.model == model


@pytest.mark.parametrize(
    "deployment",
    [
        "openai/gpt-4",
        "openai/gpt-4.1-turbo",
        "openai/gpt-5.2-codex",
        "anthropic/claude-sonnet-latest",
        "gemini/gemini-flash-latest",
        "xai/grok",
        "mistral/mistral-large-latest",
    ],
)
def test_a_model_of_the_family_without_a_card_has_none(deployment: str) -> None:
    assert shipped().card(deployment) is None


def test_mistrals_name_for_medium_3_no_longer_means_medium_3() -> None:
    found = shipped().card("mistral/mistral-medium-3")
    assert found is None or found.model != "mistralai/mistral-medium-2505"


def test_every_provider_that_ships_has_terms_and_so_has_this_machine() -> None:
    assert set(shipped().terms) == {*provider_table(), "local"}


def test_every_claim_about_terms_comes_from_an_address_and_expires_within_a_year() -> None:
    for provider, name, claim in claims_about_terms():
        assert is_address(claim.source), (provider, name, claim.source)
        assert lasts_a_year_at_most(claim), (provider, name)


def test_every_licence_and_every_terms_are_written_down_or_awaited() -> None:
    written = set(shipped().licences)
    named = {card.claims["licence"].value for card in closed_cards()}
    named |= {claim.value for _, name, claim in claims_about_terms() if name == "terms"}
    assert sorted(named - written - _AWAITED) == []
    assert sorted(_AWAITED & written) == []
    assert sorted(_AWAITED - named) == []


def test_only_machines_of_ones_own_are_called_self_hosted() -> None:
    own = {provider for provider, name, claim in claims_about_terms() if name == "self_hosted" and claim.value}
    assert own == _OWN_MACHINES
    for provider in own:
        assert shipped().terms[provider].claim("terms") is None, provider


def test_every_service_names_the_terms_that_bind_its_customers() -> None:
    for provider in set(shipped().terms) - _OWN_MACHINES:
        assert shipped().terms[provider].claim("terms") is not None, provider


def test_a_router_promises_nothing_for_those_whom_it_asks() -> None:
    for provider in ("openrouter", "huggingface"):
        terms = shipped().terms[provider]
        assert terms.claim("retention_days") is None, provider
        assert terms.claim("trains_on_inputs") is None, provider


def test_the_place_is_unknown_where_the_customer_chooses_it() -> None:
    for provider in ("azure", "bedrock", "vertex", "vertex-anthropic"):
        assert shipped().terms[provider].claim("regions") is None, provider
        assert shipped().terms[provider].claim("residency") is not None, provider


def test_those_who_train_on_inputs_by_default_are_named() -> None:
    trains = {provider for provider, name, claim in claims_about_terms() if name == "trains_on_inputs" and claim.value}
    assert trains == {"cohere", "deepseek", "moonshot"}


def test_those_who_train_on_what_is_asked_for_nothing_are_named() -> None:
    free = {provider for provider, name, claim in claims_about_terms() if name == "free_tier_trains_on_inputs"}
    assert free == {"gemini", "mistral"}
    assert all(shipped().terms[provider].claim("free_tier") is not None for provider in free)


def test_terms_that_have_expired_are_unknown() -> None:
    terms = shipped().terms["openai"]
    claim = terms.claim("trains_on_inputs")
    assert claim is not None
    assert claim.expires is not None
    assert claim.value is False
    assert terms.claim("trains_on_inputs", claim.expires) is claim
    assert terms.claim("trains_on_inputs", claim.expires + timedelta(days=1)) is None

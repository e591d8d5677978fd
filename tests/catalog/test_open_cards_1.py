"""Cards of open weights, first half: Llama, Gemma, Mistral, Phi, SmolLM, gpt-oss and Nemotron."""

import re
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import pytest
import yaml

from steelyard.catalog.cards import Card, Component, Evaluation, read_card
from steelyard.catalog.catalogue import SHIPPED
from steelyard.catalog.claims import Claim
from steelyard.catalog.licence_names import named_in, normalised
from steelyard.catalog.models import model_table
from tests.support.catalogue import shipped_catalogue

TOOL = Path(__file__).parents[3] / "shared" / "data" / "governance" / "mot" / "models"
OWNERS = ("meta-llama__", "google__gemma-", "mistralai__M", "mistralai__Codestral", "microsoft__", "HuggingFaceTB__")
FILES = sorted(
    path
    for path in (SHIPPED / "cards").glob("*.toml")
    if path.name.startswith((*OWNERS, "openai__gpt-oss", "nvidia__"))
)


@cache
def cards() -> dict[str, Card]:
    """Return the cards by their files' names: read for these tests, not whenever tests are listed."""
    return {path.stem: read_card(path) for path in FILES}


@pytest.fixture
def card(request: pytest.FixtureRequest) -> Card:
    return cards()[request.param]


ASKED_FOR = (
    "meta-llama/Llama-2-7b-hf",
    "meta-llama/Llama-2-70b-chat-hf",
    "meta-llama/Meta-Llama-3-8B",
    "meta-llama/Meta-Llama-3-70B-Instruct",
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.1-70B-Instruct",
    "meta-llama/Llama-3.1-405B-Instruct",
    "meta-llama/Llama-3.2-1B-Instruct",
    "meta-llama/Llama-3.2-3B-Instruct",
    "meta-llama/Llama-3.2-11B-Vision-Instruct",
    "meta-llama/Llama-3.3-70B-Instruct",
    "meta-llama/Llama-4-Scout-17B-16E-Instruct",
    "meta-llama/Llama-4-Maverick-17B-128E-Instruct",
    "google/gemma-2b",
    "google/gemma-7b",
    "google/gemma-2-9b-it",
    "google/gemma-2-27b-it",
    "google/gemma-3-270m-it",
    "google/gemma-3-1b-it",
    "google/gemma-3-4b-it",
    "google/gemma-3-12b-it",
    "google/gemma-3-27b-it",
    "google/gemma-3n-E4B-it",
    "mistralai/Mistral-7B-v0.1",
    "mistralai/Mistral-7B-Instruct-v0.3",
    "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "mistralai/Mixtral-8x22B-Instruct-v0.1",
    "mistralai/Ministral-8B-Instruct-2410",
    "mistralai/Mistral-Small-24B-Instruct-2501",
    "mistralai/Mistral-Small-3.1-24B-Instruct-2503",
    "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
    "mistralai/Mistral-Nemo-Instruct-2407",
    "mistralai/Mistral-Large-Instruct-2407",
    "mistralai/Codestral-22B-v0.1",
    "mistralai/Ministral-3-8B-Instruct-2512",
    "mistralai/Mistral-Large-3-675B-Instruct-2512",
    "microsoft/phi-2",
    "microsoft/Phi-3-mini-4k-instruct",
    "microsoft/phi-4",
    "microsoft/Phi-4-mini-instruct",
    "HuggingFaceTB/SmolLM2-135M-Instruct",
    "HuggingFaceTB/SmolLM2-360M-Instruct",
    "HuggingFaceTB/SmolLM2-1.7B-Instruct",
    "HuggingFaceTB/SmolLM3-3B",
    "openai/gpt-oss-20b",
    "openai/gpt-oss-120b",
    "nvidia/Llama-3.1-Nemotron-70B-Instruct-HF",
    "nvidia/NVIDIA-Nemotron-Nano-9B-v2",
)
UNREAD = {"LicenseRef-nvidia-open-model-2024-06"}
"""Licences whose text nobody here has read: decisions about them end in unknown."""

NOT_OPEN = {"unlicensed", "arXiv.org perpetual non-exclusive license 1.0"}
"""What the Model Openness Tool says of components that come without an open licence."""

every_card = pytest.mark.parametrize("card", [path.stem for path in FILES], indirect=True)


def _one(model: str) -> Card:
    return cards()[model.replace("/", "__")]


def test_every_model_that_was_asked_for_has_a_card_under_its_own_name() -> None:
    assert {card.model for card in cards().values()} >= set(ASKED_FOR)
    assert [card.model.replace("/", "__") for card in cards().values()] == list(cards())


@every_card
def test_every_claim_says_who_says_it_and_since_when(card: Card) -> None:
    said: list[Claim | Component | Evaluation] = [
        *card.claims.values(),
        *card.components.values(),
        *card.evaluations,
    ]
    assert len(said) >= 10
    for one in said:
        assert re.match(r"https://[\w.-]+\.\w+/|arxiv:|doi:", one.source), one
        assert date(2026, 11, 1) <= one.retrieved <= date(2027, 1, 1)


@every_card
def test_what_is_said_of_released_weights_does_not_expire(card: Card) -> None:
    assert card.yes("weights_published") is True
    said: list[Claim | Component] = [*card.claims.values(), *card.components.values()]
    assert {one.expires for one in said} <= {None}


@every_card
def test_every_card_tells_the_least_that_a_decision_needs(card: Card) -> None:
    needed = {"title", "developer", "released", "licence", "parameters", "modalities", "capabilities", "url"}
    assert needed <= card.claims.keys()


@every_card
def test_every_base_model_has_a_card_and_no_chain_is_circular(card: Card) -> None:
    seen, ahead = {card.model}, [*card.parents()]
    while ahead:
        parent = _one(ahead.pop())
        assert parent.model not in seen or parent.parents() == ()
        seen.add(parent.model)
        ahead += parent.parents()
    assert (card.text("base_model_relation") is None) == (card.parents() == ())


def test_no_two_cards_share_a_name() -> None:
    shipped = [read_card(path) for path in sorted((SHIPPED / "cards").glob("*.toml"))]
    counted = Counter(name for card in shipped for name in {one.casefold() for one in (*card.names, card.model)})
    assert [name for name, times in counted.items() if times > 1] == []


def test_a_base_and_its_tuned_model_are_found_by_different_names() -> None:
    found = shipped_catalogue()
    for name, model in {
        "groq/llama-3.1-8b-instant": "meta-llama/Llama-3.1-8B-Instruct",
        "together/meta-llama/Llama-3.1-8B": "meta-llama/Llama-3.1-8B",
        "ollama/gpt-oss:20b": "openai/gpt-oss-20b",
        "mistral/ministral-8b-2410": "mistralai/Ministral-8B-Instruct-2410",
        "mistral/ministral-8b-2512": "mistralai/Ministral-3-8B-Instruct-2512",
        "local/smollm2-135m": "HuggingFaceTB/SmolLM2-135M-Instruct",
    }.items():
        card = found.card(name)
        assert card is not None
        assert card.model == model
    assert found.card("mistral/ministral-8b-latest") is None


def test_every_licence_exists() -> None:
    catalogue = shipped_catalogue()
    known = named_in((name, one.id) for one in catalogue.licences.values() for name in (one.id, *one.aliases))
    said = {text for card in cards().values() if (text := card.text("licence")) is not None}
    said |= {one.licence for card in cards().values() for one in card.components.values() if one.licence is not None}
    parts = {part for text in said - NOT_OPEN for part in text.split(" AND ")} - UNREAD
    for part in parts:
        ids = normalised(part, known).ids
        assert ids, part
        assert set(ids) <= catalogue.licences.keys(), part


@every_card
def test_results_are_fractions_and_each_is_told_once(card: Card) -> None:
    assert all(0 <= one.value <= 1 for one in card.evaluations)
    told = [(one.name, one.metric) for one in card.evaluations]
    assert len(told) == len(set(told))


@every_card
def test_training_compute_fits_the_parameters_and_tokens(card: Card) -> None:
    """6·P·D (Kaplan et al. 2020) of the active parameters lies within a factor of four of the range that is told; a
    model that was pruned from a larger one carries that one's compute too."""
    span = card.span("compute_flop")
    assert (span is None) == (card.text("compute_method") is None)
    size = card.number("active_parameters") or card.number("parameters")
    tokens = card.number("training_tokens")
    if span is None or size is None or tokens is None or "pruned" in (card.text("compute_method") or ""):
        return
    assert span[0] / 4 <= 6 * size * tokens <= span[1] * 4


def test_only_models_of_the_largest_kind_may_pass_ten_to_the_twenty_fifth() -> None:
    passing = {card.model for card in cards().values() if (span := card.span("compute_flop")) and span[1] > 1e25}
    assert passing == {
        "meta-llama/Llama-3.1-405B",
        "meta-llama/Llama-3.1-405B-Instruct",
        "meta-llama/Llama-3.2-90B-Vision",
        "meta-llama/Llama-3.2-90B-Vision-Instruct",
        "mistralai/Mistral-Large-Instruct-2407",
    }
    assert _one("meta-llama/Llama-3.1-405B").span("compute_flop") == (3.8e25, 3.8e25)


def test_gpu_hours_and_peak_power_make_the_energy() -> None:
    for card in cards().values():
        hours, energy, note = card.number("gpu_hours"), card.number("energy_mwh"), card.text("energy_note")
        if energy is None:
            continue
        assert hours is not None
        assert note is not None
        watts = re.search(r"times (\d+) W", note)
        assert watts is not None
        assert energy == pytest.approx(hours * int(watts[1]) / 1e6, abs=1)


def test_gemma_is_under_the_terms_of_its_generation() -> None:
    for card in cards().values():
        if card.model.startswith("google/gemma-3"):
            assert card.text("licence") == "gemma-2025"
        elif card.model.startswith("google/gemma"):
            assert card.text("licence") == "gemma-2024"


def test_weights_for_research_only_are_not_taken_for_open_ones() -> None:
    assert _one("mistralai/Ministral-8B-Instruct-2410").text("licence") == "mistral-mrl-0.1"
    assert _one("mistralai/Mistral-Large-Instruct-2407").text("licence") == "mistral-mrl-0.1"
    assert _one("mistralai/Codestral-22B-v0.1").text("licence") == "mistral-mnpl-0.1"


def test_the_quickstarts_file_is_known_by_its_name_and_its_hash() -> None:
    card = _one("HuggingFaceTB/SmolLM2-135M-Instruct")
    local = model_table()["smollm2-135m"]
    assert {"smollm2-135m", "local/smollm2-135m"} <= set(card.names)
    assert card.words("weights_sha256") == (local.sha256,)
    assert card.text("licence") == local.licence.lower()


def test_the_european_index_is_told_with_all_its_criteria() -> None:
    indexed = [card for card in cards().values() if "eu_index" in card.claims]
    assert len(indexed) == 10
    for card in indexed:
        assert len(card.claims["eu_index"].value) == 12
        assert set(card.claims["eu_index"].value.values()) <= {"open", "partial", "closed"}
        assert card.claims["eu_index"].source == "https://osai-index.eu/"


@every_card
def test_components_agree_with_the_model_openness_tool(card: Card) -> None:
    named = {match[1] for one in card.components.values() if (match := re.search(r"/models/(.+)\.yml$", one.source))}
    if not named:
        assert card.components["final-parameters"].licence == card.text("licence")
        return
    path = TOOL / f"{named.pop()}.yml"
    if not path.is_file():
        pytest.skip("the Model Openness Tool's models are in ../shared, which is not here")
    release = yaml.safe_load(path.read_text())["release"]
    whole = ((release.get("license") or {}).get("distribution") or {}).get("name")
    told = [one.get("license") or whole for one in release["components"]]
    taken = [one for one in card.components.values() if one.source.endswith(path.name)]
    unlicensed = sum(one.licence == "unlicensed" for one in taken)
    overruled = len(told) - len(taken)
    assert 0 <= overruled <= 1
    assert told.count("unlicensed") - overruled <= unlicensed <= told.count("unlicensed")

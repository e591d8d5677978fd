"""The shipped cards of open models outside Llama, Gemma, Mistral and their like."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from steelyard.catalog.cards import Card, Component, Evaluation, read_card
from steelyard.catalog.catalogue import SHIPPED, Catalogue
from steelyard.catalog.claims import Claim
from steelyard.policy.lineage import lineage_of
from tests.support.catalogue import shipped_catalogue

OWNERS = {
    "01-ai", "AiMavenAi", "CohereLabs", "CultriX", "EleutherAI", "LGAI-EXAONE", "MiniMaxAI", "Qwen", "RedHatAI",
    "ai21labs", "allenai", "bigcode", "bigscience", "deepseek-ai", "flemmingmiguel", "ibm-granite", "mlabonne",
    "moonshotai", "stabilityai", "swiss-ai", "tiiuae", "zai-org",
}  # fmt: skip
HOSTED = {"CohereLabs__c4ai-command-a-03-2025"}
"""Cards of services by the same developers, whose claims expire."""
PATHS = [
    path
    for path in sorted((SHIPPED / "cards").glob("*.toml"))
    if path.name.partition("__")[0] in OWNERS and path.stem not in HOSTED
]
TODAY = date(2026, 11, 22)
AWAITED = {"jamba-open-model"}
"""Licences that are known by name, and whose rules may still be missing: till then a decision is unknown."""
MARGIN = 1.3
"""What the Commission's guidelines allow an estimate of training compute to be off (annex A.2)."""
TOOL = Path(__file__).parents[3] / "shared" / "data" / "governance" / "mot" / "models"
COMPONENTS = {
    "Model architecture": "architecture",
    "Data preprocessing code": "preprocessing-code",
    "Supporting libraries and tools": "libraries",
    "Model parameters (Final)": "final-parameters",
    "Model parameters (Intermediate)": "intermediate-parameters",
    "Model metadata": "metadata",
    "Sample model outputs": "sample-outputs",
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shipped_catalogue()


each_card = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def test_there_are_cards_of_at_least_34_models_that_people_use() -> None:
    served = [path for path in PATHS if read_card(path).names]
    assert len(served) >= 34
    assert {path.name.partition("__")[0] for path in PATHS} == OWNERS


@each_card
def test_every_card_loads_and_lies_in_the_file_of_its_name(path: Path) -> None:
    assert read_card(path).model.replace("/", "__") == path.stem


@each_card
def test_every_claim_component_and_result_has_a_source_and_a_date(path: Path) -> None:
    card = read_card(path)
    listed: list[Claim | Component | Evaluation] = [*card.claims.values(), *card.components.values(), *card.evaluations]
    for told in listed:
        assert "https://" in told.source or told.source.startswith(("arxiv:", "doi:")), told
        assert told.retrieved <= TODAY
        assert told.expires is None, "facts about weights that were released do not expire"


@each_card
def test_every_card_tells_who_made_the_model_and_that_its_weights_are_published(path: Path) -> None:
    card = read_card(path)
    assert card.text("title")
    assert card.text("developer")
    assert card.yes("weights_published") is True


@each_card
def test_every_licence_that_is_claimed_is_one_of_the_catalogue(path: Path, catalogue: Catalogue) -> None:
    licence = read_card(path).text("licence")
    assert licence is None or licence in catalogue.licences or licence in AWAITED


@each_card
def test_every_parent_has_a_card_and_a_relation_is_told(path: Path, catalogue: Catalogue) -> None:
    card = read_card(path)
    assert [name for name in card.parents() if catalogue.card(name) is None] == []
    assert not card.parents() or card.text("base_model_relation")
    assert lineage_of(card, catalogue.card, TODAY).circular == ()


def test_no_two_cards_share_a_name() -> None:
    owners: dict[str, str] = {}
    for path in sorted((SHIPPED / "cards").glob("*.toml")):
        card = read_card(path)
        for name in {one.casefold() for one in (*card.names, card.model)}:
            assert owners.setdefault(name, card.model) == card.model, name


@each_card
def test_sizes_agree_with_each_other(path: Path) -> None:
    card = read_card(path)
    total, active = card.number("parameters"), card.number("active_parameters")
    context, most = card.number("context"), card.number("most_output")
    assert total is None or active is None or active < total
    assert context is None or most is None or most <= context


@each_card
def test_compute_is_explained_and_agrees_with_parameters_and_tokens(path: Path) -> None:
    card = read_card(path)
    span = card.span("compute_flop")
    tokens = card.number("training_tokens")
    parameters = card.number("active_parameters") or card.number("parameters")
    assert (span is None) == (card.text("compute_method") is None)
    if span is None or tokens is None or parameters is None:
        return
    assert card.claims["compute_flop"].confidence is not None
    assert span[0] / MARGIN <= 6 * parameters * tokens <= span[1] * MARGIN


@each_card
def test_results_are_fractions_of_one(path: Path) -> None:
    for result in read_card(path).evaluations:
        assert 0 < result.value < 1, result.name


def test_chats_of_qwen_s_generations_are_under_the_texts_of_their_own_version(catalogue: Catalogue) -> None:
    assert {name: licence_of(catalogue, name) for name in ("qwen-7b-chat", "qwen2:7b", "qwen2-72b-instruct")} == {
        "qwen-7b-chat": "tongyi-qianwen-2023",
        "qwen2:7b": "apache-2.0",
        "qwen2-72b-instruct": "tongyi-qianwen-2023",
    }
    assert {name: licence_of(catalogue, name) for name in ("qwen2.5:3b", "qwen2.5:7b", "qwen2.5:72b", "qwen3:8b")} == {
        "qwen2.5:3b": "qwen-research",
        "qwen2.5:7b": "apache-2.0",
        "qwen2.5:72b": "qwen-2024",
        "qwen3:8b": "apache-2.0",
    }


def test_a_quantisation_that_says_apache_stands_on_a_parent_for_research_only(catalogue: Catalogue) -> None:
    card = found(catalogue, "neuralmagic/Qwen2.5-3B-quantized.w8a8")
    assert card.text("licence") == "apache-2.0"
    assert card.text("base_model_relation") == "quantized"
    assert [licence_of(catalogue, name) for name in card.parents()] == ["qwen-research"]


def test_a_merge_that_says_apache_has_a_parent_that_is_not_for_commercial_use(catalogue: Catalogue) -> None:
    card = found(catalogue, "CultriX/NeuralTrix-7B-v1")
    assert card.text("licence") == "apache-2.0"
    assert card.text("base_model_relation") == "merge"
    assert [licence_of(catalogue, name) for name in card.parents()] == ["cc-by-nc-4.0", "apache-2.0", None]


@pytest.mark.parametrize(
    ("model", "file"),
    [
        ("EleutherAI/pythia-12b", "Pythia-12B"),
        ("EleutherAI/gpt-neox-20b", "GPT-NeoX-20B"),
        ("allenai/OLMo-7B", "OLMo-7B"),
        ("bigscience/bloom", "BLOOM"),
        ("deepseek-ai/DeepSeek-R1", "DeepSeek-R1"),
        ("deepseek-ai/DeepSeek-V3", "DeepSeek-V3"),
        ("ibm-granite/granite-4.0-h-small", "Granite-4.0-H-Small"),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen2.5-7B-Instruct"),
        ("tiiuae/falcon-180B", "Falcon-180B"),
    ],
)
def test_components_are_those_that_the_model_openness_tool_knows(catalogue: Catalogue, model: str, file: str) -> None:
    path = TOOL / f"{file}.yml"
    if not path.exists():
        pytest.skip("the Model Openness Tool's models are in ../shared, which is not here")
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))["release"]["components"]
    names = {COMPONENTS.get(one["name"], one["name"].lower().replace(" ", "-")) for one in listed}
    assert set(found(catalogue, model).components) == names


def found(catalogue: Catalogue, name: str) -> Card:
    card = catalogue.card(name)
    assert card is not None, name
    return card


def licence_of(catalogue: Catalogue, name: str) -> str | None:
    return found(catalogue, name).text("licence")

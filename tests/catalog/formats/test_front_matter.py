from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.catalog.cards import Card
from steelyard.catalog.claims import Claim
from steelyard.catalog.formats.front_matter import front_matter_of
from steelyard.catalog.formats.hub_licences import HUB_LICENCES
from steelyard.catalog.formats.hugging_face import read_model_card
from steelyard.catalog.formats.place import Place
from tests.catalog.formats.exported import CLAIMS, LICENCES, SOURCE, TODAY, card
from tests.support.catalogue import shipped_catalogue

KEPT = (
    "title", "licence_link", "base_model", "base_model_relation", "languages", "datasets", "modalities", "tags",
    "deprecation", "co2_t", "compute_hardware", "energy_note",
)  # fmt: skip


def again(it: Card) -> Card:
    text = front_matter_of(it, LICENCES).text
    return read_model_card(text.encode(), Place("README.md", SOURCE, it.model), TODAY).card


def test_what_front_matter_holds_comes_back() -> None:
    found = again(card())

    assert {name: found.claims[name].value for name in KEPT} == {name: CLAIMS[name] for name in KEPT}
    assert [(one.name, one.metric, one.value, one.source) for one in found.evaluations] == [
        ("MMLU", "accuracy, 5-shot", 0.694, SOURCE),
        ("IFEval", None, 0.8, SOURCE),
    ]


def test_what_it_does_not_hold_is_said() -> None:
    lost = front_matter_of(card(), LICENCES).lost

    named = {line.partition(":")[0].removeprefix("claims.") for line in lost}
    assert {*CLAIMS} - {*KEPT, "licence"} <= named
    assert named.isdisjoint({*KEPT, "licence"})
    assert {"components.final-parameters", "names", "the source, the dates and the confidence of each claim"} <= named
    assert any("the number of items and the harness of IFEval" in line for line in lost)


@pytest.mark.parametrize(
    ("licence", "written"),
    [
        ("llama-3.1", {"license": "llama3.1"}),
        ("apache-2.0", {"license": "apache-2.0"}),
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("acme-1", {"license": "other", "license_name": "acme-1", "license_link": "https://licences.example/acme-1"}),
        ("MIT AND Apache-2.0", {"license": "other", "license_name": "MIT AND Apache-2.0"}),
        (None, {}),
    ],
)
def test_a_licence_is_written_as_the_hub_names_it(licence: str | None, written: dict[str, str]) -> None:
    it = front_matter_of(card(licence=licence, licence_link=None), LICENCES)

    table = yaml.safe_load(it.text.strip("-\n"))
    assert {key: value for key, value in table.items() if key.startswith("license")} == written
    assert table.get("license", "other") in HUB_LICENCES
    assert not any(line.startswith("claims.licence:") for line in it.lost)


def test_the_hub_has_no_word_for_distillation() -> None:
    it = front_matter_of(card(base_model_relation="distilled"), LICENCES)

    assert "base_model_relation" not in it.text
    assert "claims.base_model_relation: front matter has no key for it" in it.lost


def test_a_card_that_says_nothing_is_empty_front_matter() -> None:
    assert front_matter_of(Card(model="acme/Nothing"), LICENCES).text == "---\n---\n"


def test_each_shipped_card_keeps_its_licence_and_its_parents() -> None:
    catalogue = shipped_catalogue()

    for it in catalogue.cards.values():
        lost = front_matter_of(it, catalogue.licences).lost
        decisive = [line for line in lost if line.startswith(("claims.licence:", "claims.base_model:"))]
        assert (it.model, decisive) == (it.model, [])


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda text: text == text.strip() != ""
)
WORDS = st.lists(TEXT, min_size=1, max_size=3, unique=True)


@settings(max_examples=50)
@given(
    st.fixed_dictionaries(
        {},
        optional={"title": TEXT, "licence_name": TEXT, "languages": WORDS, "datasets": WORDS, "base_model": WORDS},
    )
)
def test_any_text_comes_back_as_it_was_or_is_said_to_be_lost(values: dict[str, Any]) -> None:
    it = Card(model="m", claims={name: Claim(value, SOURCE, TODAY) for name, value in values.items()})

    written = front_matter_of(it, {})
    found = read_model_card(written.text.encode(), Place("f", SOURCE, "m"), TODAY).card

    changed = {name for name in values if name not in found.claims or found.claims[name].value != values[name]}
    assert changed == {
        line.partition(":")[0].removeprefix("claims.") for line in written.lost if line.startswith("claims")
    }

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from steelyard.catalog.cards import Card
from steelyard.catalog.claims import Claim
from steelyard.catalog.formats.cyclonedx import cyclonedx_of
from tests.catalog.formats.exported import LICENCES, TODAY, card
from tests.support.catalogue import shipped_catalogue

if TYPE_CHECKING:
    from cyclonedx.validation.json import JsonStrictValidator

MODEL_CARD = Path(__file__).parents[4] / "shared" / "data" / "governance" / "cyclonedx-1.7-modelCard.json"


@cache
def validator() -> "JsonStrictValidator":
    """Return what knows the published schema. Its libraries take two seconds to load: only where these tests run."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from jsonschema import _format  # type: ignore[import-untyped]
    from rfc3986_validator import validate_rfc3986  # type: ignore[import-untyped]

    # Whatever is a URI is an IRI (RFC 3987, section 1.3): only the rest needs the parser that takes 70 ms for each.
    of_iris = _format._rfc3987_is_valid_syntax
    of_uris = {"iri": "URI", "iri_reference": "URI_reference"}
    _format._rfc3987_is_valid_syntax = lambda rule, text: (
        validate_rfc3986(text, rule=of_uris[rule]) is not None or of_iris(rule, text)
    )
    return JsonStrictValidator(SchemaVersion.V1_7)


def bom(it: Card | None = None) -> dict[str, Any]:
    text = cyclonedx_of(it or card(), LICENCES, TODAY).text
    assert validator().validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def component(it: Card | None = None) -> dict[str, Any]:
    (found,) = bom(it)["components"]
    assert isinstance(found, dict)
    return found


def test_a_card_is_a_model_in_a_valid_bill_of_materials() -> None:
    found = component()

    assert found["type"] == "machine-learning-model"
    assert found["name"] == "acme/Foo-7B"
    assert found["purl"] == "pkg:huggingface/acme/Foo-7B"
    assert found["manufacturer"] == {"name": "Acme"}
    assert found["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert [one["name"] for one in found["pedigree"]["ancestors"]] == ["meta-llama/Llama-3.1-8B", "acme/Bar"]


def test_the_model_card_holds_results_limits_and_energy() -> None:
    told = component()["modelCard"]

    assert told["modelParameters"]["task"] == "text-generation"
    assert told["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "MMLU (accuracy, 5-shot)", "value": "0.694"},
        {"type": "IFEval", "value": "0.8"},
    ]
    assert told["considerations"]["technicalLimitations"] == ["It errs.", "It is slow."]
    (training,) = told["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    assert training["activityEnergyCost"] == {"value": 12500, "unit": "kWh"}
    assert training["co2CostEquivalent"] == {"value": 1.1e-05, "unit": "tCO2eq"}


@pytest.mark.parametrize(
    ("licence", "written"),
    [
        (
            "apache-2.0",
            {"id": "Apache-2.0", "acknowledgement": "declared", "url": "https://licences.example/apache-2.0"},
        ),
        (
            "Apache-2.0",
            {"id": "Apache-2.0", "acknowledgement": "declared", "url": "https://licences.example/apache-2.0"},
        ),
        (
            "llama-3.1",
            {
                "name": "Llama 3.1 Community License Agreement",
                "acknowledgement": "declared",
                "url": "https://licences.example/llama-3.1",
            },
        ),
        ("whatever", {"name": "whatever", "acknowledgement": "declared"}),
    ],
)
def test_a_licence_is_named_as_spdx_names_it_or_by_its_title(licence: str, written: dict[str, str]) -> None:
    assert component(card(licence=licence))["licenses"] == [{"license": written}]


def test_every_claim_stands_whole_among_the_properties() -> None:
    it = card()

    told = {one["name"]: one["value"] for one in component(it)["properties"]}

    claims = {name: msgspec.json.decode(told[f"steelyard:claim:{name}"], type=Claim) for name in it.claims}
    assert claims == it.claims
    assert set(told) >= {"steelyard:component:model-card", "steelyard:evaluation:1", "steelyard:name"}


def test_a_model_that_nobody_places_on_the_hub_has_no_address_there() -> None:
    it = Card(model="openai/gpt", claims={"developer": Claim("OpenAI", "https://openai.com", TODAY)})

    assert "purl" not in component(it)


def test_the_same_card_has_the_same_serial_number() -> None:
    one, other = bom(), bom(card(context=1))

    assert one["serialNumber"] == bom()["serialNumber"] != other["serialNumber"]


def test_a_card_that_says_nothing_is_valid_too() -> None:
    assert component(Card(model="m"))["name"] == "m"


@pytest.mark.slow
def test_the_shipped_licences_give_a_valid_bill_of_materials() -> None:
    catalogue = shipped_catalogue()
    by_licence = {one.text("licence"): one for one in catalogue.cards.values()}
    each = [json.loads(cyclonedx_of(it, catalogue.licences, TODAY).text) for it in by_licence.values()]

    together = each[0] | {"components": [component for one in each for component in one["components"]]}

    assert len(together["components"]) > 20
    assert validator().validate_str(json.dumps(together)) is None


@pytest.mark.skipif(not MODEL_CARD.is_file(), reason="the schema of modelCard is not here (../shared)")
def test_a_model_card_fits_its_part_of_the_schema() -> None:
    import jsonschema

    parts = json.loads(MODEL_CARD.read_text())
    # What the excerpt leaves out: texts and references.
    parts |= {name: {} for name in ("refType", "property", "graphicsCollection", "attachment", "dataClassification")}
    parts |= {name: {} for name in ("refLinkType", "bomLinkElementType", "organizationalEntity", "externalReference")}
    parts |= {name: {} for name in ("organizationalContact",)}
    schema = {"$ref": "#/definitions/modelCard", "definitions": parts}

    jsonschema.Draft7Validator(schema).validate(component()["modelCard"])
    assert list(jsonschema.Draft7Validator(schema).iter_errors({"surprise": 1}))

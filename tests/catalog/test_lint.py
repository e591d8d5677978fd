from datetime import date, timedelta
from typing import Any

import pytest

from steelyard.catalog.cards import Card, Component, Evaluation
from steelyard.catalog.claims import Claim
from steelyard.catalog.lint import KINDS, Finding, Known, lint
from tests.support.catalogue import shipped_catalogue

TODAY = date(2026, 11, 22)
SOURCE = "https://acme.example/foo"
WHOLE: dict[str, Any] = {
    "developer": "Acme",
    "released": "2024-06-01",
    "modalities": ["text"],
    "weights_published": True,
    "context": 8192,
    "licence": "mit",
    "parameters": 7_000_000_000,
    "training_tokens": 2_000_000_000_000,
    "compute_flop": [8e22, 9e22],
    "compute_method": "6·P·D",
}


def claim(value: Any, **told: Any) -> Claim:
    return Claim(value, **{"source": SOURCE, "retrieved": TODAY, **told})


def card(changes: dict[str, Any] | None = None, /, without: tuple[str, ...] = (), **parts: Any) -> Card:
    told = {**WHOLE, **(changes or {})}
    claims = {
        name: value if isinstance(value, Claim) else claim(value) for name, value in told.items() if name not in without
    }
    return Card(**{"model": "acme/Foo", "claims": claims, **parts})


def component(**told: Any) -> Component:
    return Component(**{"source": SOURCE, "retrieved": TODAY, **told})


def licences(text: str) -> tuple[tuple[str, ...], ...]:
    return ((text.casefold(),),) if text.casefold() in ("mit", "apache-2.0") else ()


def found(it: Card, *others: Card) -> list[Finding]:
    cards = {one.model.casefold(): one for one in (it, *others)}

    def doubt(one: Card) -> str | None:
        return None if licences(one.text("licence") or "") else f'"{one.text("licence")}" is not understood'

    return list(lint(it, Known(lambda name: cards.get(name.casefold()), doubt, licences), TODAY))


def told(it: Card, *others: Card) -> list[tuple[str, str]]:
    return [(one.kind, one.claim) for one in found(it, *others)]


def test_a_whole_card_has_no_findings() -> None:
    assert found(card()) == []


@pytest.mark.parametrize("name", ["developer", "released", "modalities", "weights_published", "context", "licence"])
def test_what_a_decision_or_a_duty_needs_is_missed(name: str) -> None:
    assert ("missing", name) in told(card(without=(name,)))


def test_a_closed_model_needs_no_licence_and_no_size() -> None:
    closed = card({"weights_published": False}, without=("licence", "parameters", "training_tokens"))

    assert told(closed) == []


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        (("compute_flop", "compute_method"), []),
        (("compute_flop", "compute_method", "training_tokens"), [("missing", "compute_flop")]),
        (("compute_method",), [("missing", "compute_flop")]),
        (("parameters",), [("missing", "parameters")]),
    ],
)
def test_compute_is_missed_when_it_cannot_be_worked_out(
    without: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert told(card(without=without)) == expected


def test_a_parent_without_a_card_or_a_relation_is_named() -> None:
    texts = [one.text for one in found(card({"base_model": ["acme/Base"]}))]

    assert any("base_model_relation is unknown" in text for text in texts)
    assert any('"acme/Base" has no card' in text for text in texts)


def test_a_relation_to_nothing_is_named() -> None:
    assert told(card({"base_model_relation": "merge"})) == [("missing", "base_model")]


@pytest.mark.parametrize(
    ("days", "expected"), [(-1, "expired on"), (0, "expires on"), (30, "expires on"), (31, None), (365, None)]
)
def test_what_expired_or_will_soon_is_stale(days: int, expected: str | None) -> None:
    until = TODAY + timedelta(days=days)
    texts = [one.text for one in found(card({"context": claim(8192, expires=until)}))]

    assert len(texts) == (expected is not None)
    assert expected is None or texts[0].startswith(expected)


def test_components_and_evaluations_expire_too() -> None:
    old = TODAY - timedelta(days=9)
    it = card(
        components={"model-card": component(retrieved=old, expires=old)},
        evaluations=(Evaluation(name="MMLU", value=0.5, source=SOURCE, retrieved=old, expires=old),),
    )

    assert told(it) == [("stale", "components.model-card"), ("stale", "evaluations[0]")]


@pytest.mark.parametrize(
    ("changes", "parts", "name"),
    [
        ({"weights_published": False}, {"components": {"final-parameters": component()}}, "weights_published"),
        ({}, {"components": {"final-parameters": component(published=False)}}, "weights_published"),
        ({"training_data_published": True}, {"components": {"datasets": component(published=False)}}, None),
        ({"active_parameters": 8_000_000_000}, {}, "active_parameters"),
        ({"most_output": 9000}, {}, "most_output"),
        ({"compute_flop": [1e25, 2e25]}, {}, "compute_flop"),
        ({"released": "2026-12-01"}, {}, "released"),
        ({"knowledge_cutoff": "2024-08"}, {}, "knowledge_cutoff"),
        ({}, {"components": {"final-parameters": component(licence="Apache-2.0")}}, "licence"),
    ],
)
def test_claims_that_contradict_each_other_are_named(
    changes: dict[str, Any], parts: dict[str, Any], name: str | None
) -> None:
    assert told(card(changes, **parts)) == [("contradictory", name or "training_data_published")]


def test_what_agrees_contradicts_nothing() -> None:
    components = {"final-parameters": component(licence="MIT"), "datasets": component()}
    changes = {"training_data_published": True, "active_parameters": 7_000_000_000, "knowledge_cutoff": "2024-06"}

    assert told(card(changes, components=components)) == []


def test_a_model_that_is_its_own_parent_is_named() -> None:
    it = card({"base_model": ["ACME/foo"], "base_model_relation": "finetune"})

    assert told(it) == [("contradictory", "base_model")]


def test_a_circle_of_parents_is_named_with_its_way() -> None:
    one = card({"base_model": ["acme/Bar"], "base_model_relation": "finetune"})
    two = card({"base_model": ["acme/Baz"]}, model="acme/Bar")
    three = card({"base_model": ["acme/Foo"]}, model="acme/Baz")

    texts = [finding.text for finding in found(one, two, three)]

    assert texts == ["circular lineage: acme/Foo → acme/Bar → acme/Baz → acme/Foo"]


def test_a_circle_further_up_is_not_this_cards() -> None:
    one = card({"base_model": ["acme/Bar"], "base_model_relation": "finetune"})
    two = card({"base_model": ["acme/Baz"]}, model="acme/Bar")
    three = card({"base_model": ["acme/Bar"]}, model="acme/Baz")

    assert told(one, two, three) == []


def test_a_parent_that_came_later_is_named() -> None:
    it = card({"base_model": ["acme/Bar"], "base_model_relation": "finetune"})

    assert told(it, card({"released": "2025-01-01"}, model="acme/Bar")) == [("contradictory", "base_model")]


def test_a_licence_that_is_not_understood_is_named() -> None:
    it = card({"licence": "my own"}, components={"datasets": component(licence="yours")})

    assert told(it) == [("licence", "licence"), ("licence", "components.datasets")]


@pytest.mark.parametrize(
    ("source", "is_address"),
    [
        ("https://huggingface.co/acme/foo", True),
        ("arxiv:2412.15115", True),
        ("doi:10.5281/zenodo.15386042", True),
        ("Model Openness Tool, https://mot.isitopen.ai/", True),
        ("gguf:general.license", True),
        ("file", True),
        ("file:README.md", True),
        ("the internet", False),
        ("huggingface", False),
        ("https://", False),
        ("doi:", False),
    ],
)
def test_a_source_must_hold_an_address(source: str, is_address: bool) -> None:
    expected = [] if is_address else [("source", "context")]

    assert told(card({"context": claim(8192, source=source)})) == expected


def test_nothing_can_be_retrieved_tomorrow() -> None:
    assert told(card({"context": claim(8192, retrieved=TODAY + timedelta(days=1))})) == [("source", "context")]


@pytest.mark.parametrize(
    ("value", "metric", "expected"),
    [
        (0.0, None, []),
        (1.0, "accuracy", []),
        (69.4, "accuracy", [("evaluation", "evaluations[0]")]),
        (-0.1, None, [("evaluation", "evaluations[0]")]),
        (7.3, "perplexity", []),
    ],
)
def test_a_result_lies_between_0_and_1(value: float, metric: str | None, expected: list[tuple[str, str]]) -> None:
    it = card(evaluations=(Evaluation(name="MMLU", value=value, metric=metric, source=SOURCE, retrieved=TODAY),))

    assert told(it) == expected


def test_two_results_of_one_measurement_contradict_each_other() -> None:
    one = Evaluation(name="MMLU", value=0.5, source=SOURCE, retrieved=TODAY, n=0)
    two = Evaluation(name="mmlu", value=0.6, source=SOURCE, retrieved=TODAY)

    expected = [("contradictory", "evaluations[1]"), ("evaluation", "evaluations[0]")]
    assert told(card(evaluations=(one, two))) == expected


def test_the_shipped_cards_neither_contradict_themselves_nor_lack_addresses() -> None:
    catalogue = shipped_catalogue()
    known = Known(catalogue.card, lambda card: None, lambda text: ())

    wrong = [
        f"{one.model}: {finding.claim}: {finding.text}"
        for one in catalogue.cards.values()
        for finding in lint(one, known, date(2026, 11, 22))
        if finding.kind in ("contradictory", "source", "evaluation")
    ]

    assert wrong == []


def test_findings_come_in_the_order_of_their_kinds() -> None:
    it = card(
        {"licence": "my own", "context": claim(1, source="x", expires=TODAY), "most_output": 2}, without=("developer",)
    )

    kinds = [one.kind for one in found(it)]

    assert kinds == sorted(kinds, key=KINDS.index)
    assert set(kinds) == {"missing", "stale", "contradictory", "licence", "source"}

"""Further licences and terms against their truth tables (`further_licences.txt`), and those who are under them."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec import structs

from steelyard.catalog.cards import Card
from steelyard.catalog.catalogue import SHIPPED, Catalogue
from steelyard.catalog.claims import Claim
from steelyard.catalog.licence_names import named_in, normalised
from steelyard.catalog.licences import Licence, read_licence
from steelyard.catalog.purpose import purpose_from
from steelyard.policy.decide import Decider
from steelyard.policy.decision import Decision
from tests.support.catalogue import shipped_catalogue

TODAY = date(2026, 11, 22)
TEXTS = Path(__file__).parents[4] / "shared" / "data" / "governance" / "licence-texts"
SCANCODE = "scancode-toolkit 32.5.0: "
EFFECT = {"allow": "allow", "duties": "duty", "unknown": "unknown", "deny": "deny"}


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Yield each row of the tables: the licence, what is declared, the decision, and the clause."""
    name = ""
    for line in (Path(__file__).parent / "further_licences.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line and not line.startswith("#"):
            declared, decision, clause = (part.strip() for part in line.split("|"))
            yield name, declared, decision, clause


ROWS = list(rows())
NAMES = list(dict.fromkeys(row[0] for row in ROWS))


@cache
def licence(name: str) -> Licence:
    return read_licence(SHIPPED / "licences" / f"{name}.toml")


@cache
def catalogue() -> Catalogue:
    return shipped_catalogue()


def decided(name: str, settings: str, one: Licence | None = None) -> Decision:
    """Decide on a text model that is under one licence, with nothing else known."""
    claims = {
        "licence": Claim(name, "https://example.org/card", TODAY),
        "modalities": Claim(["text"], "https://example.org/card", TODAY),
    }
    decider = Decider(Catalogue((), (one or licence(name),), ()), TODAY)
    return decider.decide(purpose_from(tuple(settings.split())), Card(model="owner/model", claims=claims), None)


def barred() -> Iterator[tuple[str, str, str]]:
    for name in NAMES:
        for rule in licence(name).prohibits:
            for domain in rule.when.get("domain", ()):
                yield name, domain, rule.clause


@pytest.mark.parametrize(("name", "declared", "decision", "clause"), ROWS, ids=str)
def test_a_row_is_decided_as_the_text_has_it(name: str, declared: str, decision: str, clause: str) -> None:
    found = decided(name, declared)
    told = [reason for reason in found.reasons if reason.effect == EFFECT[decision]]
    assert found.decision == decision, [reason.text for reason in found.reasons if reason.effect != "allow"]
    if clause.startswith("~"):
        assert any(clause[1:] in reason.text and reason.clause is None for reason in told), told
    else:
        assert clause in [reason.clause for reason in told], told


@pytest.mark.parametrize("name", NAMES)
def test_a_table_has_eight_rows_and_more_than_one_outcome(name: str) -> None:
    table = {row[1:] for row in ROWS if row[0] == name}
    assert len(table) >= 8
    assert len({decision for _, decision, _ in table}) > 1


@pytest.mark.parametrize(("name", "domain", "clause"), list(barred()), ids=str)
def test_a_barred_field_of_use_is_denied_and_another_is_not(name: str, domain: str, clause: str) -> None:
    found = decided(name, f"use=commercial domain={domain}")
    assert found.decision == "deny"
    assert clause in [reason.clause for reason in found.reasons if reason.effect == "deny"]
    assert decided(name, "use=commercial").decision == "duties"


@pytest.mark.parametrize("name", NAMES)
def test_without_any_one_of_its_rules_some_row_would_be_decided_otherwise(name: str) -> None:
    asked = [declared for row, declared, *_ in ROWS if row == name]
    asked += [f"use=commercial domain={domain}" for row, domain, _ in barred() if row == name]
    before = [(decided(name, declared).reasons, declared) for declared in asked]
    for section in ("permits", "prohibits", "duties"):
        rules = getattr(licence(name), section)
        for index, rule in enumerate(rules):
            less = structs.replace(licence(name), **{section: (*rules[:index], *rules[index + 1 :])})
            assert any(decided(name, declared, less).reasons != told for told, declared in before), rule


@pytest.mark.parametrize("name", NAMES)
def test_terms_say_what_was_read_and_may_change(name: str) -> None:
    one = licence(name)
    assert one.id == name
    assert one.text
    assert one.kind == "licence" or one.updatable
    assert all(rule.text.endswith(".") for rules in (one.permits, one.prohibits, one.duties) for rule in rules)


def names_of(one: Licence) -> tuple[str, ...]:
    return (one.id, one.title, *one.aliases, *((one.spdx,) if one.spdx else ()))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_licence_is_called_is_understood_as_that_licence_among_all(name: str) -> None:
    table = named_in((called, one.id) for one in catalogue().licences.values() for called in names_of(one))
    assert {normalised(called, table).ids for called in names_of(licence(name))} == {(name,)}


@pytest.mark.parametrize("name", [name for name in NAMES if licence(name).sha256 is not None])
def test_a_digest_is_that_of_the_text_where_the_text_is_at_hand(name: str) -> None:
    path = TEXTS / f"{(licence(name).text or '').removeprefix(SCANCODE)}.LICENSE"
    if not path.exists():
        pytest.skip(f"{path.name} is not among ../shared's licence texts")
    body = path.read_text(encoding="utf-8").split("---\n", 2)[2].strip() + "\n"
    assert sha256(body.encode()).hexdigest() == licence(name).sha256


def test_the_words_that_stability_wants_in_a_notice_are_those_of_its_text() -> None:
    path = TEXTS / "stability-ai-nc-2023-12-06.LICENSE"
    if not path.exists():
        pytest.skip(f"{path.name} is not among ../shared's licence texts")
    shown = {duty.show for duty in licence("stability-ai-nc-2023-12-06").duties if duty.show}
    assert shown
    assert all(words in path.read_text(encoding="utf-8") for words in shown)


@pytest.mark.parametrize(
    ("provider", "terms"),
    [("azure", "azure-openai"), ("bedrock", "aws-bedrock"), ("huggingface", "huggingface-inference")],
)
def test_a_provider_is_under_its_terms(provider: str, terms: str) -> None:
    model = next(card for card in catalogue().cards.values() if card.text("licence") == "mit")
    found = Decider(catalogue(), TODAY).decide(purpose_from(("use=commercial",)), model, catalogue().terms[provider])
    assert found.decision == "duties", [reason.text for reason in found.reasons]
    assert terms in [duty.licence for duty in found.duties]


def test_a_model_that_bedrock_alone_offers_is_decided_by_its_terms() -> None:
    card = catalogue().card("amazon/nova-pro-v1")
    assert card is not None
    decider = Decider(catalogue(), TODAY)
    bedrock = catalogue().terms["bedrock"]
    assert decider.decide(purpose_from(("use=commercial",)), card, bedrock).decision == "duties"
    assert decider.decide(purpose_from(("use=commercial", "domain=hacking")), card, bedrock).decision == "deny"
    assert decider.decide(purpose_from(("use=commercial", "train_on_outputs=yes")), card, bedrock).decision == "unknown"


@pytest.mark.parametrize(
    ("model", "settings", "decision", "named"),
    [
        ("MiniMaxAI/MiniMax-Text-01", "use=commercial", "duties", "minimax-model"),
        ("MiniMaxAI/MiniMax-Text-01", "use=research domain=military", "deny", "minimax-model"),
        ("stabilityai/stablelm-2-1_6b", "use=commercial annual_revenue_usd=1e5", "duties", "stability-community-2024"),
        ("stabilityai/stablelm-2-1_6b", "use=commercial annual_revenue_usd=1e7", "deny", "stability-community-2024"),
        ("01-ai/Yi-34B", "use=commercial", "allow", "apache-2.0"),
        ("01-ai/Yi-34B-Chat", "use=commercial domain=military", "allow", "apache-2.0"),
        ("01-ai/Yi-34B-Chat", "use=commercial redistributes_weights=yes", "duties", "apache-2.0"),
    ],
)
def test_a_model_whose_licence_was_found_is_decided_by_it(model: str, settings: str, decision: str, named: str) -> None:
    card = catalogue().card(model)
    found = Decider(catalogue(), TODAY).decide(purpose_from(tuple(settings.split())), card, catalogue().terms["local"])
    assert found.decision == decision, [reason.text for reason in found.reasons]
    assert {reason.licence for reason in found.reasons if reason.licence} == {named}

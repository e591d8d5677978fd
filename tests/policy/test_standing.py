"""Which licences a card says it is under: names as people write them, choices, contradictions, claims that expired."""

from functools import cache
from typing import Any

import pytest

from steelyard.catalog.catalogue import Catalogue
from steelyard.policy.decide import Decider
from steelyard.policy.decision import Decision
from steelyard.policy.standing import Standing, meaning_in, standing_of
from tests.policy.small import TODAY, YESTERDAY, card, claim, purpose
from tests.support.catalogue import shipped_catalogue


@cache
def shipped() -> Catalogue:
    return shipped_catalogue()


def standing(licence: Any = None, **claims: Any) -> Standing:
    return standing_of(card(licence=licence, **claims), shipped(), TODAY)


def decision(licence: Any = None, settings: str = "use=commercial", **claims: Any) -> Decision:
    one = card(licence=licence, **claims)
    return Decider(shipped(), TODAY).decide(purpose(settings), one, None)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("apache-2.0", ("apache-2.0",)),
        ("Apache 2.0", ("apache-2.0",)),
        ("Apache License, Version 2.0", ("apache-2.0",)),
        ("MIT", ("mit",)),
        ("llama3.1", ("llama-3.1",)),
        ("CC BY-NC 4.0", ("cc-by-nc-4.0",)),
        ("qwen-research", ("qwen-research",)),
    ],
)
def test_a_licence_is_understood_as_people_write_it(text: str, ids: tuple[str, ...]) -> None:
    assert standing(text).choices == (ids,)
    assert meaning_in(shipped(), text).because


@pytest.mark.parametrize("text", ["other", "unknown", "unlicensed", "proprietary", "llama", "gpl", "cc", "see LICENSE"])
def test_a_licence_that_names_none_allows_nothing(text: str) -> None:
    found = standing(text)
    assert (found.choices, found.flags) == ((), ("unknown-licence",))
    assert decision(text).decision == "unknown"


def test_a_licensee_takes_the_licence_that_allows_most() -> None:
    assert standing("MIT OR CC-BY-NC-4.0").choices == (("mit",), ("cc-by-nc-4.0",))
    assert decision("MIT OR CC-BY-NC-4.0").decision == "allow"
    assert decision("CC-BY-NC-4.0 OR MIT").decision == "allow"


def test_licences_that_apply_together_all_bind() -> None:
    assert standing("MIT AND CC-BY-NC-4.0").choices == (("cc-by-nc-4.0", "mit"),)
    assert decision("MIT AND CC-BY-NC-4.0").decision == "deny"


def test_a_licence_that_is_understood_and_has_no_rules_allows_nothing() -> None:
    found = decision("AGPL-3.0-only")
    assert (found.decision, found.flags) == ("unknown", ("unknown-licence",))
    assert decision("AGPL-3.0-only OR MIT").decision == "allow"
    assert decision("AGPL-3.0-only AND MIT").decision == "unknown"


def test_a_name_beside_other_says_which_licence_it_is() -> None:
    assert standing("other", licence_name="qwen-research").choices == (("qwen-research",),)
    assert decision("other", licence_name="qwen-research").decision == "deny"
    assert standing(None, licence_name="apache-2.0").choices == (("apache-2.0",),)
    assert standing("other", licence_name="house-rules").flags == ("unknown-licence",)


@pytest.mark.parametrize(
    "claims",
    [
        {"licence": "apache-2.0", "licence_name": "llama3.1"},
        {"licence": "apache-2.0", "licence_name": "house-rules"},
        {"licence": "mit", "licence_link": "https://creativecommons.org/licenses/by-nc/4.0/"},
        {"licence": "other", "licence_name": "mit", "licence_link": "https://spdx.org/licenses/Apache-2.0.html"},
    ],
)
def test_a_card_that_names_two_licences_contradicts_itself(claims: dict[str, str]) -> None:
    assert standing(**claims).flags == ("contradictory", "unknown-licence")
    found = decision(**claims)
    assert (found.decision, set(found.flags)) == ("unknown", {"contradictory", "unknown-licence"})


def test_a_link_to_a_place_that_nobody_knows_contradicts_nothing() -> None:
    assert standing("apache-2.0", licence_link="https://example.org/LICENSE").choices == (("apache-2.0",),)
    assert standing("apache-2.0", licence_link="https://www.apache.org/licenses/LICENSE-2.0").choices


def test_a_licence_that_is_no_longer_known_allows_nothing() -> None:
    assert standing(claim("mit", TODAY)).choices == (("mit",),)
    stale = standing(claim("mit", YESTERDAY))
    assert (stale.choices, stale.flags) == ((), ("stale",))
    assert decision(claim("mit", YESTERDAY)).flags == ("stale",)


def test_a_name_that_is_no_longer_known_leaves_other_without_one() -> None:
    assert decision("other", licence_name=claim("mit", YESTERDAY)).decision == "unknown"


def test_a_card_without_a_licence_allows_nothing() -> None:
    assert standing(None).flags == ("unknown-licence",)
    assert decision(None, "use=research").decision == "unknown"

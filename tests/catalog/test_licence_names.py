"""Licences' names, as people write them."""

from collections.abc import Mapping
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.catalog.licence_names import HUB_IDENTIFIERS, folded, named_in, normalised
from tests.support.catalogue import shipped_catalogue

ALIASES = named_in(
    [
        ("apache-2.0", "apache-2.0"),
        ("Apache2", "apache-2.0"),
        ("Apache License, Version 2.0", "apache-2.0"),
        ("MIT", "mit"),
        ("MIT License", "mit"),
        ("llama-3.1", "llama-3.1"),
        ("llama3.1", "llama-3.1"),
        ("llama2", "llama-2"),
        ("mrl", "mistral-mrl-0.1"),
        ("https://mistral.ai/licenses/MRL-0.1.md", "mistral-mrl-0.1"),
        ("jamba-open-model-license", "jamba-open-model"),
        ("Gift License with Cake", "gift"),
        ("openrail++", "openrail-plus-plus"),
    ]
)

HUB = (
    "apache-2.0", "mit", "openrail", "bigscience-openrail-m", "creativeml-openrail-m",
    "bigscience-bloom-rail-1.0", "bigcode-openrail-m", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd",
    "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "c-uda", "cc", "cc0-1.0", "cc-by-2.0", "cc-by-2.5",
    "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
    "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl", "ecl-2.0",
    "epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "agpl-3.0", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "lgpl",
    "lgpl-2.1", "lgpl-3.0", "isc", "lppl-1.3c", "ms-pl", "mpl-2.0", "odc-by", "odbl", "openrail++", "osl-3.0",
    "postgresql", "ofl-1.1", "ncsa", "unlicense", "zlib", "pddl", "lgpl-lr", "deepfloyd-if-license", "llama2",
    "gemma", "unknown", "other",
)  # fmt: skip
"""The Hub's identifiers (https://huggingface.co/docs/hub/repositories-licenses, table "Licenses")."""

NO_TEXT = {"openrail", "bsd", "cc", "gfdl", "gpl", "lgpl", "unknown", "other"}
NOT_HERE = {"bigscience-bloom-rail-1.0", "deepfloyd-if-license", "openrail++", "gemma"}


@cache
def shipped() -> Mapping[str, str]:
    return named_in(
        (name, one.id)
        for one in shipped_catalogue().licences.values()
        for name in (one.id, one.title, *one.aliases, *((one.spdx,) if one.spdx else ()))
    )


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("Apache 2.0", "apache-2.0"),
        ("apache2", "apache-2.0"),
        ("Apache License, Version 2.0", "apache-2.0"),
        ("APACHE_2.0", "apache-2.0"),
        ("The MIT License", "mit"),
        ("  mit\n", "mit"),
        ("llama3.1", "llama-3.1"),
        ("llama-3_1", "llama-3.1"),
        ("Llama 3.1", "llama-3.1"),
        ("openrail++", "openrail-plus-plus"),
        ("Gift License with Cake", "gift"),
        ("MPL-2.0", "mpl-2.0"),
        ("gpl-3.0", "gpl-3.0-only"),
        ("GPL-2.0+", "gpl-2.0-or-later"),
        ("bsd 3 clause", "bsd-3-clause"),
        ("CC BY-NC 4.0", "cc-by-nc-4.0"),
        ("Unlicense", "unlicense"),
        ("ｍｉｔ", "mit"),
    ],
)
def test_a_name_without_doubt_is_understood(text: str, identifier: str) -> None:
    found = normalised(text, ALIASES)
    assert (found.ids, found.choices, found.understood) == ((identifier,), ((identifier,),), True)


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", None, "other", "unknown", "unlicensed", "none", "proprietary", "cc", "cc-by-nc", "openrail", "bsd",
        "apache", "gpl", "open source", "public domain", "NOASSERTION", "non-commercial", "MIT-ish", "Apache 2.1",
        "MIT/Apache-2.0", "MIT, Apache-2.0", "MIT Apache-2.0", "GNU GPL v2 or later", "LLVM-exception",
        "see LICENSE", "rail", "MIT " * 100,
    ],
)  # fmt: skip
def test_what_is_ambiguous_or_strange_is_not_guessed(text: str | None) -> None:
    found = normalised(text, ALIASES)
    assert (found.ids, found.choices, found.expression, found.understood) == ((), (), None, False)
    assert found.because


@pytest.mark.parametrize(
    ("text", "choices", "expression"),
    [
        ("MIT OR Apache-2.0", (("mit",), ("apache-2.0",)), "MIT OR Apache-2.0"),
        ("MIT or apache2", (("mit",), ("apache-2.0",)), "MIT OR Apache-2.0"),
        ("MIT AND Apache-2.0", (("apache-2.0", "mit"),), "MIT AND Apache-2.0"),
        ("MIT and llama3.1", (("llama-3.1", "mit"),), "MIT AND llama-3.1"),
        ("Apache-2.0 WITH LLVM-exception", (("apache-2.0",),), "Apache-2.0 WITH LLVM-exception"),
        (
            "MIT AND (Apache-2.0 OR CC-BY-4.0)",
            (("apache-2.0", "mit"), ("cc-by-4.0", "mit")),
            "MIT AND (Apache-2.0 OR CC-BY-4.0)",
        ),
        ("MIT OR Apache-2.0 AND ISC", (("mit",), ("apache-2.0", "isc")), "MIT OR Apache-2.0 AND ISC"),
        ("MIT OR MIT", (("mit",),), "MIT OR MIT"),
    ],
)
def test_an_expression_says_what_one_may_choose_and_what_applies_together(
    text: str, choices: tuple[tuple[str, ...], ...], expression: str
) -> None:
    found = normalised(text, ALIASES)
    assert found.choices == choices
    assert found.expression == expression
    assert set(found.ids) == {one for choice in choices for one in choice}


@pytest.mark.parametrize(
    "text",
    ["MIT OR", "OR MIT", "MIT AND other", "MIT OR proprietary", "()", "(MIT OR ISC", "MIT) OR (ISC", "MIT WITH ISC",
     "AND", "LLVM-exception OR MIT", "MIT AND OR ISC", "MIT WITH LLVM-exception WITH LLVM-exception"],
)  # fmt: skip
def test_an_expression_with_a_part_that_is_not_understood_is_not_understood(text: str) -> None:
    assert not normalised(text, ALIASES).understood


def test_too_many_choices_are_refused_at_once() -> None:
    text = " AND ".join(f"(MIT OR {other})" for other in ("0BSD", "ISC", "Zlib", "NCSA", "X11", "AAL", "Beerware"))
    assert "choices" in normalised(text, ALIASES).because


def test_the_hubs_name_and_link_count_where_the_identifier_says_nothing() -> None:
    link = "https://mistral.ai/licenses/MRL-0.1.md"
    for name, address in (
        ("mrl", link),
        ("mrl", None),
        (None, link),
        (None, "HTTPS://mistral.ai/licenses/MRL-0.1.md#top"),
    ):
        assert normalised("other", ALIASES, name=name, link=address).ids == ("mistral-mrl-0.1",)
    assert not normalised("other", ALIASES, name="my-own", link="LICENSE").understood
    assert "my-own" in normalised("other", ALIASES, name="my-own").because


def test_a_name_does_not_make_a_grant_of_what_grants_nothing() -> None:
    assert not normalised("proprietary", ALIASES, name="mit").understood
    assert not normalised("openrail", ALIASES, name="mit").understood


def test_a_contradiction_of_identifier_and_name_is_not_understood() -> None:
    found = normalised("apache-2.0", ALIASES, name="jamba-open-model-license")
    assert not found.understood
    assert "apache-2.0" in found.because
    assert "jamba-open-model" in found.because
    assert normalised("MIT OR ISC", ALIASES, name="ISC OR MIT").understood


@pytest.mark.parametrize(
    ("link", "identifier"),
    [
        ("https://www.apache.org/licenses/LICENSE-2.0.txt", "apache-2.0"),
        ("http://opensource.org/licenses/MIT", "mit"),
        ("https://spdx.org/licenses/ISC.html", "isc"),
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/legalcode", "cc-by-nc-sa-4.0"),
        ("https://creativecommons.org/licenses/by/4.0/deed.en", "cc-by-4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"),
        ("https://huggingface.co/owner/model/blob/main/LICENSE", None),
        ("https://evil.example/spdx.org/licenses/MIT", None),
        ("LICENSE", None),
    ],
)
def test_a_link_names_a_licence_only_where_its_steward_keeps_the_text(link: str, identifier: str | None) -> None:
    assert normalised(None, ALIASES, link=link).ids == (() if identifier is None else (identifier,))


@pytest.mark.parametrize("identifier", HUB)
def test_every_identifier_of_the_hub_is_understood_or_known_to_name_no_text(identifier: str) -> None:
    found = normalised(identifier, shipped())
    if identifier in NO_TEXT:
        assert not found.understood
    elif identifier not in NOT_HERE:
        assert found.understood, found.because
        assert len(found.ids) == 1


def test_every_licence_that_is_shipped_is_found_by_its_own_names() -> None:
    for one in shipped_catalogue().licences.values():
        for name in (one.id, *one.aliases, *((one.spdx,) if one.spdx else ())):
            found = normalised(name, shipped())
            assert found.ids == (one.id,), f"{name}: {found.because}"


def test_a_name_of_two_licences_stands_for_neither() -> None:
    assert named_in([("Twin", "one"), ("TWIN!", "two"), ("lone", "one")]) == {"lone": "one"}


def test_no_identifier_of_the_hub_hides_one_of_spdx() -> None:
    for identifier, key in HUB_IDENTIFIERS.items():
        assert normalised(identifier, {}).expression == key


WORDS = st.sampled_from(
    ["MIT", "apache2", "other", "LLVM-exception", "and", "OR", "With", "(", ")", "()", "+", "GPL-2.0+"]
)


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=14).map(" ".join), st.none()), st.text(), st.text())
def test_no_text_whatever_raises(text: str | None, name: str, link: str) -> None:
    found = normalised(text, ALIASES, name=name, link=link)
    assert found.understood == bool(found.ids) == bool(found.choices) == (found.expression is not None)
    assert found.because


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted({*HUB, "llama3.1", "Apache License, Version 2.0", "The MIT License"})), st.data())
def test_neither_case_nor_punctuation_matters(name: str, data: st.DataObject) -> None:
    dressed = "".join(
        data.draw(st.sampled_from([letter.upper(), letter.lower()]))
        if letter.isalnum() or letter == "+"
        else data.draw(st.sampled_from([" ", "-", "_", "", ", "]))
        for letter in name
    )
    assert folded(dressed) == folded(name)
    assert normalised(dressed, ALIASES).choices == normalised(name, ALIASES).choices

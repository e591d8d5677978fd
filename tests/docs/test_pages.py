"""Pages hang together: links lead somewhere, what is generated is up to date, the README is short."""

from pathlib import Path

import pytest
from bench.rows import ROWS
from docs.generate import PAGES, SECTIONS
from msgspec import Struct
from msgspec.structs import fields

from steelyard.catalog.providers import provider_table
from steelyard.cli.reference import reference
from steelyard.config import settings
from tests.docs.pages import REPOSITORY, anchors, links, pages, read, spans

ALL = [str(page.relative_to(REPOSITORY)) for page in pages()]


@pytest.mark.parametrize("page", ALL)
def test_every_link_leads_to_a_page_and_a_heading(page: str) -> None:
    text = read(page)
    for target in links(text):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        place = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        assert place.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(place.read_text(encoding="utf-8")), f"{page}: {target}"


def test_every_page_can_be_reached_from_the_index() -> None:
    seen: set[Path] = set()
    ahead = [REPOSITORY / "docs" / "index.md"]
    while ahead:
        page = ahead.pop().resolve()
        if page in seen:
            continue
        seen.add(page)
        local = (link.partition("#")[0] for link in links(page.read_text(encoding="utf-8")))
        ahead += [page.parent / link for link in local if link.endswith(".md") and not link.startswith("https://")]
    assert {str(page) for page in (REPOSITORY / "docs").rglob("*.md")} <= {str(page) for page in seen}


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert read(f"docs/reference/{name}") == PAGES[name](), "run: python docs/generate.py"


def test_the_reference_of_commands_is_up_to_date() -> None:
    written = read("docs/reference/cli.md")
    assert written == reference(), "run: python -m steelyard.cli.reference > docs/reference/cli.md"


def test_every_setting_has_a_meaning_and_every_meaning_a_setting() -> None:
    for section in SECTIONS:
        assert set(section.meanings) == {field.name for field in fields(section.struct)}, section.heading
    structs = {one for one in vars(settings).values() if isinstance(one, type) and issubclass(one, Struct)}
    assert structs - {Struct, settings.Config} == {section.struct for section in SECTIONS}


def test_every_provider_is_on_its_page_with_all_its_variables() -> None:
    named = set(spans(read("docs/reference/providers.md")))
    for provider in provider_table().values():
        assert {provider.id, *provider.key_env, *provider.base_url_env} <= named, provider.id


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= 150


def test_the_readme_has_a_row_for_each_measurement_with_its_target() -> None:
    lines = read("README.md").splitlines()
    for _, asks in ROWS.values():
        for ask in asks:
            row = next((line for line in lines if line.startswith(f"| {ask.what} |")), None)
            assert row is not None, ask.what
            sense = {"<=": "≤", ">=": "≥"}[ask.sense]
            assert f"| {sense} {ask.target:g} " in row, row

"""The page of evidence in a real browser: on a desktop, on a phone, in the dark, and printed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from steelyard.weigh.evidence.document import Evidence
from steelyard.weigh.evidence.page.render import page_of
from tests.weigh.evidence.browser import Chromium, chromium
from tests.weigh.evidence.pages import hostile, plain_evidence

BINARY = chromium()
BEYOND = """
[...document.querySelectorAll('section')].flatMap(section => [...section.querySelectorAll('*')].filter(one => {
    const [inner, outer] = [one.getBoundingClientRect(), section.getBoundingClientRect()];
    return one.checkVisibility() && getComputedStyle(one).clipPath === 'none' && !one.closest('thead')
        && (inner.right > outer.right + 0.5 || inner.left < outer.left - 0.5);
})).map(one => one.outerHTML.slice(0, 80))
"""
pytestmark = pytest.mark.skipif(BINARY is None, reason="no Chromium is on this machine's PATH")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    assert BINARY is not None
    with Chromium(BINARY, tmp_path_factory.mktemp("chromium")) as one:
        yield one


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("pages")
    made: dict[str, Evidence] = {"plain": plain_evidence(home), "hostile": hostile(home)}
    for name, evidence in made.items():
        (home / f"{name}.html").write_text(page_of(evidence), encoding="utf-8")
    return {name: home / f"{name}.html" for name in made}


WINDOWS = [
    *(("plain", *size) for size in ((1280, 800), (768, 1024), (390, 844), (320, 568))),
    *(("hostile", *size) for size in ((1280, 800), (390, 844))),
]


@pytest.mark.parametrize(("name", "width", "height"), WINDOWS)
def test_it_fits_shows_its_verdict_at_once_and_asks_nobody(
    browser: Chromium, pages: dict[str, Path], name: str, width: int, height: int
) -> None:
    browser.open(pages[name], width, height)
    assert browser.value("document.documentElement.scrollWidth") == width
    assert browser.value(BEYOND) == []
    assert browser.value("document.querySelector('h1').getBoundingClientRect().top") > 0
    assert browser.value("document.querySelector('.sentence').getBoundingClientRect().bottom") < height
    assert [told["entry"]["text"] for told in browser.told("Log.entryAdded")] == []
    assert browser.told("Runtime.exceptionThrown") == []
    assert browser.told("Runtime.consoleAPICalled") == []
    asked = [told["request"]["url"] for told in browser.told("Network.requestWillBeSent")]
    assert [one for one in asked if one != "data:,"] == [pages[name].as_uri()]


def test_what_reaches_beyond_its_section_would_be_found(
    browser: Chromium, pages: dict[str, Path], tmp_path: Path
) -> None:
    spoilt = tmp_path / "spoilt.html"
    text = pages["plain"].read_text("utf-8").replace("</h1>", "</h1><svg width='2000' height='9'></svg>")
    spoilt.write_text(
        text.replace("Content-Security-Policy", "X-None").replace("svg { display", "u { display"), "utf-8"
    )
    browser.open(spoilt, 390, 844)
    assert browser.value(BEYOND) != []


def test_one_plot_is_shown_on_a_desktop_and_another_on_a_phone(browser: Chromium, pages: dict[str, Path]) -> None:
    shown = "[...document.querySelectorAll('svg.forest')].filter(one => one.getClientRects().length)"
    for width, kind in ((1280, "wide"), (390, "narrow")):
        browser.open(pages["plain"], width, 844)
        assert browser.value(f"{shown}.map(one => one.classList.contains('{kind}')).join()") == "true"


def test_the_dark_page_is_dark_and_can_be_read(browser: Chromium, pages: dict[str, Path]) -> None:
    light = "getComputedStyle(document.body).{}.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b)"
    browser.open(pages["plain"], 1280, 900, dark=True)
    assert browser.value(light.format("backgroundColor")) < 100
    assert browser.value(light.format("color")) > 600
    browser.open(pages["plain"], 1280, 900)
    assert browser.value(light.format("backgroundColor")) > 600


def test_a_plot_has_a_name_and_a_description_for_those_who_do_not_see_it(
    browser: Chromium, pages: dict[str, Path]
) -> None:
    browser.open(pages["plain"], 1280, 900)
    tree = browser.ask("Accessibility.getFullAXTree")["nodes"]
    named = [node["name"]["value"] for node in tree if node.get("role", {}).get("value") in ("image", "img")]
    assert any("Difference of the scores by slice" in name and "topic = algebra" in name for name in named)


def test_it_can_be_printed(browser: Chromium, pages: dict[str, Path], tmp_path: Path) -> None:
    browser.open(pages["plain"], 390, 844)
    browser.pdf(tmp_path / "page.pdf")
    content = (tmp_path / "page.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert 2 <= content.count(b"/Type /Page\n") <= 5

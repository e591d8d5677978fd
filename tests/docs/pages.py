"""The documentation as the tests read it: pages, code blocks, links, headings, cells of tables."""

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

__all__ = ["REPOSITORY", "Block", "anchors", "blocks", "cells", "links", "pages", "prose", "read", "spans"]

REPOSITORY = Path(__file__).parents[2]

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[(?:[^\]]|\](?=\]))*\]\((?P<target>[^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


class Block(Struct, frozen=True):
    """A fenced block: what stands behind its fence, and its text."""

    page: str
    info: str
    text: str


def pages() -> list[Path]:
    """Return every page that people read."""
    return sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def read(name: str) -> str:
    """Return the text of a page, by its path in the repository."""
    return (REPOSITORY / name).read_text(encoding="utf-8")


def blocks(*languages: str) -> list[Block]:
    """Return the fenced blocks of all pages in one of these languages (the first word behind the fence)."""
    return [
        Block(str(page.relative_to(REPOSITORY)), found["info"].strip(), found["text"])
        for page in pages()
        for found in _FENCE.finditer(page.read_text(encoding="utf-8"))
        if found["info"].strip().split(" ")[0] in languages
    ]


def prose(text: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", text)


def links(text: str) -> list[str]:
    """Return the targets of a page's links."""
    return [found["target"] for found in _LINK.finditer(prose(text))]


def spans(text: str) -> Iterator[str]:
    """Yield what stands between backticks; one that goes over a line's end is joined."""
    for found in _SPAN.finditer(prose(text)):
        yield " ".join(found[1].split())


def anchors(text: str) -> set[str]:
    """Return the names under which a page's headings can be linked to, as GitHub makes them."""
    titles = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in _HEADING.findall(prose(text)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def cells(text: str) -> list[list[str]]:
    """Return the rows of all tables of a page, heads and rules left out."""
    rows = [[cell.strip() for cell in line[1:-1].split(" | ")] for line in text.splitlines() if line.startswith("| ")]
    heads = {
        line for line, rule in zip(text.splitlines(), text.splitlines()[1:], strict=False) if rule.startswith("|-")
    }
    return [row for row in rows if f"| {' | '.join(row)} |" not in heads]

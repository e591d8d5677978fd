"""Pages of evidence for the tests, and a reader that takes them apart."""

import random
from html.parser import HTMLParser
from pathlib import Path

from msgspec.structs import replace

from steelyard.weigh.evidence.document import SIDES, AskedOnce, Evidence, ModelFacts
from steelyard.weigh.evidence.spending import spending_of
from tests.weigh.evidence.given import gains, recorded, table

__all__ = ["HOSTILE", "Page", "hostile", "plain_evidence"]

HOSTILE = (
    "<script>alert(1)</script> & \N{RIGHT-TO-LEFT OVERRIDE}evil " + "نموذج-" * 20 + "x" * 160,
    "公司/模型-" + "深" * 120 + "\x1b[31m" + "very-long-model-name-" * 8,
)
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """A page taken apart: `text`, `tags` with their attributes, `ids`, the `cells` of tables' rows.

    `faults` are tags that close what was not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.cells: list[list[str]] = []
        self.pieces: list[str] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.faults += self._open

    @property
    def text(self) -> str:
        """Return what a reader sees, blanks folded."""
        return " ".join("".join(self.pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.append((tag, told))
        if (name := told.get("id")) is not None:
            self.ids.append(name)
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.cells.append([])
        elif tag in ("td", "th") and self.cells:
            self.cells[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.pieces.append(data)
        if self.cells and self.cells[-1] and "table" in self._open:
            self.cells[-1][-1] += data.strip()


def plain_evidence(home: Path, n: int = 300) -> Evidence:
    """Return the evidence of an ordinary weighing with slices."""
    file = table(home / "results.csv", gains(n, topic=("algebra", "geometry", "logic")))
    return recorded(home, [str(file)], slices=("topic",))[1].evidence


def hostile(home: Path) -> Evidence:
    """Return evidence with names that no page wants: 60 slices, calls, cards, and every script."""
    values = [
        "العربية",
        "עברית",
        "日本語",
        "a slice that goes on and on and never ends " * 6,
        "<b>bold</b>",
        "😀 'q\" &amp;",
    ]
    values += [f"lang-{number:02d}" for number in range(54)]
    rows = [
        {**row, "b": 0 if row["language"] == "<b>bold</b>" else row["b"], "a": row["a"]}
        for row in gains(2400, language=tuple(values))
    ]
    names = dict(zip(("a", "b"), HOSTILE, strict=True))
    renamed = [{names.get(key, key): value for key, value in row.items()} for row in rows]
    file = table(home / "w-نتائج '.csv", renamed)
    _, read = recorded(home, [str(file)], baseline=HOSTILE[0], candidate=HOSTILE[1], slices=("language",))
    drawn = random.Random(1)
    calls = tuple(
        AskedOnce(
            item=f"i{place}",
            side=side,
            repeat=0,
            counts=True,
            exchange=f"x-{place}-{side}",
            deployment="acme/<m>",
            status=200,
            answered=True,
            parsed=place % 50 > 0,
            score=1.0,
            input_tokens=120,
            output_tokens=30,
            cost_usd="0.0023" if side == "baseline" else None,
            took_s=drawn.expovariate(1.0),
        )
        for place in range(200)
        for side in SIDES
    )
    models = {
        side: replace(read.evidence.models[side], spending=spending_of(calls, side), facts=(_facts(side),))
        for side in SIDES
    }
    return replace(read.evidence, calls=calls, models=models)


def _facts(side: str) -> ModelFacts:
    closed = side == "baseline"
    return ModelFacts(
        name=f"acme/{side}",
        on="2026-11-23",
        card=f"acme/{side}<i>",
        card_sha256="0" * 64,
        developer="Acme & Sons",
        licence="acme-terms" if closed else "apache-2.0",
        openness="closed" if closed else "open-weight",
        weights_published=not closed,
        provider="acme" if closed else "local",
        provider_terms=None,
        self_hosted=None if closed else True,
        regions=("eu-west-1",) if closed else None,
        retention_days=30 if closed else 0,
        trains_on_inputs=None,
    )

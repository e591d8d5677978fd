"""What is right and wrong by item, a character an item, and the figures that papers and leaderboards make of it."""

import csv
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct

from steelyard.weigh.judging.orders import accuracy, both_orders

__all__ = ["BENCHMARKS", "TABLES", "Benchmark", "Figure", "Outcomes", "carried", "compared", "kept", "percent"]

Outcomes: TypeAlias = Mapping[str, str]
"""By row (a model, a judge, a kind of labels): a character an item. "." is an item that was not asked."""

TABLES: Final = Path(__file__).parent / "tables"
_LOT: Final = "decided by lot"
"""The row of IFEval's table that says which instructions its own code decides by lot."""


class Figure(Struct, frozen=True):
    """A published figure, and ours. `note`: why ours is another, where that is known."""

    name: str
    published: float
    ours: float
    note: str = ""

    @property
    def equal(self) -> bool:
        """Say whether both are the same number, as it was published."""
        return math.isclose(self.published, self.ours, abs_tol=1e-9)


class Benchmark(Struct, frozen=True):
    """`figures` makes numbers of the outcomes, by name, with as many `digits` as were published."""

    name: str
    digits: int
    figures: Callable[[Outcomes], dict[str, float]]
    notes: Mapping[str, str] = {}


def percent(part: int, whole: int, digits: int = 2) -> float:
    """Return a share of a hundred, rounded."""
    return round(100 * part / whole, digits)


def carried(name: str) -> dict[str, str]:
    """Return a benchmark's outcomes as the repository carries them."""
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["row"]: row["outcomes"] for row in csv.DictReader(file)}


def kept(name: str, outcomes: Outcomes) -> None:
    """Write a benchmark's outcomes, for the repository to carry."""
    with (TABLES / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("row", "outcomes"), *outcomes.items()])


def compared(benchmark: Benchmark, outcomes: Outcomes) -> list[Figure]:
    """Return every published figure of a benchmark with ours."""
    ours = benchmark.figures(outcomes)
    with (TABLES / "published.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["benchmark"] == benchmark.name]
    names = [row["figure"] for row in rows]
    assert sorted(names) == sorted(ours), set(names) ^ set(ours)
    return [
        Figure(row["figure"], float(row["published"]), ours[row["figure"]], benchmark.notes.get(row["figure"], ""))
        for row in rows
    ]


def _right(outcomes: Outcomes) -> dict[str, float]:
    return {row: percent(told.count("1"), len(told) - told.count(".")) for row, told in outcomes.items()}


def _followed(outcomes: Outcomes) -> dict[str, float]:
    """Return the shares of instructions that are followed: by us, and by the record where that was decided by lot."""
    lots = outcomes[_LOT]
    found = {}
    for model, told in outcomes.items():
        if model != _LOT:
            by_us = sum(one in "1o" for one in told)
            as_drawn = sum(one in ("1r" if lot == "1" else "1o") for one, lot in zip(told, lots, strict=True))
            found[model] = percent(by_us, len(told), 1)
            found[f"{model}, lots as drawn there"] = percent(as_drawn, len(told), 1)
    return found


def _refusals(outcomes: Outcomes) -> dict[str, float]:
    return {
        f"{kind}, by {row}": percent(told.count(kind[0]), len(told), 1)
        for row, told in outcomes.items()
        for kind in ("full refusal", "partial refusal")
    }


def _routed(outcomes: Outcomes) -> dict[str, float]:
    """Return accuracies, and the calls to the strong model that 95 % of its accuracy takes.

    A random router gains in proportion to its calls; the oracle, which calls the strong model only where that alone is
    right, gains one item a call (RouteLLM, arXiv 2406.18665)."""
    (_, weak), (_, strong) = outcomes.items()
    n = len(weak)
    wanted = 0.95 * strong.count("1") - weak.count("1")
    oracle = math.ceil(wanted)
    assert oracle <= sum((one, other) == ("0", "1") for one, other in zip(weak, strong, strict=True))
    random = wanted / (strong.count("1") - weak.count("1"))
    return {**_right(outcomes), "calls, random router": round(100 * random, 1), "calls, oracle": percent(oracle, n, 1)}


def _judged(outcomes: Outcomes) -> dict[str, float]:
    """Return how often a judge was right in both orders, and on average: 0 in none, 1 and 2 in one, 3 in both."""
    found = {}
    for row, told in outcomes.items():
        codes = np.array([int(one) for one in told])
        # The gold preference is called the first; whoever is not right said the second.
        verdicts = both_orders(np.where(codes & 1, 1, 2).tolist(), np.where(codes & 2, 1, 2).tolist())
        right = accuracy(verdicts, [1] * len(told))
        assert right.both.share is not None
        assert right.average is not None
        found[f"{row}, both orders"] = round(100 * right.both.share, 2)
        found[f"{row}, average"] = round(100 * right.average, 2)
    return found


_PAGE: Final = "the page's own record of the responses gives 86.7"
_BY_LOT: Final = "langdetect without a seed, and letters drawn at random"
_WORDS: Final = "words are matched, not meaning"

BENCHMARKS: Final = {
    one.name: one
    for one in (
        Benchmark("zeroeval-gsm", 2, _right),
        Benchmark("gsm8k-openai", 2, _right),
        Benchmark(
            "ifeval-en",
            1,
            _followed,
            {
                **dict.fromkeys(("o1-preview-2024-09-12", "o1-preview-2024-09-12, lots as drawn there"), _PAGE),
                "Qwen2.5-14B-Instruct-GPTQ-Int4": _BY_LOT,
                "Qwen2.5-32B-Instruct-GPTQ-Int4": _BY_LOT,
                "Qwen2.5-3B-Instruct-GPTQ-Int4": _BY_LOT,
                "Qwen2.5-7B-Instruct-GPTQ-Int4": _BY_LOT,
                "claude-3-opus-20240229": _BY_LOT,
                "gpt-4o-2024-08-06": _BY_LOT,
            },
        ),
        Benchmark(
            "xstest", 1, _refusals, dict.fromkeys(("full refusal, by match", "partial refusal, by match"), _WORDS)
        ),
        Benchmark("routellm", 2, _routed),
        Benchmark("llmbar", 2, _judged),
    )
}

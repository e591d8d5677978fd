"""`python -m tests.weigh.published [--raw] [--write]`: published figures beside ours.

Without options: from the outcomes by item that the repository carries. `--raw`: scored anew from the raw outputs, which
../shared holds. `--write`: keep these outcomes, and the published numbers, for the repository to carry."""

import csv
import sys

from tests.weigh.published.benchmark import BENCHMARKS, TABLES, Figure, carried, compared, kept
from tests.weigh.published.raw import EVALS, RAW, published

__all__ = ["main", "shown"]


def shown(figures: list[Figure], digits: int) -> str:
    """Return a table: published, ours, difference, and why where they differ."""
    lines = [f"{'':<62}{'published':>10}{'ours':>8}{'difference':>12}"]
    for one in figures:
        apart = one.ours - one.published
        numbers = f"{one.published:>10.{digits}f}{one.ours:>8.{digits}f}{apart:>+12.{digits}f}"
        lines.append(f"{one.name:<62}{numbers}  {'' if one.equal else one.note}".rstrip())
    return "\n".join(lines)


def write() -> None:
    """Score all raw outputs, and keep the outcomes with the numbers that are published about them."""
    ours = set()
    for name, scored in RAW.items():
        outcomes = scored()
        kept(name, outcomes)
        ours |= {(name, figure) for figure in BENCHMARKS[name].figures(outcomes)}
    with (TABLES / "published.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("benchmark", "figure", "published"))
        # Of some models the figures are published, and not the outputs.
        writer.writerows(row for row in published() if row[:2] in ours)


def main(words: list[str]) -> int:
    """Print the tables; return 1 where a figure differs and nobody knows why."""
    raw = "--raw" in words or "--write" in words
    if raw and not EVALS.is_dir():
        print("The raw outputs are in ../shared, which is not here.", file=sys.stderr)
        return 2
    if "--write" in words:
        write()
    unknown = 0
    for name, benchmark in BENCHMARKS.items():
        figures = compared(benchmark, RAW[name]() if "--raw" in words else carried(name))
        unknown += sum(not one.equal and not one.note for one in figures)
        print(f"\n{name}: {sum(one.equal for one in figures)} of {len(figures)} equal")
        print(shown(figures, benchmark.digits))
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`steelyard weigh recorded`: a verdict on two models from results that others recorded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from rich.text import Text

from steelyard.cli.card_of import tell
from steelyard.cli.jsons import print_json
from steelyard.cli.options import Given, OptionValue, config_option, json_option, read_config
from steelyard.cli.ranges import RealRange, SeedRange
from steelyard.cli.shown import console, table
from steelyard.cli.visible import visible
from steelyard.core.errors import ConfigError, StoreError
from steelyard.weigh.evidence.document import Reading
from steelyard.weigh.evidence.inputs import inputs_of
from steelyard.weigh.evidence.kept import keep_recorded
from steelyard.weigh.evidence.made import Decided, Origin
from steelyard.weigh.evidence.words import sentence
from steelyard.weigh.figure import figure
from steelyard.weigh.forest import ForestRow, forest
from steelyard.weigh.results.contamination import read_contamination
from steelyard.weigh.results.pairs import Asked
from steelyard.weigh.results.read import read_results
from steelyard.weigh.verdict import Verdict, Weighing, weighing_row
from steelyard.weigh.verdict_recorded import Declared, weighed

__all__ = ["VERDICT_WORDS", "recorded", "sentence_of", "show_plot", "show_weighing"]

VERDICT_WORDS: Final[dict[Verdict, tuple[str, str]]] = {
    "SWAP": ("SWAP", "bold green"),
    "DONT": ("DON'T", "bold red"),
    "NEED_MORE": ("NEED MORE", "bold yellow"),
}
"""What people read in a verdict's place, and its style."""

_WIDEST: Final = 44
_NARROWEST: Final = 16
_BESIDE: Final = 21
"""Columns that verdict and the gaps between columns take beside the drawing."""


@click.command()
@click.argument("files", metavar="[MODEL=]FILE...", nargs=-1, required=True)
@click.option("--baseline", metavar="MODEL", required=True, help="The model that answers today.")
@click.option("--candidate", metavar="MODEL", required=True, help="The model that may take its place.")
@click.option(
    "--margin",
    type=RealRange(0),
    required=True,
    help="How much worse the candidate may be, in units of the score: 0.03 is 3 points in 100.",
)
@click.option("--cluster", metavar="COL", help="Items with the same value there belong together; `none`: to nothing.")
@click.option("--slice", "slices", metavar="COL", multiple=True, help="Weigh each value of a column too; repeat.")
@click.option(
    "--alpha",
    type=RealRange(0, 0.5, min_open=True),
    default=0.05,
    show_default=True,
    help="Intervals are at confidence 1 - ALPHA.",
)
@click.option("--seed", type=SeedRange(), default=0, show_default=True, help="Seed of the bootstrap.")
@click.option(
    "--missing",
    type=click.Choice(("report", "fail")),
    default="report",
    show_default=True,
    help="Leave items with a missing score out and say so, or count it as 0.",
)
@click.option("--score", metavar="NAME", help="The score to weigh, where a file has several.")
@click.option("--item", metavar="COL", help="The column that names the items, where its name does not tell.")
@click.option(
    "--contaminated",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Items, or their texts, that a model was trained on: one a line, or JSON lines. They are left out.",
)
@click.option("--keep/--no-keep", default=True, show_default=True, help="Keep the weighing, to report it later.")
@click.option("--hash-items", is_flag=True, help="Keep items by the SHA-256 of their names.")
@config_option
@json_option
def recorded(files: tuple[str, ...], config_path: Path | None, as_json: bool, **given: OptionValue) -> int:
    """Say by recorded results whether one model may take another's place.

    FILE is CSV, TSV, JSON, JSONL or Parquet, long (`item, model, score`, any further columns) or wide (`item` and one
    column a model; empty is missing), a log of Inspect, samples of lm-evaluation-harness, promptfoo's output,
    AlpacaEval's annotations, or a log of OpenAI's evals. MODEL=FILE names the model where the file does not.

    The margin is declared before looking. SWAP: the whole interval of the difference lies above -MARGIN. DON'T: it lies
    below, or that of a slice does. NEED MORE: neither. Exit code 0: SWAP; 1: anything else; 2: bad input.

    The weighing is kept under `weighings` in the data directory: `steelyard weigh report` makes a page of it.
    """
    listed = read_contamination(given["contaminated"]) if given["contaminated"] is not None else frozenset()
    asked = Asked(given["baseline"], given["candidate"], given["cluster"], given["slices"], given["missing"], listed)
    results = read_results(files, given["item"], given["score"])
    level = Declared(given["margin"], given["alpha"], given["seed"])
    decided_on = Decided(results, asked, level, weighed(results, asked, level))
    weighing = decided_on.weighing
    kept = _keep(decided_on, files, config_path, given) if given["keep"] else None
    if as_json:
        print_json(weighing_row(weighing) | ({} if kept is None else {"id": kept}))
    else:
        show_weighing(weighing, asked, given["alpha"])
    if kept is not None:
        click.echo(f"report   steelyard weigh report {kept} --html report.html", err=True)
    return 0 if weighing.verdict == "SWAP" else 1


def _keep(decided_on: Decided, files: Sequence[str], config_path: Path | None, given: Given) -> str | None:
    """Keep a weighing, and return its id; where that cannot be done, say why: the verdict is the same."""
    origin = Origin(
        inputs=inputs_of(files, given["contaminated"]), reading=Reading(item=given["item"], score=given["score"])
    )
    try:
        data_dir = read_config(config_path).server.data_dir
        return keep_recorded(data_dir, decided_on, origin, hash_items=given["hash_items"]).id
    except (ConfigError, StoreError) as error:
        if config_path is not None and isinstance(error, ConfigError):
            raise
        tell((f"the weighing is not kept: {error}",))
        return None


def show_weighing(weighing: Weighing, asked: Asked, alpha: float) -> None:
    """Print a weighing for people: the verdict on top, then what was measured, the plot, and the flags."""
    screen = console()
    word, style = VERDICT_WORDS[weighing.verdict]
    screen.print(Text(word, style), Text(visible(sentence_of(weighing, asked))), soft_wrap=True)
    for flag in weighing.flags:
        if flag.kind == "slice":
            screen.print(Text(f"  {visible(flag.text)}", "bold red"), soft_wrap=True)
    click.echo()
    show_plot(weighing, screen.width)
    click.echo()
    for name, said in _facts(weighing, asked, alpha):
        screen.print(Text(f"{name:<8}", "bold"), Text(visible(said)), soft_wrap=True)
    for flag in weighing.flags:
        if flag.kind != "slice":
            screen.print(Text(f"! {flag.kind}:", "yellow"), Text(visible(flag.text)), soft_wrap=True)


def sentence_of(weighing: Weighing, asked: Asked) -> str:
    """Return what a verdict means, in a sentence that follows its word."""
    return sentence(weighing, asked.baseline, asked.candidate)


def show_plot(weighing: Weighing, width: int) -> None:
    """Print the forest plot, in so many columns."""
    rows = forest(weighing, _WIDEST)
    if (room := _room(rows, width)) < _WIDEST:
        rows = forest(weighing, room, digits=3)
        rows = forest(weighing, max(_room(rows, width), _NARROWEST), digits=3)
    legend = "┊ worse than the margin, │ equal"
    heads = ("", "N", legend if len(legend) <= len(rows[0].drawing) else "┊ margin, │ equal", "DIFFERENCE", "")
    marks = {verdict: Text(word, style) for verdict, (word, style) in VERDICT_WORDS.items()}
    cells = [(_label(row), _count(row), row.drawing, _figures(row), marks[row.verdict]) for row in rows]
    table(heads, cells, right=("N",))


def _room(rows: Sequence[ForestRow], width: int) -> int:
    """Return how many columns are left for the drawing."""
    return width - _BESIDE - sum(max(len(cell(row)) for row in rows) for cell in (_label, _count, _figures))


def _label(row: ForestRow) -> str:
    return row.label


def _count(row: ForestRow) -> str:
    return f"{row.n:,}"


def _figures(row: ForestRow) -> str:
    return row.told


def _facts(weighing: Weighing, asked: Asked, alpha: float) -> list[tuple[str, str]]:
    means = [
        f"{asked.baseline} {_known(weighing.baseline_mean)}",
        f"{asked.candidate} {_known(weighing.candidate_mean)}",
    ]
    clusters = (
        "" if weighing.clusters is None else f" in {weighing.clusters:,} cluster{'' if weighing.clusters == 1 else 's'}"
    )
    level = f"{100 * (1 - alpha):g} %"
    slices = f"; slices corrected by Holm over {len(weighing.slices)}" if weighing.slices else ""
    facts = [
        ("means", f"{', '.join(means)}; {weighing.n:,} items{clusters}"),
        (
            "method",
            weighing.method if weighing.ci is None else f"{weighing.method}, {level}{slices}; seed {weighing.seed}",
        ),
    ]
    if weighing.ci is not None:
        said = f"worse by the margin or more: p {_p(weighing.p_noninferior)} (SWAP needs less than {alpha / 2:g})"
        facts.append(("tests", f"{said}; no difference: p {_p(weighing.p_difference)}"))
    return [*facts, ("inputs", f"SHA-256 {weighing.inputs_sha256}")]


def _known(value: float | None) -> str:
    return "unknown" if value is None else figure(value)


def _p(value: float | None) -> str:
    return "unknown" if value is None else "< 0.0001" if value < 0.0001 else f"= {value:.4f}"

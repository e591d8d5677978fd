"""`steelyard weigh score`: score recorded outputs, for `weigh recorded` to weigh."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click
from msgspec import Struct

from steelyard.cli.jsons import print_json
from steelyard.cli.long_table import check_writable, print_table, write_table
from steelyard.cli.options import Given, OptionValue, json_option
from steelyard.cli.shown import console
from steelyard.cli.visible import visible
from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject, JsonValue
from steelyard.weigh.results.source import REPEATS
from steelyard.weigh.scorers.registry import SCORERS, label_of, options_from, scorer
from steelyard.weigh.scorers.score import Scorer
from steelyard.weigh.tasks.outputs import Scored, Tally, found_columns, joined, score_rows, tallies
from steelyard.weigh.tasks.rows import Row, read_rows
from steelyard.weigh.tasks.shipped import find_task
from steelyard.weigh.tasks.task import Task

__all__ = ["score"]

_Command = TypeVar("_Command", bound=Callable[..., object])


class _By(Struct, frozen=True):
    """What the outputs are scored by: a scorer, and the items of a task or of a file."""

    scorer: Scorer
    items: Mapping[str, Mapping[str, JsonValue]] | None
    source: str
    target: str | None
    kept: tuple[str, ...]


def _columns(command: _Command) -> _Command:
    """Add the options that say which columns hold what, as `columns`."""
    for name, usual in (("target", "target or answer"), ("output", "output, response or completion")):
        command = click.option(f"--{name}", metavar="COL", help=f"Column of the {name}; without it: {usual}.")(command)
    command = click.option("--model", metavar="COL", help="Column of the model; without it: model.")(command)
    return click.option("--item", metavar="COL", help="Column of the item; without it: item, id or key.")(command)


def _scoring(command: _Command) -> _Command:
    """Add the options that say by what is scored."""
    command = click.option(
        "--items", "items_file", type=click.Path(path_type=Path), metavar="FILE",
        help="Rows with the items' targets and other columns, joined by the item's column.",
    )(command)  # fmt: skip
    command = click.option(
        "--task", metavar="NAME|FILE", help="Score by a task: its scorer, its options, its items and targets."
    )(command)
    command = click.option(
        "--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of the scorer; repeat."
    )(command)
    return click.option("--scorer", "name", metavar="NAME", help=f"One of {', '.join(SCORERS)}.")(command)


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@_scoring
@_columns
@click.option("--as", "called", metavar="NAME", help="The model's name, where no column says it.")
@click.option("--keep", multiple=True, metavar="COL", help="A further column of the table, for --cluster or --slice.")
@click.option("--unparsed-as-wrong", "strict", is_flag=True, help="What is unparsed or missing is worth 0.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write .csv or .jsonl.")
@json_option
def score(file: Path, **given: OptionValue) -> None:
    """Score recorded outputs, one a row of FILE: .csv, .tsv or .jsonl, also .gz or .xz.

    The long table (item, model, score, parsed, scorer, version) goes to --out or to standard output, and what each
    model comes to goes to standard error. Columns epoch, repeat and trial tell runs of one item apart, and go along.
    An output that cannot be read has no score and is counted apart, unless --unparsed-as-wrong asks otherwise.
    """
    check_writable(given["out"])
    by = _by(given)
    rows: Sequence[Row] = read_rows(file)
    if by.items is not None:
        own = found_columns(rows, {"item": given["item"], "output": given["output"]}, model=given["called"] or "")
        rows = joined(rows, by.items, own.item, by.source)
    wanted = {name: given[name] for name in ("item", "model", "output")} | {"target": given["target"] or by.target}
    runs = (name for name in REPEATS if any(name in row.values for row in rows))
    columns = found_columns(rows, wanted, dict.fromkeys((*by.kept, *given["keep"], *runs)), model=given["called"])
    scored = score_rows(rows, columns, by.scorer, model=given["called"] or "", strict=given["strict"])
    _tell(scored, by.scorer, given["out"], as_json=given["as_json"])


def _by(given: Given) -> _By:
    if (given["name"] is None) == (given["task"] is None):
        raise click.UsageError("Give --scorer NAME, or --task NAME|FILE.")
    if given["task"] is not None:
        if given["options"] or given["items_file"] is not None:
            raise click.UsageError("A task has its own options and items; --option and --items go with --scorer.")
        return _by_task(find_task(given["task"]))
    made = scorer(given["name"], options_from(given["name"], given["options"]))
    items, source = None, ""
    if given["items_file"] is not None:
        items, source = _items(given["items_file"], given["item"]), str(given["items_file"])
    return _By(made, items, source, None, ())


def _by_task(task: Task) -> _By:
    kept = (*((task.cluster,) if task.cluster is not None else ()), *task.slices)
    return _By(task.scorer, {item.id: item.row for item in task.items}, f"the task {task.name}", task.target, kept)


def _items(path: Path, wanted: str | None) -> dict[str, JsonObject]:
    rows = read_rows(path)
    column = next((name for name in (wanted, "item", "id", "key") if name is not None and name in rows[0].values), None)
    if column is None:
        raise ConfigError(f"{rows[0].place}: no column names the item; name it with --item, as in the outputs")
    return {str(row.values.get(column)): row.values for row in rows}


def _tell(scored: Sequence[Scored], by: Scorer, out: Path | None, *, as_json: bool) -> None:
    table = [one.cells() for one in scored]
    if out is not None:
        write_table(out, table)
    found = tallies(scored)
    if as_json:
        whole = {"scorer": label_of(by), "version": by.version, "models": found, "out": str(out) if out else None}
        print_json(whole if out is not None else {**whole, "rows": table})
        return
    if out is None:
        print_table(table)
    notes = console(stderr=True)
    notes.print(visible(f"{label_of(by)}, version {by.version}"), markup=False, soft_wrap=True)
    for tally in found:
        notes.print(visible(_line(tally)), markup=False, soft_wrap=True)


def _line(tally: Tally) -> str:
    mean = "unknown" if tally.mean is None else f"{tally.mean:.4f}"
    counted = f"{tally.n} outputs, {tally.unparsed} unparsed, {tally.missing} missing"
    left = "" if tally.scored == tally.n else f"; {tally.mean_of_all:.4f} with those counted as 0"
    return f"  {tally.model}: mean {mean} of {tally.scored} scored ({counted}){left}"

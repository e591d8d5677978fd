"""What `steelyard weigh run` shows: what calls may cost, how far they are, what came of them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Final

import click
import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from steelyard.cli.shown import console, table
from steelyard.cli.visible import visible
from steelyard.weigh.results.sheet import Flag
from steelyard.weigh.runs.prices import Cost
from steelyard.weigh.runs.runner import Ended, Progress
from steelyard.weigh.runs.summary import ModelSums
from steelyard.weigh.verdict import Weighing, weighing_row

__all__ = ["dollars", "progress_shown", "run_row", "say", "show_costs", "show_flags", "show_sums"]

_DOLLARS: Final = 4


def say(text: str) -> None:
    """Write a note for people on standard error."""
    print(visible(text, lines=True), file=sys.stderr, flush=True)


def dollars(amount: Decimal | str | None, *, up: bool = False) -> str:
    """Return dollars with as many digits as tell something; "unknown" for what is unknown. `up`: never less."""
    if amount is None:
        return "unknown"
    value = Decimal(amount)
    digits = max(_DOLLARS, 1 - value.adjusted()) if value else 2
    rounding = "ROUND_UP" if up else "ROUND_HALF_EVEN"
    return f"${value.quantize(Decimal(1).scaleb(-digits), rounding=rounding):f}"


def show_costs(costs: Sequence[Cost], ceiling: Decimal | None) -> None:
    """Say what calls may cost before any is made, on standard error."""
    for cost in costs:
        tokens = [
            "unknown" if cost.input_tokens is None else f"about {cost.input_tokens:,} tokens of prompts",
            "answers without a limit" if cost.output_tokens is None else f"at most {cost.output_tokens:,} of answers",
        ]
        most = (
            f"cost unknown: {cost.why}" if cost.at_most_usd is None else f"at most {dollars(cost.at_most_usd, up=True)}"
        )
        say(f"  {cost.model}: {cost.calls:,} calls, {', '.join(tokens)}; {most}{_prompts(cost)}")
    known = [cost.at_most_usd for cost in costs if cost.at_most_usd is not None]
    if len(known) == len(costs):
        say(f"  in all at most {dollars(sum(known, Decimal(0)), up=True)}")
    if ceiling is not None:
        say(f"  ceiling {dollars(ceiling)}: no call is made that could exceed it")


def _prompts(cost: Cost) -> str:
    if not cost.prompts_usd:
        return ""
    return f", of which the prompts are about {dollars(cost.prompts_usd)}"


@contextmanager
def progress_shown(label: str) -> Iterator[Callable[[Progress], None]]:
    """Give what is to be told of every call that has come back: a bar on a terminal, a line at the end elsewhere."""
    screen = console(stderr=True)
    if not sys.stderr.isatty():
        last: list[Progress] = []
        yield lambda progress: last.__setitem__(slice(None), [progress])
        if last:
            say(f"{label}: {last[0].done:,} of {last[0].total:,} calls, {_told(last[0])}")
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, TextColumn("{task.fields[told]}"), console=screen) as bar:
        task = bar.add_task(label, total=None, told="")
        yield lambda progress: bar.update(task, completed=progress.done, total=progress.total, told=_told(progress))


def _told(progress: Progress) -> str:
    failed = f"{progress.failed:,} failed, " if progress.failed else ""
    unpriced = f" and {progress.unpriced:,} calls of unknown cost" if progress.unpriced else ""
    return f"{failed}{dollars(progress.spent_usd)}{unpriced}"


def show_sums(sums: Sequence[ModelSums], alpha: float) -> None:
    """Print what each model's calls came to: what they are worth, with intervals at 1 - `alpha`; and what they took."""
    worth = ("MODEL", "N", "MEAN", f"{100 * (1 - alpha):g} %", "UNPARSED", "FAILED")
    rows: list[tuple[str, ...]] = [
        (
            one.model,
            f"{one.n:,}",
            "-" if one.mean is None else f"{one.mean:.4f}",
            "-" if one.ci is None else f"{one.ci[0]:.4f} to {one.ci[1]:.4f}",
            f"{one.unparsed:,}",
            f"{one.failed:,}",
        )
        for one in sums
    ]
    table(worth, rows, right=worth[1:])
    click.echo()
    took = ("MODEL", "CALLS", "COST", "MEDIAN", "P95", "TOKENS IN", "OUT")
    rows = [
        (
            one.model,
            f"{one.asked:,}",
            _cost(one),
            _seconds(one.median_s),
            _seconds(one.p95_s),
            _count(one.input_tokens),
            _count(one.output_tokens),
        )
        for one in sums
    ]
    table(took, rows, right=took[1:])


def _cost(one: ModelSums) -> str:
    if not one.unpriced:
        return dollars(one.cost_usd)
    return f"{dollars(one.cost_usd)} + {one.unpriced:,} unknown" if one.cost_usd is not None else "unknown"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def _count(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def show_flags(flags: Sequence[Flag]) -> None:
    """Print what is to be known of the calls."""
    for flag in flags:
        console().print(Text(f"! {flag.kind}:", "yellow"), Text(visible(flag.text)), soft_wrap=True)


def run_row(
    name: str, path: str, ended: Ended, sums: Sequence[ModelSums], flags: Sequence[Flag], weighing: Weighing | None
) -> dict[str, object]:
    """Return a run for programs."""
    progress = ended.progress
    return {
        "id": name,
        "path": path,
        "complete": ended.stopped is None,
        "stopped": ended.stopped,
        "why": ended.why or None,
        "calls": {"done": progress.done, "failed": progress.failed, "total": progress.total},
        "spent_usd": format(progress.spent_usd, "f"),
        "unpriced": progress.unpriced,
        "models": [msgspec.structs.asdict(one) for one in sums],
        "flags": [msgspec.structs.asdict(flag) for flag in flags],
        "verdict": None if weighing is None else weighing_row(weighing),
    }

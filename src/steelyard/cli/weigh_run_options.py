"""The options of `steelyard weigh run`."""

from collections.abc import Callable
from typing import Final, TypeVar

import click

from steelyard.cli.ranges import RealRange, SeedRange
from steelyard.cli.weigh_calling import unread_option
from steelyard.weigh.scorers.registry import SCORERS

__all__ = ["PLANNING", "run_options"]

_Command = TypeVar("_Command", bound=Callable[..., object])

PLANNING: Final = (
    *("models", "scorer", "options", "repeats", "seed", "sample", "max_tokens", "request", "item", "prompt", "target"),
    *("baseline", "candidate", "margin", "alpha", "slices", "cluster", "missing", "since", "stratify"),
)
"""Options that make a plan, beside `items`; whoever goes on with one gives none of them, or all again."""


def run_options(command: _Command) -> _Command:
    """Add all of them."""
    return _which(_what(_decision(_how(command))))


def _what(command: _Command) -> _Command:
    """Add the options that say what is asked of whom, and how it is scored."""
    for name, help_text in (
        ("target", "Column of the target, where it is not `target` or `answer`."),
        ("prompt", "Column of the prompt, where it is not `prompt` (or `messages`)."),
        ("item", "Column of the item's id, where it is not `item`, `id` or `key`."),
    ):
        command = click.option(f"--{name}", metavar="COL", help=help_text)(command)
    command = click.option(
        "--request", multiple=True, metavar="KEY=VALUE", help="A field of every call, like temperature=0; repeat."
    )(command)
    command = click.option(
        "--max-tokens", type=click.IntRange(1), metavar="N", help="The most tokens of an answer, as `max_tokens`."
    )(command)
    command = click.option(
        "--repeats", type=click.IntRange(1), default=1, show_default=True, help="Ask each item so often."
    )(command)
    command = click.option(
        "--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of the scorer; repeat."
    )(command)
    command = click.option("--scorer", metavar="NAME", help=f"One of {', '.join(SCORERS)}. A task has its own.")(
        command
    )
    return click.option(
        "--models", metavar="A,B,...", help="Routes or deployments to ask, as in `model` of a call."
    )(command)  # fmt: skip


def _which(command: _Command) -> _Command:
    """Add the options that say which items."""
    command = click.option(
        "--stratify", multiple=True, metavar="WHAT", help="ledger: draw evenly by day, key, deployment, …; repeat."
    )(command)
    command = click.option("--since", metavar="DURATION", help="ledger: only the last 12h, 7d, 2w.")(command)
    command = click.option(
        "--seed", type=SeedRange(), default=0, show_default=True, help="Seed of sample, order and bootstrap."
    )(command)
    command = click.option(
        "--sample", type=click.IntRange(1), metavar="N", help="Ask only N of the items, drawn by the seed."
    )(command)
    return click.option(
        "--items",
        metavar="SOURCE",
        help="A file of rows (.csv, .tsv, .jsonl), task:NAME, a task's .toml, or ledger:ROUTE for real traffic.",
    )(command)


def _decision(command: _Command) -> _Command:
    """Add the options that declare what is to be decided."""
    command = click.option(
        "--missing",
        type=click.Choice(("report", "fail")),
        default="report",
        show_default=True,
        help="Leave items with a missing score out and say so, or count it as 0.",
    )(command)
    command = click.option(
        "--alpha",
        type=RealRange(0, 0.5, min_open=True),
        default=0.05,
        show_default=True,
        help="Intervals are at confidence 1 - ALPHA.",
    )(command)
    command = click.option(
        "--cluster", metavar="COL", help="Items with the same value there belong together; `none`: to nothing."
    )(command)
    command = click.option(
        "--slice", "slices", metavar="COL", multiple=True, help="Weigh each value of a column too; repeat."
    )(command)
    command = click.option(
        "--margin", type=RealRange(0), help="How much worse the candidate may be; declared before looking."
    )(command)
    command = click.option("--candidate", metavar="MODEL", help="Who may take its place; else the second model.")(
        command
    )
    return click.option("--baseline", metavar="MODEL", help="Who answers today; else the first of two models.")(command)


def _how(command: _Command) -> _Command:
    """Add the options that say how fast and how far."""
    command = click.option("--yes", "-y", is_flag=True, help="Do not ask before the first call.")(command)
    command = click.option("--resume", metavar="ID", help="Go on with a weighing: make the calls that are missing.")(
        command
    )
    command = click.option(
        "--unknown-price",
        type=click.Choice(("refuse", "allow")),
        default="refuse",
        show_default=True,
        help="With --max-usd: what to do with a model whose price is unknown.",
    )(command)
    command = click.option(
        "--max-usd", metavar="X", help="Never spend more, in US dollars; calls under way count at their upper bound."
    )(command)
    command = unread_option(command)
    return click.option(
        "--concurrency", type=click.IntRange(1, 1000), default=8, show_default=True, help="Calls at a time."
    )(command)

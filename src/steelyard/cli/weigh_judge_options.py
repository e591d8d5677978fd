"""The options of `steelyard weigh judge`."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from steelyard.cli.ranges import RealRange, SeedRange
from steelyard.cli.weigh_calling import unread_option

__all__ = ["judging_options"]

_Command = TypeVar("_Command", bound=Callable[..., object])


def judging_options(command: _Command) -> _Command:
    """Add all but those that say where calls go, and which columns a file has."""
    return _what(_question(_how(_costing(command))))


def _what(command: _Command) -> _Command:
    """Add the argument and the options that say what is judged, and by whom."""
    command = click.option(
        "--rubric", metavar="NAME|FILE", help="Score answers one by one: helpful, faithful, or a TOML file."
    )(command)
    command = click.option("--pairwise", is_flag=True, help="Show both answers, in both orders. This is the default.")(
        command
    )
    command = click.option(
        "--judge", "judges", multiple=True, required=True, metavar="MODEL", help="A route or model; repeat."
    )(command)
    return click.argument("source", metavar="RUN|FILE")(command)


def _how(command: _Command) -> _Command:
    """Add the options that say which items and pairs, by which prompt, and where votes go."""
    command = click.option(
        "--votes-out",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE.csv",
        help="Votes for `weigh rank`.",
    )(command)
    command = click.option("--yes", "-y", is_flag=True, help="Do not ask before the first call.")(command)
    command = click.option("--resume", is_flag=True, help="Go on where judging stopped; with all judged, only report.")(
        command
    )
    command = click.option(
        "--seed", type=SeedRange(), default=0, show_default=True, help="Draws the order and the fences."
    )(command)
    command = click.option(
        "--n", type=click.IntRange(1), help="Judge so many items, drawn by the seed; without it: all."
    )(command)
    command = click.option(
        "--template", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A prompt of your own."
    )(command)
    return click.option(
        "--all-pairs", is_flag=True, help="Judge every pair of models, not only baseline and candidate."
    )(command)


def _question(command: _Command) -> _Command:
    """Add the options that say what is to be decided."""
    command = click.option(
        "--family",
        "families",
        multiple=True,
        metavar="JUDGE=MODEL",
        help="JUDGE is of the same family as MODEL; repeat.",
    )(command)
    command = click.option(
        "--labels", multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
        help="People's labels; repeat. Without it, those that `weigh label` wrote beside the answers.",
    )(command)  # fmt: skip
    command = click.option(
        "--slice", "slices", metavar="COL", multiple=True, help="Decide each value of an item's column too; repeat."
    )(command)
    command = click.option(
        "--cluster", metavar="COL", help="Items with the same value there belong together; `none`: to nothing."
    )(command)
    command = click.option(
        "--alpha", type=RealRange(0, 0.5, min_open=True), default=0.05, show_default=True,
        help="Intervals are at confidence 1 - ALPHA.",
    )(command)  # fmt: skip
    command = click.option(
        "--margin", type=RealRange(0),
        help="How much worse the candidate may be: in pairs, share of losses less share of wins; by rubric, points.",
    )(command)  # fmt: skip
    command = click.option("--candidate", metavar="MODEL", help="The model that may take its place.")(command)
    return click.option("--baseline", metavar="MODEL", help="The model that answers today.")(command)


def _costing(command: _Command) -> _Command:
    """Add the options that say how judges are called, and for how much."""
    command = unread_option(command)
    command = click.option(
        "--concurrency", type=click.IntRange(1, 256), default=8, show_default=True, help="Calls at once."
    )(command)
    command = click.option(
        "--max-tokens", type=click.IntRange(1), metavar="N", help="Ask for no longer replies; without it: no bound."
    )(command)
    command = click.option(
        "--temperature", default="0", show_default=True, metavar="T|none",
        help="`none` leaves it to the provider, where a judge refuses it.",
    )(command)  # fmt: skip
    command = click.option(
        "--unknown-price", type=click.Choice(("refuse", "allow")), default="refuse", show_default=True,
        help="Under a ceiling: what to do with a judge whose calls have no known bound.",
    )(command)  # fmt: skip
    return click.option(
        "--max-usd", metavar="USD", help="Make no call that could bring the cost above this, earlier runs included."
    )(command)

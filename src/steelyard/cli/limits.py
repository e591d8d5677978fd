"""`steelyard limits` and `steelyard budgets`: what is taken of them, and what is left."""

import os
import time
from pathlib import Path

import click
import msgspec
from msgspec import Struct, structs

from steelyard.cli.jsons import print_json
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.recalled import recalled
from steelyard.cli.shown import moment_text, table
from steelyard.config.settings import Config
from steelyard.core.errors import SteelyardError
from steelyard.gateway.memory import Snapshot, keys_of
from steelyard.keys.file import KeyFile
from steelyard.keys.ring import KeyRing
from steelyard.limits import Limits, Recalled, Standing, rules_of

__all__ = ["budgets", "limits"]

_HEADS = ("SCOPE", "LIMIT", "OF", "USED", "RESERVED", "REMAINING", "RESETS (UTC)")


class _Found(Struct, frozen=True):
    source: str
    at: float
    standings: list[Standing]


@click.group()
def limits() -> None:
    """Show what is taken of limits, and what is left."""


@click.group()
def budgets() -> None:
    """Show what is spent of budgets, and what is left."""


@limits.command("show")
@config_option
@json_option
def show_limits(config_path: Path | None, as_json: bool) -> None:
    """Show each limit: what is used of it, what is left, and when all of it is.

    A gateway that runs has said so within the last second; when none does, the ledger is asked.
    """
    _show(read_config(config_path), "limits", as_json=as_json)


@budgets.command("show")
@config_option
@json_option
def show_budgets(config_path: Path | None, as_json: bool) -> None:
    """Show each budget in US dollars: spent, reserved by calls under way, left, and when the next period begins.

    A gateway that runs has said so within the last second; when none does, the ledger is asked.
    """
    _show(read_config(config_path), "budgets", as_json=as_json)


def _show(config: Config, what: str, *, as_json: bool) -> None:
    found = _of_gateway(config) or _of_ledger(config)
    rows = [one for one in found.standings if one.limit.startswith("usd") is (what == "budgets")]
    if as_json:
        print_json({"source": found.source, "at": found.at, what: [structs.asdict(one) for one in rows]})
        return
    if not rows:
        click.echo(
            f"There are no {what}, or nothing is counted yet. They stand in steelyard.toml: [[{what}]].", err=True
        )
        return
    table(_HEADS, [_cells(one) for one in rows], right=_HEADS[2:6])
    click.echo(f"As the {found.source} had it at {moment_text(found.at)} UTC.", err=True)


def _cells(one: Standing) -> tuple[str, ...]:
    counts = (str(count) for count in (one.most, one.used, one.reserved, one.remaining))
    return one.scope, one.limit, *counts, moment_text(one.resets_at) if one.resets_at is not None else ""


def _of_gateway(config: Config) -> _Found | None:
    """Return what a gateway says that runs; None when none does, or none whose file can be read: the ledger knows the
    same, but for what is under way."""
    try:
        content = (config.server.data_dir / "limits.json").read_bytes()
        shown = msgspec.json.decode(content, type=Snapshot)
    except (OSError, msgspec.DecodeError):
        return None
    try:
        os.kill(shown.process, 0)
    except PermissionError:
        pass  # it runs, as another user
    except ProcessLookupError:
        return None
    return _Found("gateway", shown.at, shown.standings)


def _of_ledger(config: Config) -> _Found:
    rules = rules_of(config.limits, config.budgets)
    counted = Limits(rules, lambda _: None)
    now, wall = time.monotonic(), time.time()
    wants = counted.wants(wall)
    answers = recalled(config, wants) if wants else {}
    try:
        ring = KeyRing(KeyFile(config.server.data_dir / "keys.json").list())
    except SteelyardError:
        ring = KeyRing(())  # keys are then shown by their ids
    counted.take_back(wall, Recalled(answers, keys_of(ring)), now, wall)
    return _Found("ledger", wall, counted.standings(now, wall))

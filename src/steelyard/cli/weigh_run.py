"""`steelyard weigh run`: ask models the same items through the gateway, and weigh what comes back."""

import asyncio
import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click
import uvloop
from click.core import ParameterSource
from msgspec import Struct

from steelyard.cli.edge import INTERRUPTED
from steelyard.cli.jsons import print_json
from steelyard.cli.options import Given, OptionValue, config_option, json_option, read_config
from steelyard.cli.weigh_calling import (
    Calling,
    calling,
    calling_options,
    check_models,
    check_prices,
    dollars_given,
    offers_of,
)
from steelyard.cli.weigh_recorded import show_weighing
from steelyard.cli.weigh_run_items import chosen_items
from steelyard.cli.weigh_run_options import PLANNING, run_options
from steelyard.cli.weigh_run_shown import progress_shown, run_row, say, show_costs, show_flags, show_sums
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError, StoreError
from steelyard.weigh.calls.address import address_of
from steelyard.weigh.calls.gateway_caller import GatewayCaller
from steelyard.weigh.items.chosen import Chosen
from steelyard.weigh.results.pairs import Asked
from steelyard.weigh.runs.call import Call
from steelyard.weigh.runs.folder import Folder, Weighings
from steelyard.weigh.runs.order import groups_of
from steelyard.weigh.runs.plan import Declaration, Plan, Planned
from steelyard.weigh.runs.planned import Wanted, check_same, planned, planned_items
from steelyard.weigh.runs.prices import Cost, costs_of
from steelyard.weigh.runs.results import results_of
from steelyard.weigh.runs.runner import Ended, Pace, Runner, Stopped, left_of
from steelyard.weigh.runs.scoring import remade
from steelyard.weigh.runs.summary import sums_of
from steelyard.weigh.scorers.registry import options_from, scorer
from steelyard.weigh.scorers.score import Scorer
from steelyard.weigh.verdict_recorded import Declared, weighed

__all__ = ["run"]


_GOING_ON: Final[Mapping[Stopped, str]] = {"ceiling": " --max-usd MORE", "unread": " --unread-limit 0"}
"""What a run that stopped for a reason needs beside `--resume`, not to stop for it again."""


class _Start(Struct, frozen=True):
    """A weighing that is about to begin, or to go on; `folder` None: it has none before its first call."""

    plan: Plan
    items: Sequence[Planned]
    scorer: Scorer | None
    folder: Folder | None = None


@click.command()
@run_options
@calling_options
@config_option
@json_option
@click.pass_context
def run(context: click.Context, /, config_path: Path | None, as_json: bool, **given: OptionValue) -> int:
    """Ask models the same items through the running gateway, score the answers, and weigh them.

    What is going to be done is written down before the first call, with its cost, and every answer when it comes back:
    a weighing that was stopped or killed goes on with --resume. Two models and --margin end in a verdict. Exit code 0:
    SWAP, or all calls were made and every model answered where no margin was declared; 1: anything else; 2: bad input;
    130: Ctrl-C.
    """
    config = read_config(config_path)
    weighings = Weighings(config.server.data_dir)
    dollars_given(given["max_usd"])
    start = _resumed(config, weighings, given, context) if given["resume"] else _begun(config, given)
    ceiling = dollars_given(given["max_usd"] or start.plan.max_usd)
    offers = offers_of(config, start.plan.models)
    left = list(groups_of(start.plan, start.items)) if start.folder is None else left_of(start.folder)
    costs = costs_of(left, start.plan.models, offers)
    check_prices(costs, ceiling, unknown_allowed=given["unknown_price"] == "allow")
    pace = Pace(concurrency=given["concurrency"], unread=given["unread_limit"], ceiling=ceiling, offers=offers)
    with calling(config, _gateway(config, start, given["gateway"]), given["key"]) as call:
        if left and not uvloop.run(_agreed(start, call, pace, costs, asks=not given["yes"])):
            say("Nothing was asked.")
            return 1
        folder = start.folder or weighings.create(start.plan, start.items)
        try:
            ended = uvloop.run(_made(folder, start.scorer, call, pace))
        except asyncio.CancelledError:
            say(f"Broken off: calls under way were dropped. Go on: {_resuming(folder, config_path)}")
            return INTERRUPTED
        except StoreError:
            say(f"It could not be written down. Go on when that is mended: {_resuming(folder, config_path)}")
            raise
    code = _tell(folder, start.plan, ended, as_json=as_json)
    if ended.stopped is not None:
        say(f"Go on: {_resuming(folder, config_path)}{_GOING_ON.get(ended.stopped, '')}")
    return code


def _gateway(config: Config, start: _Start, given: str | None) -> str | None:
    """Return the gateway that is meant, None for the configuration's own: the one given, or that of the plan."""
    own = address_of(config.server)
    named = start.plan.gateway if given is None else address_of(config.server, given)
    if named is None or named == own:
        return given
    say(f"Prices are those that this configuration knows; the gateway at {named} may have another.")
    return named


def _resuming(folder: Folder, config_path: Path | None) -> str:
    """Return the command that goes on with a weighing."""
    told = "" if config_path is None else f" --config {shlex.quote(str(config_path))}"
    return f"steelyard weigh run --resume {folder.id}{told}"


def _begun(config: Config, given: Given) -> _Start:
    """Return a weighing as the options ask for it."""
    models = tuple(name.strip() for name in (given["models"] or "").split(",") if name.strip())
    if given["items"] is None or not models:
        raise click.UsageError("Give --items SOURCE and --models A,B, or --resume ID.")
    chosen = chosen_items(config, given)
    made = None
    if given["scorer"] is not None:
        made = scorer(given["scorer"], options_from(given["scorer"], given["options"]))
    elif given["options"]:
        raise click.UsageError("--option goes with --scorer; a task has its own.")
    wanted = Wanted(
        models=models,
        scorer=made,
        repeats=given["repeats"],
        seed=given["seed"],
        gateway=address_of(config.server, given["gateway"]),
        max_usd=given["max_usd"],
        declared=_declared(models, chosen, given),
    )
    return _Start(planned(chosen, wanted, time.time()), chosen.items, made or chosen.scorer)


def _declared(models: tuple[str, ...], chosen: Chosen, given: Given) -> Declaration | None:
    """Return what is to be decided; None where no margin was declared."""
    named = [name for name in ("baseline", "candidate") if given[name] is not None]
    if given["margin"] is None:
        if named:
            raise click.UsageError(f"--{named[0]} asks for a verdict: declare --margin, before looking.")
        return None
    if len(named) == 1 or (not named and len(models) != 2):
        raise click.UsageError("A verdict is on two models: give --baseline and --candidate.")
    pair = (given["baseline"], given["candidate"]) if named else models
    for name in pair:
        if name not in models:
            raise ConfigError(f'"{name}" is not among --models {", ".join(models)}')
    if pair[0] == pair[1]:
        raise ConfigError(f'"{pair[0]}" is both baseline and candidate: name two models')
    return Declaration(
        baseline=pair[0],
        candidate=pair[1],
        margin=given["margin"],
        alpha=given["alpha"],
        cluster=given["cluster"] or chosen.cluster,
        slices=tuple(dict.fromkeys((*chosen.slices, *given["slices"]))),
        missing=given["missing"],
    )


def _resumed(config: Config, weighings: Weighings, given: Given, context: click.Context) -> _Start:
    """Return a weighing that is to go on."""
    folder = weighings.find(given["resume"])
    plan = folder.plan()
    items = planned_items(folder, plan)
    told = [name for name in PLANNING if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given["items"] is not None:
        check_same(folder, plan, _begun(config, given).plan)
    elif told:
        option = {"slices": "slice", "options": "option", "max_tokens": "max-tokens"}.get(told[0], told[0])
        raise click.UsageError(
            f"--{option} is part of the plan of {folder.id}, which is written down already. Resume it without, or give "
            "--items and all others again, to have them compared."
        )
    return _Start(plan, items, None if plan.scorer is None else remade(plan.scorer), folder)


async def _agreed(start: _Start, call: Calling, pace: Pace, costs: Sequence[Cost], *, asks: bool) -> bool:
    """Check that all models would answer, say what they may cost, and ask whether to go on."""
    async with GatewayCaller(call.address, call.key) as caller:
        await check_models(caller, start.plan.models, fresh=call.fresh)
    plan = start.plan
    drawn = f" of {plan.held:,}" if plan.held not in (None, plan.items) else ""
    goes_on = "begins" if start.folder is None else "goes on"
    say(
        f"Weighing {plan.id} {goes_on}: {plan.items:,}{drawn} items of {plan.source}, {plan.repeats} time(s), by "
        f"{len(plan.models)} model(s); {plan.scorer.label if plan.scorer else 'not scored'}; seed {plan.seed}."
    )
    for flag in plan.flags:
        say(f"! {flag.kind}: {flag.text}")
    show_costs(costs, pace.ceiling)
    if not asks or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    return click.confirm("Go on?", err=True, default=True)


async def _made(folder: Folder, made: Scorer | None, call: Calling, pace: Pace) -> Ended:
    """Make the calls. Ctrl-C and SIGTERM stop after those under way, a second one at once (CancelledError)."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    async with GatewayCaller(call.address, call.key, connections=pace.concurrency) as caller:
        with progress_shown(folder.id) as watch:
            runner = Runner(folder, made, caller, pace, watch)
            asked_to_stop = False

            def stop() -> None:
                nonlocal asked_to_stop
                if asked_to_stop:
                    task.cancel()
                    return
                asked_to_stop = True
                runner.stop("interrupted", "It was interrupted.")
                say(f"Waiting for {runner.under_way} calls under way. Ctrl-C again drops them.")

            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop)
            return await runner.run()


def _tell(folder: Folder, plan: Plan, ended: Ended, *, as_json: bool) -> int:
    """Say what came of it; return the exit code."""
    calls = folder.read("calls.jsonl", Call)
    alpha = plan.declared.alpha if plan.declared is not None else 0.05
    sums = sums_of(plan, folder.items(), calls, alpha)
    results = results_of(folder) if calls else None
    flags = results.flags if results is not None else plan.flags
    weighing, asked = None, None
    if results is not None and ended.stopped is None and plan.declared is not None:
        asked = _asked(plan.declared)
        weighing = weighed(results, asked, Declared(plan.declared.margin, alpha, plan.seed))
    if as_json:
        print_json(run_row(folder.id, str(folder.path), ended, sums, flags, weighing))
    else:
        show_sums(sums, alpha)
        click.echo()
        if weighing is not None and asked is not None:
            show_weighing(weighing, asked, alpha)
        else:
            show_flags(flags)
    if ended.stopped is not None:
        say(f"{ended.why}\nStopped after {ended.progress.done:,} of {ended.progress.total:,} calls.{_without(plan)}")
        return INTERRUPTED if ended.stopped == "interrupted" else 2 if ended.stopped == "scorer" else 1
    if weighing is None:
        return 0 if all(one.answered for one in sums) else 1
    return 0 if weighing.verdict == "SWAP" else 1


def _without(plan: Plan) -> str:
    if plan.declared is None:
        return ""
    return " There is no verdict before all are made: to look at a part and go on would be to look twice."


def _asked(declared: Declaration) -> Asked:
    return Asked(declared.baseline, declared.candidate, declared.cluster, declared.slices, declared.missing)

"""`steelyard weigh import`: other evaluation tools' results, from their logs or from running them."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click
from msgspec import Struct

from steelyard.cli.jsons import print_json
from steelyard.cli.long_table import check_writable, print_table, write_table
from steelyard.cli.options import Given, OptionValue, config_option, json_option, read_config
from steelyard.cli.ranges import RealRange
from steelyard.cli.shown import console
from steelyard.cli.visible import visible
from steelyard.core.errors import ConfigError, SteelyardError, StoreError
from steelyard.weigh.calls.address import address_of
from steelyard.weigh.calls.gateway_caller import GatewayCaller
from steelyard.weigh.imports.launch import Errand, failure, run_errand
from steelyard.weigh.imports.table import Sum, found_below, found_logs, long_rows, sums
from steelyard.weigh.imports.tools import TOOLS, Aim, Tool, program_of, reached_directly
from steelyard.weigh.results.read import read_results
from steelyard.weigh.results.sheet import Results
from steelyard.weigh.runs.folder import new_id

__all__ = ["import_logs"]

_Command = TypeVar("_Command", bound=Callable[..., object])


class _Trip(Struct, frozen=True):
    """What is run: the tool's program, where it aims, whom it asks, where its logs go, and how long each may take."""

    tool: Tool
    program: str
    aim: Aim
    models: tuple[str, ...]
    directory: Path
    timeout_s: float | None

    def of(self, model: str) -> Path:
        """Return the directory of a model's logs."""
        return self.directory / model.replace("/", "__")


def _running(command: _Command) -> _Command:
    """Add the options that are for running a tool."""
    command = config_option(command)
    command = click.option(
        "--timeout", "timeout_s", type=RealRange(0, min_open=True), metavar="S",
        help="Stop the tool where it takes longer for a model; without it, it may take as long as it likes.",
    )(command)  # fmt: skip
    command = click.option(
        "--logs", type=click.Path(path_type=Path, file_okay=False), default=Path("logs"), show_default=True,
        metavar="DIR", help="Where the tool's logs go; each run has a directory of its own in it.",
    )(command)  # fmt: skip
    command = click.option("--program", metavar="PATH", help="The tool's program, where it is not on PATH.")(command)
    command = click.option(
        "--key", metavar="KEY", envvar="STEELYARD_KEY", help="A key of the gateway. Better in STEELYARD_KEY."
    )(command)
    command = click.option(
        "--gateway", metavar="URL", help="The gateway's address; without it: as [server] says."
    )(command)  # fmt: skip
    command = click.option("--models", metavar="A,B,...", help="Routes or deployments to ask, one after the other.")(
        command
    )
    return click.option("--run", "task", metavar="TASK", help="Run this task of the tool, against the gateway.")(
        command
    )


@click.command(name="import")
@click.argument("name", metavar="inspect|lm-eval", type=click.Choice(tuple(TOOLS)))
@click.argument("logs_given", metavar="[[MODEL=]LOG]...", nargs=-1)
@_running
@click.option("--score", metavar="NAME", help="The score to read, where a log has several.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write .csv or .jsonl.")
@json_option
def import_logs(name: str, logs_given: tuple[str, ...], as_json: bool, **given: OptionValue) -> None:
    """Read the logs of Inspect or lm-evaluation-harness into one table; with --run, run the tool first.

    LOG is a log, or a directory that has them below it; MODEL=LOG names the model otherwise than the log does. With
    --run, the tool asks the gateway for each of the models as it would ask OpenAI, so that every call is limited,
    decided and recorded as any other; arguments behind -- go to the tool as they are.

    The long table (item, model, score, and what else the logs tell) goes to --out or to standard output, for `weigh
    recorded` and `weigh rank`; what each model comes to goes to standard error.
    """
    tool = TOOLS[name]
    check_writable(given["out"])
    if given["task"] is None:
        _check_reading(tool, logs_given, given)
        _read(tool, logs_given, as_json, given)
        return
    trip = _trip(tool, logs_given, given)
    _run(trip)
    try:
        _read(tool, [str(trip.of(model)) for model in trip.models], as_json, given)
    except ConfigError as error:
        again = f"steelyard weigh import {tool.name} {trip.directory}"
        raise ConfigError(*error.findings, f"The logs are there, and need not be made again: {again}") from error


def _check_reading(tool: Tool, logs: Sequence[str], given: Given) -> None:
    if given["models"] is not None:
        raise click.UsageError("--models goes with --run. The models of logs are named as LOG or MODEL=LOG.")
    if not logs:
        raise click.UsageError(f"Give a LOG of {tool.name}, or a directory of them; or --run TASK --models A,B.")


def _trip(tool: Tool, extra: Sequence[str], given: Given) -> _Trip:
    """Return what is to be run, once gateway and program are there and every model is served. Raises ConfigError."""
    if extra and not extra[0].startswith("-"):
        raise click.UsageError(
            f"{extra[0]}: with --run there are no logs to read; arguments for the tool go behind --."
        )
    models = tuple(one.strip() for one in (given["models"] or "").split(",") if one.strip())
    if not models:
        raise click.UsageError("--run needs --models: routes or deployments of the gateway, with commas between them.")
    if twice := next((one for one in models if models.count(one) > 1), None):
        raise click.UsageError(f"--models names {twice} twice.")
    address = address_of(read_config(given["config_path"]).server, given["gateway"])
    program = program_of(tool, given["program"])
    asyncio.run(_check_served(address, given["key"], models))
    directory = given["logs"] / f"{tool.name}-{new_id(time.time())}"
    aim = Aim(given["task"], address, given["key"], tuple(extra))
    return _Trip(tool, program, aim, models, directory, given["timeout_s"])


async def _check_served(address: str, key: str | None, models: Sequence[str]) -> None:
    async with GatewayCaller(address, key) as caller:
        await caller.models()
        refused = {model: await caller.refused(model) for model in models}
    wrong = [f"--models {model}: {failed.message}" for model, failed in refused.items() if failed is not None]
    if wrong:
        raise ConfigError(*wrong)


def _run(trip: _Trip) -> None:
    """Run the tool for each model, one after the other. Raises SteelyardError with its last lines where it fails."""
    for model in trip.models:
        directory = trip.of(model)
        try:
            directory.mkdir(parents=True)
        except OSError as error:
            raise StoreError(
                f"{directory} cannot be made: {error.strerror or error}. Name another by --logs."
            ) from error
        environment = trip.tool.environment(trip.aim) | reached_directly(trip.aim.address)
        command = [trip.program, *trip.tool.arguments(trip.aim, model, directory)]
        errand = Errand(
            f"{trip.tool.name}, asking {model},", command, environment, directory / "tool.log", trip.timeout_s
        )
        with _shown(f"{trip.tool.name}: {model}") as told:
            run_errand(errand, told)
        _check_ended(trip.tool, errand, directory)


def _check_ended(tool: Tool, errand: Errand, directory: Path) -> None:
    """Raise SteelyardError where a tool said that all is well and left no logs, or logs of a run that failed."""
    logs = found_below(tool, directory)
    if not logs:
        raise SteelyardError(failure(errand, "left no log"))
    told = [complaint for log in logs if (complaint := tool.complaint(log)) is not None]
    if told:
        raise SteelyardError(failure(errand, f"failed: {'; '.join(told)}"))


@contextmanager
def _shown(text: str) -> Iterator[Callable[[str], None]]:
    """Show what a tool says last, beside what is done: on a terminal it changes in place, elsewhere it is one line."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        screen.print(visible(text), markup=False, soft_wrap=True)
        yield lambda _: None
        return
    with screen.status(visible(text)) as status:
        yield lambda line: status.update(visible(f"{text}  {line}"[: screen.width - 4]))


def _read(tool: Tool, logs: Sequence[str], as_json: bool, given: Given) -> None:
    files = found_logs(tool, logs)
    results = read_results(files, None, given["score"])
    rows, found, out = long_rows(results), sums(results), given["out"]
    if out is not None:
        write_table(out, rows)
    if as_json:
        flags = [{"kind": flag.kind, "text": flag.text} for flag in results.flags]
        whole = {"tool": tool.name, "models": found, "flags": flags, "logs": files, "inputs_sha256": results.sha256}
        print_json({**whole, "out": str(out)} if out is not None else {**whole, "out": None, "rows": rows})
        return
    if out is None:
        print_table(rows)
    _tell(results, found, out)


def _tell(results: Results, found: Sequence[Sum], out: Path | None) -> None:
    notes = console(stderr=True)
    for one in found:
        mean = "unknown" if one.mean is None else f"{one.mean:.4f}"
        lacking = f", {one.missing} without a score" if one.missing else ""
        notes.print(visible(f"{one.model}: mean {mean} of {one.scored} items{lacking}"), markup=False, soft_wrap=True)
    for flag in results.flags:
        notes.print(visible(f"! {flag.kind}: {flag.text}"), markup=False, soft_wrap=True)
    if out is not None and len(found) > 1:
        words = f"--baseline {found[0].model} --candidate {found[1].model} --margin MARGIN"
        notes.print(visible(f"Next: steelyard weigh recorded {out} {words}"), markup=False, soft_wrap=True)

"""`python -m bench`: measure, print, and say by the exit code whether every target was reached.

0: all reached; 1: one was missed or could not be measured; 2: wrk or nginx is missing."""

import os
import resource
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from bench.contest import Bench
from bench.figures import BenchError, Row, missing
from bench.report import as_json, show
from bench.rows import ROWS

__all__ = ["main"]


@click.command()
@click.option("--json", "wants_json", is_flag=True, help="Print JSON on stdout, notes on stderr.")
@click.option("--quick", is_flag=True, help="Two short rounds and 500 streams: rough figures, for trying out.")
@click.option("--rows", default=",".join(ROWS), show_default=True, help="Which measurements, separated by commas.")
@click.option("--gateway-command", hidden=True, help="Measure another command; {port} and {upstream} are replaced.")
def main(wants_json: bool, quick: bool, rows: str, gateway_command: str | None) -> None:
    """Measure the gateway against nginx and against direct calls."""
    notes = Console(stderr=True)
    chosen = _chosen(rows)
    # nginx lives where ordinary users do not look.
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    absent = [name for name in ("wrk", "nginx") if not shutil.which(name)]
    if absent:
        notes.print(f"Missing: {' and '.join(absent)}. Install with: apt-get install nginx-light wrk")
        sys.exit(2)
    signal.signal(signal.SIGTERM, _leave)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="steelyard-bench-") as home:
        bench = Bench(Path(home), quick=quick, stand_in=gateway_command)
        for name in chosen:
            found += _measure(name, bench, notes)
    if wants_json:
        click.echo(as_json(found))
    else:
        console = Console()
        show(found, console if console.is_terminal else Console(width=160))
    sys.exit(0 if all(row.reached for row in found) else 1)


def _chosen(rows: str) -> list[str]:
    names = [name.strip() for name in rows.split(",") if name.strip()]
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise click.BadParameter(f"unknown: {', '.join(unknown)}; there are {', '.join(ROWS)}", param_hint="--rows")
    return names


def _measure(name: str, bench: Bench, notes: Console) -> list[Row]:
    measure, asks = ROWS[name]
    with notes.status(f"{name} …") as status:
        bench.say = lambda text: status.update(f"{name}: {text} …")
        try:
            return measure(bench)
        except BenchError as reason:
            notes.print(f"{name}: {reason}", markup=False, highlight=False)
            return [missing(ask, str(reason).partition("\n")[0]) for ask in asks]


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Unwind on SIGTERM, so that every process that was started is stopped."""
    raise SystemExit(143)


if __name__ == "__main__":
    main(prog_name="python -m bench")

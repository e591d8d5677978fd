"""`python -m bench.soak`: let the gateway work for long, beside providers that break and clients that leave, and say by
the exit code whether it stayed as it was. 0: every property holds; 1: one does not; 2: it could not be run.

What must hold: resident memory and open files stay flat, every answer is in the ledger once, no answer is torn, nothing
is left open, and the gateway complains of nothing."""

import os
import re
import signal
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import TypeVar

import click
import msgspec
import uvloop
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from bench import soak_load
from bench.children import Child, free_port
from bench.figures import BenchError
from bench.flat import Slope, slope_of
from bench.soak_load import Load, Told
from bench.subject import exchange

__all__ = ["Check", "Report", "main", "soak"]

_T = TypeVar("_T", int, str)

_CONFIG = """[ledger]
url = "sqlite:///{ledger}"

[providers.bench]
dialect = "openai"
base_url = "http://127.0.0.1:{upstream}/v1"

[routes.assistant]
deployments = ["bench/shaky", "bench/steady"]
retries = 2
timeout_s = {{ connect = 5, first_byte = 2, idle = 1, total = 10 }}

[routes.alone]
deployments = ["bench/shaky"]
retries = 0
timeout_s = {{ connect = 5, first_byte = 2, idle = 1, total = 10 }}

[routes.slow]
deployments = ["bench/slow"]

[deployments."bench/shaky"]
price = {{ input_usd_per_mtok = "2.00", output_usd_per_mtok = "8.00" }}
"""

_WARM_UP = 0.25
"""The part of the run that is not judged: pools, caches and arenas fill."""
_SAMPLE_S = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SETTLE_S = 30.0
_PER_SHORT_CALL, _PER_LONG_CALL = 4096.0, 32.0
_LONG = 100_000
"""From how many judged calls on the narrow bound counts: before, the noise of the allocator is greater."""
_FILES_PER_CALL = 0.005


class Check(Struct, frozen=True):
    """One property: what was measured, in words, and whether it holds."""

    name: str
    holds: bool
    measured: str


class Report(Struct, frozen=True):
    """`rate` is what was reached; `seed` repeats the draws."""

    holds: bool
    seed: int
    seconds: float
    rate: float
    calls: int
    answered: int
    left: int
    statuses: dict[str, int]
    checks: list[Check]


class _Watched:
    """Resident memory and open files of a process, over time."""

    def __init__(self, pid: int) -> None:
        self._at = Path(f"/proc/{pid}")
        self._next = 0.0
        self.memory: list[tuple[float, float]] = []
        self.files: list[tuple[float, float]] = []

    def sample(self, now: float) -> None:
        if now < self._next:
            return
        self._next = now + _SAMPLE_S
        resident = int((self._at / "statm").read_text().split()[1]) * _PAGE  # proc_pid_statm(5)
        self.memory.append((now, float(resident)))
        self.files.append((now, float(len(os.listdir(self._at / "fd")))))

    def after(self, start: float) -> tuple[Slope, Slope]:
        kept = [[one for one in series if one[0] >= start] for series in (self.memory, self.files)]
        return slope_of(kept[0]), slope_of(kept[1])


def soak(load: Load, home: Path) -> Report:
    """Run it all in `home`, and judge. Raises BenchError when something does not start."""
    upstream, ledger = free_port(), home / "ledger.db"
    config = home / "steelyard.toml"
    config.write_text(_CONFIG.format(upstream=upstream, ledger=ledger))
    env = {**os.environ, "STEELYARD_HOME": str(home / "home")}
    provider = [sys.executable, "-m", "bench.soak_provider", str(upstream), str(load.seed)]
    gateway = [sys.executable, "-m", "steelyard", "gateway", "--config", str(config), "--port", str(load.port)]
    clerk = [sys.executable, "-m", "steelyard", "clerk", "--config", str(config)]
    with (
        Child(provider, home / "provider.log", name="the provider") as beside,
        Child(gateway, home / "gateway.log", env=env, name="steelyard gateway") as subject,
        Child(clerk, home / "clerk.log", env=env, name="steelyard clerk") as keeper,
    ):
        beside.wait_port(upstream)
        subject.wait_port(load.port)
        watched = _Watched(subject.process.pid)
        told = uvloop.run(soak_load.run(load, watched.sample))
        for one in (beside, subject, keeper):
            one.must_live()
        checks = [*_flat(load, told, watched), _nothing_open(load.port), *_recorded(load.port, ledger, told)]
        checks.append(Check("no answer is torn", told.torn == 0, f"{told.torn} answers were cut off"))
        checks.append(Check("no call is stuck", told.unended == 0, f"{told.unended} calls never ended"))
    said = subject.output.strip().splitlines()
    checks.append(Check("no complaint", len(said) == 1, f"{len(said) - 1} lines on standard error: {said[1:4]}"))
    ended = subject.process.returncode
    checks.append(Check("a clean end", ended == 0, f"exit code {ended}"))
    statuses = {str(status): count for status, count in sorted(told.statuses.items())}
    done = len(told.ids) + told.left
    return Report(
        all(check.holds for check in checks),
        load.seed,
        load.seconds,
        round(done / told.took_s, 1),
        told.sent,
        len(told.ids),
        told.left,
        statuses,
        checks,
    )


def _flat(load: Load, told: Told, watched: _Watched) -> list[Check]:
    """Judge the upper ends of the slopes' intervals, by the call: what each leaves behind at most."""
    memory, files = watched.after(load.seconds * _WARM_UP)
    rate = told.sent / told.took_s
    judged = told.sent * (1 - _WARM_UP)
    bound = _PER_LONG_CALL if judged >= _LONG else _PER_SHORT_CALL
    return [
        Check(
            "memory is flat",
            memory.high / rate <= bound,
            f"{_told(memory, rate, 'bytes')}; {bound:g} at most ({watched.memory[-1][1] / 1e6:.0f} MB at the end)",
        ),
        Check(
            "open files are flat",
            files.high / rate <= _FILES_PER_CALL,
            f"{_told(files, rate, 'files')}; {_FILES_PER_CALL:g} at most ({watched.files[-1][1]:.0f} at the end)",
        ),
    ]


def _told(slope: Slope, rate: float, unit: str) -> str:
    low, value, high = (f"{one / rate:.3g}" for one in (slope.low, slope.value, slope.high))
    return f"{value} {unit} a call ({low} to {high}, 95 %)"


def _metric(port: int, name: str) -> int:
    """Return the sum of a metric over its labels."""
    page = exchange(port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").decode()
    return sum(int(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\d+)$", page, re.MULTILINE))


def _nothing_open(port: int) -> Check:
    """Wait until no call is under way and no client is connected (proc_net_tcp(5): state 01 is ESTABLISHED)."""
    until = time.monotonic() + _SETTLE_S
    while True:
        calls = _metric(port, "steelyard_calls_in_flight")
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        clients = sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)
        if not calls and not clients:
            return Check("nothing is left open", True, "no call under way and no client connected")
        if time.monotonic() > until:
            return Check("nothing is left open", False, f"{calls} calls and {clients} clients after {_SETTLE_S:g} s")
        time.sleep(0.1)


def _recorded(port: int, ledger: Path, told: Told) -> list[Check]:
    """Wait until the clerk has taken in what the gateway has counted, and compare."""
    counted = _metric(port, "steelyard_calls_total")
    rows, before, still = 0, -1, time.monotonic()
    while rows < counted and time.monotonic() - still < _SETTLE_S:
        rows = sum(_column(ledger, "count(*)", int))
        if rows != before:
            before, still = rows, time.monotonic()
        time.sleep(0.2)
    ids = set(_column(ledger, "id", str))
    lost = len(told.ids - ids)
    return [
        Check("every answer is in the ledger", lost == 0, f"{lost} of {len(told.ids)} answers are not"),
        Check(
            "every call is in the ledger, once",
            rows == counted == len(ids) and len(told.ids) <= counted <= told.sent,
            f"{told.sent} sent, {counted} counted by the gateway, {rows} in the ledger, {len(ids)} different",
        ),
    ]


def _column(ledger: Path, what: str, kind: type[_T]) -> list[_T]:
    """Return a column of the exchanges; nothing before the clerk has made the ledger."""
    try:
        with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, timeout=30) as database:
            return [kind(one) for (one,) in database.execute(f"SELECT {what} FROM exchange")]
    except sqlite3.OperationalError:
        return []


@click.command()
@click.option("--seconds", default=600.0, show_default=True, help="How long calls are made.")
@click.option("--rate", default=1000.0, show_default=True, help="Calls a second.")
@click.option("--seed", default=1, show_default=True, help="Of all draws: kinds of calls, faults, when clients leave.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON on stdout.")
def main(seconds: float, rate: float, seed: int, wants_json: bool) -> None:
    """Let the gateway work for long, and say whether it stayed as it was."""
    signal.signal(signal.SIGTERM, _leave)
    with tempfile.TemporaryDirectory(prefix="steelyard-soak-") as home:
        try:
            report = soak(Load(free_port(), rate, seconds, seed), Path(home))
        except BenchError as error:
            click.echo(str(error), err=True)
            sys.exit(2)
    if wants_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        _show(report)
    sys.exit(0 if report.holds else 1)


def _show(report: Report) -> None:
    title = f"{report.calls} calls in {report.seconds:g} s ({report.rate:g} a second ended), seed {report.seed}"
    table = Table("property", "", "measured", title=title, title_justify="left")
    for check in report.checks:
        table.add_row(check.name, "[green]holds[/]" if check.holds else "[red]does not hold[/]", check.measured)
    told = ", ".join(f"{count} × {status}" for status, count in report.statuses.items())
    table.caption = f"Answers: {told}; {report.left} clients left before theirs."
    Console(width=160).print(table)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Unwind on SIGTERM, so that every process that was started is stopped."""
    raise SystemExit(143)


if __name__ == "__main__":
    main(prog_name="python -m bench.soak")

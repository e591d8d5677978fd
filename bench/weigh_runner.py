"""How many calls a second a live weighing makes: asked through the gateway, scored, each written down twice.

`python -m bench.weigh_runner PORT KEY CALLS` prints calls a second, and microseconds of CPU a call, as JSON.
"""

import sys
import tempfile
import time
from contextlib import ExitStack
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from subprocess import run
from typing import Final

import click
import msgspec
import uvloop

from bench import yardstick
from bench.contest import Bench, gateway
from bench.figures import Ask, BenchError, Row, missing, value_row
from steelyard.catalog.tariff import flat_tariff
from steelyard.weigh.calls.gateway_caller import GatewayCaller
from steelyard.weigh.runs.folder import Folder, Weighings, items_sha256
from steelyard.weigh.runs.plan import Plan, Planned
from steelyard.weigh.runs.prices import Offer
from steelyard.weigh.runs.runner import Ended, Pace, Runner
from steelyard.weigh.scorers.contains import Contains

__all__ = ["RUNNER", "main", "runs"]

RUNNER: Final = Ask(
    "weigh-runner",
    "calls a second of a live weighing, 16 at a time, priced, scored and written down",
    "1/s",
    ">=",
    200.0,
)

_CALLS: Final = 2000
_MODELS: Final = ("assistant", "bench/gpt-4.1")
_CONCURRENCY: Final = 16
_TARIFF: Final = flat_tariff(Decimal(2), Decimal(8), source="bench")


def runs(bench: Bench) -> list[Row]:
    """Measure a run of two models on 1,000 items, in a process of its own, against a fixed completion."""
    if not (find_spec("aiohttp") and find_spec("scipy")):
        return [missing(RUNNER, "needs the extra: pip install 'steelyard[weigh]'")]
    rates, spent = [], []
    with ExitStack() as stack:
        child, upstream = yardstick.completions(bench.fresh())
        stack.enter_context(child)
        ours = stack.enter_context(gateway(bench, upstream))
        for number in range(bench.rounds):
            bench.order(number, ["gateway"])
            command = [sys.executable, "-m", "bench.weigh_runner", str(ours.port), ours.key, str(_CALLS)]
            done = run(command, capture_output=True, text=True)
            if done.returncode:
                raise BenchError(f"the weighing failed: {done.stderr.strip().splitlines()[-1]}")
            rate, cpu = msgspec.json.decode(done.stdout, type=tuple[float, float])
            rates.append(rate)
            spent.append(cpu)
    return [value_row(RUNNER, rates, f"{sorted(spent)[len(spent) // 2]:,.0f} µs of the runner's CPU a call")]


@click.command()
@click.argument("port", type=int)
@click.argument("key")
@click.argument("calls", type=int)
def main(port: int, key: str, calls: int) -> None:
    """Make CALLS calls through the gateway at PORT, and print [calls a second, µs of CPU a call]."""
    with tempfile.TemporaryDirectory() as home:
        folder = _begun(Path(home), calls // len(_MODELS))
        began, spent = time.perf_counter(), time.process_time()
        ended = uvloop.run(_made(folder, f"http://127.0.0.1:{port}", key))
        took, spent = time.perf_counter() - began, time.process_time() - spent
    if ended.stopped or ended.progress.failed or ended.progress.unpriced:
        raise click.ClickException(f"{ended.progress.failed} calls failed: {ended.why}")
    click.echo(msgspec.json.encode((ended.progress.done / took, 1e6 * spent / ended.progress.done)).decode())


def _begun(home: Path, count: int) -> Folder:
    items = [
        Planned(
            id=f"item-{number}",
            place=f"items.csv:{number + 2}",
            messages=({"role": "user", "content": f"What do you make of number {number}? " * 10},),
            request={"max_tokens": 100},
            target="software",
            row={"topic": str(number % 7)},
        )
        for number in range(count)
    ]
    plan = Plan(
        id="bench", kind="live", created="", code="", title="", source="bench", models=_MODELS, items=count,
        items_sha256=items_sha256(items),
    )  # fmt: skip
    return Weighings(home).create(plan, items)


async def _made(folder: Folder, address: str, key: str) -> Ended:
    async with GatewayCaller(address, key, connections=_CONCURRENCY) as caller:
        offers = {model: [Offer("bench/gpt-4.1", _TARIFF)] for model in _MODELS}
        pace = Pace(concurrency=_CONCURRENCY, ceiling=Decimal(1000), offers=offers)
        return await Runner(folder, Contains(), caller, pace).run()


if __name__ == "__main__":
    main()

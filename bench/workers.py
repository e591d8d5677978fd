"""What several workers bring: calls a second on cores, or parts of cores, of their own, and CPU per call."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import sleep

from msgspec import Struct

from bench import subject
from bench.children import Child
from bench.contest import Bench
from bench.cpu import cpu_s
from bench.figures import Ask, BenchError, Row, missing, ratio_row
from bench.load import BODY, Load, wrk
from bench.quota import can_limit, limited
from bench.yardstick import completions
from steelyard.cli.listeners import listen

__all__ = ["CPU", "RATE", "scaled"]

CPU = Ask("workers-cpu", "CPU per call of several workers (against one)", "µs", "<=", 1.11)
RATE = Ask("workers-rate", "calls per second of a worker among several (against one alone)", "1/s", ">=", 0.9)

_MOST = 8
_PART = 0.3
_CONNECTIONS = 32
"""To each worker: the kernel divides connections by a hash, so that some have fewer than others."""


class _Crew(Struct, frozen=True):
    """Gateways on one port; `cores` are those that the load and the provider may use, when workers have their own."""

    count: int
    workers: tuple[Child, ...]
    port: int
    key: str
    cores: tuple[int, ...] | None

    def cpu_s(self) -> float:
        return sum(cpu_s(one.session) for one in self.workers)

    def load(self, bench: Bench, seconds: float) -> tuple[float, float]:
        """Return CPU microseconds per call, and calls a second."""
        before = self.cpu_s()
        threads = min(self.count, len(self.cores)) if self.cores else 1
        load = Load(self.port, self.key, BODY, connections=_CONNECTIONS * self.count, threads=threads, cores=self.cores)
        done = wrk(load, seconds, bench.home)
        for one in self.workers:
            one.must_live()
        return (self.cpu_s() - before) / done.count * 1e6, done.rate


def scaled(bench: Bench) -> list[Row]:
    """Measure one worker and several, in turn, in the same minutes.

    With four cores or more, half of them (8 at most) have a worker each, and the load and the provider have the others.
    With fewer, there are as many workers as cores, and each has three tenths of one, where the kernel can see to that
    (`quota`): the rest is for the load. Where it cannot, the load takes what the workers could use: all cores are
    shared, and calls a second would tell of the sharing alone."""
    cores = sorted(os.sched_getaffinity(0))
    apart = len(cores) >= 4
    parts = not apart and len(cores) > 1 and can_limit()
    count = min(len(cores) // 2, _MOST) if apart else max(2, len(cores))
    others = tuple(cores[count:]) if apart else None
    spent: dict[int, list[float]] = {1: [], count: []}
    rates: dict[int, list[float]] = {1: [], count: []}
    with ExitStack() as stack:
        child, upstream = completions(bench.fresh(), processes=len(others) // 2 if others else 1)
        stack.enter_context(child)
        if others:
            _pin(child, others)
        crews = {
            size: stack.enter_context(_crew(bench, upstream, size, cores[:size] if apart else None, others))
            for size in (1, count)
        }
        for crew in crews.values():
            crew.load(bench, 1.0)
        if parts:
            pids = [one.process.pid for crew in crews.values() for one in crew.workers]
            stack.enter_context(limited(pids, _PART))
        for number in range(bench.rounds):
            for name in bench.order(number, [str(size) for size in crews]):
                cpu, rate = crews[int(name)].load(bench, bench.duration_s)
                spent[int(name)].append(cpu)
                rates[int(name)].append(rate / int(name))
    if apart:
        note = f"{count} workers, each on a core of its own, the load on {len(cores) - count} others"
    elif parts:
        note = f"{count} workers, each with three tenths of a core and no more, the load with what they leave"
    else:
        note = f"{count} workers; {len(cores)} cores: too few for workers and load, and no right to divide them"
        return [ratio_row(CPU, spent[count], spent[1], note), missing(RATE, note)]
    return [ratio_row(CPU, spent[count], spent[1], note), ratio_row(RATE, rates[count], rates[1], note)]


@contextmanager
def _crew(
    bench: Bench, upstream: int, count: int, cores: Sequence[int] | None, others: tuple[int, ...] | None
) -> Iterator[_Crew]:
    home = bench.fresh()
    config, env = subject.configure(home, upstream), subject.env_of(home)
    listeners = listen("127.0.0.1", 0, count)
    command = [sys.executable, "-m", "steelyard", "gateway", "--config", str(config), "--json"]
    with ExitStack() as stack:
        stack.callback(listeners.close)
        key = subject.new_key(home, "bench")
        workers = []
        for number in range(count):
            seat = ["--seat", f"{number}/{count}:{listeners.told()}"]
            log = home / f"worker-{number}.log"
            child = Child([*command, *seat], log, env=env, name="a worker", hold_stdin=True, fds=listeners.fds())
            workers.append(stack.enter_context(child))
            if cores is not None:
                _pin(child, [cores[number]])
        for child in workers:
            _wait_announced(child)
        yield _Crew(count, tuple(workers), listeners.port, key, others)


def _pin(child: Child, cores: Sequence[int]) -> None:
    """Keep a process on these cores, with the threads and children that it makes from now on."""
    os.sched_setaffinity(child.process.pid, cores)


def _wait_announced(child: Child) -> None:
    for _ in range(2000):
        if '"address"' in child.output:
            return
        child.must_live()
        sleep(0.01)
    raise BenchError(f"A worker was not ready within 20 s.\n{child.output}")

"""Who runs against whom: a gateway, nginx and an upstream, started for one measurement and stopped after it."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import subject, yardstick
from bench.children import Child, free_port
from bench.load import BODY, Calls, Load, wrk

__all__ = ["Bench", "contest", "gateway", "paced", "pair", "release", "run", "sent"]


class Bench:
    """How thorough to be, and where: `quick` is for trying out, its figures are rough."""

    def __init__(self, home: Path, *, quick: bool, stand_in: str | None) -> None:
        self.home = home
        self.stand_in = stand_in
        self.data_dir = Path(os.environ.get("STEELYARD_HOME") or "~/.local/share/steelyard")
        self.say: Callable[[str], None] = lambda _: None
        self.rounds = 2 if quick else 5
        self.duration_s = 2.0 if quick else 4.0
        self.streams = 500 if quick else 5000
        self.throughput: float | None = None

    def fresh(self) -> Path:
        """Return a new empty directory."""
        return Path(tempfile.mkdtemp(dir=self.home))

    def order(self, number: int, names: list[str]) -> list[str]:
        """Return the order of a round: it turns, so that no one is always first."""
        self.say(f"round {number + 1}")
        return names[number % len(names) :] + names[: number % len(names)]


@contextmanager
def gateway(bench: Bench, upstream: int) -> Iterator[subject.Subject]:
    """Run the gateway in front of an upstream."""
    ours = subject.start(bench.fresh() / "gateway", upstream, bench.stand_in)
    with ours.child:
        yield ours


@contextmanager
def pair(bench: Bench, upstream: int, *, buffering: bool) -> Iterator[tuple[subject.Subject, tuple[Child, int]]]:
    """Run the gateway and nginx in front of one upstream."""
    with ExitStack() as stack:
        ours = stack.enter_context(gateway(bench, upstream))
        child, port = yardstick.proxy(bench.fresh(), upstream, buffering=buffering)
        stack.enter_context(child)
        yield ours, (child, port)


@contextmanager
def contest(bench: Bench, *, buffering: bool) -> Iterator[tuple[subject.Subject, tuple[Child, int], int]]:
    """Run the fixed completion with the gateway and nginx in front of it."""
    with ExitStack() as stack:
        child, upstream = yardstick.completions(bench.fresh())
        stack.enter_context(child)
        ours, nginx = stack.enter_context(pair(bench, upstream, buffering=buffering))
        if not bench.stand_in:
            subject.prove_cost(ours, BODY)
        yield ours, nginx, upstream


@contextmanager
def paced(bench: Bench, *arguments: str) -> Iterator[int]:
    """Run the paced upstream; yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "bench.paced", str(port), *arguments]
    with Child(command, bench.fresh() / "paced.log", name="the paced upstream") as child:
        child.wait_port(port)
        yield port


def run(bench: Bench, load: Load, *, warm: bool = False) -> Calls:
    """Put load on a port for one round, or for a second to warm it."""
    return wrk(load, 1.0 if warm else bench.duration_s, bench.home)


def sent(port: int) -> int:
    """Return how many chunks the paced upstream has sent."""
    told: int = json.loads(_ask(port, "GET /count"))["sent"]
    return told


def release(port: int) -> None:
    """Let the paced upstream end its streams."""
    _ask(port, "POST /release")


def _ask(port: int, line: str) -> bytes:
    return subject.exchange(port, f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()).partition(b"\r\n\r\n")[2]

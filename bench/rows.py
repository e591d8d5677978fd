"""The measurements, each a function from a bench to rows of the report."""

import resource
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from statistics import median

from msgspec.structs import replace

from bench import (
    cache,
    cpu,
    crowd,
    engine,
    limits,
    openloop,
    policy,
    subject,
    translation,
    weigh,
    weigh_rank,
    weigh_runner,
    workers,
    yardstick,
)
from bench.contest import Bench, contest, gateway, paced, pair, release, run, sent
from bench.figures import Ask, Row, missing, ratio_row, value_row
from bench.load import BODY, STREAM_BODY, Load
from steelyard.core.errors import StoreError

__all__ = ["ROWS"]

_CPU = Ask("cpu", "CPU per call, not streaming", "µs", "<=", 2.0)
_RATE = Ask("throughput", "calls per second, 16 connections", "1/s", ">=", 0.5)
_CHUNK = Ask("stream", "CPU per chunk, streaming", "µs", "<=", 1.5)
_P99 = Ask("latency", "added p99 latency at half of that throughput", "ms", "<=", 2.0)
_IDLE = Ask("idle", "resident memory of an idle worker", "MB", "<=", 60.0)
_OPEN = Ask("open", "resident memory with 5,000 open streams", "MB", "<=", 300.0)
_LOCAL = Ask("local", "tokens per second of a local model (against straight)", "1/s", ">=", 0.97)
_START = Ask("start", "CPU from start to readiness", "s", "<=", 0.6)

# The smallest added latency that this method can tell from none.
_RESOLUTION_MS = 0.02


def calls(bench: Bench) -> list[Row]:
    """Measure CPU per call and throughput, against nginx's proxy_pass, in the same runs."""
    spent: dict[str, list[float]] = {"gateway": [], "nginx": []}
    rates: dict[str, list[float]] = {"gateway": [], "nginx": []}
    with contest(bench, buffering=True) as (ours, nginx, _):
        places = {"gateway": (ours.child, ours.port), "nginx": nginx}
        for name in places:
            run(bench, Load(places[name][1], ours.key, BODY), warm=True)
        for number in range(bench.rounds):
            for name in bench.order(number, list(places)):
                child, port = places[name]
                before = cpu.cpu_s(child.session)
                done = run(bench, Load(port, ours.key, BODY))
                spent[name].append((cpu.cpu_s(child.session) - before) / done.count * 1e6)
                rates[name].append(done.rate)
                child.must_live()
    bench.throughput = median(rates["gateway"])
    return [ratio_row(_CPU, spent["gateway"], spent["nginx"]), ratio_row(_RATE, rates["gateway"], rates["nginx"])]


def stream(bench: Bench) -> list[Row]:
    """Measure CPU per chunk of 64 streams at a time, each of 100 chunks 5 ms apart, against nginx without buffering."""
    spent: dict[str, list[float]] = {"gateway": [], "nginx": []}
    with ExitStack() as stack:
        upstream = stack.enter_context(paced(bench, "100", "0.005"))
        ours, nginx = stack.enter_context(pair(bench, upstream, buffering=False))
        places = {"gateway": (ours.child, ours.port), "nginx": nginx}
        for name in places:
            run(bench, Load(places[name][1], ours.key, STREAM_BODY, connections=64), warm=True)
        for number in range(bench.rounds):
            for name in bench.order(number, list(places)):
                child, port = places[name]
                before, told = cpu.cpu_s(child.session), sent(upstream)
                run(bench, Load(port, ours.key, STREAM_BODY, connections=64))
                chunks = sent(upstream) - told
                spent[name].append((cpu.cpu_s(child.session) - before) / chunks * 1e6)
                child.must_live()
    return [ratio_row(_CHUNK, spent["gateway"], spent["nginx"])]


def latency(bench: Bench) -> list[Row]:
    """Measure the 99th percentile at a fixed rate: straight to the upstream, through nginx, through the gateway.

    Added is the difference of two medians over twice as many short rounds as elsewhere, since one burst of other work
    on the machine spoils a percentile of a whole round; the spread is that of leaving out each round in turn."""
    found: dict[str, list[float]] = {"direct": [], "nginx": [], "gateway": []}
    with contest(bench, buffering=True) as (ours, nginx, upstream):
        if bench.throughput is None:
            bench.throughput = run(bench, Load(ours.port, ours.key, BODY)).rate
        rate = bench.throughput / 2
        ports = {"direct": upstream, "nginx": nginx[1], "gateway": ours.port}
        request = subject.post(ours.key, BODY)
        for number in range(2 * bench.rounds):
            for name in bench.order(number, list(ports)):
                found[name].append(openloop.measure(ports[name], request, rate, bench.duration_s / 2).p99)
    note = f"{rate:,.0f} calls/s; p99 straight to the upstream {median(found['direct']):.2f} ms"
    left_out = [_added(found, number) for number in range(2 * bench.rounds)]
    row = ratio_row(_P99, [pair[0] for pair in left_out], [pair[1] for pair in left_out], note)
    mine, other = _added(found, None)
    return [replace(row, ours=mine, yardstick=other, value=mine / other, reached=mine / other <= _P99.target)]


def _added(found: dict[str, list[float]], left_out: int | None) -> tuple[float, float]:
    """Return what the gateway adds and what nginx adds, at least the resolution, without one of the rounds."""
    middle = {name: median(v for i, v in enumerate(values) if i != left_out) for name, values in found.items()}
    ours, nginx = middle["gateway"] - middle["direct"], middle["nginx"] - middle["direct"]
    return max(ours, _RESOLUTION_MS), max(nginx, _RESOLUTION_MS)


def memory(bench: Bench) -> list[Row]:
    """Measure a worker's memory when idle, and with a crowd of open streams of which none may be lost."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2 * bench.streams + 200:
        why = f"needs {2 * bench.streams + 200} open files, the limit is {soft}: raise `ulimit -Hn`"
        return [missing(_IDLE, why), missing(_OPEN, why)]
    with ExitStack() as stack:
        upstream = stack.enter_context(paced(bench, "10", "1.0", "hold"))
        ours = stack.enter_context(gateway(bench, upstream))
        idle = [cpu.peak_rss_mb(ours.child.session)]
        bench.say(f"opening {bench.streams} streams")
        found = crowd.gather(
            ours.port,
            subject.post(ours.key, STREAM_BODY),
            bench.streams,
            lambda: cpu.peak_rss_mb(ours.child.session),
            lambda: release(upstream),
        )
        ours.child.must_live()
    note = f"{found.together} open together, {found.finished} of {found.asked} ended whole"
    row = value_row(_OPEN, [found.resident_mb], note)
    if found.together < found.asked or found.finished < found.asked:
        row = replace(row, reached=False, note=f"{note}; {'; '.join(found.failures)}")
    elif bench.streams < 5000:
        row = replace(row, note=f"{note}; only {bench.streams} for --quick")
    return [value_row(_IDLE, idle), row]


def start(bench: Bench) -> list[Row]:
    """Measure the CPU time from the start of the process until `/readyz` says 200."""
    spent = []
    with ExitStack() as stack:
        child, upstream = yardstick.completions(bench.fresh())
        stack.enter_context(child)
        for number in range(bench.rounds):
            bench.order(number, ["gateway"])
            with gateway(bench, upstream) as ours:
                spent.append(ours.ready_cpu_s)
    return [value_row(_START, spent)]


def local(bench: Bench) -> list[Row]:
    """Measure a local model's tokens per second through the gateway, against straight to llama.cpp's server."""
    if not find_spec("xllamacpp"):
        return [missing(_LOCAL, "needs the engine: pip install 'steelyard[local]'")]
    found: dict[str, list[float]] = {"gateway": [], "direct": []}
    try:
        with ExitStack() as stack:
            upstream = stack.enter_context(engine.engine(bench.data_dir, bench.fresh()))
            ours = stack.enter_context(gateway(bench, upstream))
            ports = {"gateway": ours.port, "direct": upstream}
            for number in range(3 * bench.rounds):
                for name in bench.order(number, list(ports)):
                    found[name].append(engine.tokens_per_s(ports[name], ours.key, "assistant"))
    except StoreError as reason:
        return [missing(_LOCAL, str(reason))]
    return [ratio_row(_LOCAL, found["gateway"], found["direct"], "the second figure is llama.cpp's own server")]


ROWS: dict[str, tuple[Callable[[Bench], list[Row]], tuple[Ask, ...]]] = {
    "calls": (calls, (_CPU, _RATE)),
    "stream": (stream, (_CHUNK,)),
    "latency": (latency, (_P99,)),
    "memory": (memory, (_IDLE, _OPEN)),
    "start": (start, (_START,)),
    "local": (local, (_LOCAL,)),
    "translated": (translation.streams, (translation.CHUNK,)),
    "conversation": (translation.whole, (translation.WHOLE,)),
    "plans": (policy.compiled, (policy.COMPILE,)),
    "purpose": (policy.calls, (policy.CALL,)),
    "limits": (limits.calls, (limits.CALL, limits.CPU)),
    "limits-stream": (limits.streams, (limits.CHUNK,)),
    "cache": (cache.hits, (cache.HIT,)),
    "workers": (workers.scaled, (workers.CPU, workers.RATE)),
    "long": (translation.long_stream, (translation.LONG,)),
    "weigh-recorded": (weigh.recorded, (weigh.RECORDED,)),
    "weigh-rank": (weigh_rank.ranked, (weigh_rank.RANK,)),
    "weigh-runner": (weigh_runner.runs, (weigh_runner.RUNNER,)),
}

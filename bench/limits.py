"""What limits cost: calls by a key with limits and budgets, against those by a key that none concerns, and nginx's."""

from contextlib import ExitStack
from time import sleep

from bench import cpu, subject, yardstick
from bench.contest import Bench, paced, run, sent
from bench.figures import Ask, BenchError, Row, ratio_row
from bench.keyed import Keyed, by_key
from bench.load import BODY, STREAM_BODY, Load

__all__ = ["CALL", "CHUNK", "CPU", "calls", "streams"]

CALL = Ask("limits-call", "CPU per call, by a key with limits and budgets (against without)", "µs", "<=", 1.25)
CPU = Ask("limits-cpu", "CPU per call, by a key with limits and budgets", "µs", "<=", 2.0)
CHUNK = Ask("limits-stream", "CPU per chunk, by a key with limits and budgets", "µs", "<=", 1.5)

_BODY = BODY.replace('"assistant"', '"answers"')
_STREAM_BODY = STREAM_BODY.replace('"assistant"', '"answers"')
# Every kind of limit for the key, and budgets; none is near its end.
_MORE = """
[providers.own]
dialect = "openai"
base_url = "http://127.0.0.1:{upstream}/v1"

[routes.answers]
deployments = ["own/model"]

[deployments."own/model"]
most_output = 4096
price = {{ input_usd_per_mtok = "2.00", output_usd_per_mtok = "8.00" }}

[[limits]]
scope = "key:limited"
requests_per_minute = 100_000_000
requests_per_day = 10_000_000_000
tokens_per_minute = 1_000_000_000_000
concurrent = 10_000

[[budgets]]
scope = "key:limited"
usd = "900000000"
per = "month"
warn_at = [0.5, 0.8]
"""


def calls(bench: Bench) -> list[Row]:
    """Measure CPU per call of one gateway, by a key with limits of requests, tokens and calls under way and a budget,
    by one that none of them concerns, and of nginx, in the same runs."""
    return by_key(bench, Keyed(CALL, _MORE, "limited", _BODY, against_nginx=CPU), _prove)


def streams(bench: Bench) -> list[Row]:
    """Measure CPU per chunk by that key: 64 streams at a time of 100 chunks 5 ms apart, against nginx without
    buffering."""
    spent: dict[str, list[float]] = {"gateway": [], "nginx": []}
    with ExitStack() as stack:
        upstream = stack.enter_context(paced(bench, "100", "0.005"))
        ours = subject.start(bench.fresh() / "gateway", upstream, more=_MORE.format(upstream=upstream))
        stack.enter_context(ours.child)
        child, port = yardstick.proxy(bench.fresh(), upstream, buffering=False)
        stack.enter_context(child)
        key = subject.new_key(ours.home, "limited")
        places = {"gateway": (ours.child, ours.port), "nginx": (child, port)}
        _wait_for(ours, key)
        for name in places:
            run(bench, Load(places[name][1], key, _STREAM_BODY, connections=64), warm=True)
        for number in range(bench.rounds):
            for name in bench.order(number, list(places)):
                child, port = places[name]
                before, told = cpu.cpu_s(child.session), sent(upstream)
                run(bench, Load(port, key, _STREAM_BODY, connections=64))
                spent[name].append((cpu.cpu_s(child.session) - before) / (sent(upstream) - told) * 1e6)
                child.must_live()
    return [ratio_row(CHUNK, spent["gateway"], spent["nginx"])]


def _wait_for(served: subject.Subject, key: str) -> None:
    """Wait until the gateway knows a key, and what was counted before: it looks for keys twice a second."""
    request = f"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    for _ in range(100):
        if subject.exchange(served.port, request).startswith(b"HTTP/1.1 200"):
            return
        sleep(0.05)
    raise BenchError("The gateway under measurement does not take up a new key within 5 s.")


def _prove(served: subject.Subject, key: str, limited: bool) -> None:
    """Prove that calls with this key are answered, and that limits are told where there are some."""
    head = b""
    for _ in range(100):
        head = subject.exchange(served.port, subject.post(key, _BODY)).partition(b"\r\n\r\n")[0].lower()
        if not head.startswith((b"http/1.1 401", b"http/1.1 503")):
            break
        sleep(0.05)  # the gateway looks for new keys twice a second, and for what was counted before
    if not head.startswith(b"http/1.1 200") or (b"x-ratelimit-remaining-tokens:" in head) is not limited:
        raise BenchError(f"The gateway under measurement does not answer as its limits say.\n{head.decode()}")

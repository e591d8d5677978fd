"""What limits cost: a call by a key with limits and budgets, against one by a key that none concerns."""

from time import sleep

from bench import subject
from bench.contest import Bench
from bench.figures import Ask, BenchError, Row
from bench.keyed import Keyed, by_key
from bench.load import BODY

__all__ = ["CALL", "calls"]

CALL = Ask("limits-call", "CPU per call, by a key with limits and budgets (against without)", "µs", "<=", 1.25)

_BODY = BODY.replace('"assistant"', '"answers"')
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
    and by one that none of them concerns, in the same runs."""
    return by_key(bench, Keyed(CALL, _MORE, "limited", _BODY), _prove)


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

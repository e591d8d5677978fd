"""What tests of shared limits share: a server, gateways beside each other, and calls from all sides at once."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from steelyard.gateway.memory import Snapshot
from tests.fake import FakeProvider
from tests.gateway.limits_rig import SY
from tests.support import GatewayUnderTest, RawHTTP, config_text
from tests.support.valkey import Valkey

__all__ = [
    "ENDLESS",
    "LEASE_S",
    "MODELS",
    "beside",
    "calls_at_once",
    "hang_on",
    "metric",
    "shared",
    "shown",
    "told",
    "until",
]

LEASE_S = 2.0
ENDLESS = "acme/endless:0.05"
MODELS = ("ok", "words:3", "tool-call")


@contextmanager
def beside(
    directory: Path, server: Valkey, rules: str, count: int = 2, *, prefix: str = "steelyard", **more: Any
) -> Iterator[list[GatewayUnderTest]]:
    """Run gateways with homes of their own that count the same limits (as TOML) together, by a server that has been
    there for long: one that is new waits for those who may have counted before."""
    server.say("SET", f'"{prefix} epoch"', f"old:0:{server.run}")
    with ExitStack() as stack:
        provider = stack.enter_context(FakeProvider())
        deployments = {f"acme/{model}": SY for model in MODELS}
        text = config_text({"acme": provider.base_url}, deployments=deployments, **more)
        gateways = []
        for number in range(count):
            home = directory / str(number)
            home.mkdir()
            gateways.append(
                stack.enter_context(GatewayUnderTest(f"{text}\n{shared(server.url, prefix)}\n{rules}", home))
            )
        for gateway in gateways:
            until(lambda: metric(gateway, "steelyard_shared_gateways") == count, "gateways to know of each other")  # noqa: B023
        told = count * sum(rules.count(name) for name in ("requests_per_", "tokens_per_", "usd = "))
        until(lambda: server.say("HLEN", f'"{prefix} based"') == b":%d\r\n" % told, "what their ledgers have")
        yield gateways


def shared(url: str, prefix: str = "steelyard") -> str:
    """Return `[shared]`."""
    return f'[shared]\nurl = "{url}"\nlease_s = {LEASE_S}\nprefix = "{prefix}"\n'


def shown(gateway: GatewayUnderTest) -> dict[str, tuple[Decimal, Decimal]]:
    """Return what a gateway says is used of each limit, and reserved."""
    path = gateway.home / "limits.json"
    if not path.exists():
        return {}
    found = msgspec.json.decode(path.read_bytes(), type=Snapshot).standings
    return {f"{one.scope} {one.limit}": (Decimal(one.used), Decimal(one.reserved)) for one in found}


def hang_on(http: RawHTTP) -> int:
    """Begin a stream that does not end, and return the status."""
    http.begin_chat(ENDLESS, stream=True, max_tokens=10)
    head = http.head()
    if head.status != 200:
        list(http.parts(head))
    return head.status


def metric(gateway: GatewayUnderTest, name: str) -> float:
    """Return a metric without labels; -1 where there is none."""
    for line in gateway.metrics().splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[1])
    return -1.0


def until(holds: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def told(gateway: GatewayUnderTest, model: str = "acme/ok", **asks: Any) -> int:
    """Return the status of one call, which is made again while a gateway says that it cannot know yet."""
    end = time.monotonic() + 20
    while True:
        with gateway.connect() as http:
            answer = http.chat(model, **{"max_tokens": 10, **asks})
        if answer.status != 503 or time.monotonic() > end:
            return answer.status
        time.sleep(0.05)


def calls_at_once(
    gateways: Sequence[GatewayUnderTest], each: int, threads: int = 3, models: Iterable[str] = ("acme/ok",), **asks: Any
) -> Counter[int]:
    """Make calls to all gateways at once, from threads of each; return the statuses."""
    statuses: Counter[int] = Counter()
    lock = threading.Lock()
    names = list(models)

    def ask(gateway: GatewayUnderTest) -> None:
        found = []
        with gateway.connect(30.0) as http:
            for number in range(each):
                name = names[number % len(names)]
                found.append(http.chat(name, stream=number % 3 == 2, **{"max_tokens": 10, **asks}).status)
        with lock:
            statuses.update(found)

    working = [threading.Thread(target=ask, args=(one,)) for one in gateways for _ in range(threads)]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join(60)
        assert not thread.is_alive()
    return statuses

"""Each status of an error, and each form of Retry-After: how often the deployment is asked, whether another one is, and
what the client is told. The expectations are those of docs/guides/routes.md, "What is tried again"."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec import Struct

from steelyard.core.exchange import Exchange
from tests.fake import FakeProvider
from tests.gateway.faults.rig import KEY, PRICE, Record, count, new_trace
from tests.support import GatewayUnderTest, Response, config_text

AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529}
ELSEWHERE = {401, 402, 403, 404, 405, 410}
OWN_KEY = {401, 403}
"""Of these the client is told by 502: it would take them for a refusal of its own key."""
STATUSES = [
    *(
        400,
        401,
        402,
        403,
        404,
        405,
        406,
        407,
        408,
        409,
        410,
        411,
        412,
        413,
        414,
        415,
        416,
        417,
        418,
        421,
        422,
        423,
        424,
    ),
    *(
        425,
        426,
        428,
        429,
        431,
        444,
        451,
        460,
        499,
        500,
        501,
        502,
        503,
        504,
        505,
        506,
        507,
        508,
        510,
        511,
        520,
        521,
        522,
    ),
    *(523, 524, 525, 526, 527, 529, 530, 598, 599),
]
NOW = "retry-after=0"
"""Asks for another attempt without a pause."""

# What Retry-After says, and how long the pause before the second attempt then is (None: there is none).
_OWN_PAUSE = (0.1, 1.5)
WAITS: dict[str, tuple[float, float] | None] = {
    "retry-after=0": (0.0, 0.3),
    "retry-after=1": (0.95, 2.0),
    "retry-after=0.5": (0.45, 1.5),
    "retry-after=%201%20": (0.95, 2.0),
    "retry-after-date=1": (0.9, 3.0),
    "retry-after-date=-100": (0.0, 0.3),
    "retry-after=11": None,
    "retry-after=99999999999999999999999999": None,
    "retry-after=" + "9" * 400: None,
    "retry-after-date=3600": None,
    "retry-after=soon": _OWN_PAUSE,
    "retry-after=-1": _OWN_PAUSE,
    "retry-after=1e3": _OWN_PAUSE,
    "retry-after=inf": _OWN_PAUSE,
    "retry-after=nan": _OWN_PAUSE,
    "retry-after=": _OWN_PAUSE,
    "retry-after=1,2": _OWN_PAUSE,
    "retry-after=0x10": _OWN_PAUSE,
    "retry-after=%B2": _OWN_PAUSE,
    "retry-after=Fri,%2099%20Foo%202026%2025%3A61%3A61%20GMT": _OWN_PAUSE,
    "retry-after=Fri,%20,": _OWN_PAUSE,
    "retry-after-ms=1": _OWN_PAUSE,  # OpenAI's own field; its SDKs read it, the gateway reads the standard's
}


ALONE = [(status, stream) for status in STATUSES for stream in (False, True) if not stream or status not in AGAIN]
"""Five failures in a row would rest a deployment: what is tried three times is asked for once."""


def _route(option: str) -> str:
    return f"waits-{list(WAITS).index(option)}"


def _name(option: str) -> str:
    return option[:40].replace("=", "-")


class Asked(Struct, frozen=True):
    """The answer, how many requests both providers got for it, and the seconds that it took."""

    response: Response
    exchange: Exchange
    calls: int
    others: int
    took_s: float


class Asking:
    """Asks for routes. Threads may ask at once."""

    def __init__(self, gateway: GatewayUnderTest, provider: FakeProvider, backup: FakeProvider) -> None:
        self._gateway, self._provider, self._backup = gateway, provider, backup
        self._record = Record(gateway.home)

    def ask(self, route: str, stream: bool = False) -> Asked:
        trace = new_trace()
        body: dict[str, Any] = {"model": route, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
        with self._gateway.connect() as http:
            began = time.monotonic()
            response = http.request("POST", "/v1/chat/completions", None, {"traceparent": trace}, **body)
            took = time.monotonic() - began
        exchange = self._record.of(response.header("x-request-id") or "")
        return Asked(response, exchange, count(self._provider, trace), count(self._backup, trace), took)


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    routes: dict[str, Any] = {}
    prices: dict[str, Any] = {"backup/ok": PRICE}
    for status in STATUSES:
        model = f"acme/status:{status}:{NOW}"
        routes[f"alone-{status}"] = {"deployments": [model], "retries": 2}
        other = f"other/status:{status}:{NOW}"
        routes[f"beside-{status}"] = {"deployments": [other, "backup/ok"], "retries": 1}
        prices |= {model: PRICE, other: PRICE}
    for option in WAITS:
        routes[_route(option)] = {"deployments": [f"waits/fail-times:1:429:{option}"], "retries": 1}
    with FakeProvider() as provider, FakeProvider() as backup:
        at = {"base_url": provider.base_url, "api_key": "env:ACME_KEY"}
        providers: dict[str, Any] = {"acme": at, "other": at, "waits": at, "backup": backup.base_url}
        config = config_text(providers, routes=routes, deployments=prices)
        with GatewayUnderTest(config, tmp_path_factory.mktemp("statuses"), env={"ACME_KEY": KEY}) as gateway:
            yield Asking(gateway, provider, backup)
            assert gateway.stderr.count("\n") == 1, gateway.stderr
        assert provider.malformed + provider.failures == []


@pytest.mark.parametrize(("status", "stream"), ALONE)
def test_a_status_is_tried_again_where_that_may_help(asking: Asking, status: int, stream: bool) -> None:
    asked = asking.ask(f"alone-{status}", stream)
    assert asked.calls == (3 if status in AGAIN else 1)
    assert asked.took_s < 0.5, "there was nothing to wait for"
    response, exchange = asked.response, asked.exchange
    assert exchange.status == response.status == (502 if status in OWN_KEY else status)
    assert exchange.outcome == "status"
    assert [one.outcome for one in exchange.attempts] == ["status"] * asked.calls
    assert {one.status for one in exchange.attempts} == {None if status in OWN_KEY else status}
    assert (exchange.usage, exchange.cost_usd) == (None, None)
    assert KEY.encode() not in response.body
    if status not in OWN_KEY:
        assert response.header("retry-after") == "0", "the client is told, too"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_tried_elsewhere_where_that_may_help(asking: Asking, status: int, stream: bool) -> None:
    asked = asking.ask(f"beside-{status}", stream)
    moves = status in AGAIN | ELSEWHERE or status >= 500
    assert (asked.calls, asked.others) == (1, int(moves))
    assert asked.response.status == (200 if moves else status)
    exchange = asked.exchange
    assert [one.outcome for one in exchange.attempts] == (["status", "ok"] if moves else ["status"])
    assert (exchange.cost_usd is None) == (not moves)
    if moves:
        assert exchange.deployment == "backup/ok"
        assert exchange.usage is not None
        assert not exchange.usage.estimated


@pytest.fixture(scope="module")
def waited(asking: Asking) -> dict[str, Asked]:
    """All pauses at once: together they take as long as the longest."""
    with ThreadPoolExecutor(len(WAITS)) as pool:
        return dict(zip(WAITS, pool.map(asking.ask, map(_route, WAITS)), strict=True))


@pytest.mark.parametrize("option", WAITS, ids=_name)
def test_the_pause_is_what_retry_after_asks_for_or_one_of_our_own(waited: dict[str, Asked], option: str) -> None:
    asked, bounds = waited[option], WAITS[option]
    if bounds is None:
        assert (asked.response.status, asked.calls) == (429, 1), "nobody waits that long: the client is told at once"
        assert asked.took_s < 1
        return
    assert (asked.response.status, asked.calls) == (200, 2)
    first, second = asked.exchange.attempts
    assert (first.outcome, second.outcome) == ("status", "ok")
    assert bounds[0] <= (second.started_ms - first.ended_ms) / 1000 < bounds[1]

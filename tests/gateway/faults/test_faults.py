"""Every fault of a provider, streaming and not, with and without another deployment, relayed and translated: what the
client sees, how often who is called, what goes on record and what it costs."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tests.gateway.faults.rig import KEY, USD, Asking, Observed, Rig
from tests.gateway.faults.table import FAULTS, SAYING, SILENCES, Broken, Ending, Fine, Refused
from tests.gateway.upstream_rig import until

_RANGE = (False, True)


def _cases(faults: dict[str, object], upstreams: tuple[str, ...]) -> list[Asking]:
    rows = {**FAULTS, **SILENCES}
    return [
        Asking(fault, stream, fallback, upstream=upstream)
        for upstream in upstreams
        for fault in faults
        for stream in _RANGE
        for fallback in _RANGE
        if rows[fault].ending(stream=stream, translated=upstream == "messages") is not None
    ]


def _name(asking: Asking) -> str:
    how = "stream" if asking.stream else "whole"
    return f"{asking.client}-{asking.upstream}-{asking.fault}-{how}-{'fallback' if asking.fallback else 'alone'}"


CASES = _cases(dict(FAULTS), ("chat", "messages"))
SILENT = _cases(dict(SILENCES), ("chat", "messages"))
CROSSED = [
    Asking(fault, stream, fallback, "anthropic", "crossed")
    for fault in ("cut:mid-body", "html:502", "error-event:3", "finish-no-done", "bad-event:3", "length-off:-25")
    for stream in _RANGE
    for fallback in _RANGE
]
"""Clients of Messages, whose provider speaks Chat Completions."""

CROSSED_ENDINGS: dict[str, tuple[Ending, Ending]] = {
    "cut:mid-body": (Refused("api_error", "cut"), Broken(2)),
    "html:502": (Refused("api_error", "status"), Refused("api_error", "status")),
    "error-event:3": (Refused("api_error", "status"), Broken(2, outcome="error_event")),
    "finish-no-done": (Refused("api_error", "cut"), Broken(20, told=True)),
    "bad-event:3": (Refused("api_error", "invalid"), Broken(2, outcome="invalid")),
    "length-off:-25": (Refused("api_error", "invalid"), Broken(20)),
}


@pytest.mark.parametrize("asking", CASES, ids=_name)
def test_a_fault_ends_as_it_should(rig: Rig, asking: Asking) -> None:
    ending = FAULTS[asking.fault].ending(stream=asking.stream, translated=asking.upstream == "messages")
    assert ending is not None
    check(asking, rig.ask(asking), ending)


@pytest.fixture(scope="module")
def waited(rig: Rig) -> dict[Asking, Observed]:
    """All silences, many at once: together they take as long as the longest."""
    with ThreadPoolExecutor(len(SILENT)) as pool:
        return dict(zip(SILENT, pool.map(rig.ask, SILENT), strict=True))


@pytest.mark.parametrize("asking", SILENT, ids=_name)
def test_a_silence_ends_as_it_should(waited: dict[Asking, Observed], asking: Asking) -> None:
    ending = SILENCES[asking.fault].ending(stream=asking.stream, translated=asking.upstream == "messages")
    assert ending is not None
    check(asking, waited[asking], ending)
    last = waited[asking].exchange.last_byte_ms
    assert last is not None
    assert last < 4500, "no limit of time may be overrun by much"


@pytest.mark.parametrize("asking", CROSSED, ids=_name)
def test_a_fault_ends_as_it_should_for_clients_of_another_dialect(rig: Rig, asking: Asking) -> None:
    ending = CROSSED_ENDINGS[asking.fault][asking.stream]
    observed = rig.ask(asking)
    check(asking, observed, ending)
    if observed.error is not None:
        assert observed.error["type"] == "api_error"  # Anthropic's errors have a type and a message, and no code
        assert observed.error["message"]


def check(asking: Asking, observed: Observed, ending: Ending) -> None:
    """Check one call: first what holds for all, then what its ending says."""
    exchange, response = observed.exchange, observed.response
    tried = [(one.deployment, one.outcome) for one in exchange.attempts]
    assert exchange.route == asking.route
    assert exchange.stream == asking.stream
    assert exchange.status == response.status
    assert exchange.response_bytes == len(response.body)
    assert KEY.encode() not in response.body
    # On a connection that had served before, a close before the first byte is no attempt: servers close what is idle.
    resent = observed.called - 1
    assert resent == 0 or (resent == 1 and asking.fault.startswith("cut:before-headers")), "nothing is sent twice"
    assert len(tried) == 1 + observed.backup_called, "each request that was sent is on record as an attempt"
    assert (observed.error is None) == (exchange.outcome == "ok"), (
        "what is on record as well ended is so for the client"
    )
    assert observed.ended == (exchange.outcome == "ok"), "what does not end as it should has no clean end"
    _check_cost(observed)
    if asking.fallback and isinstance(ending, Refused) and ending.elsewhere:
        assert tried == [(asking.deployment, ending.outcome), ("backup/ok", "ok")]
        assert (response.status, observed.text) == (200, SAYING), (
            "the other's answer, whole, and nothing of the first's"
        )
        assert response.header("x-steelyard-deployment") == "backup/ok"
        assert exchange.deployment == "backup/ok"
        _check_usage(observed, "told")
        return
    assert observed.backup_called == 0
    assert response.header("x-steelyard-deployment") == asking.deployment
    if isinstance(ending, Fine):
        assert tried == [(asking.deployment, "ok")]
        assert ending.text in (observed.text, None)
        _check_usage(observed, ending.usage)
    elif isinstance(ending, Broken):
        _check_broken(asking, observed, ending)
    else:
        assert tried == [(asking.deployment, ending.outcome)]
        assert (response.status, exchange.outcome) == (ending.status, ending.outcome)
        _check_code(asking, observed, ending.code)
        assert (exchange.usage, exchange.cost_usd) == (None, None), "what is not known is not 0"


def _check_broken(asking: Asking, observed: Observed, ending: Broken) -> None:
    exchange = observed.exchange
    assert [(one.deployment, one.outcome) for one in exchange.attempts] == [(asking.deployment, ending.outcome)]
    assert (observed.response.status, exchange.outcome) == (200, ending.outcome)
    _check_code(asking, observed, ending.code)
    assert observed.closed, "a stream that broke is closed, too"
    words = observed.text.split()
    assert words == SAYING.split()[: len(words)], "what came, in its order, once"
    if ending.words >= 0:
        assert len(words) == ending.words
    if observed.text:
        _check_usage(observed, "told" if ending.told else "estimated")


def _check_code(asking: Asking, observed: Observed, code: str | None) -> None:
    if asking.client == "openai":
        assert observed.code == code


def _check_usage(observed: Observed, usage: str) -> None:
    found = observed.exchange.usage
    if usage == "unknown":
        assert found is None
        return
    assert found is not None
    assert found.estimated == (usage == "estimated")


def _check_cost(observed: Observed) -> None:
    usage, cost = observed.exchange.usage, observed.exchange.cost_usd
    if usage is None:
        assert cost is None, "the cost of what is not known is not known"
        return
    assert usage.input is not None
    assert usage.output is not None
    assert cost is not None
    assert Decimal(cost) == usage.input * USD["input"] + usage.output * USD["output"]
    assert Decimal(cost) > 0


def test_nothing_is_left_of_any_fault(rig: Rig) -> None:
    until(lambda: "steelyard_calls_in_flight 0\n" in rig.gateway.metrics(), "the end of all calls")
    until(lambda: rig.provider.open_connections < 40, "the close of connections that broke")
    for one in rig.record.exchanges.values():
        assert one.last_byte_ms is not None
        assert all(0 <= tried.started_ms <= tried.ended_ms <= one.last_byte_ms for tried in one.attempts)

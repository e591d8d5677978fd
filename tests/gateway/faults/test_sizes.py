"""Answers of 100 MB and more: passed on whole, or refused, and no memory is kept of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake import FakeProvider
from tests.gateway.faults.rig import KEY, PRICE, Record
from tests.gateway.upstream_rig import until
from tests.support import GatewayUnderTest, RawHTTP, config_text

MB = 1_000_000
BIG = 100 * MB
OVER = 280 * MB
"""Over the 256 MiB that an answer may have which is read whole."""

ROUTES = {
    "big": f"acme/json-of:{BIG}",
    "over": f"acme/json-of:{OVER}",
    "flood": f"acme/flood:{BIG}",
}


class Sized:
    def __init__(self, gateway: GatewayUnderTest) -> None:
        self.gateway = gateway
        self.record = Record(gateway.home)

    def memory(self, field: str) -> int:
        """Return VmRSS or VmHWM, its peak, in bytes (proc_pid_status(5))."""
        lines = Path(f"/proc/{self.gateway.process.pid}/status").read_text().splitlines()
        (found,) = (line for line in lines if line.startswith(field))
        return int(found.split()[1]) * 1024

    def forget_peak(self) -> None:
        """Let VmHWM begin anew (proc_pid_clear_refs(5): 5)."""
        Path(f"/proc/{self.gateway.process.pid}/clear_refs").write_text("5")


@pytest.fixture(scope="module")
def sized(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sized]:
    routes = {name: {"deployments": [one], "retries": 0} for name, one in ROUTES.items()}
    with FakeProvider() as provider:
        config = config_text({"acme": provider.base_url}, routes=routes, deployments={ROUTES["flood"]: PRICE})
        directory = tmp_path_factory.mktemp("sizes")
        with GatewayUnderTest(config, directory, env={"ACME_KEY": KEY}) as gateway:
            with gateway.connect() as http:
                assert http.chat("acme/ok").status == 200
            yield Sized(gateway)
        assert provider.failures == []


def received(http: RawHTTP, route: str, stream: bool) -> tuple[int, str, bytes, int]:
    """Return status, id, the last bytes and the size of an answer, of which no more is held than a piece."""
    http.begin_chat(route, stream=stream)
    head = http.head()
    size, last = 0, b""
    for part in http.parts(head):
        size += len(part)
        last = (last + part)[-400:]
    return head.status, head.header("x-request-id") or "", last, size


def test_a_stream_of_100_mb_is_passed_on_and_not_held(sized: Sized) -> None:
    sized.forget_peak()
    before = sized.memory("VmRSS")
    with sized.gateway.connect(60) as http:
        status, number, last, size = received(http, "flood", True)
    assert status == 200
    assert size > BIG * 0.99
    assert last.endswith(b"data: [DONE]\n\n")
    assert sized.memory("VmHWM") - before < 40 * MB, "most of it is never held"
    exchange = sized.record.of(number)
    assert (exchange.outcome, exchange.response_bytes) == ("ok", size)
    assert exchange.usage is not None
    assert exchange.cost_usd is not None


def test_an_answer_of_100_mb_is_passed_on_and_let_go(sized: Sized) -> None:
    before = sized.memory("VmRSS")
    with sized.gateway.connect(60) as http:
        status, number, last, size = received(http, "big", False)
    assert status == 200
    assert size > BIG * 0.99
    assert b'"usage"' in last
    exchange = sized.record.of(number)
    assert (exchange.outcome, exchange.response_bytes) == ("ok", size)
    assert exchange.usage is not None
    assert exchange.cost_usd is None, "its price is not known"
    until(lambda: sized.memory("VmRSS") - before < 20 * MB, "what was held to be let go")


def test_an_answer_over_256_mib_is_refused_and_let_go(sized: Sized) -> None:
    before = sized.memory("VmRSS")
    with sized.gateway.connect(60) as http:
        answer = http.chat("over")
    assert (answer.status, answer.error_code) == (502, "upstream_invalid")
    assert "over 268435456 bytes" in answer.json()["error"]["message"]
    exchange = sized.record.of(answer.header("x-request-id") or "")
    assert (exchange.outcome, exchange.usage, exchange.cost_usd) == ("invalid", None, None)
    until(lambda: sized.memory("VmRSS") - before < 20 * MB, "what was held to be let go")

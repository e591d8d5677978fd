"""A gateway that is told to stop lets running calls finish, takes no new ones, and does not wait for ever."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.gateway.upstream_rig import until
from tests.support import GatewayUnderTest, config_text
from tests.support.journal import journalled


def wait_end(served: GatewayUnderTest, timeout_s: float) -> float:
    began = time.monotonic()
    assert served.process.wait(timeout_s) == 0, served.stderr
    assert "Traceback" not in served.stderr
    return time.monotonic() - began


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_calls_finish_and_new_ones_are_refused(
    gateway: StartGateway, provider: FakeProvider, number: signal.Signals
) -> None:
    served = gateway()
    idle = served.connect()
    assert idle.chat("acme/ok").status == 200
    with served.connect() as streaming, served.connect() as whole, served.connect() as late:
        streaming.begin_chat("acme/slow-chunks:0.05:14", stream=True)
        head = streaming.head()
        whole.begin_chat("acme/slow-first-byte:0.7")
        provider.wait_requests(3)
        served.signal(number)
        until(lambda: served.ready_status() == 503, "/readyz to say that it drains", 2)
        refused = late.chat("acme/ok")
        assert (refused.status, refused.error_code) == (503, "draining")
        assert refused.header("connection") == "close"
        assert late.closed()
        again = idle.chat("acme/ok")
        assert (again.status, again.error_code) == (503, "draining")
        with served.connect() as live:
            assert live.request("GET", "/livez").status == 200
        with ThreadPoolExecutor() as pool:
            stream = pool.submit(lambda: list(streaming.payloads(head)))
            answer = pool.submit(whole.response)
            assert stream.result()[-1] == "[DONE]"
            assert (answer.result().status, answer.result().header("connection")) == (200, "close")
    assert wait_end(served, 5) < 3
    idle.close()
    outcomes = [one.outcome for one in journalled(served.home)]
    assert outcomes.count("ok") == 3
    assert len(provider.requests) == 3


def test_streams_end_with_an_error_event_when_the_time_to_drain_is_over(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    served = gateway(config_text({"acme": provider.base_url}, server={"drain_s": 0.5}))
    with served.connect() as streaming, served.connect() as waiting, served.connect() as pausing:
        streaming.begin_chat("acme/endless", stream=True)
        head = streaming.head()
        waiting.begin_chat("acme/never-answers")
        pausing.begin_chat("acme/status:429:retry-after=9")
        provider.wait_requests(3)
        time.sleep(0.05)
        began = time.monotonic()
        served.signal(signal.SIGTERM)
        *events, last = [json.loads(payload) for payload in streaming.payloads(head)]
        assert 0.4 < time.monotonic() - began < 5
        assert events
        assert last["error"]["code"] == "draining"
        assert streaming.closed()
        for http in (waiting, pausing):
            answer = http.response()
            assert (answer.status, answer.error_code) == (503, "draining")
            assert answer.header("connection") == "close"
    wait_end(served, 5)
    exchanges = {str(one.attempts[0].deployment): one for one in journalled(served.home)}
    assert len(exchanges) == 3
    stopped = exchanges["acme/endless"]
    assert (stopped.status, stopped.outcome, stopped.deployment) == (200, "cut", "acme/endless")
    assert stopped.usage is not None
    assert stopped.usage.output == len(events)
    assert exchanges["acme/never-answers"].status == 503
    assert [one.outcome for one in exchanges["acme/status:429:retry-after=9"].attempts] == ["status"]
    assert all(request.connection.closed_at for request in provider.requests)


def test_an_idle_gateway_stops_at_once(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway()
    with served.connect() as http:
        assert http.chat("acme/ok").status == 200
        served.signal(signal.SIGTERM)
        assert wait_end(served, 5) < 2
        assert http.closed()
    assert provider.wait(lambda: provider.open_connections == 0, "the close of idle connections")


def test_sigterm_sent_twice_for_one_stop_changes_nothing(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway()
    with served.connect() as http:
        http.begin_chat("acme/slow-first-byte:0.5")
        provider.wait_requests(1)
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP):
            served.signal(number)
            time.sleep(0.05)
        assert http.response().status == 200
    wait_end(served, 5)


def test_sigint_ends_the_drain(gateway: StartGateway, provider: FakeProvider) -> None:
    served = gateway()
    with served.connect() as http:
        http.begin_chat("acme/endless:0.05", stream=True)
        head = http.head()
        served.signal(signal.SIGTERM)
        until(lambda: served.ready_status() == 503, "the drain", 2)
        served.signal(signal.SIGINT)
        assert "draining" in list(http.payloads(head))[-1]
    wait_end(served, 5)

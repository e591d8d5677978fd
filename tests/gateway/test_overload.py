"""An event loop that is really late: the process is stopped and let go on, as by a machine that has no time for it."""

import signal
import time
from pathlib import Path

from steelyard.keys.file import KeyFile
from steelyard.keys.key import Bearer
from tests.fake import FakeProvider
from tests.gateway.upstream_rig import until
from tests.support import GatewayUnderTest, RawHTTP, Response, config_text

LATE_S = 0.4
PATIENCE_S = 90.0


class Stopped:
    """A gateway that gets no time, but a moment for each answer."""

    def __init__(self, gateway: GatewayUnderTest) -> None:
        self.gateway = gateway
        gateway.signal(signal.SIGSTOP)

    def ask(self, http: RawHTTP, key: str | None = None) -> Response:
        """Ask while it is stopped, let it go on, and stop it as soon as it has answered."""
        http.begin_chat("acme/ok", key)
        time.sleep(LATE_S)
        self.gateway.signal(signal.SIGCONT)
        answer = http.response()
        self.gateway.signal(signal.SIGSTOP)
        return answer

    def go_on(self) -> None:
        self.gateway.signal(signal.SIGCONT)


def config(provider: FakeProvider, shed_lag_s: float = 0.2, shed_after_s: float = 0.5) -> str:
    return config_text({"acme": provider.base_url}, server={"shed_lag_s": shed_lag_s, "shed_after_s": shed_after_s})


def open_stream(gateway: GatewayUnderTest, key: str | None = None) -> RawHTTP:
    http = gateway.connect(30)
    http.begin_chat("acme/stalls:1", key, stream=True)
    assert http.head().status == 200
    return http


def test_a_loop_that_is_always_late_turns_new_calls_away_until_it_keeps_up(tmp_path: Path) -> None:
    with FakeProvider() as provider, GatewayUnderTest(config(provider), tmp_path) as gateway:
        with open_stream(gateway), gateway.connect(30) as http:
            stopped = Stopped(gateway)
            end = time.monotonic() + PATIENCE_S
            while (refused := stopped.ask(http)).status == 200:
                assert time.monotonic() < end, gateway.stderr
            assert (refused.status, refused.error_code) == (503, "overloaded")
            assert 1 <= int(refused.header("retry-after") or 0) <= 5
            stopped.go_on()
            with gateway.connect(30) as balancer:
                ready = balancer.request("GET", "/readyz")
                assert ready.status == 200 or ready.json() == {"status": "overloaded"}
                assert balancer.request("GET", "/livez").status == 200
            until(lambda: gateway.ready_status() == 200, "the gateway to keep up again", 60)
            until(lambda: http.chat("acme/ok").status == 200, "calls to be answered", 60)
        metrics = gateway.metrics()
        assert "steelyard_shedding_pressure 0\n" in metrics
        assert 'steelyard_shed_calls_total{priority="normal"} 0' not in metrics
        assert 'steelyard_refusals_total{status="503",code="overloaded"}' in metrics
        assert "new calls are turned away" in gateway.stderr
        until(lambda: "keeps up again" in gateway.stderr, "the end to be told")


def test_calls_of_low_priority_are_turned_away_first_and_readyz_is_red(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "home" / "keys.json")
    low, high = (file.create(name, bearer=Bearer(priority=name))[1] for name in ("low", "high"))
    with (
        FakeProvider() as provider,
        GatewayUnderTest(config(provider), tmp_path) as gateway,
        open_stream(gateway, high),
        gateway.connect(30) as one,
        gateway.connect(30) as other,
    ):
        stopped = Stopped(gateway)
        shed: list[int] = []
        end = time.monotonic() + PATIENCE_S
        while 503 not in shed:
            assert time.monotonic() < end, gateway.stderr
            assert stopped.ask(other, high).status == 200, "before all of low are turned away, none of high is"
            shed.append(stopped.ask(one, low).status)
        other.begin("GET", "/readyz")
        stopped.go_on()
        assert other.response().json() == {"status": "overloaded"}


def test_one_stall_however_long_sheds_nothing(tmp_path: Path) -> None:
    with FakeProvider() as provider, GatewayUnderTest(config(provider, 0.5, 0.1), tmp_path) as gateway:
        with open_stream(gateway), gateway.connect(30) as http:
            Stopped(gateway)
            time.sleep(1.5)
            gateway.signal(signal.SIGCONT)
            assert http.chat("acme/ok").status == 200
            assert http.request("GET", "/readyz").status == 200
        assert "turned away" not in gateway.stderr

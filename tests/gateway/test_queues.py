"""Calls that wait for room, over the wire: each route of one gateway has a limit and a queue of its own."""

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from steelyard.core.priority import PRIORITIES
from steelyard.keys.file import KeyFile
from steelyard.keys.key import Bearer
from tests.fake import FakeProvider
from tests.fake.loopback import LoopbackServer
from tests.fake.wire import PeerClosedError, Wire
from tests.gateway.http_rig import Front
from tests.gateway.limits_rig import limited, wait_ready, wait_standing
from tests.gateway.test_forms import PATH, file_part, form, form_head, model_part
from tests.gateway.upstream_rig import ANSWER, exchange_of, until
from tests.support import GatewayUnderTest, RawHTTP, config_text
from tests.support.journal import journalled

STREAMED = ("turns", "leaving", "full", "patient", "deployed", "spoken")
LIMITS = {
    "turns": "concurrent = 1\nqueue_s = 60",
    "leaving": "concurrent = 1\nqueue_s = 60\nqueue_calls = 1",
    "full": "concurrent = 1\nqueue_s = 60\nqueue_calls = 1",
    "patient": "concurrent = 1\nqueue_s = 0.2",
    "ears": "concurrent = 1\nqueue_s = 60",
    "spoken": "concurrent = 1\nqueue_s = 0.2",
}
RULES = "".join(f'[[limits]]\nscope = "route:{name}"\n{what}\n' for name, what in LIMITS.items()) + (
    '[[limits]]\nscope = "deployment:acme/stalls:2"\nconcurrent = 1\nqueue_s = 60\n'
    '[[limits]]\nscope = "deployment:acme/stalls:3"\nconcurrent = 1\nqueue_s = 60\n'
)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    routes: dict[str, Any] = {name: {"deployments": ["acme/stalls:1"]} for name in STREAMED}
    routes["deployed"] = {"deployments": ["acme/stalls:2", "acme/stalls:3"], "retries": 0}
    routes["ears"] = {"deployments": ["acme/ok"]}
    with limited(tmp_path_factory.mktemp("queues"), RULES, ("stalls:1", "ok"), routes=routes) as front:
        yield front


def waiting(gateway: GatewayUnderTest, key: str | None = None) -> int:
    """Return how many calls wait."""
    with gateway.connect(30) as http:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        text = http.request("GET", "/metrics", headers=headers).body.decode()
    lines = [one for one in text.splitlines() if one.startswith("steelyard_queue_calls{")]
    assert len(lines) == len(PRIORITIES)
    return sum(int(one.split()[-1]) for one in lines)


def wait_waiting(gateway: GatewayUnderTest, number: int, key: str | None = None) -> None:
    until(lambda: waiting(gateway, key) == number, f"{number} calls to wait", 30)


def begin(stack: ExitStack, gateway: GatewayUnderTest, route: str, key: str | None = None) -> RawHTTP:
    """Begin a stream, which goes on until its connection is closed."""
    http = stack.enter_context(gateway.connect(30))
    http.begin_chat(route, key, stream=True)
    return http


def under_way(stack: ExitStack, gateway: GatewayUnderTest, route: str) -> RawHTTP:
    http = begin(stack, gateway, route)
    assert http.head().status == 200
    return http


def test_a_call_waits_until_another_is_over_and_its_wait_is_on_record(front: Front) -> None:
    with ExitStack() as stack:
        first = under_way(stack, front.gateway, "turns")
        second = begin(stack, front.gateway, "turns")
        wait_waiting(front.gateway, 1)
        first.reset()
        answer = second.head()
        assert answer.status == 200
        wait_waiting(front.gateway, 0)
    kept = exchange_of(front.gateway, answer)
    assert kept.attempts[0].started_ms > 1.0, "it set out when it was its turn"
    assert "steelyard_queue_waited_seconds_count" in front.gateway.metrics()


def test_a_call_whose_client_leaves_gives_its_place_up(front: Front) -> None:
    with ExitStack() as stack:
        first = under_way(stack, front.gateway, "leaving")
        second = begin(stack, front.gateway, "leaving")
        wait_waiting(front.gateway, 1)
        with front.connect() as third:
            assert third.chat("leaving").error_code == "queue_full"
        second.reset()
        wait_waiting(front.gateway, 0)
        third = begin(stack, front.gateway, "leaving")
        wait_waiting(front.gateway, 1)
        first.reset()
        assert third.head().status == 200
    left = until(lambda: [one for one in journalled(front.gateway.home) if one.status == 499], "its record", 30)
    assert [(one.route, one.outcome, one.attempts) for one in left] == [("leaving", "client_gone", ())]


def test_who_leaves_while_waiting_counts_for_no_limit_before_a_restart_or_after_it(tmp_path: Path) -> None:
    rules = (
        '[[limits]]\nscope = "all"\nrequests_per_day = 1000\n'
        '[[limits]]\nscope = "route:one"\nconcurrent = 1\nqueue_s = 60\n'
        '[[limits]]\nscope = "deployment:acme/stalls:2"\nconcurrent = 1\nqueue_s = 60\n'
    )
    routes = {"one": {"deployments": ["acme/stalls:1"]}, "other": {"deployments": ["acme/stalls:2"]}}
    with limited(tmp_path, rules, ("stalls:1", "stalls:2"), routes=routes) as front:
        for route in routes:
            with ExitStack() as stack:
                under_way(stack, front.gateway, route)
                second = begin(stack, front.gateway, route)
                wait_waiting(front.gateway, 1)
                second.reset()
                wait_waiting(front.gateway, 0)
        until(lambda: len(journalled(front.gateway.home)) == 4, "the records", 30)
        wait_standing(front.gateway, all_requests_per_day=(2, 0))
        front.gateway.kill()
        front.gateway.start()
        wait_ready(front.gateway)
        wait_standing(front.gateway, all_requests_per_day=(2, 0))


def test_no_more_may_wait_than_the_queue_holds(front: Front) -> None:
    with ExitStack() as stack:
        first = under_way(stack, front.gateway, "full")
        second = begin(stack, front.gateway, "full")
        wait_waiting(front.gateway, 1)
        with front.connect() as third:
            refused = third.chat("full")
        assert (refused.status, refused.error_code) == (429, "queue_full")
        assert int(refused.header("retry-after") or 0) >= 1
        first.reset()
        assert second.head().status == 200
    assert 'steelyard_queue_refusals_total{reason="full"} ' in front.gateway.metrics()


def test_a_call_is_refused_when_its_time_to_wait_is_over(front: Front) -> None:
    with ExitStack() as stack:
        under_way(stack, front.gateway, "patient")
        with front.connect(30) as second:
            refused = second.chat("patient")
            assert (refused.status, refused.error_code) == (429, "queue_timeout")
            assert int(refused.header("retry-after") or 0) >= 1
            last = exchange_of(front.gateway, refused)
            assert (last.outcome, last.attempts) == ("rejected", ())
            assert last.last_byte_ms is not None
            assert last.last_byte_ms >= 200.0
            assert second.chat("acme/ok").status == 200, "the connection stays"


def test_who_waited_in_vain_is_told_in_its_own_dialect(front: Front) -> None:
    with ExitStack() as stack:
        under_way(stack, front.gateway, "spoken")
        ask: dict[str, Any] = {"model": "spoken", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
        with front.connect(30) as second:
            refused = second.request("POST", "/v1/messages", headers={"anthropic-version": "2023-06-01"}, **ask)
        assert refused.status == 429
        assert refused.json()["error"]["type"] == "rate_limit_error"


def test_a_call_waits_for_any_of_its_deployments(front: Front) -> None:
    with ExitStack() as stack:
        first = under_way(stack, front.gateway, "deployed")
        second = under_way(stack, front.gateway, "deployed")
        third, fourth = (begin(stack, front.gateway, "deployed") for _ in range(2))
        wait_waiting(front.gateway, 2)
        second.reset()
        answer = third.head()
        assert (answer.status, answer.header("x-steelyard-deployment")) == (200, "acme/stalls:3")
        first.reset()
        answer = fourth.head()
        assert (answer.status, answer.header("x-steelyard-deployment")) == (200, "acme/stalls:2")
        wait_waiting(front.gateway, 0)


def test_a_form_waits_like_any_other_call(front: Front) -> None:
    content = form(model_part(), file_part(b"RIFF" * 30_000))
    head = form_head(f"Content-Length: {len(content)}")
    with front.connect(30) as first, front.connect(30) as second:
        first.send(head + content[: len(content) // 2])  # under way, since the model's name has come
        until(lambda: 'scope="route:ears",limit="concurrent"} 1' in front.gateway.metrics(), "the first form", 30)
        second.send(head + content)
        wait_waiting(front.gateway, 1)
        first.send(content[len(content) // 2 :])
        assert first.response().status == 200
        assert second.response().status == 200
    assert [one.path for one in front.provider.requests].count(PATH) == 2


class Narrow(LoopbackServer):
    """A provider that counts how many calls it answers at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.most = 0
        self.answered = 0

    async def serve(self, wire: Wire) -> None:
        try:
            while True:
                await wire.body(await wire.head())
                self.now += 1
                self.most = max(self.most, self.now)
                await asyncio.sleep(0.003)
                self.now -= 1
                self.answered += 1
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)
                await wire.write(head + ANSWER)
        except PeerClosedError:
            return


def test_a_rush_is_answered_whole_and_never_more_at_once_than_may_be(tmp_path: Path) -> None:
    rules = (
        '[[limits]]\nscope = "key:*"\nconcurrent = 6\nqueue_s = 60\n'
        '[[limits]]\nscope = "deployment:*"\nconcurrent = 2\nqueue_s = 60\n'
    )
    with Narrow() as upstream:
        text = config_text(
            {"acme": f"http://127.0.0.1:{upstream.port}/v1"}, server={"max_calls": 4, "queue_s": 60, "queue_calls": 100}
        )
        with GatewayUnderTest(f"{text}\n{rules}", tmp_path) as gateway:

            def several(_: int) -> list[int]:
                with gateway.connect(60) as http:
                    return [http.chat("acme/ok").status for _ in range(6)]

            with ThreadPoolExecutor(12) as pool:
                statuses = [status for each in pool.map(several, range(12)) for status in each]
            assert statuses == [200] * 72
            assert waiting(gateway) == 0
            assert 'scope="all",limit="max_calls"} 0\n' in gateway.metrics()
        assert (upstream.most, upstream.answered) == (2, 72)


def test_keys_of_a_higher_priority_go_first(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "home" / "keys.json")
    keys = {name: file.create(name, bearer=Bearer(priority=name))[1] for name in PRIORITIES}
    with FakeProvider() as provider:
        text = config_text({"acme": provider.base_url}, server={"max_calls": 1, "queue_s": 60})
        with GatewayUnderTest(text, tmp_path) as gateway, ExitStack() as stack:
            last = begin(stack, gateway, "acme/stalls:1", keys["low"])
            assert last.head().status == 200
            waiting_calls = {}
            for number, name in enumerate(reversed(PRIORITIES)):
                waiting_calls[name] = begin(stack, gateway, "acme/stalls:1", keys[name])
                wait_waiting(gateway, number + 1, keys["low"])
            for name in PRIORITIES:
                last.reset()
                last = waiting_calls[name]
                assert last.head().status == 200, name


def test_who_waits_is_let_in_by_a_limit_that_is_raised_and_served_while_the_gateway_drains(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        server = {"max_calls": 1, "queue_s": 60}
        text = config_text({"acme": provider.base_url}, server=server)
        with GatewayUnderTest(text, tmp_path) as gateway, ExitStack() as stack:
            under_way(stack, gateway, "acme/stalls:1")
            second = begin(stack, gateway, "acme/stalls:1")
            wait_waiting(gateway, 1)
            third = begin(stack, gateway, "acme/stalls:1")
            wait_waiting(gateway, 2)
            fresh = gateway.config_path.with_suffix(".new")
            fresh.write_text(config_text({"acme": provider.base_url}, server={**server, "max_calls": 2}))
            os.replace(fresh, gateway.config_path)
            gateway.signal(signal.SIGHUP)
            assert second.head().status == 200
            assert waiting(gateway) == 1
            gateway.signal(signal.SIGTERM)
            until(lambda: gateway.ready_status() == 503, "/readyz to say that it drains", 30)
            second.reset()
            assert third.head().status == 200
            third.reset()

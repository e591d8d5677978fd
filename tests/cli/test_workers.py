"""Several gateways on one port: replaced one by one, killed, unable to start; and what their clients see of it."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.cli.conftest import StartUp
from tests.cli.program import Program, is_alive, run_program, until
from tests.fake import FakeProvider
from tests.gateway.prometheus import parse
from tests.support import RawHTTP, TornError
from tests.support.journal import journalled

CALLERS = 3
PAUSE_S = 0.05
"""Between two calls of a client: dozens of calls a second leave the machine room to start processes."""

STREAM = "acme/slow-chunks:0.2:25"


class Crowd:
    """Clients that call steadily: some on a new connection each time, one on a connection that it keeps. What
    was not answered with 200 is in `lost`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answered: list[int] = [0] * (CALLERS + 1)
        self.lost: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._come_and_go, args=(number,)) for number in range(CALLERS)]
        self._threads.append(threading.Thread(target=self._keep))
        for one in self._threads:
            one.start()

    def leave(self) -> None:
        self._stop.set()
        for one in self._threads:
            one.join(60)

    def goes_on(self, calls: int) -> None:
        """Wait until each has had so many more calls answered."""
        before = list(self.answered)
        until(lambda: all(now >= was + calls for was, now in zip(before, self.answered, strict=True)), "more answers")

    def _come_and_go(self, number: int) -> None:
        while not self._stop.wait(PAUSE_S):
            self._noted(number, self._once)

    def _once(self) -> None:
        with RawHTTP(self.address, timeout_s=60) as http:
            self._ask(http)

    def _keep(self) -> None:
        while not self._stop.is_set():
            self._noted(None, self._ask_until_closed)

    def _ask_until_closed(self) -> None:
        with RawHTTP(self.address, timeout_s=60) as http:
            while not self._stop.wait(PAUSE_S):
                closes = self._ask(http)
                self.answered[CALLERS] += 1
                if closes:
                    return

    def _ask(self, http: RawHTTP) -> bool:
        """Return whether the answer says that it was the connection's last one."""
        answer = http.chat("acme/ok")
        assert answer.status == 200, answer
        return answer.header("connection") == "close"

    def _noted(self, number: int | None, act: Callable[[], None]) -> None:
        try:
            act()
        except (OSError, TornError, AssertionError) as error:
            self.lost.append(repr(error))
        else:
            if number is not None:
                self.answered[number] += 1


@contextmanager
def crowd(address: str) -> Iterator[Crowd]:
    clients = Crowd(address)
    try:
        yield clients
    finally:
        clients.leave()


def stream_whole(address: str, begun: threading.Semaphore) -> bool:
    """Return whether a stream came whole."""
    with RawHTTP(address, timeout_s=60) as http:
        http.begin_chat(STREAM, stream=True)
        head = http.head()
        begun.release()
        try:
            return list(http.payloads(head))[-1] == "[DONE]"
        except (OSError, TornError):
            return False


def begin_streams(pool: ThreadPoolExecutor, address: str, count: int) -> list[Future[bool]]:
    begun = threading.Semaphore(0)
    streams = [pool.submit(stream_whole, address, begun) for _ in range(count)]
    for _ in streams:
        assert begun.acquire(timeout=60)
    return streams


def calls_counted(address: str) -> float:
    """Return how many calls all workers have counted in all, those included that are gone."""
    with RawHTTP(address, timeout_s=60) as http:
        families = parse(http.request("GET", "/metrics").body.decode())
    return sum(value for _, _, value in families["steelyard_calls_total"].samples)


def calls_in_ledger(home: Path) -> int:
    done = run_program("ledger", "cost", "--json", cwd=home)
    return sum(row["calls"] for row in json.loads(done.stdout)) if done.returncode == 0 else 0


def restarted(home: Path) -> tuple[int, Any]:
    done = run_program("restart", "--json", cwd=home)
    return done.returncode, json.loads(done.stdout)


def test_workers_are_replaced_and_killed_and_no_answer_is_lost(up: StartUp, tmp_path: Path) -> None:
    program = up("--workers", "2")
    program.wait_ready("gateway-0", "gateway-1", "clerk")
    address = program.events("ready", "gateway-0")[-1]["address"]
    first = {name: program.pid_of(name) for name in ("gateway-0", "gateway-1")}
    with ThreadPoolExecutor(6) as pool:
        with crowd(address) as clients:
            streams = begin_streams(pool, address, 6)
            clients.goes_on(6)
            code, told = restarted(tmp_path)
            clients.goes_on(6)
        assert (code, told["failure"], clients.lost) == (0, None, [])
        assert [(one["member"], one["old_pid"]) for one in told["replaced"]] == list(first.items())
        assert all(one.result() for one in streams)
        until(lambda: not any(is_alive(pid) for pid in first.values()), "the end of the old ones")
        assert program.events("died") == []
        whole = sum(clients.answered) + len(streams)
        until(lambda: calls_counted(address) == whole, "all calls in the metrics")
        before = calls_counted(address)

        victim = program.pid_of("gateway-0")
        with crowd(address) as others:
            streams = begin_streams(pool, address, 6)
            os.kill(victim, signal.SIGKILL)
            others.goes_on(6)
            program.wait_ready("gateway-0", times=3)
            others.goes_on(6)
        # Each caller has lost no more than the one call that it had at the killed process.
        assert len(others.lost) <= CALLERS + 1, others.lost
        survived = sum(one.result() for one in streams)
    assert program.events("died", "gateway-0")[0]["text"] == "was ended by SIGKILL"
    counted = [calls_counted(address) for _ in range(6)]
    assert before <= counted[0]
    assert all(one <= after for one, after in pairwise(counted))
    program.wait_ready("clerk", times=2)  # one that is ready takes in what is left
    assert program.end() == 0
    answered = whole + sum(others.answered) + survived
    assert answered <= calls_in_ledger(tmp_path) <= answered + len(others.lost) + len(streams) - survived
    outlived = [one for one in journalled(tmp_path / "home") if one.worker == "1" and one.outcome != "ok"]
    assert outlived == []


def test_no_connection_is_lost_with_a_gateway_that_is_alone(
    up: StartUp, tmp_path: Path, provider: FakeProvider
) -> None:
    program = up()
    program.wait_ready("gateway", "clerk")
    address, old = program.address, program.pid_of("gateway")
    config = tmp_path / "steelyard.toml"
    good = config.read_text()
    with RawHTTP(address) as kept, RawHTTP(address) as unused, RawHTTP(address) as streaming:
        assert kept.chat("acme/ok").header("connection") is None
        config.write_text("[server]\nport = true\n")
        code, told = restarted_without_reading(program, tmp_path)
        assert code == 1
        assert "port" in told["failure"]
        assert program.pid_of("gateway") == old
        streaming.begin_chat(STREAM, stream=True)
        head = streaming.head()
        # A worker that is new does what no reload can: it takes another size for the journal's segments.
        config.write_text(f"{good}\n[ledger]\njournal_segment_bytes = 2_000_000\n")
        with crowd(address) as clients:
            clients.goes_on(12)
            os.kill(program.process.pid, signal.SIGUSR2)
            program.wait_ready("clerk", times=2)
            clients.goes_on(12)
        assert clients.lost == []
        assert program.pid_of("gateway") != old
        assert is_alive(old), "the old one has a stream to finish"
        for http in (kept, unused):  # connections that the old one has accepted may be used once more
            answer = http.chat("acme/ok")
            assert (answer.status, answer.header("connection")) == (200, "close")
            assert http.closed()
        assert list(streaming.payloads(head))[-1] == "[DONE]"
        until(lambda: not streaming_is_kept(streaming), "the last answer of the old one")
    until(lambda: not is_alive(old), "the end of the old one")
    assert program.events("died") == []
    assert 2_000_000 in {path.stat().st_size for path in (tmp_path / "home" / "journal").glob("*")}
    until(lambda: calls_counted(address) == sum(clients.answered) + 5, "the calls of both in the metrics")

    os.kill(program.pid_of("gateway"), signal.SIGSTOP)
    queued = [RawHTTP(address, timeout_s=60) for _ in range(20)]  # the kernel accepts them, and they wait
    for http in queued:
        http.begin_chat("acme/ok")
    os.kill(program.pid_of("gateway"), signal.SIGKILL)
    assert [http.response().status for http in queued] == [200] * 20
    for http in queued:
        http.close()

    with RawHTTP(address) as streaming:
        streaming.begin_chat(STREAM, stream=True)
        head = streaming.head()
        children = program.pids()
        program.process.kill()
        until(lambda: sum(map(is_alive, children)) == 1, "the end of all but the gateway")
        successor = up("--port", address.rpartition(":")[2])
        successor.wait_ready("gateway")
        assert list(streaming.payloads(head))[-1] == "[DONE]"
    assert successor.end() == 0


def restarted_without_reading(program: Program, home: Path) -> tuple[int, Any]:
    """Restart by a command whose own configuration is sound: that of the supervisor is not."""
    sound = home / "sound.toml"
    sound.write_text("")
    done = run_program("restart", "--json", "--config", str(sound), cwd=home)
    assert program.process.poll() is None
    return done.returncode, json.loads(done.stdout)


def streaming_is_kept(http: RawHTTP) -> bool:
    """Use a connection that was kept after its stream; return whether it is kept again."""
    answer = http.chat("acme/ok")
    assert answer.status == 200
    return answer.header("connection") != "close"


def test_others_answer_in_the_place_of_a_worker_that_cannot_come_back(up: StartUp, tmp_path: Path) -> None:
    program = up("--workers", "2")
    program.wait_ready("gateway-0", "gateway-1", "clerk")
    address = program.events("ready", "gateway-0")[-1]["address"]
    config = tmp_path / "steelyard.toml"
    good = config.read_text()
    config.write_text("[server]\nport = true\n")
    os.kill(program.pid_of("gateway-0"), signal.SIGKILL)
    until(lambda: len(program.events("died", "gateway-0")) >= 2, "a second death")
    for _ in range(40):  # half of them would wait in the queue of the dead one
        with RawHTTP(address, timeout_s=60) as http:
            assert http.chat("acme/ok").status == 200
    deaths = program.events("died", "gateway-0")
    pauses = [one["restart_in_s"] for one in deaths]
    assert pauses == [0.1 * 2**number for number in range(len(pauses))]
    config.write_text(good)
    program.wait_ready("gateway-0", times=2)
    assert program.end() == 0


def test_nothing_to_restart_is_told(tmp_path: Path) -> None:
    done = run_program("restart", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert "steelyard up" in done.stderr

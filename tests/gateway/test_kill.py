"""SIGKILL at any moment under load loses no answered call, and counts none twice.

`STEELYARD_KILL_ROUNDS` sets how often the processes are killed (three times when it is not set).
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, RawHTTP, TornError, config_text
from tests.support.journal import journalled
from tests.support.ledger import ids_in_ledger

ROUNDS = int(os.environ.get("STEELYARD_KILL_ROUNDS", "3"))
CLIENTS = 6
MODELS = (("ok", False), ("words:40", True), ("chunked-json", False), ("words:3", True))


class Crowd:
    """Clients that ask without pause, until the gateway is gone. `answered` are the ids of whole answers."""

    def __init__(self, url: str) -> None:
        self.answered: list[str] = []
        self.torn = 0
        self.wrong: list[str] = []
        self._url = url
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()

    def _ask(self, turn: int) -> None:
        try:
            with RawHTTP(self._url, timeout_s=15) as http:
                while True:
                    turn += 1
                    model, stream = MODELS[turn % len(MODELS)]
                    self._one(http, model, stream)
        except (TornError, OSError):
            self.torn += 1

    def _one(self, http: RawHTTP, model: str, stream: bool) -> None:
        http.begin_chat(f"acme/{model}", stream=stream)
        head = http.head()
        number = str(head.header("x-request-id"))
        body = b""
        try:
            for part in http.parts(head):
                body += part
        except TornError:
            # A client stops reading at [DONE]: it takes the answer for whole, though its last chunk never came.
            if b"data: [DONE]\n\n" in body:
                self.answered.append(number)
            raise
        if head.status != 200 or (stream and not body.endswith(b"data: [DONE]\n\n")):
            self.wrong.append(f"{head.status} {body[-200:]!r}")
        self.answered.append(number)


def test_a_killed_gateway_loses_no_answered_call(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    print(f"seed {seed}")
    answered: list[str] = []
    with FakeProvider() as provider, GatewayUnderTest(config_text({"acme": provider.base_url}), tmp_path) as served:
        for _ in range(ROUNDS):
            crowd = Crowd(served.url)
            time.sleep(draw.uniform(0.05, 0.6))
            served.kill()
            crowd.join()
            assert crowd.wrong == []
            assert crowd.torn == CLIENTS
            answered += crowd.answered
            kept = Counter(one.id for one in journalled(served.home))
            assert not set(answered) - set(kept), "an answered call is not on record"
            assert set(kept.values()) <= {1}
            served.start()
        with served.connect() as http:
            assert http.chat("acme/ok").status == 200
    print(f"{ROUNDS} kills, {len(answered)} answered calls, {len(kept)} on record")
    assert len(answered) > ROUNDS * 10


def test_a_killed_clerk_takes_each_call_in_exactly_once(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    print(f"seed {seed}")
    with FakeProvider() as provider, GatewayUnderTest(config_text({"acme": provider.base_url}), tmp_path) as served:
        env = {**os.environ, "STEELYARD_HOME": str(served.home)}
        command = [sys.executable, "-m", "steelyard", "clerk", "--config", str(served.config_path)]
        with (tmp_path / "killed.log").open("wb") as log:
            crowd = Crowd(served.url)
            for _ in range(ROUNDS):
                clerk = subprocess.Popen(command, env=env, stdout=log, stderr=log)
                time.sleep(draw.uniform(0.7, 1.6))
                clerk.kill()
                clerk.wait(10)
            served.kill()
            crowd.join()
            assert crowd.wrong == []
        kept = {one.id for one in journalled(served.home)}
        assert set(crowd.answered) <= kept
        with served.beside("clerk"):
            _wait_taken(served.home, len(kept))
        taken = Counter(ids_in_ledger(served.home))
        assert set(taken) == kept
        assert set(taken.values()) == {1}
        print(f"{ROUNDS} kills of the clerk, {len(taken)} calls in the ledger")


def _wait_taken(home: Path, count: int, timeout_s: float = 30.0) -> None:
    end = time.monotonic() + timeout_s
    taken = 0
    while taken < count:
        assert time.monotonic() < end, f"the clerk does not catch up: {taken} of {count}"
        time.sleep(0.1)
        taken = len(ids_in_ledger(home))

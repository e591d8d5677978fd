"""The load of a soak: calls on a clock, whole and streamed, relayed and translated, and clients that leave."""

import asyncio
import json
import random
from collections import Counter, deque
from collections.abc import Callable
from typing import cast

import httptools
from msgspec import Struct

__all__ = ["Load", "Told", "run"]

_TICK_S = 0.005
_MOST_LANES = 1024
_PATIENCE_S = 20.0
"""How long answers are waited for after the last call has been sent: more than any limit of time of the gateway."""
_PADDING = "A steelyard weighs very different loads on one beam. " * 300
"""About 16 kB, so that a call which is not let go of shows."""


class Load(Struct, frozen=True):
    """`rate` calls a second for `seconds`; all draws are made by `seed`."""

    port: int
    rate: float
    seconds: float
    seed: int


class Told(Struct):
    """What clients were told: ids of all answers, whole or ended by an error; how many left; how many answers were
    torn, which none may be; how many never ended. `stale`: requests on a connection that the gateway closed at that
    moment, as it does behind a stream that broke; they are sent again (RFC 9112, 9.3.1)."""

    sent: int = 0
    left: int = 0
    stale: int = 0
    torn: int = 0
    unended: int = 0
    took_s: float = 0.0
    ids: set[str] = set()
    statuses: Counter[int] = Counter()


def _request(path: str, model: str, *, stream: bool) -> bytes:
    fields = {"model": model, "messages": [{"role": "user", "content": _PADDING}], "max_tokens": 100, "stream": stream}
    body = json.dumps(fields).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


_CHAT, _MESSAGES = "/v1/chat/completions", "/v1/messages"
_CALLS = (
    # Parts of a hundred, the request, and whether the client leaves.
    (46, _request(_CHAT, "assistant", stream=False), False),
    (20, _request(_CHAT, "assistant", stream=True), False),
    (6, _request(_MESSAGES, "assistant", stream=False), False),
    (6, _request(_MESSAGES, "assistant", stream=True), False),
    (7, _request(_CHAT, "alone", stream=False), False),
    (5, _request(_CHAT, "alone", stream=True), False),
    (5, _request(_CHAT, "slow", stream=True), True),
    (3, _request(_MESSAGES, "slow", stream=True), True),
    (2, _request(_CHAT, "assistant", stream=False), True),
)
_WEIGHTS = [parts for parts, _, _ in _CALLS]


class _Lane(asyncio.Protocol):
    """One connection; it carries a call at a time."""

    transport: asyncio.Transport

    def __init__(self, load: "_Run") -> None:
        self._run = load
        self._parser = httptools.HttpResponseParser(self)
        self._id = ""
        self._request = b""
        self._served = False
        self.begun = False
        self.busy = False
        self.open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes, leave_after_s: float | None) -> None:
        self.busy, self.begun, self._id, self._request = True, False, "", request
        self.transport.write(request)
        if leave_after_s is not None:
            asyncio.get_running_loop().call_later(leave_after_s, self._leave)

    def _leave(self) -> None:
        if self.busy:
            self.busy = False
            self._run.told.left += 1
            self.transport.abort()

    @property
    def unsent(self) -> bytes | None:
        """The request that is to be sent again; None where an answer had begun, or the connection was new."""
        return self._request if self.busy and self._served and not self.begun else None

    def data_received(self, data: bytes) -> None:
        self.begun = True
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == b"x-request-id":
            self._id = value.decode()

    def on_message_complete(self) -> None:
        if self.busy:
            self.busy, self._served = False, True
            self._run.answered(self, self._id, self._parser.get_status_code(), again=self._parser.should_keep_alive())

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._run.lost(self)


class _Run:
    def __init__(self, load: Load) -> None:
        self.told = Told(ids=set(), statuses=Counter())
        self._load = load
        self._chance = random.Random(load.seed)
        self._lanes: set[_Lane] = set()
        self._free: deque[_Lane] = deque()
        self._again: list[bytes] = []
        self._due = 0

    def answered(self, lane: _Lane, number: str, status: int, *, again: bool) -> None:
        self.told.ids.add(number)
        self.told.statuses[status] += 1
        if again:
            self._free.append(lane)

    def lost(self, lane: _Lane) -> None:
        self._lanes.discard(lane)
        request = lane.unsent
        if request is not None:
            self.told.stale += 1
            self._again.append(request)
        elif lane.busy:
            self.told.torn += 1

    async def go(self, sample: Callable[[float], None]) -> Told:
        load, loop = self._load, asyncio.get_running_loop()
        begun, sent = loop.time(), 0
        while (now := loop.time() - begun) < load.seconds:
            self._due += int(now * load.rate) - sent
            sent = int(now * load.rate)
            await self._send()
            sample(now)
            await asyncio.sleep(_TICK_S)
        self.told.took_s = loop.time() - begun
        until = loop.time() + _PATIENCE_S
        self._due = 0
        while (self._again or any(lane.busy for lane in self._lanes)) and loop.time() < until:
            await self._send()
            await asyncio.sleep(0.05)
        self.told.unended = sum(lane.busy for lane in self._lanes) + len(self._again)
        for lane in list(self._lanes):
            lane.busy = False
            lane.transport.abort()
        return self.told

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while (self._due or self._again) and (lane := self._lane()) is not None:
            if self._again:
                lane.ask(self._again.pop(), None)
                continue
            _, request, leaves = self._chance.choices(_CALLS, _WEIGHTS)[0]
            # Before the head has come, and in the middle of the stream.
            lane.ask(request, self._chance.uniform(0.005, 0.1) if leaves else None)
            self._due -= 1
            self.told.sent += 1
        wanted = min(self._due + len(self._again), _MOST_LANES - len(self._lanes), 64)
        for _ in range(wanted):
            _, made = await loop.create_connection(lambda: _Lane(self), "127.0.0.1", self._load.port)
            self._lanes.add(made)
            self._free.append(made)

    def _lane(self) -> _Lane | None:
        while self._free:
            lane = self._free.pop()
            if lane.open and not lane.transport.is_closing():
                return lane
        return None


async def run(load: Load, sample: Callable[[float], None]) -> Told:
    """Make the calls; `sample` is told the seconds since the beginning, often."""
    return await _Run(load).go(sample)

"""Open-loop load: calls start on a clock, whether earlier ones have been answered or not, so that a server's pauses
count for every call they delay (Gil Tene, "How NOT to Measure Latency": coordinated omission)."""

import ctypes
import gc
import os
import select
import socket
import struct
import time
from collections import deque

from msgspec import Struct

from bench.children import connect
from bench.figures import BenchError

__all__ = ["Latencies", "measure"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLOCK_MONOTONIC = 1


class Latencies(Struct, frozen=True):
    """Milliseconds from a call's scheduled start to its answer's last byte."""

    p50: float
    p99: float
    count: int


class _Lane:
    """One connection; `due` is the scheduled start of the call that it carries."""

    def __init__(self, port: int) -> None:
        self.socket = connect(port)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.due = 0.0
        self.received = b""

    def answered(self) -> bool:
        """Read what is there; return whether the answer is whole."""
        content = self.socket.recv(65536)
        if not content:
            raise BenchError("The server closed a connection in the middle of a measurement.")
        self.received += content
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return False
        at = self.received.lower().find(b"content-length:", 0, end)
        length = int(self.received[at + 15 : self.received.find(b"\r\n", at)])
        if len(self.received) < end + 4 + length:
            return False
        if not self.received.startswith(b"HTTP/1.1 200"):
            raise BenchError(f"Not 200: {self.received[:200]!r}")
        self.received = b""
        return True


def measure(port: int, request: bytes, rate: float, duration_s: float, lanes: int = 64) -> Latencies:
    """Send `request` at `rate` a second over kept connections, the first half second unmeasured."""
    free = deque(_Lane(port) for _ in range(lanes))
    every = {lane.socket.fileno(): lane for lane in free}
    clock = _clock()
    poll = select.epoll()
    poll.register(clock, select.EPOLLIN)
    for number in every:
        poll.register(number, select.EPOLLIN)
    gc.collect()
    gc.disable()
    try:
        return _run(poll, clock, every, free, _Schedule(request, rate, duration_s))
    finally:
        gc.enable()
        poll.close()
        os.close(clock)
        for lane in every.values():
            lane.socket.close()


class _Schedule(Struct, frozen=True):
    request: bytes
    rate: float
    duration_s: float


def _run(poll: select.epoll, clock: int, every: dict[int, _Lane], free: deque[_Lane], schedule: _Schedule) -> Latencies:
    waiting: deque[float] = deque()
    latencies: list[float] = []
    _tick(clock, 1 / schedule.rate)
    begun = time.perf_counter()
    count = answered = 0
    total = int(schedule.rate * schedule.duration_s)
    while answered < total:
        for number, _ in poll.poll(5):
            if number == clock:
                os.read(clock, 8)  # what it counted is known from the time, but only a read lets it go on
                due = min(int((time.perf_counter() - begun) * schedule.rate) + 1, total)
                waiting.extend(begun + i / schedule.rate for i in range(count, due))
                count = due
            elif (lane := every[number]).answered():
                answered += 1
                latencies.append(time.perf_counter() - lane.due)
                free.append(lane)
        while waiting and free:
            lane = free.popleft()
            lane.due = waiting.popleft()
            lane.socket.send(schedule.request)
        if time.perf_counter() - begun > schedule.duration_s * 3 + 10:
            raise BenchError(f"Only {answered} of {total} calls were answered in time.")
    kept = sorted(latencies[int(schedule.rate / 2) :])
    return Latencies(kept[len(kept) // 2] * 1000, kept[int(len(kept) * 0.99)] * 1000, len(kept))


def _clock() -> int:
    """Return a descriptor that can tick. epoll's own timeouts are whole milliseconds, too coarse for thousands of calls
    a second."""
    number: int = _LIBC.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK)
    if number < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    return number


def _tick(clock: int, interval_s: float) -> None:
    """Let the descriptor become readable at every interval (timerfd_create(2))."""
    interval = (int(interval_s), int(interval_s % 1 * 1e9))
    if _LIBC.timerfd_settime(clock, 0, struct.pack("qqqq", *interval, *interval), None) != 0:
        raise OSError(ctypes.get_errno(), "timerfd_settime")

"""What keeps time in the gateway goes on, whatever one beat meets."""

import asyncio
import time

import pytest

from steelyard.gateway import server


class Stub:
    def __init__(self) -> None:
        self.clock = time.monotonic
        self.notices = self
        self.late: list[float] = []
        self.beats = 0
        self.told: list[str] = []
        self.thrice = asyncio.Event()

    def look_at_calls(self) -> None:
        self.beats += 1
        if self.beats == 1:
            raise ValueError("nobody thought of this")
        if self.beats == 3:
            self.thrice.set()

    def note_lag(self, seconds: float) -> None:
        self.late.append(seconds)

    def complain(self, text: str) -> None:
        self.told.append(text)


def test_a_beat_that_fails_is_told_and_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_TICK_S", 0.001)
    stub = Stub()
    served = server._Server.__new__(server._Server)
    served._gateway = stub  # type: ignore[assignment]
    served._rounds = stub  # type: ignore[assignment]

    async def run() -> None:
        ticker = asyncio.create_task(served._tick())
        await asyncio.wait_for(stub.thrice.wait(), 10)
        ticker.cancel()

    asyncio.run(run())
    assert stub.told == ["ValueError: nobody thought of this. This is a fault of Steelyard's; it goes on."]
    assert len(stub.late) >= 3
    assert min(stub.late) >= -0.001  # a beat comes late, never early

"""The behaviour that plays scenes, in whatever dialect the call is."""

import asyncio

from tests.fake.call import Call, compact
from tests.fake.registry import behaviour
from tests.fake.roads import unknown_model
from tests.fake.scenes import Scene, play

__all__: list[str] = []

RETRY_AFTER_S = 120


@behaviour("scene")
async def scene(call: Call, name: str, *_: str) -> None:
    """scene:NAME: plays a scene: plain, tools, thinking, image…; see `tests.fake.scenes.SCENES`."""
    assert call.tongue, "scenes are played where a dialect was recognised"
    played = play(call.ask, name)
    if played is None:
        await call.fail(404, unknown_model(call.tongue, call.model), "invalid_request_error", "model_not_found")
    elif played.fault == "limited":
        wait = [("retry-after", str(RETRY_AFTER_S))]
        await call.fail(429, "Rate limit reached. Please try again in 2m.", "requests", "rate_limit_exceeded", wait)
    elif call.streams:
        await _streamed(call, played)
    else:
        await _whole(call, played)


async def _whole(call: Call, played: Scene) -> None:
    assert call.tongue
    if played.fault == "error":
        await call.fail(call.tongue.overloaded, "Overloaded", "server_error")
        return
    body = compact(call.tongue.whole(call.ask, played))
    if played.fault is None:
        await call.send(body)
        return
    await call.head(200, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    await call.wire.write(body[: len(body) // 2])
    call.wire.close()


async def _streamed(call: Call, played: Scene) -> None:
    assert call.tongue
    said, ended = call.tongue.events(call.ask, played)
    if played.fault is None:
        await call.stream([*said, *ended])
    elif played.fault == "error":
        await call.stream([*said, *call.failure()])
    else:
        await call.open_stream()
        for event in said:
            await call.event(event)
        await asyncio.sleep(0)
        call.wire.close()

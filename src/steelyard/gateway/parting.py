"""How a gateway's process ends: at once but for the calls under way, or in favour of one that takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from steelyard.core.errors import Unavailable

if TYPE_CHECKING:
    from steelyard.gateway.doors import Doors
    from steelyard.gateway.gateway import Gateway

__all__ = ["drain", "retire"]

_LOOK_S = 0.02
_PARTING_LOOK_S = 0.1
_FAREWELL_S = 1.0


async def retire(gateway: Gateway, doors: Doors, patience_s: float, stop: asyncio.Event) -> None:
    """Accept no more, for another process does, and return when all clients have gone, or at `stop`.

    Calls under way have all the time that their routes give them. A connection that is kept open may be used once
    more: that answer says `Connection: close`, and the client finds the other process. One that is not used for
    `patience_s` is closed (nginx has `keepalive_min_timeout` for the same reason)."""
    gateway.leaving = True
    doors.close()
    for call in gateway.calls:
        if not call.started:
            call.incoming.keep_alive = False  # a client that was told otherwise may come once more
    began = gateway.clock()
    await asyncio.sleep(_PARTING_LOOK_S)  # a client that was just let in becomes one with the loop's next turn
    while (gateway.calls or gateway.errands or gateway.clients) and not stop.is_set():
        before = gateway.clock() - patience_s
        if began <= before:
            for client in list(gateway.clients):
                client.part(before)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _PARTING_LOOK_S)


async def drain(gateway: Gateway, doors: Doors, drain_s: float, hastened: Callable[[], bool]) -> None:
    """Answer what is under way, refuse what is new, and tell load balancers by /readyz; not for ever."""
    gateway.leaving = gateway.draining = True
    for call in gateway.calls:
        call.incoming.keep_alive = False
    deadline = gateway.clock() + drain_s
    # An event would cost each call.
    while (gateway.calls or gateway.errands) and gateway.clock() < deadline and not hastened():  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_S)
    doors.close()
    stopped = Unavailable("The gateway was stopped before the answer was complete. Try again.", code="draining")
    for call in list(gateway.calls):
        call.interrupt(stopped)
    for client in list(gateway.clients):
        client.hang_up()
    until = gateway.clock() + _FAREWELL_S
    while gateway.clients and gateway.clock() < until:  # noqa: ASYNC110  (likewise)
        await asyncio.sleep(_LOOK_S)
    for client in list(gateway.clients):
        client.transport.abort()

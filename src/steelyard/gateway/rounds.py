"""What is looked at from time to time: calls whose time has run out, clients that are too slow, a loop that is late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.core.errors import RequestTimeout
from steelyard.gateway.answers import today

if TYPE_CHECKING:
    from steelyard.gateway.client import Client
    from steelyard.gateway.gateway import Gateway

__all__ = ["Rounds"]

_LINGER_S = 2.0
_LONGEST_LINGER_S = 30.0
"""How long what a client still sends is read and dropped after an error (nginx: lingering_timeout, lingering_time)."""

_SLOWEST_BODY = 16_384
"""A large body may take its time as long as it comes at so many bytes a second or faster."""


class Rounds:
    """Looks after what one gateway has under way: there is one timer for all of it, and none for each."""

    __slots__ = ("_gateway",)

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def look_at_calls(self) -> None:
        """Act on calls whose deadline has passed. Called every tenth of a second."""
        gateway = self._gateway
        now = gateway.clock()
        gateway.date = today()
        for call in [call for call in gateway.calls if call.deadline < now]:
            call.expire(now)
        if gateway.waiting.standing:
            gateway.waiting.look()

    def look_at_clients(self) -> None:
        """Act on clients that are too slow. Called twice a second."""
        gateway = self._gateway
        now = gateway.clock()
        for client in list(gateway.clients):
            _look(gateway, client, now)

    def note_lag(self, seconds: float) -> None:
        """Take note of how late the event loop was just now; begin or cease to turn new calls away."""
        gateway = self._gateway
        gateway.meter.lagged(seconds)
        shedding, before = gateway.shedding, gateway.behind
        shedding.look(seconds, gateway.clock(), busy=bool(gateway.calls))
        gateway.behind = shedding.pressure > 0
        if gateway.behind and not before:
            gateway.notices.tell(
                f"the event loop has been more than {shedding.bearable_s:g} s late for {shedding.after_s:g} s: new "
                "calls are turned away with 503, those of keys of low priority first"
            )
        elif before and not gateway.behind:
            turned_away = sum(shedding.shed.values())
            gateway.notices.tell(f"keeps up again; {turned_away} calls were turned away since it started")


def _look(gateway: Gateway, client: Client, now: float) -> None:
    """Act on whatever takes a client too long."""
    waited = now - client.since
    if client.lingering:
        if waited > _LINGER_S or now - client.closing_since > _LONGEST_LINGER_S:
            client.transport.abort()
    elif client.paused_since is not None and now - client.paused_since > gateway.write_timeout_s:
        client.transport.abort()
    elif client.state == "headers":
        if waited > gateway.header_timeout_s:
            client.refuse(RequestTimeout(f"The headers took over {gateway.header_timeout_s:g} s."))
    elif client.state == "body" and not client.held_back:
        starved = client.incoming.size < _SLOWEST_BODY * waited
        if waited > gateway.header_timeout_s + gateway.body_timeout_s and starved:
            client.refuse(RequestTimeout(f"The body took over {gateway.body_timeout_s:g} s."))
    elif client.service is None and waited > gateway.keepalive_s:
        client.transport.close()

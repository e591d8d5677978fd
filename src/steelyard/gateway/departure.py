"""How a call sets out: its plan is found, what it may take is reserved, and its first attempt begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from steelyard.core.errors import CallError, Denied, Unavailable
from steelyard.gateway.access import check_route
from steelyard.policy.plan import least_record

if TYPE_CHECKING:
    from steelyard.gateway.account import Body
    from steelyard.gateway.call import Call
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.way import Way

__all__ = ["Wait", "admit", "depart", "set_out"]


class Wait(Protocol):
    """What a call waits for before its first attempt (`Call.wait_for`). Whoever ends the wait calls `Call.wake` first,
    and then lets the call go on or refuses it."""

    def leave(self, call: Call) -> None:
        """Take note that a call waits no longer: its client left, or it was refused."""

    def late(self) -> CallError:
        """Return what a call is told that waited until its deadline."""


def set_out(gateway: Gateway, call: Call, model: str, body: Body) -> None:
    """Find the plan for what was asked, and start the call along it. Raises CallError."""
    call.sending = body
    key = call.key
    try:
        way = gateway.ways_for(key).to(call.endpoint, model)
    except Denied as error:
        call.take_denial(error)
        raise
    call.way = way
    call.record_mode = record = way.record
    if key is not None:
        check_route(key, way.route)
        if key.record is not None:
            record = least_record(key.record, record) or record
    call.record_mode = record
    if record != "none" and not gateway.journal.writable:
        call.record_mode = "none"
        raise Unavailable(
            f"The journal cannot be written, and calls are not served unrecorded: {gateway.journal.problem}",
            code="not_recordable",
            retry_after_s=5.0,
        )
    if gateway.cache is None or not gateway.cache.take(call, way, body):
        admit(gateway, call, way, body)


def admit(gateway: Gateway, call: Call, way: Way, body: Body) -> None:
    """Reserve what a call may take, and start it. Raises CallError."""
    lanes = None
    if gateway.limiter is not None:
        lanes = gateway.limiter.admit(call, way, body)
        if call.waits:
            return
    depart(gateway, call, way, lanes)


def depart(gateway: Gateway, call: Call, way: Way, lanes: Sequence[Lane] | None) -> None:
    """Start the first attempt of a call that has been admitted, along its way or along those of its lanes that it may
    use."""
    gateway.note_open(call)
    if way.lanes:
        order = way.lanes if way.fixed else way.order(gateway.randomness)
        call.begin(way, order if lanes is None else [lane for lane in order if lane in lanes])
    else:
        call.count_here()

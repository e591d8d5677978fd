"""A call, as it goes on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.core.exchange import Exchange, Outcome
from steelyard.gateway.tracing import traceparent_of

if TYPE_CHECKING:
    from steelyard.core.losses import Loss
    from steelyard.gateway.account import Account
    from steelyard.gateway.relay import Seen

__all__ = ["exchange_of"]


def exchange_of(call: Account, now: float, status: int, outcome: Outcome, seen: Seen, error: str | None) -> Exchange:
    """Return the exchange that a call was. `now`: when its answer ended, by the gateway's clock."""
    key, body = call.key, call.sending
    start, first = call.started_at, call.first_byte_at
    attempts = call.attempts
    ticket = call.ticket
    given = ticket.given if ticket is not None else None
    answered = given is not None or len(attempts) > 0
    lane = call.lane if answered else None
    permit = lane.permit if lane is not None else None
    losses, spoken = _translation(call) if given is None else (given.losses, given.spoken)
    full = call.record_mode == "full"
    return Exchange(
        call.id,
        call.received_at,
        call.gateway.worker,
        call.endpoint.name,
        call.endpoint.dialect,
        key.id if key is not None else None,
        call.asked,
        lane.deployment if lane is not None else None,
        status,
        outcome,
        call.stream,
        attempts,
        (first - start) * 1000 if first is not None else None,
        (now - start) * 1000,
        seen.usage,
        seen.usage_raw,
        call.cost_text,
        lane.price_source if lane is not None else None,
        seen.finish_reason,
        body.size if body is not None else call.incoming.size,
        seen.size,
        seen.model,
        error,
        call.record_mode,
        body.kept() if full and body is not None else None,
        seen.body if full else None,
        call.user,
        lane.region if lane is not None else None,
        losses,
        call.kept_as,
        spoken,
        permit.decided if permit is not None else call.decided,
        permit.rights if permit is not None else None,
        traceparent_of(call.incoming) if call.gateway.traces else None,
        ticket.verdict if ticket is not None else None,
        given.exchange if given is not None else None,
        given.cost_usd if given is not None else None,
    )


def _translation(call: Account) -> tuple[tuple[Loss, ...], str | None]:
    """Return what got lost on the way to another dialect, and that dialect."""
    detour = call.detour
    return (detour.told(), detour.spoken) if detour is not None else ((), None)

"""Who gave an answer: by this a kept answer is found in a caller's own plan, or is not."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

if TYPE_CHECKING:
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.way import Way

__all__ = ["lanes_by_maker", "maker_of"]

_pack = msgspec.msgpack.Encoder(order="deterministic").encode


def maker_of(lane: Lane) -> bytes:
    """Return the digest of who answers on a lane, and with what duties: of all that may change the answer, or what is
    owed for it."""
    target, permit = lane.target, lane.permit
    decided = permit.decided if permit is not None else None
    facts = (
        target.deployment,
        bytes(target.wire_model),
        structs.astuple(target.origin) if target.origin is not None else None,
        sorted(target.paths.items()),
        target.dialect,
        target.region,
        target.engine,
        dict(target.body_extra),
        decided.duties if decided is not None else (),
    )
    return sha256(_pack(facts)).digest()


def lanes_by_maker(way: Way) -> dict[bytes, Lane]:
    """Return who may answer on a way."""
    return {maker_of(lane): lane for lane in way.lanes}

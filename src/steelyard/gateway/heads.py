"""Request lines and fields for upstreams."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steelyard.gateway.detour import Detour
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.incoming import Incoming
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.pool import Pool
    from steelyard.gateway.surface import Endpoint

__all__ = ["request_head"]

_TRACED = (b"traceparent", b"tracestate")
_VERSION = b"anthropic-version"
_ITS_VERSION = re.compile(rb"anthropic-version:[^\r\n]*\r\n")
_FORWARDED = {
    "openai": (*_TRACED, b"openai-beta", b"openai-organization", b"openai-project", b"idempotency-key"),
    "openai-responses": (*_TRACED, b"openai-beta", b"openai-organization", b"openai-project", b"idempotency-key"),
    "anthropic": (*_TRACED, _VERSION, b"anthropic-beta", b"idempotency-key"),
    "gemini": _TRACED,
}
"""The client's fields that go on to an upstream of its own dialect; others get those of the trace alone."""


def request_head(lane: Lane, endpoint: Endpoint, incoming: Incoming, detour: Detour | None, gateway: Gateway) -> bytes:
    """Return request line and fields for an upstream, all but those of the body."""
    operation = endpoint.name if detour is None else detour.operation
    head = lane.heads.get(operation)
    if head is None:
        head = lane.heads[operation] = _head(lane, operation, gateway.pool_of(lane))
    if endpoint.dialect == "anthropic" and _VERSION in incoming.headers and (detour is None or not detour.crossing):
        # What is relayed has the version that the client speaks (Anthropic API, "Versions"), not the one we would.
        head = _ITS_VERSION.sub(b"", head)
    if detour is not None and detour.crossing is not None:
        forwarded = _lines(incoming, _TRACED)
    elif incoming.forwarded is None:
        forwarded = incoming.forwarded = _lines(incoming, _FORWARDED[endpoint.dialect])
    else:
        forwarded = incoming.forwarded
    return head + forwarded if forwarded else head


def _lines(incoming: Incoming, names: tuple[bytes, ...]) -> bytes:
    given = incoming.headers
    return b"".join([b"%b: %b\r\n" % (name, given[name]) for name in names if name in given])


def _head(lane: Lane, operation: str, pool: Pool | None) -> bytes:
    target = lane.target
    prefix, more = (pool.prefix, pool.proxy_fields) if pool is not None else ("", b"")
    fields = target.fields or b"host: localhost\r\n"
    line = f"POST {prefix}{target.paths[operation]} HTTP/1.1\r\n".encode("latin-1")
    return line + fields + more + b"user-agent: steelyard\r\naccept-encoding: identity\r\n"

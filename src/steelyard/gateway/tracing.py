"""W3C Trace Context on the way through the gateway, where traces are on: providers get the attempt as their parent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from steelyard.core.traces import Parent, attempt_span, read_parent, trace_of, written

if TYPE_CHECKING:
    from steelyard.gateway.incoming import Incoming

__all__ = ["parent_of", "traced", "traceparent_of"]

_LINES = re.compile(rb"(?:(?<=\n)|\A)(traceparent|tracestate): [^\r\n]*\r\n")
_SAMPLED = 1


def traceparent_of(incoming: Incoming) -> str | None:
    """Return the client's `traceparent`, for the record; None for one that is malformed."""
    header = incoming.text(b"traceparent")
    return header if header is not None and read_parent(header) is not None else None


def parent_of(incoming: Incoming) -> Parent | None:
    """Return where a call comes from, if its client says so."""
    header = incoming.text(b"traceparent")
    return read_parent(header) if header is not None else None


def traced(head: bytes, incoming: Incoming, exchange_id: str, attempt: int) -> bytes:
    """Return a request's head with a span of ours in the place of the client's. The state of a trace is kept where its
    parent is (W3C Trace Context, 3.3: it is not to be read where `traceparent` is malformed)."""
    parent = parent_of(incoming)
    trace, flags = (parent.trace, parent.flags) if parent is not None else (trace_of(exchange_id), _SAMPLED)
    line = written(trace, attempt_span(exchange_id, attempt), flags).encode()
    kept = _LINES.sub(lambda found: found[0] if found[1] == b"tracestate" and parent is not None else b"", head)
    return b"%btraceparent: %b\r\n" % (kept, line)

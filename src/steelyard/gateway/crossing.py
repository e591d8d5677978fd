"""How a deployment is reached that speaks another dialect than the client, or gives only streams, or none."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from steelyard.dialects.dialect import ClientDialect, UpstreamDialect
from steelyard.dialects.table import DIALECTS, UPSTREAM_DIALECTS
from steelyard.gateway.lane import Manners
from steelyard.gateway.surface import Endpoint
from steelyard.policy.plan import Target

__all__ = ["Crossing", "crossing_of", "manners_of", "operation_of", "reachable"]

_OPERATIONS: Final = {
    "openai": ("chat/completions", "chat/completions"),
    "openai-responses": ("responses", "responses"),
    "anthropic": ("messages", "messages"),
    "gemini": ("generateContent", "streamGenerateContent"),
    "bedrock": ("converse", "converse-stream"),
}
"""What answers, whole and streaming, in each dialect."""


class Crossing(Struct, frozen=True, eq=False):
    """The way between a client's dialect and a deployment's. `operation` is the key of the path that is called;
    `streams` says whether it answers with a stream."""

    client: ClientDialect
    upstream: UpstreamDialect
    operation: str
    streams: bool


def operation_of(endpoint: Endpoint, target: Target, *, stream: bool) -> str | None:
    """Return the key of the target's path at which the client's own bytes are understood; None when they must be
    translated."""
    paths = target.paths
    if endpoint.name not in paths:
        return None
    if endpoint.translates and not endpoint.counts:
        if target.streaming == ("never" if stream else "always"):
            return None
        if stream and f"{endpoint.name}:stream" in paths:
            return f"{endpoint.name}:stream"
    return endpoint.name


def crossing_of(endpoint: Endpoint, target: Target, *, stream: bool) -> Crossing | None:
    """Return how a call is translated; None when the endpoint has no translation, or the target no path for it."""
    client = DIALECTS.get(endpoint.dialect)
    upstream = UPSTREAM_DIALECTS.get(target.dialect)
    if not endpoint.translates or endpoint.counts or client is None or upstream is None:
        return None
    streams = stream if target.streaming == "both" else target.streaming == "always"
    operation = _OPERATIONS[target.dialect][streams]
    if streams and f"{operation}:stream" in target.paths:
        operation = f"{operation}:stream"
    return Crossing(client, upstream, operation, streams) if operation in target.paths else None


def manners_of(endpoint: Endpoint, target: Target) -> Manners | None:
    """Return how an endpoint's calls reach a target, whole and streaming; None when each is simply relayed."""
    whole, stream = operation_of(endpoint, target, stream=False), operation_of(endpoint, target, stream=True)
    if whole == stream == endpoint.name and not endpoint.streamed:
        return None
    return (
        (whole, crossing_of(endpoint, target, stream=False)),
        (stream, crossing_of(endpoint, target, stream=True)),
    )


def reachable(endpoint: Endpoint, target: Target) -> bool:
    """Say whether a deployment can answer at an endpoint at all."""
    if endpoint.name in target.paths:
        return True
    if endpoint.counts:
        return _OPERATIONS[target.dialect][0] in target.paths  # what generates can at least be estimated
    return crossing_of(endpoint, target, stream=False) is not None

"""How clients of each dialect are answered by a deployment: their bytes are relayed, or translated."""

from typing import Final, Literal

from msgspec import Struct

from steelyard.dialects.table import DIALECTS
from steelyard.gateway.crossing import crossing_of, operation_of
from steelyard.gateway.surface import Endpoint, endpoint_of
from steelyard.policy.plan import Target

__all__ = ["CLIENTS", "Manner", "Served", "served"]

Manner = Literal["relayed", "translated", "none"]

CLIENTS: Final = tuple(DIALECTS)
"""The dialects that clients speak."""

_CALLED: Final = {
    "openai": (b"/v1/chat/completions", b"/v1/chat/completions"),
    "openai-responses": (b"/v1/responses", b"/v1/responses"),
    "anthropic": (b"/v1/messages", b"/v1/messages"),
    "gemini": (b"/v1beta/models/m:generateContent", b"/v1beta/models/m:streamGenerateContent"),
}
"""What a client of each dialect calls for a whole answer, and for a stream."""


class Served(Struct, frozen=True):
    """How a client's calls for a whole answer and for a stream reach a deployment; `none`: they do not."""

    whole: Manner
    stream: Manner

    def __str__(self) -> str:
        return self.whole if self.whole == self.stream else f"{self.whole}, streams {self.stream}"


def served(target: Target, client: str) -> Served:
    """Return how a deployment answers clients of a dialect."""
    whole, stream = _CALLED[client]
    return Served(_manner(whole, target, stream=False), _manner(stream, target, stream=True))


def _manner(path: bytes, target: Target, *, stream: bool) -> Manner:
    endpoint: Endpoint | None = endpoint_of(path)
    assert endpoint is not None
    if operation_of(endpoint, target, stream=stream) is not None:
        return "relayed"
    return "translated" if crossing_of(endpoint, target, stream=stream) is not None else "none"

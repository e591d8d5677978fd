"""A request's body on its way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.dialects.openai.request import Request

if TYPE_CHECKING:
    from steelyard.gateway.account import Account
    from steelyard.gateway.call import Call
    from steelyard.gateway.upstream import Upstream
    from steelyard.policy.plan import Target

__all__ = ["JsonBody", "PathBody"]


class JsonBody(Request):
    """A JSON body, held whole: it can be sent again, with each deployment's own name for the model."""

    __slots__ = ("_given", "previous", "raw", "replayable", "size")

    def __init__(self, raw: bytes, given: bytes | None = None, previous: str | None = None) -> None:
        """`given` is the body as the client sent it, where `raw` has the conversation before it too, up to the response
        `previous`. Raises BadRequest that names the field, for malformed JSON or a wrong type."""
        super().__init__(raw)
        self.raw = raw
        self._given = raw if given is None else given
        self.previous = previous
        self.size = len(raw)
        self.replayable = True

    def begin(self, call: Call, upstream: Upstream, head: bytes) -> bytes:
        detour = call.detour
        if detour is None:
            return _framed(head, self.content(call, call.lane.target))
        body = self.content(call, call.lane.target) if detour.body is None else detour.body
        return _framed(head + detour.signed(body), body)

    def content(self, call: Account, target: Target) -> bytes:
        """Return the body in the client's own words, but for the model's name and what brings usage."""
        include: bool | None = None
        if call.stream and call.endpoint.dialect == "openai" and self.wants_usage != (target.stream_usage == "ask"):
            # Not asked for, and told only when asked; or asked of a provider that tells unasked and refuses the option.
            include = not self.wants_usage
        return self.wire(target.wire_model, include_usage=include)

    def kept(self) -> bytes | None:
        return self._given


class PathBody:
    """A body that does not name the model, since the path does (Gemini): it is sent as it came, or translated."""

    __slots__ = ("previous", "raw", "replayable", "size")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.previous: str | None = None
        self.size = len(raw)
        self.replayable = True

    def begin(self, call: Call, upstream: Upstream, head: bytes) -> bytes:
        detour = call.detour
        if detour is None:
            return _framed(head, self.raw)
        body = self.raw if detour.body is None else detour.body
        return _framed(head + detour.signed(body), body)

    def kept(self) -> bytes | None:
        return self.raw


def _framed(head: bytes, body: bytes) -> bytes:
    return b"%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (head, len(body), body)

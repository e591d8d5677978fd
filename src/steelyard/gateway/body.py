"""A request's body on its way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.dialects.openai import Request

if TYPE_CHECKING:
    from steelyard.gateway.call import Call
    from steelyard.gateway.upstream import Upstream

__all__ = ["JsonBody"]


class JsonBody(Request):
    """A JSON body, held whole: it can be sent again, with each deployment's own name for the model."""

    __slots__ = ("_raw", "replayable", "size")

    def __init__(self, raw: bytes) -> None:
        """Raises BadRequest that names the field, for malformed JSON or a wrong type."""
        super().__init__(raw)
        self._raw = raw
        self.size = len(raw)
        self.replayable = True

    def begin(self, call: Call, upstream: Upstream, head: bytes) -> bytes:
        target = call.lane.target
        include: bool | None = None
        if call.stream and self.wants_usage != (target.stream_usage == "ask"):
            # Not asked for, and told only when asked; or asked of a provider that tells unasked and refuses the option.
            include = not self.wants_usage
        body = self.wire(target.wire_model, include_usage=include)
        return b"%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (head, len(body), body)

    def kept(self) -> bytes | None:
        return self._raw

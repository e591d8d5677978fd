"""What a call needs that is not simply relayed: a translation, a check of what the model lacks, a signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from steelyard.core.errors import BadRequest
from steelyard.core.losses import Loss, Losses, compact
from steelyard.dialects.anthropic import in_thread
from steelyard.dialects.dialect import Asked
from steelyard.dialects.gemini import GEMINI
from steelyard.dialects.responses import stored_elsewhere
from steelyard.dialects.table import DIALECTS
from steelyard.gateway.body import JsonBody, PathBody
from steelyard.gateway.surface import model_in, query_of
from steelyard.gateway.translation import adapted, crossed, refuse_losses, require

if TYPE_CHECKING:
    from steelyard.core.request import Request
    from steelyard.dialects.dialect import EventWriter
    from steelyard.gateway.call import Call
    from steelyard.gateway.crossing import Crossing
    from steelyard.gateway.lane import Lane

__all__ = ["Detour", "read_request"]

_YES = frozenset((b"1", b"true", b"yes"))


def read_request(call: Call) -> Request:
    """Decode what the client asks. Raises BadRequest with the path of a mistake."""
    body = call.sending
    assert isinstance(body, JsonBody | PathBody)
    raw = body.raw
    endpoint = call.endpoint
    dialect = DIALECTS[endpoint.dialect]
    if endpoint.in_path:
        return dialect.decode_request(raw, model=model_in(call.incoming.target), stream=endpoint.streamed)
    return dialect.decode_request(raw)


class Detour:
    """The way of one call that is not simply relayed, anew for each deployment that is tried: `operation` is the key of
    the path that is called, `crossing` how it is translated (None: it is not), `body` what is sent where that is not
    the client's own. `losses` are those of the present attempt."""

    __slots__ = ("_call", "_request", "_strict", "body", "crossing", "lane", "losses", "operation")

    def __init__(self, call: Call, *, strict: bool) -> None:
        self._call = call
        self._request: Request | None = None
        self._strict = strict or call.incoming.headers.get(b"x-steelyard-strict", b"").strip().lower() in _YES
        self.lane: Lane | None = None
        self.operation = call.endpoint.name
        self.crossing: Crossing | None = None
        self.body: bytes | None = None
        self.losses = Losses()

    @property
    def request(self) -> Request:
        """What the client asks, decoded once. Raises BadRequest with the path of a mistake."""
        if self._request is None:
            self._request = read_request(self._call)
        return self._request

    def take(self, lane: Lane) -> None:
        """Make ready for a deployment. Raises BadRequest for what cannot be asked of it."""
        if lane is self.lane:
            return
        call, target = self._call, lane.target
        operation, crossing = lane.manners[call.stream]
        self.body = None
        self.losses = Losses()
        if crossing is not None and not (operation is not None and self._is_native(operation)):
            request = self.request
            self._refuse_the_held(request, lane, crossing)
            self.body, self.losses = crossed(request, target, crossing, strict=self._strict)
            if request.store and call.endpoint.dialect == "openai-responses" and call.record_mode != "full":
                self.losses.dropped("store", 'responses are kept only where record = "full"')
            self.crossing, self.operation = crossing, crossing.operation
        else:
            self.crossing, self.operation = None, operation or call.endpoint.name
            if target.lacks and call.endpoint.translates:
                require(self.request, target)
            if target.drop_model or target.body_extra:
                assert isinstance(call.sending, JsonBody)
                self.body = adapted(call.sending.content(call, target), target, counts=call.endpoint.counts)
        self.lane = lane

    def _refuse_the_held(self, request: Request, lane: Lane, crossing: Crossing) -> None:
        """Raise BadRequest for what stands for a conversation that only the dialect's own servers hold."""
        deployment = lane.target.deployment
        if request.dialect == "openai-responses" and (elsewhere := stored_elsewhere(request)) is not None:
            raise BadRequest(
                f"{elsewhere}: what it stands for is not kept here, and {deployment} does not know it. "
                "Send the conversation itself.",
                code="previous_response_not_found" if request.previous_id is not None else "stored_elsewhere",
                param=elsewhere,
            )
        if request.dialect == "anthropic" and crossing.upstream.name != "anthropic" and in_thread(request):
            # The code by which Anthropic's SDK knows to go on without a thread (API reference, "Errors",
            # thread_unsupported_request: "Send the full conversation without `thread`").
            raise BadRequest(
                f"thread: {deployment} holds no conversations. Send the full conversation without thread.",
                code="thread_unsupported_request",
                param="thread",
            )

    def _is_native(self, operation: str) -> bool:
        """Say whether an untranslated answer has the framing that the client asked for. Gemini streams a JSON array
        unless `alt=sse` asks for events; upstreams are always asked for events."""
        call = self._call
        return not call.endpoint.streamed or query_of(call.incoming.target, "alt") == "sse"

    @property
    def asked(self) -> Asked:
        """What the answer's encoder must know of the call."""
        request = self.request
        body = self._call.sending
        if isinstance(body, JsonBody) and body.previous is not None:
            request = structs.replace(request, previous_id=body.previous)
        return Asked(request, self._call.id, int(self._call.received_at))

    def writer(self) -> tuple[EventWriter, bytes]:
        """Return what writes the client's stream, and its content type."""
        crossing = self.crossing
        assert crossing is not None
        if self._call.endpoint.streamed and query_of(self._call.incoming.target, "alt") != "sse":
            return GEMINI.array_writer(self.asked, self.losses), b"application/json"
        return crossing.client.writer(self.asked, self.losses), crossing.client.content_type

    def fields(self) -> str:
        """Return the header line that tells the losses; "" when there are none."""
        found = self.losses.all()
        return f"x-steelyard-loss: {compact(found)}\r\n" if found else ""

    def check_strict(self, name: str) -> None:
        """Raise BadRequest when something got lost and the caller does not want that."""
        if self._strict:
            refuse_losses(self.losses, name)

    def told(self) -> tuple[Loss, ...]:
        """Return the losses, for the record."""
        return self.losses.all()

    @property
    def spoken(self) -> str | None:
        """The dialect that the deployment is spoken to in, where that is not the client's own."""
        return self.crossing.upstream.name if self.crossing is not None else None

    def signed(self, body: bytes) -> bytes:
        """Return the header lines that authenticate this very request; b"" where they are the same in all."""
        lane = self.lane
        assert lane is not None
        if lane.signer is None:
            return b""
        target = lane.target
        assert target.origin is not None
        return lane.signer.fields(target.origin.authority, target.paths[self.operation], body)

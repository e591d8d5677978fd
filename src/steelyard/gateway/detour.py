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
from steelyard.gateway.counting import count, counted_request
from steelyard.gateway.surface import model_in, query_of
from steelyard.gateway.translation import adapted, crossed, refuse_losses, require

if TYPE_CHECKING:
    from steelyard.core.request import Request
    from steelyard.dialects.dialect import EventWriter
    from steelyard.gateway.account import Account
    from steelyard.gateway.crossing import Crossing
    from steelyard.gateway.lane import Lane
    from steelyard.policy.plan import Target

__all__ = ["Detour"]

_YES = frozenset((b"1", b"true", b"yes"))
_NO = frozenset((b"", b"0", b"false", b"no"))


def _asks_strict(call: Account) -> bool:
    """Say whether the client wants no loss. Raises BadRequest for a word that may mean it, and is not known."""
    said = call.incoming.headers.get(b"x-steelyard-strict", b"").strip()
    if said.lower() in _YES:
        return True
    if said.lower() in _NO:
        return False
    told = said.decode("latin-1")
    raise BadRequest(f'The header x-steelyard-strict is "{told}". Send 1 or 0, or leave it out.', code="invalid_value")


def _read_request(call: Account) -> Request:
    """Decode what the client asks. Raises BadRequest with the path of a mistake."""
    body = call.sending
    assert isinstance(body, JsonBody | PathBody)
    raw = body.raw
    endpoint = call.endpoint
    model = model_in(call.incoming.target) if endpoint.in_path else None
    if endpoint.counts:
        return counted_request(endpoint, raw, model)
    dialect = DIALECTS[endpoint.dialect]
    return dialect.decode_request(raw, model=model, stream=endpoint.streamed if endpoint.in_path else None)


def _settings_of(request: Request) -> Request:
    """Return a request without what its answer does not speak of: only the Responses repeat instructions and tools."""
    if request.dialect != "openai-responses":
        return structs.replace(request, messages=(), tools=())
    return structs.replace(request, messages=tuple(one for one in request.messages if one.at == "instructions"))


class Detour:
    """The way of one call that is not simply relayed, anew for each deployment that is tried: `operation` is the key of
    the path that is called, `crossing` how it is translated (None: it is not), `body` what is sent where that is not
    the client's own. `losses` are those of the present attempt.

    Of a request that has been translated only its settings are held while the answer is awaited: hundreds of parts for
    each call that waits would have every new call work in memory that no cache holds. Another deployment, which is
    rare, has it decoded again.

    `takes_whole`: an answer that came in one read may be given to `translated_at_once`.
    """

    __slots__ = (
        "_call",
        "_request",
        "_settings",
        "_strict",
        "body",
        "crossing",
        "lane",
        "losses",
        "operation",
        "takes_whole",
    )

    def __init__(self, call: Account, *, strict: bool) -> None:
        self._call = call
        self._request: Request | None = None
        self._settings: Request | None = None
        self._strict = _asks_strict(call) or strict
        self.lane: Lane | None = None
        self.operation = call.endpoint.name
        self.crossing: Crossing | None = None
        self.body: bytes | None = None
        self.losses = Losses()
        self.takes_whole = False

    @property
    def request(self) -> Request:
        """What the client asks. Raises BadRequest with the path of a mistake."""
        if self._request is None:
            self._request = _read_request(self._call)
        return self._request

    def take(self, lane: Lane) -> None:
        """Make ready for a deployment. Raises BadRequest for what cannot be asked of it, and then stays as it was: what
        was tried before may be tried again, and is what goes on record."""
        if lane is self.lane:
            return
        call = self._call
        operation, crossing = lane.manners[call.stream]
        if crossing is not None and not (operation is not None and self._is_native()):
            self.body, self.losses = self._translated(lane, crossing)
            self.crossing, self.operation = crossing, crossing.operation
            self.takes_whole = not crossing.streams and not call.stream and lane.signer is None
            call.gateway.outbox.keep_pace()
        else:
            self.body, self.losses = self._untranslated(lane.target), Losses()
            self.crossing, self.operation = None, operation or call.endpoint.name
            self.takes_whole = False
        self.lane = lane

    def _translated(self, lane: Lane, crossing: Crossing) -> tuple[bytes, Losses]:
        call, request, losses = self._call, self.request, Losses()
        self._refuse_the_held(request, lane, crossing)
        body = crossed(request, lane.target, crossing, losses)
        if request.store and call.endpoint.dialect == "openai-responses" and call.record_mode != "full":
            losses.dropped("store", 'responses are kept only where record = "full"')
        if self._strict:
            refuse_losses(losses, lane.target.deployment)
        self._request, self._settings = None, _settings_of(request)
        return body, losses

    def _untranslated(self, target: Target) -> bytes | None:
        call = self._call
        if target.lacks and call.endpoint.translates:
            require(self.request, target)
        if not target.drop_model and not target.body_extra:
            return None
        assert isinstance(call.sending, JsonBody)
        return adapted(call.sending.content(call, target), target, counts=call.endpoint.counts)

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

    def _is_native(self) -> bool:
        """Say whether an untranslated answer has the framing that the client asked for. Gemini streams a JSON array
        unless `alt=sse` asks for events; upstreams are always asked for events."""
        call = self._call
        return not call.endpoint.streamed or query_of(call.incoming.target, "alt") == "sse"

    @property
    def asked(self) -> Asked:
        """What the answer's encoder must know of the call."""
        request = self._settings or self.request
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

    def counted(self, name: str) -> bytes:
        """Return the answer to a request to count tokens, estimated for `name`. Raises BadRequest."""
        answer = count(self._call.endpoint, self.request, self.losses)
        if self._strict:
            refuse_losses(self.losses, name)
        return answer

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

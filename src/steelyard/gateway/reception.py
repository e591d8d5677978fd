"""Where requests come in: who may ask what, and which service answers."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, Denied, MethodNotAllowed, NotFound, TooMany, Unavailable
from steelyard.core.priority import NORMAL
from steelyard.gateway.answers import bodiless, error_answer
from steelyard.gateway.body import JsonBody, PathBody
from steelyard.gateway.call import Call
from steelyard.gateway.departure import set_out
from steelyard.gateway.errand import Errand, continued, kept_page
from steelyard.gateway.form import FormCall
from steelyard.gateway.head import Head
from steelyard.gateway.pages import Pages
from steelyard.gateway.shedding import overloaded
from steelyard.gateway.shelf import is_ours
from steelyard.gateway.surface import ENDPOINTS, Endpoint, dialect_of, endpoint_of, is_page, kept_in, model_in

if TYPE_CHECKING:
    from steelyard.gateway.account import Body
    from steelyard.gateway.client import Client, Service
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.incoming import Incoming
    from steelyard.keys.key import Key

__all__ = ["Reception"]

_FOREVER = float("inf")


class Reception:
    """Takes the requests of all clients of one gateway."""

    __slots__ = ("_gateway", "_pages")

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._pages = Pages(gateway)

    def greet(self, incoming: Incoming) -> None:
        """Check what can be checked before the body has come: the path, the method, the key. Raises CallError."""
        endpoint = endpoint_of(incoming.target)
        if endpoint is not None:
            if incoming.method != b"POST":
                raise MethodNotAllowed(f"{incoming.path} takes POST.", allow="POST")
        else:
            path = incoming.path
            if kept_in(path) is not None:
                if incoming.method not in (b"GET", b"HEAD", b"DELETE"):
                    raise MethodNotAllowed(f"{path} takes GET and DELETE.", allow="GET, HEAD, DELETE")
                incoming.key = self._gateway.access.admit(incoming)
                return
            if not is_page(path):
                near = get_close_matches(path, ENDPOINTS, 1, 0.5)
                hint = f" Nearest: {near[0]}." if near else ""
                raise NotFound(f"There is nothing at {path[:200]}.{hint}")
            if incoming.method not in (b"GET", b"HEAD"):
                raise MethodNotAllowed(f"{path} takes GET.", allow="GET, HEAD")
            if not path.startswith(("/v1", "/models", "/metrics")):
                return
        incoming.key = self._gateway.access.admit(incoming)

    def begin_upload(self, client: Client, incoming: Incoming) -> Service | None:
        """Return the service that takes a form's body as it comes; None for requests that are read whole."""
        endpoint = endpoint_of(incoming.target)
        if endpoint is None or not endpoint.form:
            return None
        try:
            self._check_open(incoming)
            incoming.keep_alive = False  # until its body is whole
            return FormCall(self._gateway, client, incoming, endpoint)
        except CallError as error:
            incoming.refusal = error
            return None

    def serve(self, client: Client, incoming: Incoming) -> None:
        """Answer a request whose body is whole."""
        try:
            if incoming.refusal is not None:
                raise incoming.refusal
            endpoint = endpoint_of(incoming.target)
            if endpoint is None:
                kept = kept_in(incoming.path)
                if kept is not None:
                    Errand(self._gateway, client, incoming, kept_page(self._gateway, client, incoming, *kept))
                else:
                    self._pages.serve(client, incoming)
                return
            self._check_open(incoming)
            if endpoint.form:
                self._serve_form(client, incoming, endpoint)
            else:
                self._serve_json(client, incoming, endpoint)
        except CallError as error:
            self.refuse(client, incoming, error)

    def refuse(self, client: Client, incoming: Incoming, error: CallError) -> None:
        """Answer a request that never became a call."""
        gateway = self._gateway
        gateway.meter.refused(error)
        keep_alive = incoming.keep_alive and not gateway.leaving
        dialect = dialect_of(incoming.target, incoming.headers)
        whole = error_answer(error, gateway.next_id(), keep_alive=keep_alive, dialect=dialect)
        client.write(bodiless(whole) if incoming.method == b"HEAD" else whole)
        client.answered(keep_alive=keep_alive)

    def _check_open(self, incoming: Incoming) -> None:
        gateway = self._gateway
        if gateway.leaving:
            if gateway.draining:
                raise Unavailable("The gateway is shutting down. Try again.", code="draining", retry_after_s=1.0)
            incoming.keep_alive = False  # the next call shall find the process that has taken our place
        key = incoming.key
        if gateway.behind and gateway.shedding.turns_away(key.priority if key is not None else NORMAL):
            raise overloaded(gateway.randomness())
        if key is not None and gateway.calls_per_key and gateway.open_calls[key.id] >= gateway.calls_per_key:
            raise TooMany(
                f"The key has {gateway.calls_per_key} calls open. Await one of them, or raise [server] calls_per_key.",
                code="too_many_calls",
                retry_after_s=1.0,
            )

    def learn(self, read: bytes, incoming: Incoming) -> Head | None:
        """Return the head of a request, to know the next one of its client by; None when it is of no use for that."""
        endpoint = endpoint_of(incoming.target)
        if endpoint is None or incoming.refusal is not None:
            return None
        return Head.learn(read, incoming, endpoint, self._gateway.access.ring)

    def serve_again(self, client: Client, head: Head, body: bytes) -> None:
        """Answer a request whose head is known from an earlier one on its connection."""
        gateway = self._gateway
        incoming = head.incoming
        try:
            if head.ring is not gateway.access.ring or head.good_until != _FOREVER:
                incoming.key = gateway.access.admit(incoming)
                head.hold_for(gateway.access.ring)
            if gateway.leaving or gateway.calls_per_key or gateway.behind:
                self._check_open(incoming)
            if len(body) > gateway.max_body_bytes:
                client.refuse(client.too_large())
                return
            self._begin(client, incoming, head.endpoint, body)
        except CallError as error:
            self.refuse(client, incoming, error)

    def _serve_json(self, client: Client, incoming: Incoming, endpoint: Endpoint) -> None:
        pieces, incoming.body = incoming.body, []  # not to be held twice
        self._begin(client, incoming, endpoint, pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def _begin(self, client: Client, incoming: Incoming, endpoint: Endpoint, raw: bytes) -> None:
        if endpoint.in_path:
            self._begin_in_path(client, incoming, endpoint, raw)
            return
        body = JsonBody(raw)
        previous = body.text("previous_response_id") if endpoint.name == "responses" else None
        if previous is not None and (is_ours(previous) or not self._is_relayed(endpoint, body.model, incoming.key)):
            Errand(self._gateway, client, incoming, self._continue(client, incoming, endpoint, raw, previous))
        else:
            self._begin_with(client, incoming, endpoint, body)

    async def _continue(
        self, client: Client, incoming: Incoming, endpoint: Endpoint, raw: bytes, previous: str
    ) -> None:
        """Begin a call that goes on from a response that is kept here."""
        gateway = self._gateway
        key = incoming.key.id if incoming.key is not None else None
        whole = await continued(gateway.shelf, raw, previous, key, gateway.max_body_bytes)
        self._check_open(incoming)  # the ledger was waited for
        self._begin_with(client, incoming, endpoint, JsonBody(whole, given=raw, previous=previous))

    def _is_relayed(self, endpoint: Endpoint, model: str, key: Key | None) -> bool:
        """Say whether a deployment of what was asked for understands the client's own bytes."""
        try:
            way = self._gateway.ways_for(key).to(endpoint, model)
        except Denied:
            return True  # so that it becomes a call, and the denial goes on record
        return any(endpoint.name in lane.target.paths for lane in way.lanes)

    def _begin_with(self, client: Client, incoming: Incoming, endpoint: Endpoint, body: JsonBody) -> None:
        client.service = call = Call(self._gateway, client, incoming, endpoint)
        if body.stream and endpoint.streams:
            call.stream = True
            call.takes_whole = False
            call.wants_usage = body.wants_usage
        call.user = body.user
        self._set_out(call, body.model, body)

    def _begin_in_path(self, client: Client, incoming: Incoming, endpoint: Endpoint, raw: bytes) -> None:
        model = model_in(incoming.target)
        client.service = call = Call(self._gateway, client, incoming, endpoint)
        call.stream = endpoint.streamed
        self._set_out(call, model, PathBody(raw))

    def _set_out(self, call: Call, model: str, body: Body) -> None:
        try:
            set_out(self._gateway, call, model, body)
        except CallError as error:
            call.refuse(error, "rejected")

    def _serve_form(self, client: Client, incoming: Incoming, endpoint: Endpoint) -> None:
        # A form that came while another request was being answered was read whole.
        call = FormCall(self._gateway, client, incoming, endpoint)
        client.service = call
        for piece in incoming.body:
            call.more(piece)
        call.no_more()

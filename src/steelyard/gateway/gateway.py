"""One gateway process: who may come in, where a call goes, and what time has run out."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from difflib import get_close_matches
from os import urandom
from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, Denied, MethodNotAllowed, NotFound, TooMany, Unavailable
from steelyard.core.ids import exchange_ids
from steelyard.core.priority import NORMAL
from steelyard.gateway.account import Account, Body
from steelyard.gateway.answers import bodiless, error_answer, today
from steelyard.gateway.body import JsonBody, PathBody
from steelyard.gateway.call import Call
from steelyard.gateway.departure import set_out
from steelyard.gateway.errand import Errand, continued, kept_page
from steelyard.gateway.fittings import Fittings
from steelyard.gateway.form import FormCall
from steelyard.gateway.head import Head
from steelyard.gateway.health import Health
from steelyard.gateway.lane import Lane
from steelyard.gateway.limiter import Limiter
from steelyard.gateway.meter import Meter
from steelyard.gateway.metrics_page import MetricsPage
from steelyard.gateway.outbox import Outbox
from steelyard.gateway.pages import Pages
from steelyard.gateway.pool import Pool, Pools
from steelyard.gateway.shedding import Shedding, overloaded
from steelyard.gateway.shelf import Shelf, is_ours
from steelyard.gateway.signers import Signers
from steelyard.gateway.surface import ENDPOINTS, Endpoint, dialect_of, endpoint_of, is_page, kept_in, model_in
from steelyard.gateway.waiting_line import WaitingRoom
from steelyard.gateway.ways import Ways
from steelyard.policy.plan import Origin

if TYPE_CHECKING:
    from steelyard.config.settings import ServerSettings
    from steelyard.gateway.cached import AnswerCache
    from steelyard.gateway.client import Client, Service
    from steelyard.gateway.incoming import Incoming
    from steelyard.gateway.upstream import Upstream
    from steelyard.keys.key import Key
    from steelyard.limits import Counter, Limits
    from steelyard.policy.plans import Plans

__all__ = ["Gateway"]

_ENGINE_START_S = 120.0
_FOREVER = float("inf")


class Gateway:
    """Everything that the connections of one process share. Configuration is swapped whole, by `configure`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        server: ServerSettings,
        plans: Plans,
        fittings: Fittings,
        limits: Limits | None = None,
    ) -> None:
        self.loop = loop
        self.clock = time.monotonic
        self.wall_clock: Callable[[], float] = time.time
        self.randomness: Callable[[], float] = random.random
        self.next_id = exchange_ids(time.time, urandom)
        self.worker = fittings.seat.worker
        self.traces = fittings.traces
        self._room = fittings.room
        self.journal = fittings.journal
        self.engines = fittings.engines
        self.shelf = Shelf(fittings.open_store)
        self.access = fittings.access
        self.leaving = False
        self.draining = False
        self.calls: set[Call] = set()
        self.errands: set[Errand] = set()
        self.clients: set[Client] = set()
        self.outbox = Outbox(loop, fittings.journal)
        self.date = today()
        self.pools = Pools(self.clock, self.outbox)
        self.health = Health(self.clock)
        self.shedding = Shedding()
        self.behind = False
        self.waiting = WaitingRoom(self)
        self.signers = Signers()
        self.meter = Meter(time.time())
        self.metrics_page = MetricsPage(self, server.data_dir, fittings.seat)
        self.spool = server.data_dir / "spool"
        self._open_calls: defaultdict[str, int] = defaultdict(int)
        self._complained: dict[str, float] = {}
        self.limiter: Limiter | None = None
        self.cache: AnswerCache | None = None
        self.began_at = self.clock()
        self._borrowers = fittings.borrowers
        self.configure(server, plans, limits)
        self._pages = Pages(self)

    def configure(self, server: ServerSettings, plans: Plans, limits: Limits | None = None) -> None:
        """Take a new configuration; calls under way keep the plan that they began with, and what they hold."""
        self.plans = plans
        self.limiter = Limiter(self, limits, self._borrowers) if limits is not None else None
        if self._borrowers is not None:
            self._borrowers.serve(self.limiter)
        self._counters_of = self._counted if limits is not None else None
        self._ways = Ways(plans, self.health, self.meter, self.signers.of, None, self._counters_of)
        self._ways_of: dict[str, Ways] = {}
        self.max_body_bytes = server.max_body_bytes
        self.max_header_bytes = server.max_header_bytes
        self.header_timeout_s = server.header_timeout_s
        self.body_timeout_s = server.body_timeout_s
        self.keepalive_s = server.keepalive_s
        self.write_timeout_s = server.write_timeout_s
        self._max_connections = min(server.max_connections, self._room)
        self._calls_per_key = server.calls_per_key
        self.shedding.bearable_s, self.shedding.after_s = server.shed_lag_s, server.shed_after_s
        self.waiting.summon_all()
        self.record = server.record

    # Who comes in.

    def welcome(self, client: Client) -> None:
        """Take note of a new connection; refuse it when there are too many."""
        self.clients.add(client)
        if len(self.clients) > self._max_connections:
            client.refuse(Unavailable("Too many connections are open. Try again.", code="busy", retry_after_s=1.0))

    def farewell(self, client: Client) -> None:
        """Take note that a connection is gone."""
        self.clients.discard(client)

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
                incoming.key = self.access.admit(incoming)
                return
            if not is_page(path):
                near = get_close_matches(path, ENDPOINTS, 1, 0.5)
                hint = f" Nearest: {near[0]}." if near else ""
                raise NotFound(f"There is nothing at {path[:200]}.{hint}")
            if incoming.method not in (b"GET", b"HEAD"):
                raise MethodNotAllowed(f"{path} takes GET.", allow="GET, HEAD")
            if not path.startswith(("/v1", "/models", "/metrics")):
                return
        incoming.key = self.access.admit(incoming)

    def begin_upload(self, client: Client, incoming: Incoming) -> Service | None:
        """Return the service that takes a form's body as it comes; None for requests that are read whole."""
        endpoint = endpoint_of(incoming.target)
        if endpoint is None or not endpoint.form:
            return None
        try:
            self._check_open(incoming)
            incoming.keep_alive = False  # until its body is whole
            return FormCall(self, client, incoming, endpoint)
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
                    Errand(self, client, incoming, kept_page(self, client, incoming, *kept))
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
        self.meter.refused(error)
        keep_alive = incoming.keep_alive and not self.leaving
        dialect = dialect_of(incoming.target, incoming.headers)
        whole = error_answer(error, self.next_id(), keep_alive=keep_alive, dialect=dialect)
        client.write(bodiless(whole) if incoming.method == b"HEAD" else whole)
        client.answered(keep_alive=keep_alive)

    def _check_open(self, incoming: Incoming) -> None:
        if self.leaving:
            if self.draining:
                raise Unavailable("The gateway is shutting down. Try again.", code="draining", retry_after_s=1.0)
            incoming.keep_alive = False  # the next call shall find the process that has taken our place
        key = incoming.key
        if self.behind and self.shedding.turns_away(key.priority if key is not None else NORMAL):
            raise overloaded(self.randomness())
        if key is not None and self._calls_per_key and self._open_calls[key.id] >= self._calls_per_key:
            raise TooMany(
                f"The key has {self._calls_per_key} calls open. Await one of them, or raise [server] calls_per_key.",
                code="too_many_calls",
                retry_after_s=1.0,
            )

    def learn(self, read: bytes, incoming: Incoming) -> Head | None:
        """Return the head of a request, to know the next one of its client by; None when it is of no use for that."""
        endpoint = endpoint_of(incoming.target)
        if endpoint is None or incoming.refusal is not None:
            return None
        return Head.learn(read, incoming, endpoint, self.access.ring)

    def serve_again(self, client: Client, head: Head, body: bytes) -> None:
        """Answer a request whose head is known from an earlier one on its connection."""
        incoming = head.incoming
        try:
            if head.ring is not self.access.ring or head.good_until != _FOREVER:
                incoming.key = self.access.admit(incoming)
                head.hold_for(self.access.ring)
            if self.leaving or self._calls_per_key or self.behind:
                self._check_open(incoming)
            if len(body) > self.max_body_bytes:
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
            Errand(self, client, incoming, self._continue(client, incoming, endpoint, raw, previous))
        else:
            self._begin_with(client, incoming, endpoint, body)

    async def _continue(
        self, client: Client, incoming: Incoming, endpoint: Endpoint, raw: bytes, previous: str
    ) -> None:
        """Begin a call that goes on from a response that is kept here."""
        key = incoming.key.id if incoming.key is not None else None
        whole = await continued(self.shelf, raw, previous, key, self.max_body_bytes)
        self._check_open(incoming)  # the ledger was waited for
        self._begin_with(client, incoming, endpoint, JsonBody(whole, given=raw, previous=previous))

    def _is_relayed(self, endpoint: Endpoint, model: str, key: Key | None) -> bool:
        """Say whether a deployment of what was asked for understands the client's own bytes."""
        try:
            way = self.ways_for(key).to(endpoint, model)
        except Denied:
            return True  # so that it becomes a call, and the denial goes on record
        return any(endpoint.name in lane.target.paths for lane in way.lanes)

    def ways_for(self, key: Key | None) -> Ways:
        """Return the ways that the caller's purpose may go."""
        if key is None or key.purpose is None:
            return self._ways
        ways = self._ways_of.get(key.purpose)
        if ways is None:
            ways = Ways(self.plans, self.health, self.meter, self.signers.of, key.purpose, self._counters_of)
            self._ways_of[key.purpose] = ways
        return ways

    def _begin_with(self, client: Client, incoming: Incoming, endpoint: Endpoint, body: JsonBody) -> None:
        client.service = call = Call(self, client, incoming, endpoint)
        if body.stream and endpoint.streams:
            call.stream = True
            call.takes_whole = False
            call.wants_usage = body.wants_usage
        call.user = body.user
        self._set_out(call, body.model, body)

    def _begin_in_path(self, client: Client, incoming: Incoming, endpoint: Endpoint, raw: bytes) -> None:
        model = model_in(incoming.target)
        client.service = call = Call(self, client, incoming, endpoint)
        call.stream = endpoint.streamed
        self._set_out(call, model, PathBody(raw))

    def _set_out(self, call: Call, model: str, body: Body) -> None:
        try:
            set_out(self, call, model, body)
        except CallError as error:
            call.refuse(error, "rejected")

    def _serve_form(self, client: Client, incoming: Incoming, endpoint: Endpoint) -> None:
        # A form that came while another request was being answered was read whole.
        call = FormCall(self, client, incoming, endpoint)
        client.service = call
        for piece in incoming.body:
            call.more(piece)
        call.no_more()

    # Where a call goes.

    def note_open(self, call: Call) -> None:
        """Take note that a call is under way; `release` ends it."""
        calls = self.calls
        if call not in calls:
            calls.add(call)
            if call.key is not None:
                self._open_calls[call.key.id] += 1

    def _counted(self, deployment: str) -> tuple[Counter, ...]:
        """Return the counters of a deployment's own limits."""
        limiter = self.limiter
        assert limiter is not None
        return limiter.limits.of_deployment(deployment, self.clock(), self.wall_clock())

    def grant(self, call: Account, lane: Lane) -> CallError | None:
        """Reserve what an attempt may take of a deployment's own limits; return why it may not be made."""
        return self.limiter.grant(call, lane) if self.limiter is not None else None

    def release(self, call: Account) -> None:
        """Take note that a call is over."""
        calls = self.calls
        if call in calls:
            calls.discard(call)
            if call.key is not None:
                self._open_calls[call.key.id] -= 1

    def pool_of(self, lane: Lane) -> Pool | None:
        """Return the pool of a lane's connections; None for a local model whose engine must be started first."""
        if lane.pool is None:
            target = lane.target
            if target.engine is not None:
                address = self.engines.address(target.engine)
                return self.pools.at(Origin(*address)) if address is not None else None
            assert target.origin is not None
            lane.pool = self.pools.at(target.origin)
        return lane.pool

    async def open_engine(self, lane: Lane) -> Upstream:
        """Have a local model started, and connect to it. Raises EngineError, OSError."""
        assert lane.target.engine is not None
        host, port = await self.engines.ensure(lane.target.engine, _ENGINE_START_S)
        return await self.pools.at(Origin(host, port)).open()

    # What time has run out.

    def sweep_calls(self) -> None:
        """Act on calls whose deadline has passed. Called every tenth of a second."""
        now = self.clock()
        self.date = today()
        for call in [call for call in self.calls if call.deadline < now]:
            call.expire(now)
        if self.waiting.standing:
            self.waiting.look()

    def note_lag(self, seconds: float) -> None:
        """Take note of how late the event loop was just now; begin or cease to turn new calls away."""
        self.meter.lagged(seconds)
        shedding, before = self.shedding, self.behind
        shedding.look(seconds, self.clock(), busy=bool(self.calls))
        self.behind = shedding.pressure > 0
        if self.behind and not before:
            self.tell(
                f"the event loop has been more than {shedding.bearable_s:g} s late for {shedding.after_s:g} s: new "
                "calls are turned away with 503, those of keys of low priority first"
            )
        elif before and not self.behind:
            self.tell(f"keeps up again; {sum(shedding.shed.values())} calls were turned away since it started")

    def sweep_clients(self) -> None:
        """Act on clients that are too slow. Called twice a second."""
        now = self.clock()
        for client in list(self.clients):
            client.sweep(now)

    def tell(self, text: str) -> None:
        """Tell the operator of what has changed, on standard error, however often."""
        self._complained.clear()
        self.complain(text)

    def complain(self, text: str) -> None:
        """Tell the operator, on standard error; the same words at most once in ten seconds."""
        now = self.clock()
        if self._complained.get(text, -1e9) + 10.0 < now:
            if len(self._complained) > 100:
                self._complained.clear()
            self._complained[text] = now
            with suppress(OSError):  # the log's disk may be full too
                print(f"steelyard gateway: {text}", file=sys.stderr, flush=True)

    @property
    def gauges(self) -> dict[str, tuple[str, float]]:
        """The present state, for /metrics."""
        return {
            "steelyard_calls_in_flight": ("Calls under way.", len(self.calls)),
            "steelyard_client_connections": ("Open connections of clients.", len(self.clients)),
            "steelyard_upstream_connections": ("Open connections to providers.", self.pools.size),
            "steelyard_journal_writable": ("1 while exchanges can be recorded.", float(self.journal.writable)),
            "steelyard_draining": ("1 while shutting down.", float(self.draining)),
            "steelyard_start_time_seconds": ("When the process began to serve.", self.meter.started_at),
        }

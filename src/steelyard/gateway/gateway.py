"""One gateway process: what its connections share, which calls are open, and where a call goes."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable
from os import urandom
from typing import TYPE_CHECKING

from steelyard.core.errors import CallError, Unavailable
from steelyard.core.ids import exchange_ids
from steelyard.gateway.answers import today
from steelyard.gateway.fittings import Fittings
from steelyard.gateway.health import Health
from steelyard.gateway.limiter import Limiter
from steelyard.gateway.meter import Meter
from steelyard.gateway.metrics_page import MetricsPage
from steelyard.gateway.notices import Notices
from steelyard.gateway.outbox import Outbox
from steelyard.gateway.pool import Pool, Pools
from steelyard.gateway.reception import Reception
from steelyard.gateway.shedding import Shedding
from steelyard.gateway.shelf import Shelf
from steelyard.gateway.signers import Signers
from steelyard.gateway.waiting_line import WaitingRoom
from steelyard.gateway.ways import Ways
from steelyard.policy.plan import Origin

if TYPE_CHECKING:
    from steelyard.config.settings import ServerSettings
    from steelyard.gateway.account import Account
    from steelyard.gateway.cached import AnswerCache
    from steelyard.gateway.call import Call
    from steelyard.gateway.client import Client
    from steelyard.gateway.errand import Errand
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.upstream import Upstream
    from steelyard.keys.key import Key
    from steelyard.limits import Counter, Limits
    from steelyard.policy.plans import Plans

__all__ = ["Gateway"]

_ENGINE_START_S = 120.0


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
        self.notices = Notices(self.clock)
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
        self.open_calls: defaultdict[str, int] = defaultdict(int)
        self.limiter: Limiter | None = None
        self.cache: AnswerCache | None = None
        self.began_at = self.clock()
        self._borrowers = fittings.borrowers
        self.configure(server, plans, limits)
        self.reception = Reception(self)

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
        self.calls_per_key = server.calls_per_key
        self.shedding.bearable_s, self.shedding.after_s = server.shed_lag_s, server.shed_after_s
        self.waiting.summon_all()
        self.record = server.record

    # What is open.

    def welcome(self, client: Client) -> None:
        """Take note of a new connection; refuse it when there are too many."""
        self.clients.add(client)
        if len(self.clients) > self._max_connections:
            client.refuse(Unavailable("Too many connections are open. Try again.", code="busy", retry_after_s=1.0))

    def farewell(self, client: Client) -> None:
        """Take note that a connection is gone."""
        self.clients.discard(client)

    def note_open(self, call: Call) -> None:
        """Take note that a call is under way; `release` ends it."""
        calls = self.calls
        if call not in calls:
            calls.add(call)
            if call.key is not None:
                self.open_calls[call.key.id] += 1

    def release(self, call: Account) -> None:
        """Take note that a call is over."""
        calls = self.calls
        if call in calls:
            calls.discard(call)
            if call.key is not None:
                self.open_calls[call.key.id] -= 1

    # Where a call goes.

    def ways_for(self, key: Key | None) -> Ways:
        """Return the ways that the caller's purpose may go."""
        if key is None or key.purpose is None:
            return self._ways
        ways = self._ways_of.get(key.purpose)
        if ways is None:
            ways = Ways(self.plans, self.health, self.meter, self.signers.of, key.purpose, self._counters_of)
            self._ways_of[key.purpose] = ways
        return ways

    def _counted(self, deployment: str) -> tuple[Counter, ...]:
        """Return the counters of a deployment's own limits."""
        limiter = self.limiter
        assert limiter is not None
        return limiter.limits.of_deployment(deployment, self.clock(), self.wall_clock())

    def grant(self, call: Account, lane: Lane) -> CallError | None:
        """Reserve what an attempt may take of a deployment's own limits; return why it may not be made."""
        return self.limiter.grant(call, lane) if self.limiter is not None else None

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

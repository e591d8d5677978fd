"""The cache at work: who may have which answer again, and which answers are kept.

A kept answer takes the same road as a fresh one: the caller's own plan says who may answer, the call is counted by its
limits, and it goes on record. An answer is given only where the deployment that gave it is in that plan now, with the
same duties.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from steelyard.cache import Directives, Entry, MemoryStore, directives_of
from steelyard.core.errors import CallError
from steelyard.core.losses import compact
from steelyard.core.usage import Usage
from steelyard.gateway.departure import admit
from steelyard.gateway.flight import Flight
from steelyard.gateway.keepable import is_keepable
from steelyard.gateway.likeness import Likeness
from steelyard.gateway.maker import lanes_by_maker
from steelyard.gateway.relay import Seen
from steelyard.gateway.replay import kind_for, replayed
from steelyard.gateway.ticket import Ticket
from steelyard.metrics.series import label, series

if TYPE_CHECKING:
    from steelyard.config.settings import CacheSettings
    from steelyard.gateway.account import Account, Body
    from steelyard.gateway.call import Call
    from steelyard.gateway.cellar import Cellar
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.surface import Endpoint
    from steelyard.gateway.way import Way

__all__ = ["AnswerCache"]

_NOTHING_SAID: Final = Directives()
_CLOCK_SLIP_S: Final = 2.0
"""By how much an answer may seem to come from the future: clocks are set. One from beyond is not believed."""
_DAY_S: Final = 86400.0
_MOST_KNOWN: Final = 8192
_NO_USAGE: Final = Usage(0, 0)


class AnswerCache:
    """The cache of one gateway. It lives as long as some route is cached; `configure` changes what it keeps."""

    def __init__(self, gateway: Gateway, settings: CacheSettings) -> None:
        self.gateway = gateway
        self.settings = settings
        self._stays: Callable[[str, str | None, float], bool] = _nothing_stays
        self.memory = MemoryStore(settings.max_bytes)
        self.cellar: Cellar | None = None
        self.verdicts: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.saved: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._routes = frozenset(settings.routes)
        self._likeness = Likeness(settings)
        self._flights: dict[bytes, Flight] = {}
        self._lanes: dict[Way, dict[bytes, Lane]] = {}

    def configure(self, settings: CacheSettings, stays: Callable[[str, str | None, float], bool]) -> None:
        """Take a new configuration. `stays` says of route, key and moment whether an answer may be kept."""
        self.settings = settings
        self._stays = stays
        self._routes = frozenset(settings.routes)
        self._likeness = Likeness(settings)
        self._lanes.clear()
        self.memory.max_bytes = settings.max_bytes
        self.memory.shrink()

    # A call comes.

    def take(self, call: Call, way: Way, body: Body) -> bool:
        """Answer a call, or have it wait for the answer to an equal one; False: it goes on its way. Raises
        CallError."""
        if way.route not in self._routes:
            return False
        said = call.incoming.headers.get(b"cache-control")
        directives = _NOTHING_SAID if said is None else directives_of(said)
        usage = call.endpoint.dialect != "openai" or call.wants_usage
        ticket = call.ticket = Ticket(self, directives, tells_usage=usage)
        if not directives.no_store and self._may_keep(call, way):
            ticket.digest = self._likeness.of(call, way, body)
        digest = ticket.digest
        if digest is None:
            self.verdicts[way.route, "bypass"] += 1
            ticket.set_off()
            return False
        if directives.no_cache:
            self._miss(call, way)
            return False
        entry = self.memory.find(digest)
        if entry is not None and self._give(call, way, entry):
            return True
        return self._fly(call, way, digest)

    def _may_keep(self, call: Call, way: Way) -> bool:
        """Say whether anything of a call may be kept: not where nothing of it goes on record, or where the purpose
        demands that content is kept for less long."""
        if call.record_mode == "none":
            return False
        demanded = way.plan.demanded
        days = demanded.max_retention_days if demanded is not None else None
        return days is None or days * _DAY_S >= self.settings.ttl_s

    def _miss(self, call: Call, way: Way) -> None:
        ticket = call.ticket
        assert ticket is not None
        ticket.verdict = "miss"
        self.verdicts[way.route, "miss"] += 1
        ticket.set_off()

    def _fly(self, call: Call, way: Way, digest: bytes) -> bool:
        """Have a call wait for an equal one, or for the disk; False: it is the one that asks."""
        flight = self._flights.get(digest)
        if flight is not None:
            flight.join(call)
            return True
        flight = Flight(self, digest)
        if self.cellar is not None:
            self._flights[digest] = flight
            flight.join(call)
            self.cellar.find(digest, flight.looked)
            return True
        self._miss(call, way)
        self._flights[digest] = flight
        flight.leader = call
        assert call.ticket is not None
        call.ticket.flight = flight
        return False

    # A call is answered.

    def stays(self, entry: Entry) -> bool:
        """Say whether an answer may be kept. One that a server has may have been cleared while that was lost."""
        return self._stays(entry.route, entry.key, entry.made_at)

    def suits(self, call: Call, entry: Entry) -> bool:
        """Say whether a caller may have an answer."""
        assert call.way is not None
        return self._lane_of(call, call.way, entry) is not None

    def _lane_of(self, call: Call, way: Way, entry: Entry) -> Lane | None:
        """Return the lane of the caller's own plan that has given an answer; None where the plan has none such, or the
        answer is too old."""
        ticket = call.ticket
        assert ticket is not None
        said = ticket.directives
        age = call.gateway.wall_clock() - entry.made_at
        if not -_CLOCK_SLIP_S <= age < self.settings.ttl_s - said.min_fresh:
            return None
        if said.max_age is not None and age > said.max_age:
            return None
        if entry.losses and way.plan.strict:
            return None
        lanes = self._lanes.get(way)
        if lanes is None:
            if len(self._lanes) >= _MOST_KNOWN:
                self._lanes.clear()
            lanes = self._lanes[way] = lanes_by_maker(way)
        return lanes.get(entry.maker)

    def _give(self, call: Call, way: Way, entry: Entry) -> bool:
        """Answer a call with what is kept; False where that may not be. Raises CallError."""
        lane = self._lane_of(call, way, entry)
        body = replayed(call, entry) if lane is not None else None
        if lane is None or body is None:
            return False
        limiter = self.gateway.limiter
        if limiter is not None and call.sending is not None:
            limiter.admit(call, way, call.sending, free=True)
        ticket = call.ticket
        assert ticket is not None
        ticket.verdict, ticket.given = "hit", entry
        self.verdicts[way.route, "hit"] += 1
        if entry.cost_usd is not None:
            self.saved[way.route] += Decimal(entry.cost_usd)
        call.lane = lane
        seen = Seen()
        seen.size, seen.body, seen.model = len(body), body, entry.model
        seen.usage, seen.usage_raw, seen.finish_reason = _NO_USAGE, entry.usage_raw, entry.finish_reason
        age = max(0, int(self.gateway.wall_clock() - entry.made_at))
        lost = f"x-steelyard-loss: {compact(entry.losses)}\r\n" if entry.losses else ""
        fields = f"age: {age}\r\n{lost}".encode()  # RFC 9111, 5.1
        self.gateway.outbox.keep_pace()
        call.answer_again(kind_for(call), fields, seen)
        return True

    def give_late(self, call: Call, entry: Entry) -> bool:
        """Answer a call that has waited; False where it may not have this answer."""
        assert call.way is not None
        try:
            return self._give(call, call.way, entry)
        except CallError as error:
            call.refuse(error, "rejected")
            return True

    def go_on(self, call: Call) -> None:
        """Have a call that has waited ask for itself."""
        call.wake()
        assert call.way is not None
        assert call.sending is not None
        try:
            self._miss(call, call.way)
            admit(self.gateway, call, call.way, call.sending)
        except CallError as error:
            call.refuse(error, "rejected")

    # A call is over.

    def over(self, ticket: Ticket, call: Account) -> None:
        """Keep what a call has brought; see to those who wait for it."""
        entry, flight = ticket.made, ticket.flight
        ticket.flight = None
        if flight is not None and flight.leader is not call:
            flight = None
        if entry is not None and ticket.digest is not None:
            self.gateway.loop.call_soon(self._land, ticket.digest, entry, flight, call.endpoint)
        elif flight is not None:
            self.gateway.loop.call_soon(flight.promote)

    def _land(self, digest: bytes, entry: Entry, flight: Flight | None, endpoint: Endpoint) -> None:
        kept = self.stays(entry) and is_keepable(endpoint, entry)
        if kept:
            self.memory.keep(digest, entry)
            if self.cellar is not None:
                self.cellar.keep(digest, entry)
        if flight is not None:
            flight.land(entry if kept else None)

    def forget(self, flight: Flight) -> None:
        """Take note that nobody waits in a flight any more."""
        if self._flights.get(flight.digest) is flight:
            del self._flights[flight.digest]

    def metrics(self) -> str:
        """Return lines for `/metrics`."""
        memory = self.memory
        verdicts = [
            (f"{label('route', route)},{label('verdict', verdict)}", count)
            for (route, verdict), count in self.verdicts.items()
        ]
        saved = [(label("route", route), f"{usd:f}") for route, usd in self.saved.items()]
        lines = [
            *series(
                "steelyard_cache_calls_total",
                "counter",
                "Calls of cached routes, by what the cache had to say.",
                verdicts,
            ),
            *series(
                "steelyard_cache_saved_usd_total",
                "counter",
                "What answers had cost that were given again, in US dollars.",
                saved,
            ),
            *series("steelyard_cache_entries", "gauge", "Answers in memory.", [("", len(memory))]),
            *series("steelyard_cache_bytes", "gauge", "What these take.", [("", memory.size)]),
            *series(
                "steelyard_cache_evicted_total",
                "counter",
                "Answers that had to make room for others in memory.",
                [("", memory.evicted)],
            ),
        ]
        return "\n".join(lines) + "\n"


def _nothing_stays(_route: str, _key: str | None, _made_at: float) -> bool:
    return False

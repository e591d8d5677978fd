"""The books of one call: when what happened, what was tried, what it cost, and its record."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from steelyard.catalog.charge import cost_of, is_possible, usd_text
from steelyard.core.errors import Denied
from steelyard.core.exchange import Attempt, Decided, Exchange, Outcome, Record
from steelyard.core.usage import Usage
from steelyard.gateway.access import check_route
from steelyard.gateway.exchange_of import exchange_of
from steelyard.gateway.extra import with_extras
from steelyard.gateway.lane import Lane
from steelyard.gateway.settling import billed, settle
from steelyard.gateway.surface import Endpoint
from steelyard.gateway.ticket import Ticket
from steelyard.keys.key import Key
from steelyard.limits import Hold
from steelyard.policy.plan import Plan, least_record

if TYPE_CHECKING:
    from steelyard.gateway.call import Call
    from steelyard.gateway.client import Client
    from steelyard.gateway.departure import Wait
    from steelyard.gateway.detour import Detour
    from steelyard.gateway.extra import Extra
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.hedge import Hedge
    from steelyard.gateway.incoming import Incoming
    from steelyard.gateway.outliers import Watch
    from steelyard.gateway.relay import Relay, Seen
    from steelyard.gateway.upstream import Upstream
    from steelyard.gateway.way import Way

__all__ = ["Account", "Body"]

_BYTES_PER_TOKEN = 4
_WITHOUT_ANSWER: dict[Outcome, Outcome] = {"client_gone": "client_gone", "rejected": "cut"}
"""How a second attempt ends, where its call ends without an answer: the client has left, or the gateway stops."""
_ALL = 1 << 62
_FROM_CACHE = "(cache)"
"""What stands in metrics in the place of a deployment."""


class Body(Protocol):
    """A request's body, on its way to an upstream."""

    replayable: bool
    size: int

    def begin(self, call: Call, upstream: Upstream, head: bytes) -> bytes:
        """Return the first bytes to send: `head` (request line and fields), framing, and the body or its beginning."""

    def kept(self) -> bytes | None:
        """Return the body for the record; None when it was not held."""


class Account:
    """What is known of a call, for its record. Times are of the gateway's monotonic clock, in seconds."""

    lane: Lane
    way: Way | None = None
    stream = False
    user: str | None = None
    detour: Detour | None = None
    kept_as: str | None = None
    denied: Plan | None = None
    decided: Decided | None = None
    takes_whole = True
    chunked = True
    cost_text: str | None = None
    first_byte_at: float | None = None
    attempts: tuple[Attempt, ...] = ()
    attempt_started = 0.0
    recorded = False
    hold: Hold | None = None
    attempt_hold: Hold | None = None
    ticket: Ticket | None = None
    extras: tuple[Extra, ...] = ()
    hedge: Hedge | None = None
    hedged = False
    filters = False

    def __init__(self, gateway: Gateway, client: Client, incoming: Incoming, endpoint: Endpoint) -> None:
        self.gateway = gateway
        self.client = client
        self.incoming = incoming
        self.endpoint = endpoint
        self.key: Key | None = incoming.key
        self.id = gateway.next_id()
        self.record_mode: Record = gateway.record
        self.started_at = gateway.clock()
        self.received_at = gateway.wall_clock()
        # Of a class's own defaults, mypyc leaves out those whose type is a protocol.
        self.sending: Body | None = None
        self.relay: Relay | None = None
        self._wait: Wait | None = None
        if endpoint.passes or endpoint.dialect != "openai":
            self.takes_whole = False
        if incoming.old:
            self.chunked = False

    def estimate(self, events: int) -> Usage:
        """Return usage for a call whose provider reported none: a token for each event that came, and a token for every
        four bytes of the request. It is marked as estimated."""
        size = self.sending.size if self.sending is not None else 0
        return Usage(size // _BYTES_PER_TOKEN, events, estimated=True)

    def so_far(self, usage: Usage | None, events: int) -> Usage:
        """Return the usage of a stream that ended in the middle. What its provider reported at the beginning counts
        little or nothing of the answer (Anthropic's `message_start`: 1): a token for each event that came is more."""
        if usage is None:
            return self.estimate(events)
        if (usage.output or 0) >= events:
            return usage
        return replace(usage, output=events, estimated=True)

    def was_sent(self) -> bool:
        """Say whether anything of the call was sent to a deployment."""
        raise NotImplementedError  # abstract: `Race` does

    def most_held(self) -> int:
        """Return how many bytes of a stream are held until its end: all for the record, some for the cache, or none."""
        if self.record_mode == "full":
            return _ALL
        return self.ticket.most_kept if self.ticket is not None else 0

    def learn_speed(self) -> None:
        """Have the deployment's first-token time known. Errors come quickly, and tell nothing of it."""
        first = self.first_byte_at
        if first is not None:
            vitals = self.lane.vitals
            took, last = first - self.attempt_started, vitals.first_token_s
            vitals.first_token_s = took if last is None else last + 0.2 * (took - last)
            watch = self.lane.watch
            if watch is not None:
                watch.note(first, False, took)
                self.look_at(watch, first)

    def look_at(self, watch: Watch, now: float) -> None:
        """Have a deployment rest for a while, if it does far worse than the others of its route."""
        way = self.way
        outliers = way.health.outliers if way is not None else None
        found = outliers.look(watch, now) if outliers is not None else None
        if found is not None and way is not None:
            rest = watch.rests_until - now
            self.gateway.notices.tell(f'{watch.name} rests for {rest:.0f} s in route "{way.route}": {found}.')

    def note(
        self, now: float, outcome: Outcome, status: int | None, detail: str | None, extra: Extra | None = None
    ) -> None:
        start = self.started_at
        name = self.lane.deployment
        begun, ended = (self.attempt_started - start) * 1000, (now - start) * 1000
        if extra is None:
            attempt = Attempt(name, outcome, begun, ended, status, detail)
        else:
            cost = usd_text(extra.cost) if extra.cost is not None else None
            attempt = Attempt(name, outcome, begun, ended, status, detail, extra.usage, cost)
        self.attempts += (attempt,)

    def close(self, now: float, status: int, outcome: Outcome, seen: Seen, error: str | None) -> Exchange:
        """Return the call as it goes on record; price it and count it."""
        if self.hedged:
            self.drop_hedge(now, _WITHOUT_ANSWER.get(outcome, "outrun"))
        self.recorded = True
        cost = None
        if seen.usage is not None and not is_possible(seen.usage):
            seen.usage = None  # what the provider says that it was is not known any better
        limited = self.hold is not None or self.attempt_hold is not None
        if limited:
            seen.usage = billed(self, outcome, seen)
        if self.attempts:
            tariff = self.lane.tariff
            if tariff is not None and seen.usage is not None:
                cost = cost_of(tariff, seen.usage)
                self.cost_text = usd_text(cost) if cost is not None else None
            row = self.lane.row
        elif self.ticket is not None and self.ticket.given is not None:
            cost, self.cost_text = Decimal(0), "0"
            row = self.gateway.meter.row(self.asked or "", _FROM_CACHE)
        else:
            row = self.gateway.meter.row(self.asked or "", "")
        if limited:
            settle(self, outcome, seen.usage, cost)
        if self.extras:
            seen.usage, cost = with_extras(self, seen.usage, cost)
            self.cost_text = usd_text(cost) if cost is not None else None
        usage, start, first = seen.usage, self.started_at, self.first_byte_at
        # Nobody charges for counts (Anthropic API, "Token counting", pricing; Gemini API, "Count tokens").
        row.count(outcome, status, usage, cost, free=self.endpoint.counts)
        row.time(
            (first - start) * 1000 if first is not None else None, (now - start) * 1000, usage if self.stream else None
        )
        return exchange_of(self, now, status, outcome, seen, error)

    def drop_hedge(self, now: float, outcome: Outcome) -> None:
        """Close the attempt that was made beside the present one, and take note of it."""
        raise NotImplementedError  # abstract: `Race` does

    @property
    def asked(self) -> str | None:
        """The route that was asked for, nobody may answer it though; None where there is none of that name."""
        if self.way is not None:
            return self.way.route
        return self.denied.route if self.denied is not None else None

    def take_denial(self, error: Denied) -> None:
        """Take note of what goes on record of a call that nobody may answer. Raises Forbidden for a key that may not
        ask at all."""
        plan, decided = error.plan, error.decided
        if isinstance(plan, Plan):
            self.denied = plan
            self.record_mode = least_record(plan.record, self.key.record if self.key is not None else None) or "none"
            if self.key is not None:
                check_route(self.key, plan.route)
        if isinstance(decided, Decided):
            self.decided = decided

    def keep(self, now: float, status: int, outcome: Outcome, seen: Seen, error: str | None) -> None:
        """Write the exchange of a call that was not answered in full. Raises StoreError when it cannot be written."""
        exchange = self.close(now, status, outcome, seen, error)
        if self.record_mode != "none":
            self.gateway.journal.append(exchange)

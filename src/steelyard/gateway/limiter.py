"""Limits and budgets at work: what a call may take is reserved before it is made, and settled when it is over."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from steelyard.core.errors import CallError, Unavailable
from steelyard.core.exchange import Outcome
from steelyard.core.usage import Usage
from steelyard.gateway.body import JsonBody, PathBody
from steelyard.gateway.borrowers import unreachable
from steelyard.gateway.departure import depart
from steelyard.gateway.envelope import longest_answer
from steelyard.gateway.waiting_line import is_waited_for
from steelyard.limits import Ceiling, Counter, Facts, Hold, Limits, ceiling_of, refers
from steelyard.limits.earlier import NO_KEY
from steelyard.limits.gate import Concurrent
from steelyard.limits.recall import atto_of_cost
from steelyard.limits.windowed import Requests, Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from steelyard.gateway.account import Account, Body
    from steelyard.gateway.borrowers import Borrowers
    from steelyard.gateway.call import Call
    from steelyard.gateway.gateway import Gateway
    from steelyard.gateway.lane import Lane
    from steelyard.gateway.relay import Seen
    from steelyard.gateway.way import Way
    from steelyard.keys.key import Key

__all__ = ["Limiter", "billed", "headers_in_place", "settle"]

_BYTES_PER_TOKEN: Final = 4
_NO_OUTPUT: Final = frozenset(("embeddings", "rerank"))
_STORED: Final = ("previous_response_id", "conversation", "prompt")
_FREE: Final = frozenset(("refused", "status"))
"""Ends of an attempt after which nobody charges anything."""


class Limiter:
    """The limits of one gateway's calls."""

    __slots__ = ("_borrowers", "_gateway", "_lends_lanes", "limits")

    def __init__(self, gateway: Gateway, limits: Limits, borrowers: Borrowers | None = None) -> None:
        """`borrowers`: where calls wait for what other gateways have of the same limits."""
        self._gateway = gateway
        self.limits = limits
        self._borrowers = borrowers
        self._lends_lanes = borrowers is not None and any(one.rule.scope.kind == "deployment" for one in limits)

    def admit(self, call: Call, way: Way, body: Body, *, free: bool = False) -> Sequence[Lane] | None:
        """Reserve what a call may take; nothing is touched where something has no room for it, but for a call that then
        waits (`Call.waits`). Returns the lanes that it may use, where these are not all of its way's. `free`: it takes
        no tokens, costs nothing, and does not wait (the cache answers). Raises CallError."""
        return self._admit(call, way, body, call.started_at, free=free)

    def readmit(self, call: Call, way: Way) -> bool:
        """Try again to admit a call that waited to be lent what it may take, and start or refuse it; return whether it
        waits on for that."""
        body, gateway, borrowers = call.sending, self._gateway, self._borrowers
        assert body is not None
        assert borrowers is not None
        try:
            lanes = self._admit(call, way, body, gateway.clock())
        except CallError as error:
            call.refuse(error, "rejected")
            return False
        if not call.waits:
            depart(gateway, call, way, lanes)
        return borrowers.has(call)

    def _admit(self, call: Call, way: Way, body: Body, now: float, *, free: bool = False) -> Sequence[Lane] | None:
        key = call.key
        limits = self.limits
        name = key.id if key is not None else None
        wall = call.received_at
        applied = limits.known(name, way.route) or limits.apply(name, _who(key), way.route, now, wall)
        counters = applied.counters
        if applied.crowds:
            counters = applied.of_user(_user_of(call, body), now, wall)
        elif not counters and not self._lends_lanes:
            return None
        if applied.pending:
            raise _restoring()
        hold = limits.begin(now, wall, _size_of(self._gateway, call, body))
        lanes = None if free or not applied.bounded else _bind(hold, call, way, priced=applied.priced)
        call.hold = hold
        if self._lends_lanes and not free and self._asks_for_lanes(call, way, way.lanes if lanes is None else lanes):
            return lanes
        lacking = hold.take(counters)
        if lacking is not None:
            hold.counters = counters  # for what the client is told of them
            if self._borrowers is not None:
                lacking = self._borrowed(call, way, hold, free=free)
            if lacking is not None:
                self._line_up(call, way, lacking, lanes, free=free)
        return lanes

    def _line_up(self, call: Call, way: Way, lacking: Counter, lanes: Sequence[Lane] | None, *, free: bool) -> None:
        """Have a call wait in line for what has no room for it, where there is a line. Raises CallError."""
        hold = call.hold
        assert hold is not None
        if free or not is_waited_for(lacking):
            self.note(lacking)
            raise lacking.error(hold)
        refusal = self._gateway.waiting.admit(call, way, hold, lanes)
        if refusal is not None:
            raise refusal

    def _borrowed(self, call: Call, way: Way, hold: Hold, *, free: bool) -> Counter | None:
        """Have a call wait to be lent what it lacks, and return None; or return what it cannot be lent."""
        borrowers = self._borrowers
        assert borrowers is not None
        lacking = borrowers.borrow(hold.counters, hold)
        if lacking is None and free:
            hold.take_all()  # it waits for nothing; what it takes is told with the rest
        elif lacking is None:
            borrowers.add(call, way, self._gateway.clock())
        return lacking

    def _asks_for_lanes(self, call: Call, way: Way, lanes: Sequence[Lane]) -> bool:
        """Have a call wait where the first deployment that may have room for it has been lent none; say whether it
        does."""
        borrowers = self._borrowers
        assert borrowers is not None
        for lane in lanes:
            hold = self._attempt(call, lane)
            if not lane.counters or all(one.has_room(hold) for one in lane.counters):
                return False
            lacking = borrowers.borrow(lane.counters, hold)
            if lacking is None:
                borrowers.add(call, way, self._gateway.clock())
                return True
            if is_waited_for(lacking):
                return False
        return False

    def grant(self, call: Account, lane: Lane) -> CallError | None:
        """Reserve what an attempt at a deployment may take of the deployment's own limits; return why not."""
        limits = self.limits
        if limits.pending and limits.is_closed(lane.counters):
            return _restoring()
        hold = self._attempt(call, lane)
        lacking = hold.take(lane.counters)
        if lacking is not None:
            if self._borrowers is not None and lacking.lease(hold) is not None:
                if self._borrowers.is_cut_off(lacking, hold):
                    return unreachable()
                self._borrowers.borrow(lane.counters, hold)  # for the next call; this one tries the next deployment
            if not is_waited_for(lacking):
                self.note(lacking)
            return lacking.error(hold)
        call.attempt_hold = hold
        return None

    def line_up(self, call: Call, lanes: Sequence[Lane], full: CallError) -> CallError | None:
        """Have a call wait for any of some deployments that have no room now; return why it may not. `full`: what it is
        told where calls wait for none of them."""
        gates: list[Concurrent] = []
        for lane in lanes:
            hold = self._attempt(call, lane)
            lacking = [one for one in lane.counters if not one.has_room(hold)]
            waited_for = [one for one in lacking if isinstance(one, Concurrent) and is_waited_for(one)]
            if waited_for and len(waited_for) == len(lacking):
                gates.append(waited_for[0])
        return self._gateway.waiting.choose(call, gates) if gates else full

    def _attempt(self, call: Account, lane: Lane) -> Hold:
        """Return what an attempt at a deployment is to hold of the deployment's own limits."""
        body = call.sending
        assert body is not None
        hold = self.limits.begin(self._gateway.clock(), call.received_at, _size_of(self._gateway, call, body))
        hold.summoned = self._gateway.waiting.gate_of(call)
        ceiling = lane.ceiling
        if ceiling is None:
            ceiling = lane.ceiling = ceiling_of([_facts(lane)])
        _bound(hold, call, body, ceiling)
        return hold

    def note(self, lacking: Counter) -> None:
        """Count a refusal."""
        rule = lacking.rule
        self.limits.refusals[rule.scope.kind, rule.metric] += 1

    # What is told of it.

    def metrics(self) -> str:
        """Return lines for `/metrics`: of users there are too many, they are counted in refusals only."""
        limits, gateway = self.limits, self._gateway
        lines = [
            "# HELP steelyard_limits_refusals_total Calls and attempts refused by a limit or a budget.",
            "# TYPE steelyard_limits_refusals_total counter",
        ]
        for (kind, metric), count in limits.refusals.items():
            lines.append(f'steelyard_limits_refusals_total{{scope="{kind}",limit="{metric}"}} {count}')
        lines += [
            "# HELP steelyard_limits_usage_ratio What is taken and reserved of a limit or a budget, as a part of it.",
            "# TYPE steelyard_limits_usage_ratio gauge",
        ]
        for one in limits.standings(gateway.clock(), gateway.wall_clock(), most_users=0):
            scope = one.scope.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'steelyard_limits_usage_ratio{{scope="{scope}",limit="{one.limit}"}} {one.ratio:.6g}')
        lines += [
            "# HELP steelyard_limits_overruns_total Calls that took more than was thought possible, and reserved.",
            "# TYPE steelyard_limits_overruns_total counter",
            f"steelyard_limits_overruns_total {limits.overruns}",
            "# HELP steelyard_limits_restored 1 once it is known what was counted before the gateway began.",
            "# TYPE steelyard_limits_restored gauge",
            f"steelyard_limits_restored {int(not limits.pending)}",
        ]
        if self._borrowers is not None:
            lines += self._borrowers.metrics()
        return "\n".join(lines) + "\n"


def settle(call: Account, outcome: Outcome, usage: Usage | None, cost: Decimal | None) -> None:
    """Count what a call took of the limits that it was admitted by, and no longer what it might have."""
    tokens = 0
    if usage is not None:
        tokens = (usage.input or 0) + (usage.output or 0)
    atto = atto_of_cost(cost) if cost is not None else 0
    hold, attempt = call.hold, call.attempt_hold
    limiter = call.gateway.limiter
    if limiter is not None:
        limiter.limits.touched = True
    if hold is not None:
        if outcome == "rejected" and not call.attempts:
            hold.free()
        else:
            if limiter is not None and (0 <= hold.tokens < tokens or 0 <= hold.atto < atto):
                limiter.limits.overruns += 1
            hold.settle(tokens, atto)
    if attempt is not None:
        attempt.settle(tokens, atto)


def headers_in_place(call: Account, fields: bytes) -> bytes:
    """Return an answer's header lines with what our limits of requests and tokens say in the place of what the
    provider's do; as they are, where we limit neither."""
    hold = call.hold
    if hold is None:
        return fields
    now = hold.now
    requests, room_r = _tightest(hold, Requests)
    tokens, room_t = _tightest(hold, Tokens)
    if requests is None and tokens is None:
        return fields
    if b"atelimit-" in fields.lower():
        fields = b"".join([line + b"\r\n" for line in fields.split(b"\r\n") if line and not _is_limit(line)])
    told = _told_to_anthropic if call.endpoint.dialect == "anthropic" else _told
    if requests is not None:
        fields += told(b"requests", requests.limit, room_r, requests.empty_in_s(now))
    if tokens is not None:
        fields += told(b"tokens", tokens.limit, room_t, tokens.empty_in_s(now))
    return fields


def _tightest(hold: Hold, kind: type[Requests] | type[Tokens]) -> tuple[Requests | Tokens | None, int]:
    """Return the counter of a kind that has the least left, and what that is."""
    found: Requests | Tokens | None = None
    least = 0
    for one in hold.counters:
        if isinstance(one, kind):
            room = one.left(hold.now)
            if found is None or room < least:
                found, least = one, room
    return found, least


def _is_limit(line: bytes) -> bool:
    return line[:32].lower().startswith((b"x-ratelimit-", b"anthropic-ratelimit-"))


def _told(what: bytes, limit: int, room: int, resets_s: float) -> bytes:
    # OpenAI API, "Rate limits", "Rate limits in headers": 60, 59, 6m0s.
    return b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %d\r\nx-ratelimit-reset-%b: %b\r\n" % (
        what,
        limit,
        what,
        room if room > 0 else 0,
        what,
        _duration(resets_s),
    )


def _told_to_anthropic(what: bytes, limit: int, room: int, resets_s: float) -> bytes:
    # Claude API docs, "Rate limits", "Response headers": the time is in RFC 3339.
    at = datetime.fromtimestamp(time.time() + resets_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    name = b"anthropic-ratelimit-%b" % what
    left = room if room > 0 else 0
    return b"%b-limit: %d\r\n%b-remaining: %d\r\n%b-reset: %b\r\n" % (name, limit, name, left, name, at)


def _duration(seconds: float) -> bytes:
    whole = int(seconds + 0.999)
    if whole < 60:
        return b"%ds" % whole
    if whole < 3600:
        return b"%dm%ds" % (whole // 60, whole % 60)
    return b"%dh%dm%ds" % (whole // 3600, whole // 60 % 60, whole % 60)


def billed(call: Account, outcome: Outcome, seen: Seen) -> Usage | None:
    """Return the usage of a call that limits count, estimated where its provider reported none: what was sent is never
    free. None where nothing was sent, or where nobody charges for it."""
    usage = seen.usage
    if not call.attempts or call.endpoint.counts:
        return usage
    if usage is None:
        if call.attempts[-1].outcome in _FREE or not call.was_sent():
            return None
        usage = call.estimate(seen.size // _BYTES_PER_TOKEN if outcome == "ok" else 0)
    elif usage.output is None and call.endpoint.name not in _NO_OUTPUT:
        usage = replace(usage, output=seen.size // _BYTES_PER_TOKEN, estimated=True)
    hold = call.hold or call.attempt_hold
    if usage.estimated and hold is not None and 0 <= hold.output < (usage.output or 0):
        usage = replace(usage, output=hold.output)  # no estimate is above what the call was limited to
    return usage


def _facts(lane: Lane) -> Facts:
    target = lane.target
    return Facts(target.tariff, target.most_output, target.context)


def _who(key: Key | None) -> tuple[str, str | None, str | None]:
    return (NO_KEY, None, None) if key is None else (key.name, key.team, key.project)


def _restoring() -> CallError:
    return Unavailable(
        "What was spent before this gateway started is still being read from the ledger. Try again in a moment.",
        code="limits_restoring",
        retry_after_s=1.0,
    )


def _size_of(gateway: Gateway, call: Account, body: Body) -> int:
    if isinstance(body, (JsonBody, PathBody)):
        return body.size
    length = call.incoming.length  # a form, which is still coming in
    return length if length is not None else gateway.max_body_bytes


def _user_of(call: Call, body: Body) -> str | None:
    if call.user is None and isinstance(body, JsonBody):
        call.user = body.end_user()  # so that the record has it too, by which counting goes on after a restart
    return call.user


def _bind(hold: Hold, call: Call, way: Way, *, priced: bool) -> Sequence[Lane] | None:
    """Say what a call may take at most on its way; return the lanes that have a price, where only these may be used and
    they are not all. `priced`: what has no known price will not do."""
    body = call.sending
    assert body is not None
    lanes: Sequence[Lane] | None = None
    ceiling = way.ceiling
    if ceiling is None:
        ceiling = way.ceiling = ceiling_of([_facts(lane) for lane in way.lanes])
    if priced and not ceiling.priced and not ceiling.unpriced:
        lanes = [lane for lane in way.lanes if lane.target.tariff is not None]
        ceiling = ceiling_of([_facts(lane) for lane in lanes])
    _bound(hold, call, body, ceiling)
    return lanes


def _bound(hold: Hold, call: Account, body: Body, ceiling: Ceiling) -> None:
    """Say what a call may take at most."""
    if call.endpoint.counts:
        return
    tokens = hold.size
    if _is_more_than_text(call, body):
        tokens = max(tokens, ceiling.context) if ceiling.context >= 0 else -1
    hold.output = output = _most_output(call, body, ceiling)
    hold.priced = not ceiling.unpriced
    if tokens < 0 or output < 0:
        hold.tokens = hold.atto = -1
    else:
        hold.tokens = tokens + output
        hold.atto = tokens * ceiling.input_atto + output * ceiling.output_atto + ceiling.call_atto
    if not hold.priced:
        hold.atto = 0


def _is_more_than_text(call: Account, body: Body) -> bool:
    if isinstance(body, JsonBody):
        if call.endpoint.name == "responses" and any(body.has(name) for name in _STORED):
            return True
        return refers(body.raw, "")
    return isinstance(body, PathBody) and refers(body.raw, "gemini")


def _most_output(call: Account, body: Body, ceiling: Ceiling) -> int:
    """Return how many tokens an answer may have; -1 where nothing says it."""
    name = call.endpoint.name
    if name in _NO_OUTPUT:
        return 0
    most, times = -1, 1
    if isinstance(body, JsonBody):
        most = _asked(body, name)
        times = max(body.whole("n") or 1, body.whole("best_of") or 1)
        if name == "completions":
            times *= body.length_of("prompt")
    elif isinstance(body, PathBody):
        most, times = longest_answer(body.raw)
    if most <= 0:
        most = ceiling.most_output
    return most * max(1, times) if most >= 0 else -1


def _asked(body: JsonBody, endpoint: str) -> int:
    if endpoint == "responses":
        return body.whole("max_output_tokens") or -1
    if endpoint == "chat/completions":
        # Both are honoured by someone; who knows both goes by one of them.
        return max(body.whole("max_completion_tokens") or -1, body.whole("max_tokens") or -1)
    return body.whole("max_tokens") or -1

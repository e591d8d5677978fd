"""What the cache knows of one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.cache import Directives, Entry
from steelyard.core.errors import UpstreamTimeout
from steelyard.core.exchange import Cached, Exchange
from steelyard.gateway.maker import maker_of

if TYPE_CHECKING:
    from steelyard.gateway.account import Account
    from steelyard.gateway.cached import AnswerCache
    from steelyard.gateway.flight import Flight

__all__ = ["Ticket"]


class Ticket:
    """`digest` says what is asked, the same for calls that ask the same; None where no answer may be kept. `flight` is
    that of the equal calls of which this one asks. `tells_usage`: a stream is to tell its usage. `given` is the answer
    that it was given, `made` the one that it has brought."""

    __slots__ = ("cache", "digest", "directives", "flight", "given", "made", "tells_usage", "verdict")

    def __init__(self, cache: AnswerCache, directives: Directives, *, tells_usage: bool) -> None:
        self.cache = cache
        self.directives = directives
        self.tells_usage = tells_usage
        self.digest: bytes | None = None
        self.flight: Flight | None = None
        self.given: Entry | None = None
        self.made: Entry | None = None
        self.verdict: Cached = "bypass"

    @property
    def most_kept(self) -> int:
        """How many bytes of an answer may be held for the cache; 0 where it keeps none."""
        return self.cache.settings.max_entry_bytes if self.verdict == "miss" else 0

    def fields(self) -> str:
        """Return the header lines that tell of it."""
        return f"x-steelyard-cache: {self.verdict}\r\n"

    def set_off(self) -> None:
        """Take note that nothing kept will do. Raises UpstreamTimeout where nobody is to be asked (RFC 9111, 5.2.1.7:
        504)."""
        if self.directives.only_if_cached:
            raise UpstreamTimeout(
                "The cache has no answer to this, and Cache-Control: only-if-cached says to ask nobody. Leave it out.",
                code="not_cached",
            )

    def take(self, call: Account, exchange: Exchange, body: bytes | None) -> None:
        """Take note of an answer: `body` as the client saw it, where it was held."""
        if self.verdict != "miss" or exchange.outcome != "ok" or exchange.status != 200 or body is None:
            return
        if len(body) > self.most_kept:
            return
        self.made = Entry(
            exchange.id,
            self.cache.gateway.wall_clock(),
            exchange.route or "",
            exchange.key,
            call.lane.target.deployment,
            maker_of(call.lane),
            call.stream,
            self.tells_usage,
            body,
            exchange.usage,
            exchange.usage_raw,
            exchange.finish_reason,
            exchange.model_reported,
            exchange.cost_usd,
            exchange.losses,
            exchange.spoken,
        )

    def over(self, call: Account) -> None:
        """Take note that the call is over."""
        self.cache.over(self, call)

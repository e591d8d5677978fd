"""Equal calls that come at the same time: one asks, the others wait for its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.cache import Entry
from steelyard.core.errors import CallError, UpstreamTimeout

if TYPE_CHECKING:
    from steelyard.gateway.cached import AnswerCache
    from steelyard.gateway.call import Call

__all__ = ["Flight"]

_AT_ONCE = 32
"""How many calls go on in one turn of the loop: each is an answer, and other calls wait meanwhile."""


class Flight:
    """The calls that wait for one answer, in the order in which they came. It is what they wait for
    (`departure.Wait`).

    When the one that asks fails, or its client leaves, the next asks in its place. When its answer may not be kept, the
    others ask for themselves: nobody is given what was another's alone."""

    __slots__ = ("_cache", "_waiting", "digest", "leader")

    def __init__(self, cache: AnswerCache, digest: bytes) -> None:
        self._cache = cache
        self.digest = digest
        self.leader: Call | None = None
        self._waiting: dict[Call, None] = {}

    def join(self, call: Call) -> None:
        """Have a call wait."""
        way = call.way
        assert way is not None
        self._waiting[call] = None
        call.wait_for(self, call.started_at + way.total_s)

    def leave(self, call: Call) -> None:
        """Take note that a call waits no longer: its client left, or it was refused."""
        self._waiting.pop(call, None)

    def late(self) -> CallError:
        """Return what a call is told that waited until its deadline."""
        return UpstreamTimeout(
            "The same call was under way, whose answer this one was to have, and it took too long. Try again.",
            code="upstream_timeout_total",
        )

    def looked(self, entry: Entry | None) -> None:
        """Take note of what was found on disk."""
        if (
            entry is None
            or not self._cache.stays(entry)
            or not any(self._cache.suits(call, entry) for call in self._waiting)
        ):
            self.promote()
        else:
            self._cache.memory.keep(self.digest, entry)
            self.land(entry)

    def promote(self) -> None:
        """Have the next call ask."""
        self.leader = call = next(iter(self._waiting), None)
        if call is None:
            self._cache.forget(self)
            return
        del self._waiting[call]
        ticket = call.ticket
        assert ticket is not None
        ticket.flight = self
        self._cache.go_on(call)  # where it is refused, it is over, and the next is promoted

    def land(self, entry: Entry | None) -> None:
        """Give the answer to all who wait for it; None: they go on by themselves."""
        self._cache.forget(self)
        self._give(entry)

    def _give(self, entry: Entry | None) -> None:
        for _ in range(_AT_ONCE):
            call = next(iter(self._waiting), None)
            if call is None:
                return
            del self._waiting[call]
            call.wake()
            if entry is None or not self._cache.give_late(call, entry):
                self._cache.go_on(call)
        if self._waiting:
            self._cache.gateway.loop.call_soon(self._give, entry)

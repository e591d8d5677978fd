"""Ask judges: many calls at once, each written down when it is answered, until all are or a reason says stop."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from steelyard.weigh.calls.caller import Caller
from steelyard.weigh.judges.asks import Ask, Way, judged
from steelyard.weigh.judges.judgement import Judgement
from steelyard.weigh.judges.till import Begun, Till
from steelyard.weigh.runs.call import FINAL
from steelyard.weigh.runs.unread import UNREAD_IN_A_ROW, Unread

__all__ = ["Desk", "Pace", "ask_all", "remaining"]

_LASTING: Final = (401, 403, 404)
_LASTING_CODES: Final = ("upstream_authentication", "provider_not_configured", "route_empty", "insufficient_quota")
"""Statuses, and codes under others, that the next call of the same judge would get too (docs/reference/errors.md)."""

_PATIENCE: Final = 10
"""Calls of a judge in a row without an answer, after which it is asked no more."""

_ALL_THE_SAME: Final = "Go on all the same: --resume --unread-limit 0."

_SHOWN: Final = 100
"""Characters of a reply's last line that are told."""


class Pace(Struct, frozen=True):
    """How many calls are made at once, and how many replies of a judge in a row may be unread (0: any number)."""

    at_once: int = 8
    unread: int = UNREAD_IN_A_ROW


class Desk(Protocol):
    """Where calls are written down before they are made, and when they have come back."""

    def begin(self, begun: Begun) -> None:
        """Write down that a call is going to be made."""
        ...

    def keep(self, judgement: Judgement) -> None:
        """Write down what came back."""
        ...


def remaining(asks: Iterable[Ask], judgements: Iterable[Judgement]) -> list[Ask]:
    """Return what is still to be asked: what was not, and what failed for a reason that may pass."""
    made = {one.asked for one in judgements if one.reply is not None or one.status in FINAL}
    return [ask for ask in asks if ask.asked not in made]


async def ask_all(asks: Iterable[Ask], way: Way, caller: Caller, till: Till, pace: Pace, desk: Desk) -> str | None:
    """Make the calls in their order, several at a time; return why not all were made, None where they were.

    A judge that does not answer, or of which nothing can be read, is not asked on. Raises EngineError where the gateway
    is gone, and StoreError where nothing can be written; what came back before is written down.
    """
    queue = deque(asks)
    failed: Counter[str] = Counter()
    unread = Unread(pace.unread)

    def note(made: Judgement, code: str | None) -> None:
        failed[made.judge] = 0 if made.reply is not None else failed[made.judge] + 1
        lasting = made.status in _LASTING or code in _LASTING_CODES
        if made.reply is None and (lasting or failed[made.judge] >= _PATIENCE):
            hint = " Try --temperature none." if "temperature" in (made.error or "").lower() else ""
            till.stop(f"{made.judge} gives no answer: {made.error}{hint}")
        if made.reply is not None and (told := unread.came(made.judge, made.unread)) is not None:
            till.stop(f"{told} The last one ends: {_end_of(made.reply)} {_ALL_THE_SAME}")

    async def work() -> None:
        while queue:
            ask = queue.popleft()
            if not await till.begin(ask):
                queue.appendleft(ask)
                return
            made: Judgement | None = None
            try:
                bound = till.bound(ask)
                desk.begin(bound)
                reply = await caller.call(ask.request)
                made = msgspec.structs.replace(judged(ask, way, reply), cost_at_most_usd=bound.at_most_usd)
                desk.keep(made)
                note(made, reply.code)
            finally:
                await till.end(ask, made)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(pace.at_once):
                group.create_task(work())
    except BaseExceptionGroup as several:  # what stopped the first of the tasks is what is told
        raise several.exceptions[0] from several
    return till.reason if queue else None


def _end_of(reply: str) -> str:
    """Return the last line of a reply, or its end, in quotation marks."""
    line = next((one.strip() for one in reversed(reply.splitlines()) if one.strip()), "")
    return f'"{line}".' if len(line) <= _SHOWN else f'"…{line[-_SHOWN:]}".'
